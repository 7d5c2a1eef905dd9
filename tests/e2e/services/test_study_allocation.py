"""A study whose names share what is invested by an optimisation method."""

import numpy as np
import pytest
from planted_market import planted_bars

from tradewright.domain.errors import ConfigError
from tradewright.services.runs import Run
from tradewright.services.studies import Study


def page_with(planted_page, **decision):
    return {**planted_page, "decision": {**planted_page["decision"], **decision}}


def weights_at(run, row):
    """Weights held at the close of a bar, by symbol, from the fills until then."""
    fills = run.outcome.fills
    fills = fills[fills["bar"] <= row]
    qty = np.zeros(run.bars.n_instruments)
    np.add.at(qty, fills["instrument"], fills["side"] * fills["qty"] / 1e8)
    value = qty * run.bars.close[row]
    return value / (run.outcome.equity[row] / 100)


def test_method_shares_what_the_rule_invests(space, planted_page):
    space.bars.write(planted_bars(0.9), ts_known=space.clock.now_ns())
    decision = {
        "rule": "proportional", "method": "inverse_volatility", "method_window": 60,
        "rebalance": 20, "max_weight": 0.9,
    }  # fmt: skip
    study = Study.from_mapping(page_with(planted_page, **decision))
    run = study.run(space)
    assert any("weights by inverse_volatility" in text for text in run.extras.assumptions)
    bars = run.bars
    checked = 0
    for row in sorted(set(run.outcome.fills["bar"].tolist()))[:4]:
        held = weights_at(run, row)
        names = np.flatnonzero(held > 1e-9)
        if len(names) < 2:
            continue
        # Decided at the close before the fill, from the 60 returns that end there.
        closes = bars.close[row - 61 : row][:, names]
        sd = (closes[1:] / closes[:-1] - 1).std(axis=0, ddof=1)
        expected = 1 / sd / (1 / sd).sum()
        assert held[names] / held[names].sum() == pytest.approx(expected, abs=0.03)
        checked += 1
    assert checked
    # The stored page brings the method back.
    assert Run.load(run.run_id, space).config["decision"]["method"] == "inverse_volatility"


def test_wrong_method_is_refused_before_anything_runs(space, planted_page):
    with pytest.raises(ConfigError, match="did you mean 'risk_parity'"):
        Study.from_mapping(page_with(planted_page, method="risk_parit"))
    with pytest.raises(ConfigError, match="long_only"):
        Study.from_mapping(page_with(planted_page, method="risk_parity", long_only=False))
    with pytest.raises(ConfigError, match="wanted at least 252"):
        Study.from_mapping(page_with(planted_page, method="factor_based", method_window=60))

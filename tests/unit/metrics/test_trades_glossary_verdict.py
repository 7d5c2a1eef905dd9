"""Round trips by hand; one glossary; the word and sentence of the verdict."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tradewright.domain.errors import ConfigError
from tradewright.domain.outcome import TRIP_DTYPE
from tradewright.metrics import glossary
from tradewright.metrics.acceptance import AcceptanceLimits, accept
from tradewright.metrics.benchmark import relative_performance
from tradewright.metrics.returns import performance
from tradewright.metrics.trades import excursions, trade_metrics
from tradewright.metrics.verdict import Evidence, judge

ROOT = Path(__file__).parents[3]
GOOD = Evidence(0.97, 1, 0.3, 1.9, 0.2, "the universe", leak_ok=True, health_ok=True)


def trips(*pnl: int, held: int = 3, is_open: bool = False) -> np.ndarray:
    rows = np.zeros(len(pnl), TRIP_DTYPE)
    rows["pnl"], rows["side"], rows["is_open"] = pnl, 1, is_open
    rows["exit_bar"], rows["return_"] = held, np.array(pnl) / 10_000
    rows["entry_px"] = 100.0
    return rows


def test_trade_metrics_by_hand() -> None:
    found = trade_metrics(trips(300, 100, -200, -100, 0, 500))
    assert found["trades"] == 6
    assert found["win_rate"] == pytest.approx(3 / 6)
    assert found["profit_factor"] == pytest.approx(900 / 300)
    assert found["expectancy"] == pytest.approx(1.0)
    assert found["average_win"] == pytest.approx(3.0)
    assert found["average_loss"] == pytest.approx(-1.5)
    assert found["payoff_ratio"] == pytest.approx(2.0)
    assert found["best_trade"] == pytest.approx(0.05)
    assert found["worst_trade"] == pytest.approx(-0.02)
    assert found["mean_holding_bars"] == 3
    assert found["longest_winning_streak"] == 2
    assert found["longest_losing_streak"] == 2


def test_open_trips_are_counted_apart() -> None:
    both = np.concatenate([trips(100), trips(-900, is_open=True)])
    found = trade_metrics(both)
    assert (found["trades"], found["open_trades"], found["win_rate"]) == (1, 1, 1.0)
    assert math.isnan(found["profit_factor"])


def test_no_trip_is_nan_without_warning(recwarn: pytest.WarningsRecorder) -> None:
    found = trade_metrics(trips())
    assert found["trades"] == 0
    assert math.isnan(found["win_rate"])
    assert math.isnan(found["best_trade"])
    assert not recwarn.list


def test_excursions_of_long_and_short() -> None:
    rows = trips(1, 1, held=1)
    rows["side"] = [1, -1]
    high, low = np.array([[101.0], [110.0], [999.0]]), np.array([[95.0], [99.0], [1.0]])
    adverse, favourable = excursions(rows, high, low)
    assert adverse.tolist() == pytest.approx([-0.05, -0.10])
    assert favourable.tolist() == pytest.approx([0.10, 0.05])


def test_excursions_pass_over_bars_without_prices() -> None:
    rows = trips(1, 1, 1, held=2)
    rows["instrument"] = [1, 0, 1]
    rows["entry_bar"] = [0, 0, 3]
    rows["exit_bar"] = [2, 2, 3]
    gap = np.nan
    high = np.array([[103.0, 101.0], [104.0, gap], [102.0, 108.0], [999.0, gap]])
    low = np.array([[99.0, 97.0], [98.0, gap], [99.5, 96.0], [1.0, gap]])
    adverse, favourable = excursions(rows, high, low)
    assert adverse.tolist() == pytest.approx([-0.04, -0.02, 0.0])
    assert favourable.tolist() == pytest.approx([0.08, 0.04, 0.0])


def test_glossary_page_is_current() -> None:
    page = (ROOT / "docs" / "reference" / "metrics.md").read_text("utf-8")
    assert page == glossary.glossary_page()


def test_glossary_is_complete() -> None:
    assert len(glossary.METRICS) >= 30
    units = {"fraction", "ratio", "count", "bars", "sessions", "money", "bps", "score"}
    for entry in glossary.METRICS:
        assert entry.group in glossary.GROUPS
        assert entry.unit in units | {"probability"}
        assert all((entry.label, entry.definition, entry.formula, entry.convention))
        assert entry.better in (-1, 0, 1)


def test_every_computed_metric_has_its_entry() -> None:
    r = np.array([0.01, -0.02, 0.03])
    computed = {
        *performance(r, periods_per_year=252),
        *relative_performance(r, r * 2, periods_per_year=252),
        *trade_metrics(trips(1)),
    }
    assert computed <= set(glossary.BY_NAME)


def test_unknown_metric_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'sharpe'"):
        glossary.metric("sharp")


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("total_return", -0.05, "−5.00%"),
        ("expectancy", 1234.5, "1\u2009234.50 USD"),
        ("sharpe", 1.234, "1.23"),
        ("sharpe", math.nan, "–"),
        ("sharpe", None, "–"),
        ("p_value", 0.04567, "0.046"),
        ("recovery_sessions", math.inf, "–"),
    ],
)
def test_values_are_written_in_their_unit(name: str, value: float, wanted: str) -> None:
    assert glossary.format_value(name, value) == wanted


@pytest.mark.parametrize(
    ("changes", "word", "says"),
    [
        ({}, "supported", "Believe it: .* 1 trial .*20.0 percentage points more than"),
        (
            {"excess_return": -0.1},
            "supported",
            "no reason to trade: buy.*earned 10.0 percentage points more",
        ),
        ({"deflated_sharpe": 0.92}, "weak", "only in part"),
        ({"backtest_overfit": 0.5}, "weak", "overfitted .*0.50, wanted 0.20"),
        ({"backtest_overfit": 0.2}, "supported", "Believe it"),
        ({"alpha_t": 1.2}, "weak", "holding the universe may explain it .t of alpha 1.20"),
        ({"alpha_t": 1.7}, "supported", "Believe it"),
        ({"alpha_t": -3.0, "deflated_sharpe": 0.92}, "weak", "may be luck"),
        ({"deflated_sharpe": 0.5, "n_trials": 40}, "no evidence", "after 40 trials luck"),
        ({"sharpe_low": -0.1}, "no evidence", "may be zero"),
        ({"control_p": 0.3}, "no evidence", "shuffled labels"),
        ({"deflated_sharpe": math.nan}, "no evidence", "do not vary"),
        ({"leak_ok": False, "leak_summary": "column x"}, "leak", "column x"),
        ({"completed": False, "stop_reason": "cancelled"}, "incomplete", "cancelled"),
        ({"excess_return": math.nan}, "supported", "no benchmark"),
    ],
)
def test_verdict(changes: dict[str, object], word: str, says: str) -> None:
    import re

    found = judge(replace(GOOD, **changes))  # type: ignore[arg-type]
    assert found.word == word
    assert re.search(says, found.sentence)
    assert found.may_show_performance == (word not in ("leak", "incomplete"))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"leak_ok": None}, "leak guard did not run"),
        ({"health_ok": None}, "gate did not run"),
        ({"health_ok": False}, "fail the health gate"),
        ({"costs_charged": False}, "No costs"),
        ({"double_cost_return": -0.1}, "twice the costs"),
        ({"accepted": False}, "acceptance"),
        ({"path_dependent_share": 0.2}, "20% of the fills"),
    ],
)
def test_verdict_cautions(changes: dict[str, object], says: str) -> None:
    assert judge(GOOD).cautions == ()
    found = judge(replace(GOOD, **changes)).cautions  # type: ignore[arg-type]
    assert len(found) == 1
    assert says in found[0]


def test_acceptance_compares_each_threshold() -> None:
    good = {"sharpe": 0.5, "max_drawdown": -0.2, "win_rate": 0.45}
    assert all(check.ok for check in accept(good))
    for name, bad in (("sharpe", 0.49), ("max_drawdown", -0.21), ("win_rate", math.nan)):
        failed = [check.metric for check in accept({**good, name: bad}) if not check.ok]
        assert failed == [name]


def test_acceptance_limit_out_of_range_is_refused() -> None:
    with pytest.raises(ConfigError, match="max_drawdown_threshold is 20"):
        AcceptanceLimits(max_drawdown_threshold=20)
    with pytest.raises(ConfigError, match="min_win_rate is 45"):
        AcceptanceLimits(min_win_rate=45)


def test_a_few_weeks_prove_nothing() -> None:
    short = judge(replace(GOOD, sessions=59))
    assert short.word == "no evidence"
    assert "59 sessions are too few to judge by (wanted 60)" in short.sentence
    assert judge(replace(GOOD, sessions=60)).word == "supported"

"""Why was this held: a study by signals, run, stored and explained from the command line."""

import json

import pytest

from tradewright.app import bootstrap
from tradewright.app.cli import frame, main
from tradewright.portfolio.decision import SignalQuery, outcomes_of, performance_of
from tradewright.services.decisions import load_decisions
from tradewright.services.runs import Run

SIGNALS = "{confidence_threshold: 0.1, max_uncertainty: 1, sizer: volatility_target}"
SMALL = [
    "--set", "data.end=2012-06-01", "--set", "validation.controls=1",
    "--set", "validation.training_days=252", "--set", "decision.rule=signal",
    "--set", f"decision.signals={SIGNALS}",
]  # fmt: skip


@pytest.fixture(scope="module")
def tradewright(tmp_path_factory):
    """Run the program on one data directory; returns the exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRADEWRIGHT_PATHS__DATA_DIR", str(tmp_path_factory.mktemp("data")))
        patch.delenv("DATA_DIR", raising=False)

        def call(*words):
            bootstrap.open_workspace.cache_clear()
            bootstrap.settings.cache_clear()
            patch.setattr(frame, "COMMON", frame.Common())
            return main.run(list(words))

        assert call("study", "run", "ridge", *SMALL) == 0
        yield call
    bootstrap.open_workspace.cache_clear()
    bootstrap.settings.cache_clear()


def test_each_held_weight_is_explained_factor_by_factor(tradewright, capsys):
    tradewright("--help")
    space = bootstrap.open_workspace()
    history = load_decisions("latest", space)
    bought = history.find(SignalQuery(action="BUY"))[0]
    day = bought.timestamp.date().isoformat()
    capsys.readouterr()
    assert tradewright("study", "show", "latest", "--symbol", bought.symbol, "--date", day) == 0
    text = capsys.readouterr().out
    assert f"BUY, hold {100 * bought.position_size:.1f} % of equity" in text
    assert "Why this direction" in text
    assert "volatility_target" in text
    assert "limit max_position_size" in text
    assert "Protection" in text
    code = tradewright(
        "study", "show", "ridge", "--symbol", bought.symbol.lower(), "--date", day, "--json"
    )
    document = json.loads(capsys.readouterr().out)
    assert code == 0
    assert document["id"] == bought.id
    # The study sent what it decided: the fill of the next bar has the size that is explained.
    run = Run.load("latest", space)
    rows = run.outcome.fills
    column = run.bars.symbols.index(bought.symbol)
    bar = int((run.outcome.ts <= bought.ts_known).sum())
    fills = rows[(rows["instrument"] == column) & (rows["bar"] == bar)]
    held = rows[(rows["instrument"] == column) & (rows["bar"] <= bar)]
    qty = float((held["side"].astype(float) * held["qty"]).sum()) / 1e8
    equity = run.outcome.equity[bar - 1] / 100
    assert len(fills) >= 1
    assert qty * bought.price / equity == pytest.approx(bought.position_size, abs=0.002)


def test_outcomes_of_a_run_are_measured_by_model(tradewright, capsys):
    tradewright("--help")
    space = bootstrap.open_workspace()
    run, history = Run.load("latest", space), load_decisions("latest", space)
    closes = {name: run.bars.close[:, at] for at, name in enumerate(run.bars.symbols)}
    rows = performance_of(outcomes_of(history.signals, run.bars.ts, closes), by="model")
    assert {row["sessions"] for row in rows} == {1, 5, 20}
    assert all(row["count"] > 20 and 0 <= row["low"] <= row["hit_rate"] <= row["high"] <= 1
               for row in rows)  # fmt: skip


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("latest", "--date", "2012-01-03"), 2, "name its instrument with --symbol"),
        (("latest", "--symbol", "APPL"), 1, "did you mean 'AAPL'"),
        (("latest", "--symbol", "AAPL", "--date", "2001-01-01"), 1, "until 2001-01-01; first on"),
        (("ridg", "--symbol", "AAPL"), 1, "did you mean 'ridge'"),
    ],
)
def test_what_cannot_be_explained_is_said(tradewright, capsys, words, code, says):
    capsys.readouterr()
    assert tradewright("study", "show", *words) == code
    assert says in capsys.readouterr().err


def test_check_tells_where_a_study_goes_beyond_the_account(tradewright, capsys):
    capsys.readouterr()
    assert tradewright("study", "check", "ridge", "--quick", "--set", "data.end=2012-06-01",
                       "--set", "decision.max_weight=0.5") == 0  # fmt: skip
    assert "decision.max_weight 0.5 is above the account limit 0.2" in capsys.readouterr().out

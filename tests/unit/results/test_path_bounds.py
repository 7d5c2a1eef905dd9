"""What the order of prices inside a bar is worth: both ends, the verdict and the report."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

import tradewright as tw
from tradewright.adapters.stores.memory_runs import MemoryRunStore
from tradewright.domain.bars import Bars
from tradewright.domain.instruments import Instrument
from tradewright.metrics.verdict import Evidence, judge
from tradewright.services.results.exports import json_of

DAY_NS = 86_400 * 10**9


def wide_bars(n_bars: int = 80) -> Bars:
    """Bars that open and close at 100 and pass 90 and 110 in between."""
    flat = np.full((n_bars, 1), 100.0)
    ts = (np.arange(n_bars) + 19_000) * DAY_NS
    return Bars((Instrument("A"),), ts, flat, flat + 10, flat - 10, flat, np.full_like(flat, 1e6))


class Brackets(tw.Strategy):
    """Enters on every bar while flat, with a stop 5 below and a target 5 above."""

    def on_bar(self, ctx, bar):
        if ctx.position() == 0:
            ctx.bracket(10, stop=95.0, target=105.0)


def signals(bars: Bars) -> tw.Signals:
    entries = np.ones((bars.n_bars, 1), dtype=bool)
    return tw.Signals(entries, np.zeros_like(entries), size=0.1, stop=0.05, target=0.05)


@pytest.mark.parametrize("intrabar", ["pessimistic", "optimistic", "ohlc"])
def test_both_ends_are_told_whatever_was_assumed(intrabar: str) -> None:
    bars = wide_bars()
    config = {"rules": {"intrabar": intrabar}}
    run = tw.backtest(Brackets(), bars, costs=None, config=config)
    # 79 entries at 100: ten units lose, or win, 5 each time.
    assert run.outcome.path_dependent_fills == 79
    assert run.path_bounds == {"pessimistic": 96_050.0, "optimistic": 103_950.0}


def test_a_gap_above_a_twentieth_of_the_profit_is_a_warning() -> None:
    bars = wide_bars()
    run = tw.backtest(signals(bars), bars, costs=None)
    assert any("Which price came first inside a bar" in text for text in run.verdict.cautions)
    text = json.loads(json_of(run))["path_bounds"]
    assert text["pessimistic"] == run.outcome.equity[-1] / 100 < text["optimistic"]
    assert text["path_dependent_fills"] == 79


@pytest.mark.parametrize(("gap", "warns"), [(0.04, False), (0.06, True), (np.inf, True)])
def test_the_warning_starts_at_five_percent(gap: float, warns: bool) -> None:
    evidence = Evidence(
        deflated_sharpe=0.99,
        n_trials=1,
        sharpe_low=0.5,
        sharpe_high=1.5,
        excess_return=0.1,
        benchmark="A",
        path_gap=gap,
        path_dependent_share=0.5,
    )
    found = [text for text in judge(evidence).cautions if "inside a bar" in text]
    assert bool(found) == warns


def test_stored_runs_keep_both_ends_and_the_report_shows_them(tmp_path) -> None:
    workspace = SimpleNamespace(runs=MemoryRunStore())
    bars = wide_bars()
    run = tw.backtest(Brackets(), bars, costs=None)
    run.save(workspace, report=False)
    stored = tw.Run.load(run.run_id, workspace)
    assert stored.made_of is None
    assert stored.path_bounds == run.path_bounds
    page = tmp_path / "run.html"
    run.to_html(page)
    shown = page.read_text()
    assert "79 of 158 fills depend on the order of prices inside a bar" in shown
    assert "96,050.00 USD if the worse always came first, 103,950.00 if the better did" in shown


def test_without_doubtful_fills_both_ends_are_the_result() -> None:
    bars = tw.sample_bars(["AAPL"], start="2016-01-01")
    run = tw.backtest("buy_and_hold", bars)
    final = run.outcome.equity[-1] / 100
    assert run.path_bounds == {"pessimistic": final, "optimistic": final}

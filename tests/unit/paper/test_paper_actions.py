"""Paper sessions on prices as traded: splits and dividends on the record, recovered with it."""

from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest
from test_paper_sessions import (
    SYMBOLS,
    CrashingJournal,
    backtest_plan,
    begin,
    entries,
    workspace,
)

import tradewright as tw
from tradewright.adapters.stores.journal import MemoryJournal
from tradewright.app.clock import WallClock
from tradewright.domain.actions import ActionKind, CorporateAction
from tradewright.domain.time import to_ns
from tradewright.engine import run_loop
from tradewright.marketdata import sample_bars
from tradewright.services.backtest import TapeFeed, loop_setup, open_venue, run_outcome
from tradewright.services.backtest_plan import plan_backtest
from tradewright.services.paper import PaperTrading
from tradewright.services.paper.parity import _Kept, parity
from tradewright.services.paper.recorder import JournalRecorder
from tradewright.services.paper.state import SessionState
from tradewright.services.results.manifest import digest_of

__all__ = ["workspace"]


def raw_sample(symbols=SYMBOLS):
    """The sample as if its prices were as traded, AAPL divided by 7 in March 2016."""
    bars = sample_bars(list(symbols))
    row = int(np.searchsorted(bars.ts, to_ns(datetime(2016, 3, 1, tzinfo=UTC))))
    factor = np.ones(bars.close.shape)
    factor[:row, bars.column("AAPL")] = 7.0
    prices = {name: getattr(bars, name) * factor for name in ("open", "high", "low", "close")}
    raw = replace(bars, **prices, volume=bars.volume / factor, adjustment="none", data_version="")
    return raw.with_actions(
        [
            CorporateAction("AAPL", ActionKind.SPLIT, date(2016, 3, 1), 7.0),
            CorporateAction("MSFT", ActionKind.CASH_DIVIDEND, date(2016, 5, 17), 0.36,
                            pay_date=date(2016, 6, 9)),
        ]
    )  # fmt: skip


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("appends", [None, 9, 30])
def test_a_session_on_prices_as_traded_is_its_backtest_and_recovers(
    workspace, monkeypatch, appends
):
    import tradewright.marketdata

    raw = raw_sample()
    monkeypatch.setattr(tradewright.marketdata, "sample_bars", lambda symbols: raw)
    wanted = run_outcome(backtest_plan(raw))
    assert len(wanted.effects)
    if appends is None:
        paper = begin(workspace)
    else:
        begin(replace(workspace, journal=CrashingJournal(workspace.journal, appends))).wait(60)
        paper = PaperTrading(workspace)
        paper.resume()
    assert paper.wait(60)
    outcome = paper._session.outcome
    assert digest_of(outcome) == digest_of(wanted)
    state = paper._state()
    held = {s: h.qty for s, h in state.ledger.holdings.items() if h.qty}
    assert state.ledger.cash_minor == outcome.cash[-1]
    kinds = [
        e.payload["entry"]["kind"]
        for e in entries(workspace, state.session_id)
        if e.kind == "posting"
    ]
    assert "action" in kinds
    assert held == dict(open_positions(outcome))
    report = parity("latest", workspace)
    assert (report.matched_share, report.gap_minor, report.differences) == (1.0, 0, ())


def open_positions(outcome):
    from tradewright.ledger import ledger_of

    return {s: h.qty for s, h in ledger_of(outcome).holdings.items() if h.qty}


class Rests(tw.Strategy):
    """Buys at once, and lets a limit rest over the split."""

    name = "rests"

    def __init__(self):
        self.told = []

    def on_bar(self, ctx, bar):
        if bar.row == 0:
            ctx.buy(10, "AAPL")
            far = bar["AAPL"].close * 1.5
            self.resting = ctx.sell(10, "AAPL", limit=far)

    def on_order(self, ctx, event):
        self.told.append(event.status.name)


def test_an_order_that_rests_over_a_split_is_restated_on_the_record():
    first, last = date(2016, 2, 20), date(2016, 3, 10)
    plan = plan_backtest(
        Rests(), raw_sample(), config={"start_date": first, "end_date": last,
                                       "max_position_size": None, "max_drawdown_limit": None,
                                       "stop_loss_threshold": None},
    )  # fmt: skip
    journal = MemoryJournal()
    recorder = JournalRecorder(journal, "s", plan.bars, WallClock())
    venue = open_venue(plan)
    result = run_loop(loop_setup(plan, venue, TapeFeed(plan.bars.n_bars), recorder=recorder))
    assert not result.incidents
    assert result.ledger.position("AAPL") == 70 * 10**8
    tracked = result.desk.working[plan.what.resting]
    close = plan.bars.close[0, plan.bars.column("AAPL")]
    assert tracked.order.qty == 70 * 10**8
    assert tracked.order.limit_px == pytest.approx(close * 1.5 / 7 * 1e8, abs=2e6)
    rows = list(journal.read("s"))
    told = [e.payload["order"] for e in rows if e.kind == "restated"]
    assert [order["qty"] for order in told] == [70 * 10**8]
    kept = _Kept()
    again = loop_setup(plan, open_venue(plan), TapeFeed(plan.bars.n_bars), recorder=kept)
    run_loop(again)
    assert [order.qty for order in kept.orders] == [10 * 10**8, 70 * 10**8]
    state = SessionState("s")
    for entry in rows:
        if entry.kind in ("intent", "order", "fill", "restated"):
            state.apply(entry)
    assert state.orders[plan.what.resting].order == tracked.order

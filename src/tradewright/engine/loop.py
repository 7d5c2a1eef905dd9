"""The one loop: backtest and paper differ only in what is plugged into it."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from tradewright.domain.bars import Bars
from tradewright.domain.errors import CancelledError, TradewrightError
from tradewright.domain.forecasts import ForecastPanel
from tradewright.domain.orders import OrderEvent
from tradewright.domain.outcome import RunStatus
from tradewright.domain.time import from_ns
from tradewright.domain.universe import Universe
from tradewright.engine.comparable import Comparable, FactorSource
from tradewright.engine.context import RunContext
from tradewright.engine.desk import Desk, Recorder, StrategyFailure, Venue
from tradewright.engine.frames import FrameSource, IndicatorSource
from tradewright.engine.guard import Guard
from tradewright.engine.sleeves import Sleeves
from tradewright.engine.tape import Cursor, open_tape
from tradewright.engine.watchdog import Watchdog
from tradewright.ledger import Ledger, foreign
from tradewright.risk import RiskLimits

_PACKAGE: Final = str(Path(__file__).parents[1]) + os.sep


class RowFeed(Protocol):
    """Rows of a tape in order, as they become known; it may steer the desk between them."""

    def rows(self, desk: Desk) -> Iterator[int]:
        """Yield each row when it is known; ends when the tape or the run ends."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopSetup:
    """What a run is put together from.

    Parameters
    ----------
    bars : Bars
        The tape.
    feed : RowFeed
        Yields rows; the pace, progress and stopping are its business.
    venue : Venue
        Fills orders.
    strategy : object
        Has `on_bar` and any of the other hooks.
    run_id : str
        Part of every order id.
    initial_cash : int
        Minor units.
    currency : str
        Base currency.
    limits : RiskLimits
        Limits of the run; none by default.
    forecasts : ForecastPanel, optional
        For ``ctx.forecast``.
    indicators : callable, optional
        For ``ctx.indicator``.
    frames : callable, optional
        Gives the tape in coarser intervals.
    universe : Universe, optional
        Members by date, for ``ctx.universe``.
    factors : callable, optional
        Restates the past of prices as traded, for ``ctx.history``.
    recorder : Recorder, optional
        Keeps events while the run goes on.
    ledger : Ledger, optional
        The book; a new one with the initial cash by default.
    max_seconds_per_bar : float or None
        Time after which a hook that does not end fails the run; None waits for ever.
    guard : Guard, optional
        The risk layer; none by default.
    """

    bars: Bars
    feed: RowFeed
    venue: Venue
    strategy: Any
    run_id: str = "run"
    initial_cash: int = 0
    currency: str = "USD"
    limits: RiskLimits = field(default_factory=RiskLimits)
    forecasts: ForecastPanel | None = None
    indicators: IndicatorSource | None = None
    frames: FrameSource | None = None
    universe: Universe | None = None
    factors: FactorSource | None = None
    recorder: Recorder | None = None
    ledger: Ledger | None = None
    guard: Guard | None = None
    max_seconds_per_bar: float | None = None


@dataclass(frozen=True, slots=True)
class LoopResult:
    """How a run ended, beside what its venue recorded."""

    status: RunStatus
    message: str
    traceback: str
    rows: int
    desk: Desk
    log: Sequence[tuple[int, str]]
    denied: Sequence[OrderEvent]
    incidents: Sequence[str]

    @property
    def ledger(self) -> Ledger:
        """The book of the run."""
        return self.desk.ledger


def run_loop(setup: LoopSetup) -> LoopResult:
    """Run a strategy over a tape.

    For each row that becomes known: the venue processes the bar, fills go to the ledger and the
    strategy, the strategy looks at the bar, limits are checked, and what is wanted becomes orders
    at the venue. Nothing decided on a row can fill before the next one.

    Parameters
    ----------
    setup : LoopSetup
        Tape, feed, venue, strategy and limits.

    Returns
    -------
    LoopResult
        COMPLETED, CANCELLED (the feed or the user stopped it) or FAILED with the error; what
        happened until then stays in the ledger and at the venue.

    Notes
    -----
    Timing: see docs/concepts/life-of-a-bar.md.
    """
    cursor = Cursor()
    desk = open_desk(setup, cursor)
    ctx, venue, bar = desk.ctx, desk.venue, open_tape(setup.bars, cursor)
    advance, poll, listens = venue.advance, venue.poll, desk.listens
    on_bar, recorder = setup.strategy.on_bar, setup.recorder
    acts = desk.has_actions
    watches = setup.limits.needs_equity or setup.guard is not None
    hook, status, message, trace = "on_start", RunStatus.COMPLETED, "", ""
    try:
        with Watchdog(setup.strategy, cursor, setup.max_seconds_per_bar):
            setup_hook(desk, "on_start")
            hook = "on_bar"
            for row in setup.feed.rows(desk):
                cursor.row = desk.row = row
                ctx.account_seen = None
                if advance(row) is not False and listens:  # False: the venue knows of no news
                    fills, events = poll()
                    if fills or events or acts:
                        desk.receive(fills, events)
                if ctx.timers:
                    desk.ring()
                if ctx.staged is not None:
                    desk.stage()
                on_bar(ctx, bar)
                if watches:
                    desk.watch()
                if ctx.wanted or ctx.orders or ctx.cancels or desk.flatten or ctx.staged:
                    desk.send()
                if recorder is not None:
                    recorder.bar_done(row, ctx.account)
            setup_hook(desk, "on_stop")
    except (KeyboardInterrupt, CancelledError) as stop:
        status, message = RunStatus.CANCELLED, str(stop) or "stopped by the user"
    except Exception as error:
        status, trace = RunStatus.FAILED, traceback.format_exc()
        message = explain(error, hook, setup.bars, cursor.row)
    return LoopResult(
        status,
        message,
        trace,
        cursor.row + 1,
        desk,
        tuple(ctx.notes),
        tuple(desk.denied),
        tuple(desk.incidents),
    )


def open_desk(setup: LoopSetup, cursor: Cursor) -> Desk:
    """Put context, book and limits of a run together."""
    ledger = setup.ledger
    if ledger is None:
        ledger = Ledger(setup.currency, foreign(setup.bars.instruments, setup.currency))
        if setup.initial_cash:
            start = int(setup.bars.ts[0])
            ledger.transfer(setup.initial_cash, ts_event=start, ref="initial cash")
    ctx = RunContext(
        setup.bars,
        cursor,
        setup.venue,
        run_id=setup.run_id,
        currency=setup.currency,
        forecasts=setup.forecasts,
        indicators=setup.indicators,
        frames=setup.frames,
        universe=setup.universe,
        comparable=None if setup.factors is None else Comparable(setup.factors),
    )
    desk = Desk(
        ctx,
        setup.venue,
        setup.strategy,
        limits=setup.limits,
        ledger=ledger,
        sectors=[instrument.sector for instrument in setup.bars.instruments],
        recorder=setup.recorder,
        guard=setup.guard,
    )
    if isinstance(setup.strategy, Sleeves):
        setup.strategy.attach(desk, setup, cursor)
    return desk


def setup_hook(desk: Desk, name: str) -> None:
    """Call `on_start` or `on_stop` where the strategy has it."""
    hook = getattr(desk.strategy, name, None)
    if hook is not None:
        desk.call(name, hook)


def explain(error: BaseException, hook: str, bars: Bars, row: int) -> str:
    """Return one line that says what failed, where and at which bar.

    Parameters
    ----------
    error : BaseException
        What was raised.
    hook : str
        The hook that was being called.
    bars : Bars
        The tape.
    row : int
        The row at work; -1 before the first.

    Returns
    -------
    str
        Strategy errors name the hook, the line of code and the bar.
    """
    when = "before the first bar"
    if row >= 0:
        when = f"at bar {row} ({from_ns(int(bars.ts[row])).isoformat()})"
    cause = error
    if isinstance(error, StrategyFailure) and error.__cause__ is not None:
        hook, cause = str(error), error.__cause__
    elif isinstance(error, TradewrightError) and not _raised_under(error, hook):
        return f"{error} {when}"
    frames = traceback.extract_tb(cause.__traceback__)
    users = [f for f in frames if not f.filename.startswith(_PACKAGE)] or frames
    place = f" in {users[-1].filename}:{users[-1].lineno}" if users else ""
    return f"strategy raised in {hook} {when}: {type(cause).__name__}: {cause}{place}"


def _raised_under(error: BaseException, hook: str) -> bool:
    return any(frame.name == hook for frame in traceback.extract_tb(error.__traceback__))

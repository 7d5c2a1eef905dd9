"""One paper session in a thread: put together, run, recovered after a crash."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from tradewright.domain.errors import DataError, LedgerError
from tradewright.domain.money import from_minor
from tradewright.domain.outcome import Outcome, RunStatus
from tradewright.domain.time import from_ns
from tradewright.engine import LoopResult, run_loop
from tradewright.engine.desk import check_books
from tradewright.engine.guard import Guard
from tradewright.ledger import Ledger
from tradewright.risk.control import RiskEvent
from tradewright.risk.control.events import BREACHED
from tradewright.services.backtest import finish, loop_setup, open_venue
from tradewright.services.backtest_plan import BacktestPlan, plan_backtest, resolved_config
from tradewright.services.paper import events as e
from tradewright.services.paper.feed import PacedFeed
from tradewright.services.paper.growing import growing_parts
from tradewright.services.paper.recorder import JournalRecorder
from tradewright.services.paper.sources import PaperSource, resolve_source
from tradewright.services.paper.state import SessionState
from tradewright.services.risk.control import RiskControl
from tradewright.services.risk.following import RiskFollower
from tradewright.services.risk.guarding import PAPER, cost_rate, guard_for, risk_settings
from tradewright.services.risk.limits import StoredLimits
from tradewright.services.risk.telling import EVENT, RiskTeller
from tradewright.services.risk.watching import Heartbeat
from tradewright.services.workspace import Workspace
from tradewright.strategies import ForecastStrategy, ManagedPortfolio

if TYPE_CHECKING:
    from tradewright.engine.guard import Guard
    from tradewright.services.paper.publishing import PublishingRecorder

LOG = logging.getLogger("tradewright.paper")
_ENDS: Final = {
    RunStatus.COMPLETED: "FINISHED",
    RunStatus.CANCELLED: "STOPPED",
    RunStatus.FAILED: "FAILED",
}


def session_stream(session_id: str) -> str:
    """Return the journal stream of a session."""
    return f"paper:{session_id}"


def command_stream(session_id: str) -> str:
    """Return the journal stream in which any process writes commands for a session."""
    return f"paper-commands:{session_id}"


def new_session_id(now_ns: int, source: str) -> str:
    """Return the id of a session that starts now."""
    digest = hashlib.sha256(f"{now_ns}|{source}".encode()).hexdigest()[:6]
    return f"paper-{from_ns(now_ns):%Y%m%d-%H%M%S}-{digest}"


def plan_session(
    source: PaperSource, *, session_id: str, cash: float, first: date | None, last: date | None
) -> BacktestPlan:
    """Plan a session as the backtest of its window, under the session's own order ids.

    Parameters
    ----------
    source : PaperSource
        What trades.
    session_id : str
        Part of every order id.
    cash : float
        Cash at the start, in the base currency.
    first, last : date or None
        First and last day replayed.

    Returns
    -------
    BacktestPlan
        The same plan that a backtest of the window has, apart from its id.
    """
    # A copy names every setting as given, so the balance must be the session's own cash.
    balance = cash if cash > 0 else source.config.initial_balance
    config = replace(source.config, initial_balance=balance, start_date=first, end_date=last)
    plan = plan_backtest(source.strategy, source.bars, cash=cash, costs=source.costs, config=config)
    return replace(plan, run_id=session_id)


def started_payload(
    source: PaperSource, plan: BacktestPlan, *, speed: float | None
) -> dict[str, Any]:
    """Return the first event of a session: all that a restart needs."""
    bars, config = plan.bars, plan.config
    return {
        "name": source.name,
        "source": str(source.spec["source"]),
        "spec": dict(source.spec),
        "speed": speed,
        "cash_minor": plan.cash_minor,
        "currency": config.currency,
        "cost_rate": cost_rate(plan.costs),
        "start_date": None if config.start_date is None else str(config.start_date),
        "end_date": None if config.end_date is None else str(config.end_date),
        "n_bars": bars.n_bars,
        "symbols": list(bars.symbols),
        "interval": bars.interval,
        "data_version": source.bars.data_version,
        "risk": risk_settings(plan),
        "first_ns": int(bars.ts[0]),
        "last_ns": int(bars.ts[-1]),
    }


def replan(workspace: Workspace, session_id: str, begun: Mapping[str, Any]) -> BacktestPlan:
    """Plan a session again after a restart, from its first event.

    Raises
    ------
    DataError
        If the bars are not the same any more.
    """
    spec = begun["spec"]
    given = spec if spec["kind"] == "strategy" else {}
    source = resolve_source(
        workspace,
        spec.get("run_id", spec["source"]),
        symbols=given.get("symbols"),
        parameters=given.get("parameters"),
    )
    plan = plan_session(
        source,
        session_id=session_id,
        cash=float(from_minor(begun["cash_minor"], begun["currency"])),
        first=None if begun["start_date"] is None else date.fromisoformat(begun["start_date"]),
        last=None if begun["end_date"] is None else date.fromisoformat(begun["end_date"]),
    )
    found = (plan.bars.n_bars, int(plan.bars.ts[0]), int(plan.bars.ts[-1]))
    wanted = (begun["n_bars"], begun["first_ns"], begun["last_ns"])
    if found != wanted or source.bars.data_version != begun["data_version"]:
        raise DataError(
            f"paper session {session_id}: its bars changed since it started "
            f"({begun['n_bars']} bars, version {begun['data_version'] or 'unknown'}; "
            f"now {plan.bars.n_bars}, {source.bars.data_version or 'unknown'})"
        )
    return plan


def tell_limits(what: Any, guard: Guard | None) -> None:
    """Let a portfolio learn of the limits that are breached; other strategies are left alone."""
    if guard is None or not isinstance(what, ManagedPortfolio):
        return
    portfolio = what

    def on_event(event: RiskEvent) -> None:
        if event.kind == BREACHED:
            portfolio.on_limit(event.rule, event.scope, event.value, event.limit)

    guard.gate.subscribe(on_event)


class PaperSession:
    """A session that runs in a thread of this process.

    Parameters
    ----------
    workspace : Workspace
        Journal, bus and clock.
    session_id : str
        The session.
    plan : BacktestPlan
        What it runs.
    speed : float or None
        Bars a second; None is without waiting.
    on_end : callable
        Called when the thread ends.
    """

    def __init__(
        self,
        workspace: Workspace,
        session_id: str,
        plan: BacktestPlan,
        *,
        speed: float | None,
        on_end: Callable[[], None],
    ) -> None:
        self._workspace, self.session_id, self._plan = workspace, session_id, plan
        self._speed, self._on_end = speed, on_end
        self._name = plan.name
        self._ends: list[Callable[[], None]] = []
        self.outcome: Outcome | None = None
        self._thread = threading.Thread(target=self._run, name=f"paper {session_id}", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait for the end; return whether it came."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        recorder = None
        try:
            state = SessionState(self.session_id)
            expected: list[tuple[str, Mapping[str, Any]]] = []
            history: dict[int, list[str]] = {}
            seen = 0
            for entry in self._workspace.journal.read(session_stream(self.session_id)):
                state.apply(entry)
                if entry.kind in e.DURABLE and entry.payload["row"] >= 0:
                    expected.append((entry.kind, entry.payload))
                elif entry.kind == e.COMMAND:
                    history.setdefault(entry.payload["row"], []).append(entry.payload["name"])
                    seen = entry.payload["number"]
            self._name = state.started["name"]
            recorder = self._recorder(expected, state.row)
            reached = max([state.row, state.last_durable_row, *history], default=-1)
            self._play(recorder, history, reached, seen, state.ledger)
        except Exception as error:  # the thread's last line: keep the reason, change the state
            LOG.exception("paper session %s failed", self.session_id)
            self._end(recorder, "FAILED", f"{type(error).__name__}: {error}")
        finally:
            for end in self._ends:
                end()
            self._on_end()

    def _recorder(
        self, expected: list[tuple[str, Mapping[str, Any]]], last_mark: int
    ) -> PublishingRecorder:
        from tradewright.services.paper.publishing import PublishingRecorder

        return PublishingRecorder(
            self._workspace,
            self.session_id,
            self._plan.bars,
            expected=expected,
            last_mark=last_mark,
            currency=self._plan.config.currency,
        )

    def _play(
        self,
        recorder: PublishingRecorder,
        history: Mapping[int, list[str]],
        reached: int,
        seen: int,
        kept: Ledger,
    ) -> None:
        plan, clock = self._plan, self._workspace.clock
        guard = guard_for(plan, account=PAPER, always=True)
        assert guard is not None  # asked for in any case
        control = RiskControl(self._workspace.journal, self._workspace.data_dir, clock)
        teller = self._teller(guard, control, recorder)
        if isinstance(plan.what, ForecastStrategy):
            plan.what.journal = recorder.signals
        if isinstance(plan.what, ManagedPortfolio):
            plan.what.notify = recorder.alert
            tell_limits(plan.what, guard)
        self._ends.append(control.alerts.listen(self._workspace.bus))
        feed = PacedFeed(
            plan.bars,
            self._workspace.journal,
            recorder,
            clock,
            command_stream=command_stream(self.session_id),
            speed=self._speed,
            history=history,
            first_new_row=reached + 1,
            commands_seen=seen,
            heartbeat=Heartbeat(self._workspace.data_dir),
            follower=RiskFollower(
                control,
                self.session_id,
                guard,
                StoredLimits(self._workspace.journal, clock),
                control.alerts,
            ),
            teller=teller,
        )
        recorder.note((e.STATUS, clock.now_ns(), {"state": "RUNNING", "message": ""}))
        venue = open_venue(plan)
        ledger = Ledger.replay(kept.entries[:1], plan.config.currency)
        parts = {"recorder": recorder, "ledger": ledger, "guard": guard}
        result = run_loop(loop_setup(plan, venue, feed, **parts, **growing_parts(plan.bars)))
        if recorder.is_recovering and result.status is RunStatus.COMPLETED:
            raise LedgerError("the journal holds events that the recovery did not make again")
        check_books(ledger, venue.account())
        self.outcome = finish(venue.outcome(), result)
        state, message = _ENDS[result.status], result.message
        if feed.stop_reason is not None and result.status is RunStatus.COMPLETED:
            state, message = "STOPPED", feed.stop_reason
        self._save(result, state, message)
        self._end(recorder, state, message)

    def _teller(
        self, guard: Guard, control: RiskControl, recorder: PublishingRecorder
    ) -> RiskTeller:
        # What the gate does is told as it happens, but not again while a recovery repeats it.
        bus = self._workspace.bus
        guard.gate.subscribe(
            lambda event: None if recorder.is_recovering else bus.publish(EVENT, event.to_json())
        )
        profile = guard.gate.layer.table.profile
        return RiskTeller(bus, control, guard, profile=profile, about=recorder.about)

    def _save(self, result: LoopResult, state: str, message: str) -> None:
        # A session that ends becomes a stored run, so that it can be shown and compared.
        from tradewright.services.runs import Run

        if self.outcome is None or not len(self.outcome.ts):
            return
        outcome = self.outcome
        if state == "STOPPED":
            outcome = replace(outcome, status=RunStatus.CANCELLED, message=message)
        run = Run(
            outcome,
            self._plan.bars,
            name=self._name,
            kind="paper",
            config=resolved_config(self._plan),
            manifest={"run_id": self.session_id},
        )
        try:
            run.save(self._workspace)
        except Exception:  # the journal holds everything; the run can be made again from it
            LOG.exception("paper session %s: its run could not be stored", self.session_id)

    def _end(self, recorder: JournalRecorder | None, state: str, message: str) -> None:
        event = (e.ENDED, self._workspace.clock.now_ns(), {"state": state, "message": message})
        if recorder is not None:
            recorder.note(event)
        else:
            self._workspace.journal.append(session_stream(self.session_id), [event])

"""The paper account: start, steer and look at a session, from any process."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from tradewright.domain.errors import ConfigError, RefusedError
from tradewright.ledger import Ledger, foreign
from tradewright.services.backtest_plan import DEFAULT_CASH
from tradewright.services.paper import events as e
from tradewright.services.paper.feed import REBALANCE
from tradewright.services.paper.lease import Lease
from tradewright.services.paper.outbox import newest_signals
from tradewright.services.paper.session import (
    PaperSession,
    command_stream,
    new_session_id,
    plan_session,
    replan,
    session_stream,
    started_payload,
)
from tradewright.services.paper.sources import parse_range, resolve_source
from tradewright.services.paper.state import SessionState
from tradewright.services.workspace import Workspace

DEFAULT_SPEED: Final = 5.0
INTERRUPTED: Final = "its process ended in the middle; `tradewright paper resume` goes on"
_IDLE: Final = SessionState("")


class PaperTrading:
    """The paper account of a data directory.

    Parameters
    ----------
    workspace : Workspace
        Journal, bars, runs, bus and clock.

    Notes
    -----
    One session runs at a time. Its state is the fold of its journal, so every method but `start`
    works from any process; commands are rows of the journal too and act before the next bar.
    After a crash the session is ``STOPPED`` with ``is_interrupted``; `resume` replays its journal,
    checks that the engine makes the same events again, and goes on behind the last one.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lease = Lease(workspace.data_dir / "paper")
        self._session: PaperSession | None = None
        self._states: dict[str, SessionState] = {}
        self._lock = threading.RLock()  # the server reads from several threads

    def start(
        self,
        source: str,
        *,
        cash: float | str = DEFAULT_CASH,
        speed: float | None = DEFAULT_SPEED,
        replay: str | None = None,
        symbols: Sequence[str] | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> str:
        """Start a session in a thread of this process.

        Parameters
        ----------
        source : str
            Id of a study's run, ``latest``, name or page of a study, or a reference strategy.
        cash : float or decimal text
            Cash at the start.
        speed : float or None
            Bars a second; None is without waiting.
        replay : str, optional
            ``FROM:TO`` dates, both included; the whole tape by default.
        symbols : sequence of str, optional
            Instruments of a reference strategy.
        parameters : mapping, optional
            Parameters of a reference strategy.

        Returns
        -------
        str
            Id of the session.

        Raises
        ------
        ConfigError
            If an argument is wrong or the source is unknown.
        NoDataError
            If the source has no forecasts or the range no bars.
        RefusedError
            If another session runs.
        """
        if speed is not None and not 0 < speed <= 1e6:
            raise ConfigError(f"speed is {speed}, wanted bars a second above 0, or max")
        first, last = parse_range(replay)
        found = resolve_source(self._workspace, source, symbols=symbols, parameters=parameters)
        now = self._workspace.clock.now_ns()
        session_id = new_session_id(now, source)
        plan = plan_session(found, session_id=session_id, cash=float(cash), first=first, last=last)
        self._lease.take(session_id)
        try:
            begun = started_payload(found, plan, speed=speed)
            currency = plan.config.currency
            ledger = Ledger(currency, foreign(plan.bars.instruments, currency))
            deposit = ledger.transfer(
                plan.cash_minor, ts_event=int(plan.bars.ts[0]), ref="initial cash"
            )
            posting = {"row": -1, "entry": deposit.to_json()}
            self._workspace.journal.append(
                session_stream(session_id), [(e.STARTED, now, begun), (e.POSTING, now, posting)]
            )
        except BaseException:
            self._lease.release()
            raise
        self._launch(session_id, plan, speed)
        return session_id

    def pause(self, reason: str = "") -> dict[str, Any]:
        """Switch entries off; the tape goes on and positions may shrink; return the status."""
        return self._command("pause", reason)

    def resume(self, reason: str = "") -> dict[str, Any]:
        """Switch entries on again, or go on with an interrupted session in this process."""
        state = self._state()
        if state.session_id and not state.ended and not self._lease.is_held(state.session_id):
            self._recover(state)
            return self.status()
        return self._command("resume", reason)

    def flatten(self, reason: str = "") -> dict[str, Any]:
        """Cancel what works, close what is held at the next open, leave entries off."""
        return self._command("flatten", reason)

    def rebalance(self, weights: Mapping[str, float], reason: str = "") -> dict[str, Any]:
        """Want weights of some instruments; they become orders at the next bar.

        Parameters
        ----------
        weights : mapping of str to float
            Signed fractions of equity by symbol of the tape.
        reason : str
            Kept with the command.
        """
        return self._command("rebalance", reason, name=REBALANCE + json.dumps(dict(weights)))

    def stop(self, reason: str = "") -> dict[str, Any]:
        """End the session; what is held stays on the record."""
        status = self._command("stop", reason)
        if self._session is not None and self._session.join(10.0):
            return self.status()
        return status

    def close(self, reason: str = "the process ended") -> None:
        """End the session in order if it runs in this process; one elsewhere goes on."""
        if self._session is not None and self._session.is_alive:
            with suppress(RefusedError):  # it ended by itself in this moment
                self.stop(reason)

    def status(self) -> dict[str, Any]:
        """Return what the last session does; ``IDLE`` where none was ever started.

        Returns
        -------
        dict
            JSON-ready; money is decimal text, times are RFC 3339 UTC.
        """
        with self._lock:
            state = self._state()
            line = state.status()
        line["is_interrupted"] = False
        if not state.session_id:
            line.update(state="IDLE", session_id=None, message="no session was started yet")
        elif not state.ended and not self._lease.is_held(state.session_id):
            line.update(state="STOPPED", is_interrupted=True, message=INTERRUPTED)
        return line

    def positions(self) -> list[dict[str, Any]]:
        """Return what is held, largest value first."""
        with self._lock:
            return self._state().positions()

    def orders(self, status: str | None = None) -> list[dict[str, Any]]:
        """Return the orders, newest first; of one status if given.

        Raises
        ------
        ConfigError
            If there is no such status.
        """
        from tradewright.domain.errors import nearest
        from tradewright.domain.orders import OrderStatus

        with self._lock:
            state = self._state()
            rows = [state.order_row(tracked) for tracked in reversed(state.orders.values())]
        if status is None:
            return rows
        wanted = status.upper()
        if wanted not in OrderStatus.__members__:
            known = [name.lower() for name in OrderStatus.__members__]
            raise ConfigError(f"order status {status!r} is not known; {nearest(status, known)}")
        return [row for row in rows if row["status"] == wanted]

    def fills(self) -> list[dict[str, Any]]:
        """Return our executions, newest first."""
        with self._lock:
            state = self._state()
            return [state.fill_row(fill) for fill in reversed(state.fills)]

    def equity(self) -> list[dict[str, Any]]:
        """Return time, equity and cash after each bar, oldest first."""
        with self._lock:
            state = self._state()
            return [state.equity_row(mark) for mark in state.marks]

    def told(self) -> dict[str, list[dict[str, Any]]]:
        """Return what the newest session told, oldest first.

        Returns
        -------
        dict
            ``signals``: the last 20 stored; ``alerts``: of a portfolio.
        """
        with self._lock:
            state = self._state()
            alerts = [{k: v for k, v in row.items() if k != "row"} for row in state.alerts]
        signals = newest_signals(self._workspace.journal, state.session_id)
        return {"signals": signals, "alerts": [{"account": "paper", **row} for row in alerts]}

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until the session of this process ends; return whether it did."""
        return self._session is None or self._session.join(timeout_s)

    def sessions(self) -> list[str]:
        """Return the ids of all sessions, oldest first."""
        streams = self._workspace.journal.streams()
        return [name.removeprefix("paper:") for name in streams if name.startswith("paper:")]

    def _launch(self, session_id: str, plan: Any, speed: float | None) -> None:
        session = PaperSession(
            self._workspace, session_id, plan, speed=speed, on_end=self._lease.release
        )
        self._session = session
        session.start()

    def _recover(self, state: SessionState) -> None:
        self._lease.take(state.session_id)
        try:
            plan = replan(self._workspace, state.session_id, state.started)
        except BaseException:
            self._lease.release()
            raise
        self._launch(state.session_id, plan, state.started["speed"])

    def _command(self, verb: str, reason: str, **more: Any) -> dict[str, Any]:
        state = self._state()
        if not state.session_id or state.ended:
            raise RefusedError(f"paper {verb}: no session runs")
        if not self._lease.is_held(state.session_id):
            raise RefusedError(f"paper {verb}: session {state.session_id}: {INTERRUPTED}")
        now = self._workspace.clock.now_ns()
        self._workspace.journal.append(
            command_stream(state.session_id), [(verb, now, {"reason": reason, **more})]
        )
        return self.status()

    def _state(self) -> SessionState:
        # The fold of the newest session's journal, continued from where it was left.
        known = self.sessions()
        if not known:
            return _IDLE
        session_id = known[-1]
        with self._lock:
            state = self._states.setdefault(session_id, SessionState(session_id))
            stream = session_stream(session_id)
            for entry in self._workspace.journal.read(stream, after_seq=state.seq):
                state.apply(entry)
        return state

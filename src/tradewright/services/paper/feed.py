"""A tape replayed at a chosen speed, steered by commands from any process."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tradewright.domain.bars import Bars
from tradewright.engine import Desk
from tradewright.ports.clock import Clock
from tradewright.ports.journal import LedgerStore
from tradewright.services.paper import events as e
from tradewright.services.paper.recorder import JournalRecorder
from tradewright.services.risk.following import PREFIX, RiskFollower
from tradewright.services.risk.telling import RiskTeller
from tradewright.services.risk.watching import Heartbeat

POLL_NS: Final = 100_000_000
PAUSED: Final = "paused by the user"
REBALANCE: Final = "rebalance:"
"""A command that begins so carries wanted weights as JSON."""


class PacedFeed:
    """Yields the rows of a tape and takes commands between them.

    Parameters
    ----------
    bars : Bars
        The tape.
    journal : LedgerStore
        Read for commands.
    recorder : JournalRecorder
        Keeps each command, with its row, before it acts.
    clock : Clock
        The wall clock, or a stepped one in tests.
    command_stream : str
        Where any process writes commands.
    speed : float or None
        Bars a second; None is without waiting.
    history : mapping of int to list of str
        Commands of an earlier life by the row before which they acted.
    first_new_row : int
        First row that the earlier life did not reach; rows before it are not paced.
    commands_seen : int
        Number of the last command of the earlier life.
    follower : RiskFollower, optional
        Tells what was halted or released in the meantime.
    heartbeat : Heartbeat, optional
        Gets a sign of life while the session runs.
    """

    def __init__(
        self,
        bars: Bars,
        journal: LedgerStore,
        recorder: JournalRecorder,
        clock: Clock,
        *,
        command_stream: str,
        speed: float | None,
        history: Mapping[int, list[str]],
        first_new_row: int = 0,
        commands_seen: int = 0,
        follower: RiskFollower | None = None,
        heartbeat: Heartbeat | None = None,
        teller: RiskTeller | None = None,
    ) -> None:
        self._follower, self._heartbeat, self._teller = follower, heartbeat, teller
        self._bars, self._journal, self._recorder, self._clock = bars, journal, recorder, clock
        self._stream, self._speed, self._history = command_stream, speed, history
        self._first_new, self._seen = first_new_row, commands_seen
        self._polled_ns = 0
        self.stop_reason: str | None = None
        self.state = "RUNNING"

    def rows(self, desk: Desk) -> Iterator[int]:
        """Yield each row when its time has come; ends with the tape or the command to stop."""
        due = self._clock.now_ns()
        step = 0 if self._speed is None else round(1e9 / self._speed)
        for row in range(self._bars.n_bars):
            for name in self._history.get(row, ()):
                self._act(desk, name)
            if row >= self._first_new:
                due = max(due + step, self._clock.now_ns() - step)
                if not self._wait(desk, row, due):
                    return
            yield row

    def _wait(self, desk: Desk, row: int, due: int) -> bool:
        # Wait for a row in short pieces, taking commands in between; False ends the session.
        while True:
            now = self._clock.now_ns()
            if now - self._polled_ns >= POLL_NS or due > now:
                self._polled_ns = now
                self._take_commands(desk, row)
                self._follow_risk(desk, row)
                if self.stop_reason is not None:
                    return False
            if now >= due:
                return True
            if not self._clock.sleep_until(min(due, now + POLL_NS)):
                self.stop_reason = "the process was asked to stop"
                return False

    def _take_commands(self, desk: Desk, row: int) -> None:
        for entry in self._journal.read(self._stream, after_seq=self._seen):
            self._seen = entry.seq
            payload = {"row": row, "name": entry.kind, "number": entry.seq, **entry.payload}
            self._recorder.note((e.COMMAND, entry.ts_event, payload))
            self._act(desk, str(payload["name"]))
            self._recorder.note((e.STATUS, entry.ts_event, self._status(entry.payload)))
            if entry.kind == "stop":
                self.stop_reason = str(entry.payload.get("reason") or "stopped by the user")

    def _follow_risk(self, desk: Desk, row: int) -> None:
        if self._heartbeat is not None:
            self._heartbeat.beat(self._clock.now_ns())
        if self._follower is not None:
            for name in self._follower.news():
                payload = {"row": row, "name": name, "number": self._seen}
                self._recorder.note((e.COMMAND, self._clock.now_ns(), payload))
                self._act(desk, name)
        if self._teller is not None:
            self._teller.tell(self._clock.now_ns())

    def _act(self, desk: Desk, name: str) -> None:
        if name.startswith(PREFIX) and self._follower is not None:
            self._follower.act(desk, name)
        elif name == "pause":
            desk.entries_off, self.state = PAUSED, "PAUSED"
        elif name == "resume":
            desk.entries_off, self.state = "", "RUNNING"
        elif name.startswith(REBALANCE):
            wanted = json.loads(name.removeprefix(REBALANCE))
            desk.ctx.rebalance({symbol: float(weight) for symbol, weight in wanted.items()})
        elif name == "flatten":
            desk.entries_off, self.state = "flattened by the user", "PAUSED"
            desk.flatten = True

    def _status(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"state": self.state, "message": str(payload.get("reason", ""))}

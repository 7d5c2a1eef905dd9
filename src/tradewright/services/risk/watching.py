"""The dead-man watcher: a process of its own that notices when the engine stops breathing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tradewright.domain.errors import ConfigError
from tradewright.domain.time import NS_PER_SECOND
from tradewright.services.risk.account import RUNNING, control_of

if TYPE_CHECKING:
    from tradewright.services.paper import PaperTrading
    from tradewright.services.workspace import Workspace

AFTER_S: Final = 60.0
BEAT_NS: Final = NS_PER_SECOND
ACTOR: Final = "dead-man watcher"


class Heartbeat:
    """A sign of life of a running session: the time of a file.

    Parameters
    ----------
    data_dir : Path
        Where the file stands.
    """

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "paper" / "heartbeat"
        self._beaten_ns = 0

    def beat(self, now_ns: int) -> None:
        """Give a sign, at most once a second."""
        if now_ns - self._beaten_ns >= BEAT_NS:
            self._beaten_ns = now_ns
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch()
            os.utime(self._path, ns=(now_ns, now_ns))

    def last_ns(self) -> int | None:
        """Return the time of the last sign; None where there never was one."""
        try:
            return self._path.stat().st_mtime_ns
        except FileNotFoundError:
            return None


@dataclass(frozen=True, slots=True)
class Alarm:
    """The engine gave no sign for too long, or gives one again."""

    session_id: str
    silent_s: float
    is_silent: bool
    is_halted: bool


def watch(
    workspace: Workspace,
    paper: PaperTrading,
    *,
    after_s: float = AFTER_S,
    cancel_all: bool = False,
) -> Iterator[Alarm]:
    """Watch the paper session until the clock is asked to stop.

    Parameters
    ----------
    workspace, paper
        As in `risk_status`.
    after_s : float
        Silence after which the alarm is given; > 0.
    cancel_all : bool
        Whether the account is halted then, which cancels what works when the engine comes back.

    Yields
    ------
    Alarm
        Once when it falls silent, and once when it is heard again.

    Raises
    ------
    ConfigError
        If the time is not positive.
    """
    if not after_s > 0:
        raise ConfigError(f"--after is {after_s}, wanted seconds above 0")
    clock, heartbeat = workspace.clock, Heartbeat(workspace.data_dir)
    pause = round(min(after_s / 4, 1.0) * NS_PER_SECOND)
    silent = ""
    while True:
        line, last = paper.status(), heartbeat.last_ns()
        runs = line["state"] in RUNNING and not line["is_interrupted"]
        age = (clock.now_ns() - last) / NS_PER_SECOND if runs and last is not None else 0.0
        if age > after_s and silent != line["session_id"]:
            silent = line["session_id"]
            if cancel_all:
                reason = f"no sign of session {silent} for {age:.0f} s"
                control_of(workspace).order("halt", "account:paper", actor=ACTOR, reason=reason)
            yield Alarm(silent, age, is_silent=True, is_halted=cancel_all)
        elif silent and age <= after_s:
            yield Alarm(silent, age, is_silent=False, is_halted=False)
            silent = ""
        if not clock.sleep_until(clock.now_ns() + pause):
            return

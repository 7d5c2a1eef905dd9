"""How many configurations of a family were tried, and the recorded way to begin counting anew."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from tradewright.domain.errors import ConfigError
from tradewright.domain.time import from_ns
from tradewright.services.workspace import Workspace

STREAM: Final = "trials"
RESET: Final = "trials_reset"


@dataclass(frozen=True, slots=True)
class TrialReset:
    """A named person's decision that earlier trials of a family count no more.

    Parameters
    ----------
    family : str
        Hash of data, universe, label and strategy.
    set_aside : int
        Trials that were counted until then; they stay in the store.
    actor, reason : str
        Who, and why.
    ts : int
        UTC nanoseconds.
    """

    family: str
    set_aside: int
    actor: str
    reason: str
    ts: int

    @property
    def note(self) -> str:
        """What the reader of a result must know of it."""
        return (
            f"trial counter set to 0 on {from_ns(self.ts):%Y-%m-%d} by {self.actor} "
            f"({self.set_aside} trials set aside): {self.reason}"
        )


def counted_trials(workspace: Workspace, family: str) -> tuple[float, ...]:
    """Return the per-period Sharpe ratio of every trial since the last reset; NaN without one."""
    past = trial_resets(workspace, family)
    first = sum(reset.set_aside for reset in past)
    return tuple(float(ratio) for ratio in workspace.runs.trials(family)[first:])


def trial_resets(workspace: Workspace, family: str) -> tuple[TrialReset, ...]:
    """Return the resets of a family, oldest first."""
    told = (entry.payload for entry in workspace.journal.read(STREAM) if entry.kind == RESET)
    return tuple(TrialReset(**payload) for payload in told if payload["family"] == family)


def reset_notes(workspace: Workspace, family: str) -> tuple[str, ...]:
    """Return what results of a family say of its resets."""
    return tuple(reset.note for reset in trial_resets(workspace, family))


def reset_trials(workspace: Workspace, family: str, *, actor: str, reason: str) -> TrialReset:
    """Count the trials of a family from 0 again; the record of it cannot be taken back.

    Parameters
    ----------
    workspace : Workspace
        Keeps trials and journal.
    family : str
        From the manifest of a run.
    actor, reason : str
        Who, and why; every later result of the family says both.

    Returns
    -------
    TrialReset
        What was recorded.

    Raises
    ------
    ConfigError
        If no reason is given or nothing was counted.
    """
    if not reason.strip():
        raise ConfigError("reset of trials: no reason is given, wanted why they count no more")
    counted = len(counted_trials(workspace, family))
    if not counted:
        raise ConfigError(f"family {family!r} has no trial to set aside")
    made = TrialReset(family, counted, actor, reason.strip(), workspace.clock.now_ns())
    payload: dict[str, Any] = asdict(made)
    workspace.journal.append(STREAM, [(RESET, made.ts, payload)])
    return made

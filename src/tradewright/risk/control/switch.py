"""The circuit breaker: which scopes may trade, why, and who said so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

from tradewright.domain.errors import ConfigError, RefusedError, nearest
from tradewright.domain.time import NS_PER_DAY, NS_PER_SECOND
from tradewright.risk.control.catalogue import PORTFOLIO, SCOPE_KINDS

USER: Final = "user"
STABLE_NS: Final = 60 * NS_PER_SECOND
_UNTIL_NEXT_SESSION: Final = ("daily_loss", "losing_trades")
_UNTIL_STABLE: Final = (
    "stale_data",
    "reconciliation",
    "unknown_orders",
    "limits",
    "clock",
    "drift",
    "anomaly",
    "data_quality",
)


class State(IntEnum):
    """What a scope may do; of several scopes the largest value holds."""

    NORMAL = 0
    REDUCE_ONLY = 1
    FLATTENING = 2
    HALTED = 3


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a scope is not NORMAL.

    Parameters
    ----------
    rule : str
        Key of the limit, ``user``, or another name.
    actor : str
        Who: a person, or ``risk`` for the layer itself.
    reason : str
        In words.
    ts : int
        When, UTC nanoseconds.
    """

    rule: str
    actor: str
    reason: str
    ts: int


@dataclass(frozen=True, slots=True)
class Change:
    """One transition, as it is written down: the fold of all of them is the switch.

    Parameters
    ----------
    verb : str
        ``reduce``, ``halt``, ``flatten``, ``flattened``, ``release`` or ``rearm``.
    scope : str
        ``portfolio``, ``account:ID`` or ``strategy:NAME``.
    cause : Cause
        Who and why.
    before, after : State
        State of the scope.
    reset_high_water : bool
        Whether a re-arm also forgets the high-water mark.
    """

    verb: str
    scope: str
    cause: Cause
    before: State
    after: State
    reset_high_water: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the change as values that JSON can hold; `Switch.read` takes them back."""
        return {
            "verb": self.verb,
            "scope": self.scope,
            "rule": self.cause.rule,
            "actor": self.cause.actor,
            "reason": self.cause.reason,
            "ts": self.cause.ts,
            "before": self.before.name,
            "after": self.after.name,
            "reset_high_water": self.reset_high_water,
        }


VERBS: Final = ("reduce", "halt", "flatten", "flattened", "release", "rearm")


def parse_scope(text: str) -> str:
    """Return the canonical name of a scope.

    Parameters
    ----------
    text : str
        ``all`` or ``portfolio``, ``account:ID``, ``strategy:NAME``.

    Returns
    -------
    str
        ``portfolio``, or the text as it is.

    Raises
    ------
    ConfigError
        If it is none of them.
    """
    if text in ("all", PORTFOLIO):
        return PORTFOLIO
    kind, colon, name = text.partition(":")
    if kind not in SCOPE_KINDS or kind == PORTFOLIO or not colon or not name.strip():
        hint = nearest(kind, ["all", "account:ID", "strategy:NAME"])
        raise ConfigError(f"scope {text!r} is not known; {hint}")
    return text


@dataclass(slots=True)
class _Standing:
    state: State = State.NORMAL
    causes: dict[str, Cause] = field(default_factory=dict)
    well_since: dict[str, int] = field(default_factory=dict)


class Switch:
    """State of every scope.

    Changes come back as `Change` values for the record; a refused one raises and changes nothing.

    Notes
    -----
    Several causes may hold a scope at REDUCE_ONLY; it is NORMAL again when the last is gone. What
    a user ordered is released by a user alone.
    """

    def __init__(self) -> None:
        self._scopes: dict[str, _Standing] = {}

    def state(self, scope: str) -> State:
        """Return the state of one scope by itself."""
        found = self._scopes.get(scope)
        return State.NORMAL if found is None else found.state

    def effective(self, scopes: Iterable[str]) -> tuple[State, str]:
        """Return the strictest state of some scopes, and the scope that has it."""
        best, where = State.NORMAL, ""
        if self._scopes:
            for scope in scopes:
                found = self._scopes.get(scope)
                if found is not None and found.state > best:
                    best, where = found.state, scope
        return best, where

    def causes(self, scope: str) -> tuple[Cause, ...]:
        """Return why a scope is not NORMAL, oldest first."""
        found = self._scopes.get(scope)
        return () if found is None else tuple(found.causes.values())

    def scopes(self) -> Mapping[str, State]:
        """Return the scopes that are not NORMAL."""
        return {name: s.state for name, s in sorted(self._scopes.items()) if s.state}

    def trip(self, verb: str, scope: str, cause: Cause) -> Change | None:
        """Make a scope stricter; None where it is as strict already for the same cause.

        Parameters
        ----------
        verb : str
            ``reduce``, ``halt`` or ``flatten``.
        scope : str
            See `parse_scope`.
        cause : Cause
            Why.

        Returns
        -------
        Change or None
            What happened, for the record.
        """
        wanted = {
            "reduce": State.REDUCE_ONLY,
            "halt": State.HALTED,
            "flatten": State.FLATTENING,
        }[verb]
        standing = self._scopes.setdefault(scope, _Standing())
        before = standing.state
        known = cause.rule in standing.causes
        standing.well_since.pop(cause.rule, None)
        if known and (before >= wanted or before is State.FLATTENING):
            return None
        standing.causes.setdefault(cause.rule, cause)
        # Any state may begin to flatten, also a halted one; nothing else moves to a laxer one.
        standing.state = wanted if verb == "flatten" else max(before, wanted)
        return Change(verb, scope, cause, before, standing.state)

    def flattened(self, scope: str, ts: int) -> Change | None:
        """Note that nothing is held any more: FLATTENING becomes HALTED."""
        standing = self._scopes.get(scope)
        if standing is None or standing.state is not State.FLATTENING:
            return None
        standing.state = State.HALTED
        cause = Cause("flattened", "risk", "every position is closed", ts)
        return Change("flattened", scope, cause, State.FLATTENING, State.HALTED)

    def well(self, scope: str, rule: str, ts: int) -> Change | None:
        """Note that a cause is gone; it is released after 60 s in which it did not come back.

        Parameters
        ----------
        scope, rule : str
            The cause.
        ts : int
            Now, UTC nanoseconds.

        Returns
        -------
        Change or None
            The release, when its time has come.
        """
        standing = self._scopes.get(scope)
        if standing is None or rule not in standing.causes or rule not in _UNTIL_STABLE:
            return None
        since = standing.well_since.setdefault(rule, ts)
        return self._release(scope, rule, ts) if ts - since >= STABLE_NS else None

    def next_session(self, ts: int) -> list[Change]:
        """Release what holds until the next session, if this is one (UTC days).

        Parameters
        ----------
        ts : int
            Now, UTC nanoseconds.

        Returns
        -------
        list of Change
            Releases of daily losses and losing trades of earlier days.
        """
        changes = []
        for scope, standing in self._scopes.items():
            for rule, cause in list(standing.causes.items()):
                ended = ts // NS_PER_DAY > cause.ts // NS_PER_DAY
                if rule in _UNTIL_NEXT_SESSION and ended:
                    change = self._release(scope, rule, ts)
                    changes += [change] if change else []
        return changes

    def rearm(
        self,
        scope: str,
        *,
        actor: str,
        reason: str,
        ts: int,
        may_write: bool = True,
        differences: Iterable[str] = (),
        reset_high_water: bool = False,
    ) -> Change:
        """Release a scope: a person does it, with a reason, on clean books.

        Parameters
        ----------
        scope : str
            See `parse_scope`.
        actor : str
            Name of the person.
        reason : str
            Why it may trade again.
        ts : int
            Now, UTC nanoseconds.
        may_write : bool
            Whether the person has the right ``risk:write``.
        differences : iterable of str
            What a reconciliation found; must be empty.
        reset_high_water : bool
            Whether the high-water mark is forgotten too; it is kept by default.

        Returns
        -------
        Change
            The release.

        Raises
        ------
        RefusedError
            Naming what is missing; the state is unchanged.
        """
        before = self.state(scope)
        found = list(differences)
        if not may_write:
            raise RefusedError(f"rearm {scope}: {actor or 'nobody'} has no right risk:write")
        if not actor.strip():
            raise RefusedError(f"rearm {scope}: a named person is wanted")
        if not reason.strip():
            raise RefusedError(f"rearm {scope}: a reason is wanted")
        if before is State.NORMAL:
            raise RefusedError(f"rearm {scope}: it is NORMAL, there is nothing to release")
        if before is State.FLATTENING:
            raise RefusedError(f"rearm {scope}: positions are still being closed")
        if found:
            raise RefusedError(f"rearm {scope}: the reconciliation is not clean: {found[0]}")
        self._scopes[scope] = _Standing()
        cause = Cause(USER, actor, reason, ts)
        return Change("rearm", scope, cause, before, State.NORMAL, reset_high_water)

    def read(self, payload: Mapping[str, Any]) -> None:
        """Take a change from the record; reading all of them in order gives the same switch."""
        scope = str(payload["scope"])
        standing = self._scopes.setdefault(scope, _Standing())
        cause = Cause(
            str(payload["rule"]), str(payload["actor"]), str(payload["reason"]), int(payload["ts"])
        )
        verb = str(payload["verb"])
        if verb == "rearm":
            self._scopes[scope] = _Standing()
        elif verb == "release":
            standing.causes.pop(cause.rule, None)
        elif verb != "flattened":
            standing.causes.setdefault(cause.rule, cause)
        self._scopes[scope].state = State[str(payload["after"])]

    def _release(self, scope: str, rule: str, ts: int) -> Change | None:
        standing = self._scopes[scope]
        del standing.causes[rule]
        standing.well_since.pop(rule, None)
        before = standing.state
        if before is State.REDUCE_ONLY and not standing.causes:
            standing.state = State.NORMAL
        cause = Cause(rule, "risk", "the cause is gone", ts)
        return Change("release", scope, cause, before, standing.state)

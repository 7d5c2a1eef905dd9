"""Alerts that make trading smaller: drift of a model, an anomaly, bad data."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from tradewright.domain.errors import ConfigError, NoDataError, nearest
from tradewright.domain.time import from_ns
from tradewright.ports.clock import Clock
from tradewright.ports.event_bus import EventBus
from tradewright.ports.journal import LedgerStore
from tradewright.risk.control import parse_scope

STREAM: Final = "risk-alerts"
SOURCES: Final = ("drift", "anomaly", "data_quality")
ACTIONS: Final = ("size_down", "reduce")
SIZE_DOWN: Final = 0.5
RAISED, CLEARED = "raised", "cleared"


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskAlert:
    """One alert that is in force.

    Parameters
    ----------
    scope : str
        ``portfolio``, ``account:ID`` or ``strategy:NAME``.
    source : str
        ``drift``, ``anomaly`` or ``data_quality``.
    action : str
        ``size_down`` scales the scope's limits by `factor`, ``reduce`` lets it only shrink.
    factor : float
        In (0, 1).
    reason : str
        What was found.
    actor : str
        Who or what raised it.
    ts : int
        When, UTC nanoseconds.
    """

    scope: str
    source: str
    action: str = "size_down"
    factor: float = SIZE_DOWN
    reason: str = ""
    actor: str = ""
    ts: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return it as values that JSON can hold, its time as text."""
        row = asdict(self)
        row["at"] = from_ns(row.pop("ts")).isoformat()
        row["scope"] = "all" if self.scope == "portfolio" else self.scope
        return row


class RiskAlerts:
    """The alerts of a data directory; running sessions follow them within a fraction of a second.

    Parameters
    ----------
    journal : LedgerStore
        Holds what was raised and cleared.
    clock : Clock
        Stamps it.
    """

    def __init__(self, journal: LedgerStore, clock: Clock) -> None:
        self._journal, self._clock = journal, clock

    def raise_(
        self,
        scope: str,
        source: str,
        *,
        action: str = "size_down",
        factor: float = SIZE_DOWN,
        reason: str,
        actor: str,
    ) -> RiskAlert:
        """Put an alert in force; a later one of the same scope and source takes its place.

        Raises
        ------
        ConfigError
            If a word is unknown, the factor is not in (0, 1), or reason or actor are missing.
        """
        for label, word, known in (("source", source, SOURCES), ("action", action, ACTIONS)):
            if word not in known:
                raise ConfigError(f"risk alert {label} {word!r}: {nearest(word, known)}")
        if not (isinstance(factor, int | float) and 0 < factor < 1):
            raise ConfigError(f"risk alert factor is {factor}, wanted between 0 and 1")
        if not reason.strip() or not actor.strip():
            raise ConfigError("risk alert: a reason and who raises it are wanted")
        alert = RiskAlert(
            scope=parse_scope(scope),
            source=source,
            action=action,
            factor=float(factor),
            reason=reason,
            actor=actor,
            ts=self._clock.now_ns(),
        )
        self._journal.append(STREAM, [(RAISED, alert.ts, asdict(alert))])
        return alert

    def clear(self, scope: str, source: str, *, reason: str, actor: str) -> RiskAlert:
        """End an alert: its cause is gone. What it reduced is released after 60 s without it.

        Raises
        ------
        NoDataError
            If no such alert is in force.
        ConfigError
            If the reason or who clears it is missing.
        """
        name = parse_scope(scope)
        if not reason.strip() or not actor.strip():
            raise ConfigError("risk alert: a reason and who clears it are wanted")
        found = [a for a in self.active() if (a.scope, a.source) == (name, source)]
        if not found:
            raise NoDataError(f"no {source} alert of {scope} is in force")
        payload = {**asdict(found[0]), "cleared_by": actor, "cleared_because": reason}
        self._journal.append(STREAM, [(CLEARED, self._clock.now_ns(), payload)])
        return found[0]

    def active(self) -> list[RiskAlert]:
        """Return the alerts in force, oldest first."""
        found: dict[tuple[str, str], RiskAlert] = {}
        for is_raised, alert in self.later(0)[0]:
            found.pop((alert.scope, alert.source), None)
            if is_raised:
                found[alert.scope, alert.source] = alert
        return list(found.values())

    def later(self, after_seq: int) -> tuple[list[tuple[bool, RiskAlert]], int]:
        """Return what was raised (True) and cleared (False) after an entry, and the last number."""
        found, last = [], after_seq
        names = RiskAlert.__dataclass_fields__
        for entry in self._journal.read(STREAM, after_seq=after_seq):
            last = entry.seq
            alert = RiskAlert(**{k: v for k, v in entry.payload.items() if k in names})
            found.append((entry.kind == RAISED, alert))
        return found, last

    def listen(self, bus: EventBus) -> Callable[[], None]:
        """Raise an alert for each event ``alert.drift``, ``alert.anomaly``, ``alert.data_quality``.

        Parameters
        ----------
        bus : EventBus
            A payload holds ``scope`` and ``reason``, and may hold ``action``, ``factor``, ``actor``
            and ``cleared: true``. One that is not valid is refused and logged by the bus.

        Returns
        -------
        callable
            Ends it.
        """

        def hear(topic: str, payload: Mapping[str, Any]) -> None:
            source = topic.removeprefix("alert.")
            who = {"reason": str(payload.get("reason", "")), "actor": payload.get("actor", topic)}
            if payload.get("cleared"):
                self.clear(str(payload["scope"]), source, **who)
                return
            factor = float(payload.get("factor", SIZE_DOWN))
            action = str(payload.get("action", "size_down"))
            self.raise_(str(payload["scope"]), source, action=action, factor=factor, **who)

        ends = [bus.subscribe(f"alert.{source}", hear) for source in SOURCES]

        def end() -> None:
            for one in ends:
                one()

        return end


def command_of(is_raised: bool, alert: RiskAlert) -> tuple[str, str, str, str]:
    """Return verb, scope, rule and text of the command by which a session follows an alert."""
    text = {"factor": alert.factor, "reason": alert.reason}
    if alert.action == "reduce":
        verb = "alert" if is_raised else "well"
        return verb, alert.scope, alert.source, json.dumps(text)
    factor = alert.factor if is_raised else 1.0
    return "size", alert.scope, alert.source, json.dumps({**text, "factor": factor})

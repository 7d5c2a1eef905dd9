"""What risk says while it happens: the standing of a live session, and what was ordered or broke.

Notices on the bus: ``risk`` is the whole status, as `risk_status` returns it; ``risk.event`` is one
warning, breach, denial, halt or release.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from tradewright.domain.errors import DataError, EdgeError
from tradewright.domain.time import from_ns
from tradewright.engine.guard import Guard
from tradewright.ports.event_bus import EventBus
from tradewright.ports.journal import JournalEntry
from tradewright.risk.control import Layer, State, distances
from tradewright.risk.control import events as e
from tradewright.services.risk.control import RiskControl

STATUS: Final = "risk"
EVENT: Final = "risk.event"
QUIET_NS: Final = 250_000_000
"""At most four notices of the status a second."""
MOST_EVENTS: Final = 100
_KINDS: Final = {
    State.NORMAL: e.RESUMED,
    State.REDUCE_ONLY: e.REDUCED,
    State.FLATTENING: e.FLATTENING,
    State.HALTED: e.HALTED,
}


class RiskTeller:
    """Tells subscribers how a live session stands beside its limits.

    Parameters
    ----------
    bus : EventBus
        Where it is told.
    control : RiskControl
        The durable switch.
    guard : Guard
        The session's own layer.
    profile : str or None
        Named set of limits it began with.
    about : callable
        Status line and equity at each bar so far.
    """

    def __init__(
        self,
        bus: EventBus,
        control: RiskControl,
        guard: Guard,
        *,
        profile: str | None,
        about: Callable[[], tuple[Mapping[str, Any], Sequence[float]]],
    ) -> None:
        self._bus, self._control, self._guard = bus, control, guard
        self._profile, self._about = profile, about
        self._told_ns = 0
        self._last: dict[str, Any] = {}

    def tell(self, now_ns: int) -> None:
        """Tell the status if it changed and the last notice is old enough."""
        if now_ns - self._told_ns < QUIET_NS:
            return
        self._told_ns = now_ns
        line, equity = self._about()
        layer = self._guard.gate.layer
        paper = standing(layer, self._guard.strategy, line, self._profile, equity)
        try:
            status = {**switch_status(self._control), "paper": paper}
        except (EdgeError, OSError):
            return  # the session itself stops entries for this; there is nothing sure to tell
        if status != self._last:
            self._last = status
            self._bus.publish(STATUS, status)


def switch_status(control: RiskControl) -> dict[str, Any]:
    """Return what is halted and why: ``state, scopes, alerts, is_halted_by_file, changes``."""
    switch = control.switch()
    scopes = [
        {
            "scope": shown_scope(name),
            "state": state.name,
            "causes": [
                {
                    "rule": cause.rule,
                    "actor": cause.actor,
                    "reason": cause.reason,
                    "at": from_ns(cause.ts).isoformat(),
                }
                for cause in switch.causes(name)
            ],
        }
        for name, state in switch.scopes().items()
    ]
    return {
        "state": max(switch.scopes().values(), default=State.NORMAL).name,
        "scopes": scopes,
        "alerts": [alert.to_json() for alert in control.alerts.active()],
        "is_halted_by_file": control.is_halted_by_file,
        "changes": sum(1 for _ in control.entries()),
    }


def standing(
    layer: Layer,
    strategy: str,
    line: Mapping[str, Any],
    profile: str | None,
    equity: Sequence[float],
) -> dict[str, Any]:
    """Return the paper account beside its limits.

    Parameters
    ----------
    layer : Layer
        Limits, prices and books as of now.
    strategy : str
        Name of its scope.
    line : mapping
        Status of the session: ``session_id, state, equity, currency``.
    profile : str or None
        Named set of limits.
    equity : sequence of float
        At each bar so far, for value at risk.

    Returns
    -------
    dict
        JSON-ready; figures that are not known are None.
    """
    scopes = [layer.scope(name) for name in (f"strategy:{strategy}", "account:paper", "portfolio")]
    account = scopes[1]
    rows = [row.to_json() for s in scopes for row in distances(layer, s) if row.key != "var_95"]
    return {
        "session_id": line["session_id"],
        "state": line["state"],
        "equity": line["equity"],
        "currency": line["currency"],
        "profile": profile,
        "day_loss": account.losses.daily,
        "drawdown": -account.losses.drawdown,
        "gross": account.book.gross / account.equity if account.equity > 0 else None,
        "measure": _measured(equity),
        "limits": rows,
    }


def recent_events(control: RiskControl) -> list[dict[str, Any]]:
    """Return what is on the durable record, newest first, in the form of a live event."""
    found = [event_of(entry) for entry in control.entries()]
    return found[-MOST_EVENTS:][::-1]


def event_of(entry: JournalEntry) -> dict[str, Any]:
    """Return a change on the record as an event: what happened where, by whom and why."""
    payload = entry.payload
    after = State[payload["after"]]
    return e.RiskEvent(
        kind=_KINDS[after],
        scope=payload["scope"],
        rule=payload["rule"],
        ts=entry.ts_event,
        value=math.nan,
        limit=math.nan,
        message=f"{payload['actor']}: {payload['reason']}",
        is_critical=after is not State.NORMAL,
    ).to_json()  # type: ignore[return-value]  # a dict, told as a mapping


def shown_scope(name: str) -> str:
    """Return the name of a scope as people give it."""
    return "all" if name == "portfolio" else name


def _measured(equity: Sequence[float]) -> dict[str, Any]:
    from tradewright.metrics.returns import returns_of
    from tradewright.risk.measures import measure

    try:
        found = measure(returns_of(list(equity))) if len(equity) > 1 else None
    except DataError as error:
        return {"method": "historical", "var": None, "es": None, "why": str(error)}
    if found is None or not math.isfinite(found.var):
        return {"method": "historical", "var": None, "es": None, "why": "no bar was marked yet"}
    return {
        "method": found.method,
        "var": found.var,
        "es": found.es,
        "level": found.level,
        "observations": found.n_observations,
        "low_sample": found.low_sample,
    }

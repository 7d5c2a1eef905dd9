"""A running session follows the durable switch, and writes down what its own gate does."""

from __future__ import annotations

import json
from typing import Any, Final

from tradewright.domain.errors import EdgeError, RefusedError
from tradewright.engine import Desk
from tradewright.engine.guard import Guard
from tradewright.risk.control import Cause, Change, LimitTable, RiskEvent, State, announce
from tradewright.risk.control.events import SCALED
from tradewright.risk.control.switch import USER
from tradewright.services.risk.alerts import SOURCES, RiskAlerts, command_of
from tradewright.services.risk.control import RiskControl
from tradewright.services.risk.limits import StoredLimits

PREFIX: Final = "risk|"
_RECORD: Final = "the record of risk does not answer"


class RiskFollower:
    """The durable switch as one session sees it.

    Parameters
    ----------
    control : RiskControl
        The record.
    session_id : str
        Its own changes are known to it and not taken twice.
    guard : Guard
        Its gate; every change it makes by itself is kept.
    limits : StoredLimits, optional
        Limits of everything the user runs; with the session's own, the tightest wins.
    alerts : RiskAlerts, optional
        What makes the limits smaller, or lets a scope only shrink.
    """

    def __init__(
        self,
        control: RiskControl,
        session_id: str,
        guard: Guard,
        limits: StoredLimits | None = None,
        alerts: RiskAlerts | None = None,
    ) -> None:
        self._control, self._session, self._guard = control, session_id, guard
        self._limits, self._version = limits, 0
        self._own = guard.gate.layer.table
        self._alerts = alerts
        self._alerts_seen = 0
        self._factors: dict[str, dict[str, float]] = {}
        self._seen: int | None = None
        self._made = 0
        guard.gate.subscribe(changed=self._keep)

    def news(self) -> list[str]:
        """Return what others ordered since the last call, as commands that can be repeated.

        The first call gives the state that holds already: halts, closings and what a person
        reduced. What an earlier session's own limits reduced ended with that session.
        """
        gate = self._guard.gate
        try:
            found = self._first() if self._seen is None else self._later(self._seen)
            is_halted = self._control.is_halted_by_file
            found += self._new_limits() + self._new_alerts()
        except (EdgeError, OSError):
            gate.set_fault(_RECORD)
            return []
        if gate.layer.fault == _RECORD:
            gate.set_fault("")
        if is_halted and gate.layer.switch.state("portfolio") is not State.HALTED:
            found.append(_command("halt", "portfolio", "halt_file", self._control.file_reason))
        return found

    def act(self, desk: Desk, command: str) -> None:
        """Do what a command says; it takes effect before the next order."""
        verb, scope, rule, reason = command.removeprefix(PREFIX).split("|", 3)
        gate, ts = self._guard.gate, desk.ctx.now_ns
        if verb == "limits":
            self._version = int(scope)
            stored = LimitTable.of(json.loads(reason))
            self._guard.use(self._own.merged(stored))
        elif verb in ("size", "alert", "well"):
            self._heed(verb, scope, rule, json.loads(reason), ts)
        elif verb == "rearm":
            try:
                gate.rearm(scope, actor="record", reason=reason or "released", ts=ts)
            except RefusedError as refused:
                desk.ctx.log(f"risk: {refused}")
        else:
            gate.trip(verb, scope, Cause(rule, "record", reason, ts))
        layer = gate.layer
        scopes = layer.scopes_of(self._guard.strategy, self._guard.account)
        self._guard.obey(desk, layer.standing(scopes)[0])
        if desk.row >= 0 and desk.ctx.cancels:
            desk.send()

    def _first(self) -> list[str]:
        self._seen = 0
        switch = self._control.switch()
        for entry in self._control.entries():
            self._seen = entry.seq
        found = []
        for scope in self._scopes:
            state, known = switch.state(scope), self._guard.gate.layer.switch.state(scope)
            causes = switch.causes(scope)
            reason = causes[-1].reason if causes else ""
            by_user = any(cause.rule == USER for cause in causes)
            if state >= State.FLATTENING and known is not State.HALTED:
                found.append(_command("halt", scope, USER, reason))
            elif state is State.REDUCE_ONLY and by_user and known is State.NORMAL:
                found.append(_command("reduce", scope, USER, reason))
            elif state is State.NORMAL and known is State.HALTED:
                found.append(_command("rearm", scope, USER, "released while the session was down"))
        return found

    def _new_limits(self) -> list[str]:
        if self._limits is None:
            return []
        current = self._limits.current()
        if current.number == self._version:
            return []
        return [_command("limits", str(current.number), "", json.dumps(dict(current.settings)))]

    def _new_alerts(self) -> list[str]:
        if self._alerts is None:
            return []
        is_first = self._alerts_seen == 0
        rows, self._alerts_seen = self._alerts.later(self._alerts_seen)
        if is_first:
            rows = [(True, alert) for alert in self._alerts.active()]
        return [_command(*command_of(*row)) for row in rows if row[1].scope in self._scopes]

    def _heed(self, verb: str, scope: str, rule: str, told: dict[str, Any], ts: int) -> None:
        # What an alert asks for: smaller limits, a scope that only shrinks, or the end of it.
        gate, waiting = self._guard.gate, self._guard.soundness.recovering
        reason = str(told["reason"])
        if verb == "size":
            factors = self._factors.setdefault(scope, {})
            factors[rule] = float(told["factor"])
            gate.layer.size_down[scope] = factor = min(factors.values())
            why = f"limits of {scope} are scaled by {factor:g}: {rule}: {reason}"
            announce(gate, RiskEvent(SCALED, scope, rule, ts, factor, 1.0, why))
        elif verb == "alert":
            waiting.discard((scope, rule))
            gate.trip("reduce", scope, Cause(rule, "alert", reason, ts))
        else:
            waiting.add((scope, rule))

    def _later(self, seen: int) -> list[str]:
        found = []
        for entry in self._control.entries(after_seq=seen):
            self._seen = entry.seq
            payload = entry.payload
            verb, scope = payload["verb"], payload["scope"]
            if payload["source"] == self._session or scope not in self._scopes:
                continue
            if verb in ("reduce", "halt", "flatten", "rearm"):
                found.append(_command(verb, scope, payload["rule"], payload["reason"]))
        return found

    @property
    def _scopes(self) -> tuple[str, ...]:
        return (f"strategy:{self._guard.strategy}", f"account:{self._guard.account}", "portfolio")

    def _keep(self, change: Change) -> None:
        # What came from the record is on it; what the gate did by itself is not yet.
        self._made += 1
        is_own = change.cause.actor == "risk" or change.cause.rule == "halt_file"
        is_own = is_own and change.cause.rule not in SOURCES  # those have a record of their own
        if is_own:
            try:
                self._control.keep(change, source=self._session, number=self._made)
            except EdgeError:
                self._guard.gate.set_fault(_RECORD)
                raise


def _command(verb: str, scope: str, rule: str, reason: str) -> str:
    return f"{PREFIX}{verb}|{scope}|{rule}|{reason}"

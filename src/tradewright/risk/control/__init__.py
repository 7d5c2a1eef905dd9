"""May this be traded: limits by scope, the check before the wire, the circuit breaker."""

from tradewright.risk.control.catalogue import KINDS, Action, LimitKind
from tradewright.risk.control.checks import CHECKS, Failure
from tradewright.risk.control.distance import Distance, Snapshot, distances, snapshot
from tradewright.risk.control.events import RiskEvent
from tradewright.risk.control.gate import Decision, RiskGate, announce
from tradewright.risk.control.scopes import Layer, Scope
from tradewright.risk.control.switch import Cause, Change, State, Switch, parse_scope
from tradewright.risk.control.table import PROFILES, LimitTable, loosened

__all__ = [
    "CHECKS",
    "KINDS",
    "PROFILES",
    "Action",
    "Cause",
    "Change",
    "Decision",
    "Distance",
    "Failure",
    "Layer",
    "LimitKind",
    "LimitTable",
    "RiskEvent",
    "RiskGate",
    "Scope",
    "Snapshot",
    "State",
    "Switch",
    "announce",
    "distances",
    "loosened",
    "parse_scope",
    "snapshot",
]

"""The venue that is not there: one matching kernel, stepped or in batch."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewright.simulation.batch import run_orders, run_signals, run_weights
    from tradewright.simulation.clock import SteppedClock
    from tradewright.simulation.sweeping.sweep import SweepResult, sweep_signals
    from tradewright.simulation.tape.venue import FinerVenue
    from tradewright.simulation.venue import SimulatedVenue

_HOMES = {
    "FinerVenue": "tape.venue",
    "SimulatedVenue": "venue",
    "SteppedClock": "clock",
    "SweepResult": "sweeping.sweep",
    "run_orders": "batch",
    "run_signals": "batch",
    "run_weights": "batch",
    "sweep_signals": "sweeping.sweep",
}

__all__ = [
    "FinerVenue",
    "SimulatedVenue",
    "SteppedClock",
    "SweepResult",
    "run_orders",
    "run_signals",
    "run_weights",
    "sweep_signals",
]


def __getattr__(name: str) -> Any:
    """Load a public name on first use, so that nothing is compiled or read before."""
    if name not in _HOMES:
        raise AttributeError(f"module 'tradewright.simulation' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"tradewright.simulation.{_HOMES[name]}"), name)
    globals()[name] = value
    return value

"""Stress scenarios: what happens to the market, and a panel of bars to which it happened."""

from tradewright.risk.scenarios.catalogue import (
    SCENARIOS,
    StressTestScenario,
    choose_scenarios,
    read_scenarios,
)
from tradewright.risk.scenarios.shock import Onset, onsets, shocked_bars

__all__ = [
    "SCENARIOS",
    "Onset",
    "StressTestScenario",
    "choose_scenarios",
    "onsets",
    "read_scenarios",
    "shocked_bars",
]

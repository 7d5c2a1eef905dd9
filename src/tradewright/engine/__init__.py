"""The one loop that runs a strategy, in a backtest and on paper alike."""

from tradewright.engine.comparable import FactorSource
from tradewright.engine.desk import Desk, Recorder, Venue
from tradewright.engine.loop import LoopResult, LoopSetup, run_loop
from tradewright.engine.sleeves import Sleeve, Sleeves

__all__ = [
    "Desk",
    "FactorSource",
    "LoopResult",
    "LoopSetup",
    "Recorder",
    "Sleeve",
    "Sleeves",
    "Venue",
    "run_loop",
]

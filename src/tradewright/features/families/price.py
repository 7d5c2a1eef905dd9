"""Returns, ranges and candles."""

# The first line of a docstring is the description in the catalogue.
# ruff: noqa: D401

from __future__ import annotations

import numpy as np

from tradewright.features import rolling
from tradewright.features.own_bars import OwnBars
from tradewright.features.registry import About, feature
from tradewright.features.specs import Panel, Parameter

ROWS = Parameter("n", 20, minimum=2, maximum=5000)
OHLC = ("open", "high", "low", "close")


@feature(
    About(
        name="return",
        family="price",
        formula="close[t] / close[t-n] - 1",
        parameters=(Parameter("n", 1),),
        min_rows=lambda n: n + 1,
    )
)
def simple_return(bars: OwnBars, n: int) -> Panel:
    """Simple return over n bars."""
    return rolling.ratio(bars.close, rolling.lag(bars.close, n)) - 1.0


@feature(
    About(
        name="log_return",
        family="price",
        formula="log(close[t] / close[t-n])",
        parameters=(Parameter("n", 1),),
        min_rows=lambda n: n + 1,
        positive=True,
    )
)
def log_return(bars: OwnBars, n: int) -> Panel:
    """Logarithmic return over n bars."""
    return np.log(bars.close / rolling.lag(bars.close, n))


@feature(
    About(
        name="gap",
        family="price",
        formula="open[t] / close[t-1] - 1",
        inputs=("open", "close"),
        min_rows=2,
    )
)
def gap(bars: OwnBars) -> Panel:
    """Opening gap from the previous close."""
    return rolling.ratio(bars.open, rolling.lag(bars.close, 1)) - 1.0


@feature(
    About(
        name="intraday_return",
        family="price",
        formula="close / open - 1",
        inputs=("open", "close"),
    )
)
def intraday_return(bars: OwnBars) -> Panel:
    """Return from the bar's open to its close."""
    return rolling.ratio(bars.close, bars.open) - 1.0


@feature(
    About(
        name="range_position",
        family="price",
        formula="(close - lowest low(n)) / (highest high(n) - lowest low(n)); 0.5 if flat",
        inputs=("high", "low", "close"),
        parameters=(ROWS,),
        min_rows=lambda n: n,
    )
)
def range_position(bars: OwnBars, n: int) -> Panel:
    """Place of the close in the range of the last n bars, 0 to 1."""
    low = rolling.lowest(bars.low, n)
    return rolling.ratio(bars.close - low, rolling.highest(bars.high, n) - low, at_zero=0.5)


@feature(
    About(
        name="distance_to_high",
        family="price",
        formula="close / highest high(n) - 1",
        inputs=("high", "close"),
        parameters=(ROWS,),
        min_rows=lambda n: n,
    )
)
def distance_to_high(bars: OwnBars, n: int) -> Panel:
    """Distance below the highest high of the last n bars."""
    return rolling.ratio(bars.close, rolling.highest(bars.high, n)) - 1.0


@feature(
    About(
        name="distance_to_low",
        family="price",
        formula="close / lowest low(n) - 1",
        inputs=("low", "close"),
        parameters=(ROWS,),
        min_rows=lambda n: n,
    )
)
def distance_to_low(bars: OwnBars, n: int) -> Panel:
    """Distance above the lowest low of the last n bars."""
    return rolling.ratio(bars.close, rolling.lowest(bars.low, n)) - 1.0


@feature(
    About(
        name="body_share",
        family="price",
        formula="(close - open) / (high - low); 0 if the bar has no range",
        inputs=OHLC,
    )
)
def body_share(bars: OwnBars) -> Panel:
    """Signed share of the bar's range that its body covers, -1 to 1."""
    return rolling.ratio(bars.close - bars.open, bars.high - bars.low, at_zero=0.0)


@feature(
    About(
        name="upper_shadow_share",
        family="price",
        formula="(high - max(open, close)) / (high - low); 0 if the bar has no range",
        inputs=OHLC,
    )
)
def upper_shadow_share(bars: OwnBars) -> Panel:
    """Share of the bar's range above its body."""
    top = bars.high - np.maximum(bars.open, bars.close)
    return rolling.ratio(top, bars.high - bars.low, at_zero=0.0)


@feature(
    About(
        name="lower_shadow_share",
        family="price",
        formula="(min(open, close) - low) / (high - low); 0 if the bar has no range",
        inputs=OHLC,
    )
)
def lower_shadow_share(bars: OwnBars) -> Panel:
    """Share of the bar's range below its body."""
    bottom = np.minimum(bars.open, bars.close) - bars.low
    return rolling.ratio(bottom, bars.high - bars.low, at_zero=0.0)


@feature(
    About(
        name="range_share",
        family="price",
        formula="(high - low) / close",
        inputs=("high", "low", "close"),
    )
)
def range_share(bars: OwnBars) -> Panel:
    """Range of the bar relative to its close."""
    return rolling.ratio(bars.high - bars.low, bars.close)


@feature(
    About(
        name="typical_price",
        family="price",
        formula="(high + low + close) / 3",
        inputs=("high", "low", "close"),
        unit="price",
        role="level",
    )
)
def typical_price(bars: OwnBars) -> Panel:
    """Mean of high, low and close."""
    total = bars.high + bars.low
    total += bars.close
    total /= 3.0
    return total


@feature(
    About(
        name="drawdown",
        family="price",
        formula="close / highest close(n) - 1",
        parameters=(Parameter("n", 252, minimum=2, maximum=5000),),
        min_rows=lambda n: n,
    )
)
def drawdown(bars: OwnBars, n: int) -> Panel:
    """Fall from the highest close of the last n bars."""
    return rolling.ratio(bars.close, rolling.highest(bars.close, n)) - 1.0

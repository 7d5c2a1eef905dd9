"""Moving averages, Bollinger bands and the distance of the close from them."""

# The first line of a docstring is the description in the catalogue.
# ruff: noqa: D401

from __future__ import annotations

import numpy as np

from tradewright.features import rolling
from tradewright.features.own_bars import OwnBars
from tradewright.features.registry import About, feature
from tradewright.features.specs import Panel, Parameter, longest, memory
from tradewright.features.talib_columns import talib_columns

ROWS = Parameter("n", 20, minimum=2, maximum=5000)
BAND = (ROWS, Parameter("width", 2.0, minimum=0.1, maximum=10, whole=False))


def _average(name: str, formula: str, *, rows: str = "n", stages: int = 0) -> About:
    """Describe a moving average; `stages` exponential means stand behind one another."""
    default = {"ema": 12, "kama": 30, "t3": 5}.get(name, 20)
    min_rows = {"n": lambda n: n, "2n-1": lambda n: 2 * n - 1, "3n-2": lambda n: 3 * n - 2}[rows]
    return About(
        name=name,
        family="price",
        formula=formula,
        parameters=(Parameter("n", default, minimum=2, maximum=5000),),
        unit="price",
        role="level",
        min_rows=min_rows,
        settle_rows=(lambda n: memory(2 / (n + 1), stages=stages)) if stages else "min_rows",
    )


@feature(_average("sma", "mean(close, n)"))
def sma(bars: OwnBars, n: int) -> Panel:
    """Simple moving average."""
    return rolling.mean(bars.close, n)


@feature(_average("ema", "e[t] = e[t-1] + 2/(n+1) (close - e[t-1]), seeded with mean(n)", stages=1))
def ema(bars: OwnBars, n: int) -> Panel:
    """Exponential moving average."""
    return rolling.ema(bars.close, n)


@feature(_average("wma", "sum(i close[t-n+i], i = 1..n) / (n(n+1)/2)"))
def wma(bars: OwnBars, n: int) -> Panel:
    """Linearly weighted moving average."""
    weights = np.arange(1.0, n + 1)
    return rolling.dot(bars.close, weights / weights.sum())


@feature(_average("dema", "2 ema - ema(ema)", rows="2n-1", stages=2))
def dema(bars: OwnBars, n: int) -> Panel:
    """Double exponential moving average."""
    one = rolling.ema(bars.close, n)
    return 2.0 * one - rolling.ema(one, n)


@feature(_average("tema", "3 ema - 3 ema(ema) + ema(ema(ema))", rows="3n-2", stages=3))
def tema(bars: OwnBars, n: int) -> Panel:
    """Triple exponential moving average."""
    one = rolling.ema(bars.close, n)
    two = rolling.ema(one, n)
    return 3.0 * one - 3.0 * two + rolling.ema(two, n)


@feature(
    About(
        name="t3",
        family="price",
        formula="Tillson's T3: six exponential means, volume factor v",
        parameters=(
            Parameter("n", 5, minimum=2, maximum=1000),
            Parameter("v", 0.7, minimum=0, maximum=1, whole=False),
        ),
        unit="price",
        role="level",
        min_rows=lambda n, v: 6 * (n - 1) + 1,
        settle_rows=lambda n, v: memory(2 / (n + 1), stages=6),
        bar_by_bar=False,
    )
)
def t3(bars: OwnBars, n: int, v: float) -> Panel:
    """Tillson's smooth moving average."""
    return talib_columns("T3", (bars.close,), timeperiod=n, vfactor=v)[0]


@feature(
    About(
        name="kama",
        family="price",
        formula="Kaufman's adaptive mean, weight between 2/31 and 2/3 squared by efficiency",
        parameters=(Parameter("n", 30, minimum=2, maximum=1000),),
        unit="price",
        role="level",
        min_rows=lambda n: n + 1,
        settle_rows=lambda n: memory((2 / 31) ** 2) + n,
        bar_by_bar=False,
    )
)
def kama(bars: OwnBars, n: int) -> Panel:
    """Kaufman's adaptive moving average."""
    return talib_columns("KAMA", (bars.close,), timeperiod=n)[0]


@feature(
    About(
        name="close_to_sma",
        family="price",
        formula="close / sma(n) - 1",
        parameters=(ROWS,),
        min_rows=lambda n: n,
    )
)
def close_to_sma(bars: OwnBars, n: int) -> Panel:
    """Distance of the close from its simple moving average."""
    return rolling.ratio(bars.close, rolling.mean(bars.close, n)) - 1.0


@feature(
    About(
        name="close_to_ema",
        family="price",
        formula="close / ema(n) - 1",
        parameters=(Parameter("n", 12, minimum=2, maximum=5000),),
        min_rows=lambda n: n,
        settle_rows=lambda n: memory(2 / (n + 1)),
    )
)
def close_to_ema(bars: OwnBars, n: int) -> Panel:
    """Distance of the close from its exponential moving average."""
    return rolling.ratio(bars.close, rolling.ema(bars.close, n)) - 1.0


@feature(
    About(
        name="sma_to_sma",
        family="price",
        formula="sma(fast) / sma(slow) - 1",
        parameters=(
            Parameter("fast", 20, minimum=2, maximum=5000),
            Parameter("slow", 60, minimum=2, maximum=5000),
        ),
        min_rows=longest,
    )
)
def sma_to_sma(bars: OwnBars, fast: int, slow: int) -> Panel:
    """Distance of a fast simple moving average from a slow one."""
    return rolling.ratio(rolling.mean(bars.close, fast), rolling.mean(bars.close, slow)) - 1.0


def _bands(bars: OwnBars, n: int) -> tuple[Panel, Panel]:
    def make() -> tuple[Panel, Panel]:
        middle, variance = rolling.mean_and_variance(bars.close, n)
        return middle, np.sqrt(variance, out=variance)

    middle_and_sd: tuple[Panel, Panel] = bars.once(f"bands {n}", make)
    return middle_and_sd


def _window_rows(n: int, width: float) -> int:
    return n


def _band(name: str, formula: str, *, unit: str = "fraction", role: str = "stationary") -> About:
    return About(
        name=name,
        family="price",
        formula=formula,
        parameters=BAND,
        unit=unit,
        role=role,
        min_rows=_window_rows,
    )


@feature(_band("bb_upper", "mean(n) + width sd(n), population sd", unit="price", role="level"))
def bb_upper(bars: OwnBars, n: int, width: float) -> Panel:
    """Upper Bollinger band."""
    middle, sd = _bands(bars, n)
    band = width * sd
    band += middle
    return band


@feature(_band("bb_lower", "mean(n) - width sd(n), population sd", unit="price", role="level"))
def bb_lower(bars: OwnBars, n: int, width: float) -> Panel:
    """Lower Bollinger band."""
    middle, sd = _bands(bars, n)
    return middle - width * sd


@feature(_band("bb_width", "(upper - lower) / mean(n)"))
def bb_width(bars: OwnBars, n: int, width: float) -> Panel:
    """Width of the Bollinger bands relative to their middle."""
    middle, sd = _bands(bars, n)
    band = 2.0 * width * sd
    band /= middle
    return band


@feature(_band("bb_position", "clip((close - lower) / (upper - lower), 0, 1); 0.5 if flat"))
def bb_position(bars: OwnBars, n: int, width: float) -> Panel:
    """Place of the close between the Bollinger bands, 0 to 1."""
    middle, sd = _bands(bars, n)
    place = rolling.ratio(bars.close - middle, 2.0 * width * sd, at_zero=0.0)
    place += 0.5
    return np.clip(place, 0.0, 1.0, out=place)


@feature(_band("bb_upper_gap", "(close - upper) / close"))
def bb_upper_gap(bars: OwnBars, n: int, width: float) -> Panel:
    """Distance of the close from the upper Bollinger band."""
    return rolling.ratio(bars.close - bb_upper(bars, n, width), bars.close)


@feature(_band("bb_lower_gap", "(close - lower) / close"))
def bb_lower_gap(bars: OwnBars, n: int, width: float) -> Panel:
    """Distance of the close from the lower Bollinger band."""
    return rolling.ratio(bars.close - bb_lower(bars, n, width), bars.close)

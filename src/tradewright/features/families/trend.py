"""Direction and strength of trends."""

# The first line of a docstring is the description in the catalogue.

from __future__ import annotations

import numpy as np

from tradewright.features import rolling
from tradewright.features.own_bars import OwnBars
from tradewright.features.registry import About, feature
from tradewright.features.specs import Panel, Parameter, memory
from tradewright.features.talib_columns import talib_columns

HLC = ("high", "low", "close")


def _directional(name: str, formula: str, *, rows: int, stages: int) -> About:
    """Describe a Wilder index; `rows` windows until the first value."""
    return About(
        name=name,
        family="momentum",
        formula=formula,
        inputs=HLC,
        parameters=(Parameter("n", 14, minimum=2, maximum=1000),),
        unit="0-100",
        min_rows=(lambda n: 2 * n) if rows == 2 else (lambda n: n + 1),
        settle_rows=lambda n: memory(1 / n, stages=stages) + n,
        bar_by_bar=False,
    )


@feature(_directional("adx", "Wilder mean of 100 |+di - -di| / (+di + -di)", rows=2, stages=2))
def adx(bars: OwnBars, n: int) -> Panel:
    """Average directional movement index."""
    return talib_columns("ADX", (bars.high, bars.low, bars.close), timeperiod=n)[0]


@feature(_directional("plus_di", "100 Wilder sum(rising move) / Wilder sum(TR)", rows=1, stages=1))
def plus_di(bars: OwnBars, n: int) -> Panel:
    """Positive directional indicator."""
    return talib_columns("PLUS_DI", (bars.high, bars.low, bars.close), timeperiod=n)[0]


@feature(
    _directional("minus_di", "100 Wilder sum(falling move) / Wilder sum(TR)", rows=1, stages=1)
)
def minus_di(bars: OwnBars, n: int) -> Panel:
    """Negative directional indicator."""
    return talib_columns("MINUS_DI", (bars.high, bars.low, bars.close), timeperiod=n)[0]


@feature(
    About(
        name="sar",
        family="momentum",
        formula="Wilder's parabolic stop and reverse",
        inputs=("high", "low"),
        parameters=(
            Parameter("step", 0.02, minimum=0.001, maximum=1, whole=False),
            Parameter("limit", 0.2, minimum=0.001, maximum=1, whole=False),
        ),
        unit="price",
        role="level",
        min_rows=2,
        settle_rows=None,
        bar_by_bar=False,
    )
)
def sar(bars: OwnBars, step: float, limit: float) -> Panel:
    """Parabolic stop and reverse; its side may depend on where the data begin."""
    return talib_columns("SAR", (bars.high, bars.low), acceleration=step, maximum=limit)[0]


@feature(
    About(
        name="linearreg",
        family="price",
        formula="value at t of the least-squares line through the last n closes",
        parameters=(Parameter("n", 14, minimum=2, maximum=5000),),
        unit="price",
        role="level",
        min_rows=lambda n: n,
    )
)
def linearreg(bars: OwnBars, n: int) -> Panel:
    """End point of the linear regression."""
    return rolling.mean(bars.close, n) + rolling.slope(bars.close, n) * ((n - 1) / 2)


@feature(
    About(
        name="linearreg_slope",
        family="momentum",
        formula="slope of the least-squares line through the last n closes",
        parameters=(Parameter("n", 14, minimum=2, maximum=5000),),
        unit="price per bar",
        role="level",
        min_rows=lambda n: n,
    )
)
def linearreg_slope(bars: OwnBars, n: int) -> Panel:
    """Slope of the linear regression of the close."""
    return rolling.slope(bars.close, n)


@feature(
    About(
        name="trend_slope",
        family="momentum",
        formula="slope of the least-squares line through the last n log closes",
        parameters=(Parameter("n", 20, minimum=2, maximum=5000),),
        unit="fraction per bar",
        min_rows=lambda n: n,
        positive=True,
    )
)
def trend_slope(bars: OwnBars, n: int) -> Panel:
    """Growth per bar of the regression line through log prices."""
    return rolling.slope(np.log(bars.close), n)


@feature(
    About(
        name="trend_fit",
        family="momentum",
        formula="correlation(log close, bar number, n), signed",
        parameters=(Parameter("n", 20, minimum=3, maximum=5000),),
        unit="correlation",
        min_rows=lambda n: n,
        positive=True,
    )
)
def trend_fit(bars: OwnBars, n: int) -> Panel:
    """How straight the trend of log prices is, -1 to 1; 0 if flat."""
    price = np.log(bars.close)
    _, variance = rolling.mean_and_variance(price, n)
    steps = (n * n - 1) / 12.0
    fit = rolling.ratio(rolling.slope(price, n) * np.sqrt(steps), np.sqrt(variance), at_zero=0.0)
    return np.clip(fit, -1.0, 1.0)


@feature(
    About(
        name="efficiency",
        family="momentum",
        formula="|close[t] - close[t-n]| / sum(|close change|, n); 0 if flat",
        parameters=(Parameter("n", 10, minimum=2, maximum=5000),),
        min_rows=lambda n: n + 1,
    )
)
def efficiency(bars: OwnBars, n: int) -> Panel:
    """Kaufman's efficiency ratio, 0 to 1."""
    path = rolling.total(np.abs(bars.close - rolling.lag(bars.close, 1)), n)
    return rolling.ratio(np.abs(bars.close - rolling.lag(bars.close, n)), path, at_zero=0.0)

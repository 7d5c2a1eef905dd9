"""Fields, lags and windows of any feature."""

# The first line of a docstring is the description in the catalogue.
# ruff: noqa: D401

from __future__ import annotations

import numpy as np

from tradewright.features import rolling
from tradewright.features.own_bars import OwnBars
from tradewright.features.registry import INNER, QUOTIENT, About, feature
from tradewright.features.specs import NEGLIGIBLE, Panel, Parameter

X = ("x",)
XY = ("x", "y")
ROWS = Parameter("n", 20, minimum=2, maximum=5000)


def _field(name: str, unit: str) -> About:
    return About(
        name=name,
        family="price" if unit == "price" else "volume",
        formula=f"{name} of the bar",
        inputs=(name,),
        unit=unit,
        role="level",
    )


@feature(_field("open", "price"))
def open_(bars: OwnBars) -> Panel:
    """Opening price."""
    return bars.open


@feature(_field("high", "price"))
def high(bars: OwnBars) -> Panel:
    """Highest price."""
    return bars.high


@feature(_field("low", "price"))
def low(bars: OwnBars) -> Panel:
    """Lowest price."""
    return bars.low


@feature(_field("close", "price"))
def close(bars: OwnBars) -> Panel:
    """Closing price."""
    return bars.close


@feature(_field("volume", "units"))
def volume(bars: OwnBars) -> Panel:
    """Volume."""
    return bars.volume


def _window(
    name: str,
    formula: str,
    *,
    unit: str = INNER,
    role: str = INNER,
    parameters: tuple[Parameter, ...] = (ROWS,),
    series: tuple[str, ...] = X,
) -> About:
    """Describe a transform over the last n values of a feature."""
    return About(
        name=name,
        family="transform",
        formula=formula,
        inputs=(),
        series=series,
        parameters=parameters,
        unit=unit,
        role=role,
        min_rows=lambda n, **_: n,
    )


def _plain(name: str, formula: str, *, unit: str = INNER, role: str = INNER) -> About:
    """Describe a transform of one value."""
    return About(
        name=name, family="transform", formula=formula, inputs=(), series=X, unit=unit, role=role
    )


def _shifted(name: str, formula: str, *, unit: str = INNER, role: str = INNER) -> About:
    """Describe a transform that compares with the value k bars ago."""
    return About(
        name=name,
        family="transform",
        formula=formula,
        inputs=(),
        series=X,
        parameters=(Parameter("k", 1, maximum=5000),),
        unit=unit,
        role=role,
        min_rows=lambda k: k + 1,
    )


@feature(_shifted("lag", "x[t-k]"))
def lag(bars: OwnBars, x: Panel, k: int) -> Panel:
    """Value k bars of the instrument earlier."""
    return rolling.lag(x, k)


@feature(_shifted("diff", "x[t] - x[t-k]"))
def diff(bars: OwnBars, x: Panel, k: int) -> Panel:
    """Difference from the value k bars earlier."""
    return x - rolling.lag(x, k)


@feature(_shifted("change", "x[t] / x[t-k] - 1; NaN after 0", unit="fraction", role="stationary"))
def change(bars: OwnBars, x: Panel, k: int) -> Panel:
    """Relative change from the value k bars earlier."""
    return rolling.ratio(x, rolling.lag(x, k)) - 1.0


@feature(_window("mean", "sum(x, n) / n"))
def mean(bars: OwnBars, x: Panel, n: int) -> Panel:
    """Rolling mean."""
    return rolling.mean(x, n)


@feature(_window("sum", "x[t-n+1] + … + x[t]"))
def sum_(bars: OwnBars, x: Panel, n: int) -> Panel:
    """Rolling sum."""
    return rolling.total(x, n)


@feature(_window("sd", "sample standard deviation over n values"))
def sd(bars: OwnBars, x: Panel, n: int) -> Panel:
    """Rolling standard deviation."""
    return rolling.sd(x, n)


@feature(_window("min", "smallest of n values"))
def min_(bars: OwnBars, x: Panel, n: int) -> Panel:
    """Rolling minimum."""
    return rolling.lowest(x, n)


@feature(_window("max", "largest of n values"))
def max_(bars: OwnBars, x: Panel, n: int) -> Panel:
    """Rolling maximum."""
    return rolling.highest(x, n)


@feature(_window("median", "middle of n values"))
def median(bars: OwnBars, x: Panel, n: int) -> Panel:
    """Rolling median."""
    return rolling.quantile(x, n, 0.5)


@feature(
    _window(
        "quantile",
        "q quantile of n values, linear between order statistics",
        parameters=(ROWS, Parameter("q", 0.5, minimum=0, maximum=1, whole=False)),
    )
)
def quantile(bars: OwnBars, x: Panel, n: int, q: float) -> Panel:
    """Rolling quantile."""
    return rolling.quantile(x, n, q)


@feature(_window("skew", "m3 / m2^1.5 over n values; 0 if flat", unit="number", role="stationary"))
def skew(bars: OwnBars, x: Panel, n: int) -> Panel:
    """Rolling skewness (population moments)."""
    return rolling.shape_moments(x, n)[0]


@feature(
    _window("kurtosis", "m4 / m2² - 3 over n values; 0 if flat", unit="number", role="stationary")
)
def kurtosis(bars: OwnBars, x: Panel, n: int) -> Panel:
    """Rolling excess kurtosis (population moments)."""
    return rolling.shape_moments(x, n)[1]


@feature(
    _window(
        "rank",
        "share of the other n-1 values below x[t], ties half",
        unit="share",
        role="stationary",
    )
)
def rank(bars: OwnBars, x: Panel, n: int) -> Panel:
    """Rolling rank, 0 to 1."""
    return rolling.rank(x, n)


@feature(_window("zscore", "(x - mean(n)) / sample sd(n); 0 if flat", unit="sd", role="stationary"))
def zscore(bars: OwnBars, x: Panel, n: int) -> Panel:
    """Distance from the rolling mean in standard deviations."""
    return rolling.zscore(x, n)


@feature(
    _window(
        "robust_zscore",
        "(x - median(n)) / (0.7413 (q75(n) - q25(n))); 0 if that range is 0",
        unit="sd",
        role="stationary",
    )
)
def robust_zscore(bars: OwnBars, x: Panel, n: int) -> Panel:
    """Distance from the rolling median in interquartile ranges, scaled as standard deviations."""
    width = rolling.quantile(x, n, 0.75) - rolling.quantile(x, n, 0.25)
    return rolling.ratio(x - rolling.quantile(x, n, 0.5), 0.7413 * width, at_zero=0.0)


@feature(_window("slope", "least-squares slope per bar over n values"))
def slope(bars: OwnBars, x: Panel, n: int) -> Panel:
    """Rolling regression slope on time."""
    return rolling.slope(x, n)


@feature(
    _window(
        "correlation",
        "correlation of x and y over n values; 0 where one is flat",
        unit="correlation",
        role="stationary",
        series=XY,
    )
)
def correlation(bars: OwnBars, x: Panel, y: Panel, n: int) -> Panel:
    """Rolling correlation of two features of an instrument."""
    return rolling.correlation(x, y, n)


@feature(
    _window(
        "beta",
        "cov(x, y) / var(y) over n values; 0 where y is flat",
        unit="number",
        role=QUOTIENT,
        series=XY,
    )
)
def beta(bars: OwnBars, x: Panel, y: Panel, n: int) -> Panel:
    """Rolling regression slope of x on y."""
    _, variance = rolling.mean_and_variance(y, n)
    return rolling.ratio(rolling.covariance(x, y, n), variance, at_zero=0.0)


@feature(
    About(
        name="ewm",
        family="transform",
        formula="sum(w x) / sum(w), w = 2^(-age/halflife)",
        inputs=(),
        series=X,
        parameters=(Parameter("halflife", 20, minimum=0.5, maximum=1000, whole=False),),
        unit=INNER,
        role=INNER,
        settle_rows=lambda halflife: int(-np.log2(NEGLIGIBLE) * halflife) + 2,
        nan_rule="a missing value gives NaN and leaves the mean as it was",
    )
)
def ewm(bars: OwnBars, x: Panel, halflife: float) -> Panel:
    """Exponentially weighted mean."""
    return np.where(np.isnan(x), np.nan, rolling.weighted_mean(x, halflife))


@feature(_plain("abs", "|x|"))
def abs_(bars: OwnBars, x: Panel) -> Panel:
    """Absolute value."""
    return np.abs(x)


@feature(_plain("sign", "-1, 0 or 1", unit="number", role="stationary"))
def sign(bars: OwnBars, x: Panel) -> Panel:
    """Sign of a feature."""
    return np.sign(x)


@feature(_plain("log", "log(x); NaN where x is not above 0", unit="log"))
def log(bars: OwnBars, x: Panel) -> Panel:
    """Natural logarithm."""
    return np.log(np.where(x > 0, x, np.nan))


@feature(
    About(
        name="clip",
        family="transform",
        formula="min(max(x, low), high)",
        inputs=(),
        series=X,
        parameters=(
            Parameter("low", -3.0, minimum=-1e12, maximum=1e12, whole=False),
            Parameter("high", 3.0, minimum=-1e12, maximum=1e12, whole=False),
        ),
        unit=INNER,
        role=INNER,
    )
)
def clip(bars: OwnBars, x: Panel, low: float, high: float) -> Panel:
    """Value held between two bounds."""
    return np.clip(x, low, high)


@feature(
    About(
        name="ratio",
        family="transform",
        formula="x / y; NaN where y is 0",
        inputs=(),
        series=XY,
        role=QUOTIENT,
    )
)
def ratio(bars: OwnBars, x: Panel, y: Panel) -> Panel:
    """Quotient of two features of the same unit."""
    return rolling.ratio(x, y)


@feature(
    About(
        name="spread",
        family="transform",
        formula="x - y",
        inputs=(),
        series=XY,
        unit=INNER,
        role=INNER,
    )
)
def spread(bars: OwnBars, x: Panel, y: Panel) -> Panel:
    """Difference of two features."""
    return x - y

"""Volatility estimators, per bar (not annualised)."""

# The first line of a docstring is the description in the catalogue.
# ruff: noqa: D401

from __future__ import annotations

import numpy as np

from tradewright.features import rolling
from tradewright.features.own_bars import OwnBars
from tradewright.features.registry import About, feature
from tradewright.features.specs import NEGLIGIBLE, Panel, Parameter, memory

OHLC = ("open", "high", "low", "close")
HLC = ("high", "low", "close")
PER_BAR = "fraction per bar"


def _estimator(
    name: str, formula: str, *, inputs: tuple[str, ...] = ("close",), n: int = 20, more: int = 0
) -> About:
    """Describe an estimator over n bars that needs `more` rows than its window."""
    return About(
        name=name,
        family="volatility",
        formula=formula,
        inputs=inputs,
        parameters=(Parameter("n", n, minimum=3, maximum=5000),),
        unit=PER_BAR,
        min_rows=lambda n: n + more,
        positive=True,
    )


def _log_returns(bars: OwnBars) -> Panel:
    return np.log(bars.close / rolling.lag(bars.close, 1))


@feature(_estimator("volatility", "sample sd of log_return(1) over n bars", more=1))
def volatility(bars: OwnBars, n: int) -> Panel:
    """Rolling standard deviation of log returns."""
    return rolling.sd(_log_returns(bars), n)


@feature(
    About(
        name="volatility_ewm",
        family="volatility",
        formula="sqrt(sum(w r²) / sum(w)), w = 2^(-age/halflife), r = log_return(1)",
        parameters=(Parameter("halflife", 20, minimum=0.5, maximum=1000, whole=False),),
        unit=PER_BAR,
        min_rows=2,
        settle_rows=lambda halflife: int(-np.log2(NEGLIGIBLE) * halflife) + 2,
        positive=True,
    )
)
def volatility_ewm(bars: OwnBars, halflife: float) -> Panel:
    """Exponentially weighted volatility with zero mean (RiskMetrics, bias-corrected)."""
    returns = _log_returns(bars)
    variance = rolling.weighted_mean(returns * returns, halflife)
    return np.where(np.isnan(returns), np.nan, np.sqrt(variance))


@feature(
    _estimator("parkinson", "sqrt(mean(log(high/low)², n) / (4 log 2))", inputs=("high", "low"))
)
def parkinson(bars: OwnBars, n: int) -> Panel:
    """Parkinson (1980) high-low volatility."""
    span = np.log(bars.high / bars.low)
    return np.asarray(np.sqrt(rolling.mean(span * span, n) / (4.0 * np.log(2.0))))


@feature(
    _estimator(
        "garman_klass",
        "sqrt(mean(log(high/low)²/2 - (2 log 2 - 1) log(close/open)², n))",
        inputs=OHLC,
    )
)
def garman_klass(bars: OwnBars, n: int) -> Panel:
    """Garman and Klass (1980) volatility."""
    span, body = np.log(bars.high / bars.low), np.log(bars.close / bars.open)
    daily = 0.5 * span * span - (2.0 * np.log(2.0) - 1.0) * body * body
    return np.sqrt(np.maximum(rolling.mean(daily, n), 0.0))


def _rogers_satchell_daily(bars: OwnBars) -> Panel:
    up, down = np.log(bars.high / bars.open), np.log(bars.low / bars.open)
    body = np.log(bars.close / bars.open)
    return np.asarray(up * (up - body) + down * (down - body))


@feature(
    _estimator(
        "rogers_satchell",
        "sqrt(mean(log(h/o) log(h/c) + log(l/o) log(l/c), n))",
        inputs=OHLC,
    )
)
def rogers_satchell(bars: OwnBars, n: int) -> Panel:
    """Rogers and Satchell (1991) volatility, free of drift."""
    return np.sqrt(np.maximum(rolling.mean(_rogers_satchell_daily(bars), n), 0.0))


@feature(
    _estimator(
        "yang_zhang",
        "sqrt(var(log(open/close before)) + k var(log(close/open)) + (1-k) rogers_satchell²), "
        "k = 0.34 / (1.34 + (n+1)/(n-1))",
        inputs=OHLC,
        more=1,
    )
)
def yang_zhang(bars: OwnBars, n: int) -> Panel:
    """Yang and Zhang (2000) volatility, with overnight gaps and free of drift."""
    overnight = np.log(bars.open / rolling.lag(bars.close, 1))
    k = 0.34 / (1.34 + (n + 1) / (n - 1))
    night = rolling.sd(overnight, n) ** 2
    body = rolling.sd(np.log(bars.close / bars.open), n) ** 2
    inside = rolling.mean(_rogers_satchell_daily(bars), n)
    return np.sqrt(np.maximum(night + k * body + (1.0 - k) * inside, 0.0))


def _true_range(bars: OwnBars) -> Panel:
    return rolling.true_range(bars.high, bars.low, bars.close)


@feature(
    About(
        name="true_range",
        family="volatility",
        formula="max(high, close before) - min(low, close before)",
        inputs=HLC,
        unit="price",
        role="level",
        min_rows=2,
    )
)
def true_range(bars: OwnBars) -> Panel:
    """Range of the bar including the gap from the previous close."""
    return _true_range(bars)


def _atr_about(name: str, formula: str, unit: str, role: str) -> About:
    return About(
        name=name,
        family="volatility",
        formula=formula,
        inputs=HLC,
        parameters=(Parameter("n", 14, minimum=2, maximum=1000),),
        unit=unit,
        role=role,
        min_rows=lambda n: n + 1,
        settle_rows=lambda n: memory(1 / n) + 1,
    )


@feature(_atr_about("atr", "Wilder mean of the true range, from row 1", "price", "level"))
def atr(bars: OwnBars, n: int) -> Panel:
    """Average true range."""
    values: Panel = bars.once(f"atr {n}", lambda: rolling.wilder(_true_range(bars), n))
    return values


@feature(_atr_about("atr_to_close", "atr(n) / close", "fraction", "stationary"))
def atr_to_close(bars: OwnBars, n: int) -> Panel:
    """Average true range relative to the close."""
    return rolling.ratio(atr(bars, n), bars.close)


@feature(_atr_about("natr", "100 atr(n) / close", "percent", "stationary"))
def natr(bars: OwnBars, n: int) -> Panel:
    """Average true range in percent of the close."""
    return 100.0 * rolling.ratio(atr(bars, n), bars.close)


@feature(
    About(
        name="stddev",
        family="volatility",
        formula="population sd of the close over n bars",
        parameters=(Parameter("n", 20, minimum=2, maximum=5000),),
        unit="price",
        role="level",
        min_rows=lambda n: n,
    )
)
def stddev(bars: OwnBars, n: int) -> Panel:
    """Standard deviation of the close."""
    return rolling.sd(bars.close, n, ddof=0)


@feature(
    About(
        name="vol_of_vol",
        family="volatility",
        formula="sample sd over n bars of volatility(n), divided by its mean; 0 if flat",
        parameters=(Parameter("n", 20, minimum=3, maximum=2000),),
        min_rows=lambda n: 2 * n,
        positive=True,
    )
)
def vol_of_vol(bars: OwnBars, n: int) -> Panel:
    """Relative variation of the volatility itself."""
    level = rolling.sd(_log_returns(bars), n)
    middle, variance = rolling.mean_and_variance(level, n)
    return rolling.ratio(np.sqrt(variance * (n / (n - 1))), middle, at_zero=0.0)


@feature(_estimator("downside_volatility", "sqrt(mean(min(log_return(1), 0)², n))", more=1))
def downside_volatility(bars: OwnBars, n: int) -> Panel:
    """Volatility of falling bars only."""
    losses = np.minimum(_log_returns(bars), 0.0)
    return np.sqrt(rolling.mean(losses * losses, n))


def _about_shape(name: str, formula: str) -> About:
    return About(
        name=name,
        family="volatility",
        formula=formula,
        parameters=(Parameter("n", 60, minimum=4, maximum=5000),),
        unit="number",
        min_rows=lambda n: n + 1,
        positive=True,
    )


@feature(_about_shape("realised_skew", "skewness of log_return(1) over n bars; 0 if flat"))
def realised_skew(bars: OwnBars, n: int) -> Panel:
    """Skewness of returns."""
    return rolling.shape_moments(_log_returns(bars), n)[0]


@feature(_about_shape("realised_kurtosis", "excess kurtosis of log_return(1), n bars; 0 if flat"))
def realised_kurtosis(bars: OwnBars, n: int) -> Panel:
    """Excess kurtosis of returns."""
    return rolling.shape_moments(_log_returns(bars), n)[1]


@feature(
    About(
        name="volatility_ratio",
        family="volatility",
        formula="volatility(short) / volatility(long); 1 if flat",
        parameters=(
            Parameter("short", 10, minimum=2, maximum=5000),
            Parameter("long", 60, minimum=3, maximum=5000),
        ),
        min_rows=lambda short, long: max(short, long) + 1,
        positive=True,
    )
)
def volatility_ratio(bars: OwnBars, short: int, long: int) -> Panel:
    """Recent volatility relative to the longer one."""
    returns = _log_returns(bars)
    return rolling.ratio(rolling.sd(returns, short), rolling.sd(returns, long), at_zero=1.0)


@feature(
    About(
        name="volatility_percentile",
        family="volatility",
        formula="rank(volatility(20), n)",
        parameters=(Parameter("n", 252, minimum=2, maximum=5000),),
        unit="share",
        min_rows=lambda n: n + 20,
        positive=True,
    )
)
def volatility_percentile(bars: OwnBars, n: int) -> Panel:
    """Share of the last n bars with a lower volatility, 0 to 1."""
    return rolling.rank(rolling.sd(_log_returns(bars), 20), n)

"""Momentum and oscillators."""

# The first line of a docstring is the description in the catalogue.
# ruff: noqa: D401

from __future__ import annotations

import numpy as np

from tradewright.features import rolling
from tradewright.features.own_bars import OwnBars
from tradewright.features.registry import About, feature
from tradewright.features.specs import Panel, Parameter, longest, memory
from tradewright.features.talib_columns import talib_columns

HLC = ("high", "low", "close")
MACD = (
    Parameter("fast", 12, minimum=2, maximum=1000),
    Parameter("slow", 26, minimum=3, maximum=2000),
    Parameter("signal", 9, minimum=2, maximum=1000),
)


def _rows(default: int) -> tuple[Parameter, ...]:
    return (Parameter("n", default, minimum=2, maximum=5000),)


@feature(
    About(
        name="roc",
        family="momentum",
        formula="100 (close[t] / close[t-n] - 1)",
        parameters=(Parameter("n", 10),),
        unit="percent",
        min_rows=lambda n: n + 1,
    )
)
def roc(bars: OwnBars, n: int) -> Panel:
    """Rate of change over n bars, in percent as TA-Lib gives it."""
    return 100.0 * (rolling.ratio(bars.close, rolling.lag(bars.close, n)) - 1.0)


@feature(
    About(
        name="mom",
        family="momentum",
        formula="close[t] - close[t-n]",
        parameters=(Parameter("n", 10),),
        unit="price",
        role="level",
        min_rows=lambda n: n + 1,
    )
)
def mom(bars: OwnBars, n: int) -> Panel:
    """Price change over n bars."""
    return bars.close - rolling.lag(bars.close, n)


@feature(
    About(
        name="momentum_skip",
        family="momentum",
        formula="close[t-skip] / close[t-n] - 1",
        parameters=(Parameter("n", 252), Parameter("skip", 21)),
        min_rows=lambda n, skip: max(n, skip) + 1,
    )
)
def momentum_skip(bars: OwnBars, n: int, skip: int) -> Panel:
    """Return over n bars without the newest ones."""
    return rolling.ratio(rolling.lag(bars.close, skip), rolling.lag(bars.close, n)) - 1.0


@feature(
    About(
        name="tsmom",
        family="momentum",
        formula="(close[t] / close[t-n] - 1) / (sd(return(1), n) sqrt(n)); 0 if flat",
        parameters=_rows(60),
        unit="sd",
        min_rows=lambda n: n + 1,
    )
)
def tsmom(bars: OwnBars, n: int) -> Panel:
    """Return over n bars in units of its own volatility."""
    daily = rolling.ratio(bars.close, rolling.lag(bars.close, 1)) - 1.0
    over_n = rolling.ratio(bars.close, rolling.lag(bars.close, n)) - 1.0
    return rolling.ratio(over_n, rolling.sd(daily, n) * np.sqrt(n), at_zero=0.0)


@feature(
    About(
        name="rsi",
        family="momentum",
        formula="100 rise / (rise + fall), Wilder means of n changes; 50 if nothing changes",
        parameters=_rows(14),
        unit="0-100",
        min_rows=lambda n: n + 1,
        settle_rows=lambda n: memory(1 / n),
    )
)
def rsi(bars: OwnBars, n: int) -> Panel:
    """Wilder's relative strength index."""
    return rolling.strength(bars.close, n)


@feature(
    About(
        name="cmo",
        family="momentum",
        formula="100 (rise - fall) / (rise + fall), Wilder means of n changes; 0 if none",
        parameters=_rows(14),
        unit="-100-100",
        min_rows=lambda n: n + 1,
        settle_rows=lambda n: memory(1 / n),
    )
)
def cmo(bars: OwnBars, n: int) -> Panel:
    """Chande momentum oscillator."""
    return 2.0 * rolling.strength(bars.close, n) - 100.0


def _stochastic(bars: OwnBars, n: int) -> Panel:
    low = rolling.lowest(bars.low, n)
    width = rolling.highest(bars.high, n) - low
    return 100.0 * rolling.ratio(bars.close - low, width, at_zero=0.5)


STOCHASTIC = (
    Parameter("n", 14, minimum=2, maximum=5000),
    Parameter("smooth", 3, minimum=1, maximum=1000),
)


@feature(
    About(
        name="stoch_k",
        family="momentum",
        formula="mean(100 (close - low(n)) / (high(n) - low(n)), smooth); 50 if flat",
        inputs=HLC,
        parameters=STOCHASTIC,
        unit="0-100",
        min_rows=lambda n, smooth: n + smooth - 1,
    )
)
def stoch_k(bars: OwnBars, n: int, smooth: int) -> Panel:
    """Slow stochastic %K."""
    return rolling.mean(_stochastic(bars, n), smooth)


@feature(
    About(
        name="stoch_d",
        family="momentum",
        formula="mean(stoch_k(n, smooth), smooth)",
        inputs=HLC,
        parameters=STOCHASTIC,
        unit="0-100",
        min_rows=lambda n, smooth: n + 2 * smooth - 2,
    )
)
def stoch_d(bars: OwnBars, n: int, smooth: int) -> Panel:
    """Slow stochastic %D."""
    return rolling.mean(stoch_k(bars, n, smooth), smooth)


@feature(
    About(
        name="williams_r",
        family="momentum",
        formula="-100 (high(n) - close) / (high(n) - low(n)); -50 if flat",
        inputs=HLC,
        parameters=_rows(14),
        unit="-100-0",
        min_rows=lambda n: n,
    )
)
def williams_r(bars: OwnBars, n: int) -> Panel:
    """Williams %R."""
    high = rolling.highest(bars.high, n)
    width = high - rolling.lowest(bars.low, n)
    return -100.0 * rolling.ratio(high - bars.close, width, at_zero=0.5)


@feature(
    About(
        name="trix",
        family="momentum",
        formula="100 (e3[t] / e3[t-1] - 1), e3 = ema(ema(ema(close)))",
        parameters=_rows(15),
        unit="percent",
        min_rows=lambda n: 3 * n - 1,
        settle_rows=lambda n: memory(2 / (n + 1), stages=3) + 1,
    )
)
def trix(bars: OwnBars, n: int) -> Panel:
    """Change of a triple exponential mean, in percent."""
    e3 = rolling.ema(rolling.ema(rolling.ema(bars.close, n), n), n)
    return 100.0 * (rolling.ratio(e3, rolling.lag(e3, 1)) - 1.0)


@feature(
    About(
        name="ppo",
        family="momentum",
        formula="100 (sma(fast) / sma(slow) - 1)",
        parameters=MACD[:2],
        unit="percent",
        min_rows=longest,
    )
)
def ppo(bars: OwnBars, fast: int, slow: int) -> Panel:
    """Percentage price oscillator of simple means, as TA-Lib gives it by default."""
    return 100.0 * (
        rolling.ratio(rolling.mean(bars.close, fast), rolling.mean(bars.close, slow)) - 1.0
    )


@feature(
    About(
        name="ultosc",
        family="momentum",
        formula="100 (4 a(short) + 2 a(middle) + a(long)) / 7, a = sum(buying pressure) / sum(TR)",
        inputs=HLC,
        parameters=(Parameter("short", 7), Parameter("middle", 14), Parameter("long", 28)),
        unit="0-100",
        min_rows=lambda **rows: longest(**rows) + 1,
    )
)
def ultosc(bars: OwnBars, short: int, middle: int, long: int) -> Panel:
    """Ultimate oscillator."""
    before = rolling.lag(bars.close, 1)
    floor = np.minimum(bars.low, before)
    pressure, span = bars.close - floor, np.maximum(bars.high, before) - floor
    parts = [
        rolling.ratio(rolling.total(pressure, n), rolling.total(span, n), at_zero=0.5)
        for n in (short, middle, long)
    ]
    return 100.0 * (4.0 * parts[0] + 2.0 * parts[1] + parts[2]) / 7.0


@feature(
    About(
        name="cci",
        family="momentum",
        formula="(typical - mean(typical, n)) / (0.015 mean absolute deviation); 0 if flat",
        inputs=HLC,
        parameters=_rows(20),
        unit="index",
        min_rows=lambda n: n,
    )
)
def cci(bars: OwnBars, n: int) -> Panel:
    """Commodity channel index."""
    typical = (bars.high + bars.low + bars.close) / 3.0
    off = typical - rolling.mean(typical, n)
    return rolling.ratio(off, 0.015 * rolling.mean_deviation(typical, n), at_zero=0.0)


@feature(
    About(
        name="aroon_up",
        family="momentum",
        formula="100 (n - bars since the highest high of n+1 bars) / n",
        inputs=("high", "low"),
        parameters=_rows(14),
        unit="0-100",
        min_rows=lambda n: n + 1,
    )
)
def aroon_up(bars: OwnBars, n: int) -> Panel:
    """Recency of the highest high."""
    return talib_columns("AROON", (bars.high, bars.low), rows=n + 1, timeperiod=n)[1]


@feature(
    About(
        name="aroon_down",
        family="momentum",
        formula="100 (n - bars since the lowest low of n+1 bars) / n",
        inputs=("high", "low"),
        parameters=_rows(14),
        unit="0-100",
        min_rows=lambda n: n + 1,
    )
)
def aroon_down(bars: OwnBars, n: int) -> Panel:
    """Recency of the lowest low."""
    return talib_columns("AROON", (bars.high, bars.low), rows=n + 1, timeperiod=n)[0]


def _macd(bars: OwnBars, fast: int, slow: int, signal: int) -> tuple[Panel, Panel, Panel]:
    def make() -> tuple[Panel, Panel, Panel]:
        # Both means start together: the fast one is seeded late, as TA-Lib does.
        line = rolling.ema(bars.close, slow)
        np.subtract(rolling.ema(bars.close, fast, start=slow - fast), line, out=line)
        smoothed = rolling.ema(line, signal)
        histogram = line - smoothed
        np.copyto(line, np.nan, where=np.isnan(smoothed))
        return line, smoothed, histogram

    three: tuple[Panel, Panel, Panel] = bars.once(f"macd {fast} {slow} {signal}", make)
    return three


def _macd_about(name: str, formula: str, *, level: bool) -> About:
    return About(
        name=name,
        family="momentum",
        formula=formula,
        parameters=MACD,
        unit="price" if level else "fraction",
        role="level" if level else "stationary",
        min_rows=lambda fast, slow, signal: max(fast, slow) + signal - 1,
        settle_rows=lambda fast, slow, signal: memory(2 / (max(fast, slow) + 1)) + slow + signal,
    )


@feature(_macd_about("macd_line", "ema(fast) - ema(slow)", level=True))
def macd_line(bars: OwnBars, fast: int, slow: int, signal: int) -> Panel:
    """Moving average convergence/divergence."""
    return _macd(bars, min(fast, slow), max(fast, slow), signal)[0]


@feature(_macd_about("macd_signal", "ema(macd_line, signal)", level=True))
def macd_signal(bars: OwnBars, fast: int, slow: int, signal: int) -> Panel:
    """Signal line of the moving average convergence/divergence."""
    return _macd(bars, min(fast, slow), max(fast, slow), signal)[1]


@feature(_macd_about("macd_histogram", "macd_line - macd_signal", level=True))
def macd_histogram(bars: OwnBars, fast: int, slow: int, signal: int) -> Panel:
    """Distance of the convergence/divergence from its signal line."""
    return _macd(bars, min(fast, slow), max(fast, slow), signal)[2]


@feature(_macd_about("macd_line_to_close", "macd_line / close", level=False))
def macd_line_to_close(bars: OwnBars, fast: int, slow: int, signal: int) -> Panel:
    """Moving average convergence/divergence relative to the close."""
    return rolling.ratio(macd_line(bars, fast, slow, signal), bars.close)


@feature(_macd_about("macd_signal_to_close", "macd_signal / close", level=False))
def macd_signal_to_close(bars: OwnBars, fast: int, slow: int, signal: int) -> Panel:
    """Signal line relative to the close."""
    return rolling.ratio(macd_signal(bars, fast, slow, signal), bars.close)


@feature(_macd_about("macd_histogram_to_close", "macd_histogram / close", level=False))
def macd_histogram_to_close(bars: OwnBars, fast: int, slow: int, signal: int) -> Panel:
    """Convergence/divergence histogram relative to the close."""
    return rolling.ratio(macd_histogram(bars, fast, slow, signal), bars.close)

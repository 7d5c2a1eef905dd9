"""Bars of made-up markets whose law is known: a method can be tried where it must fail."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

import numpy as np

from tradewright.domain.bars import Bars, FloatArray, IntArray
from tradewright.domain.errors import ConfigError, nearest
from tradewright.domain.instruments import Instrument, normalise_symbol
from tradewright.domain.intervals import parse_interval
from tradewright.domain.panels import build_bars
from tradewright.domain.time import NS_PER_DAY, moment_ns
from tradewright.marketdata.calendars import TradingCalendar, calendar_of

FIRST_PRICE: Final = 100.0
OVERNIGHT: Final = 0.25
"""Share of a session's variance that falls between the close before and its open."""

ALPHA: Final = 0.08
BETA: Final = 0.90
JUMPS_A_YEAR: Final = 6.0
JUMP_SHARE: Final = 0.25
HALFLIFE_SESSIONS: Final = 21.0
CALM_STAYS: Final = 0.99
STORM_STAYS: Final = 0.95
STORM: Final = 3.0
"""Volatility of a storm in that of calm times."""


def synthetic_bars(
    model: str = "random_walk",
    n_instruments: int = 5,
    n_bars: int = 1260,
    *,
    drift: float = 0.05,
    volatility: float = 0.20,
    correlation: float = 0.3,
    start: str | date | datetime = "2010-01-04",
    interval: str = "1d",
    calendar: str = "XNYS",
    symbols: Sequence[str] | None = None,
    seed: int = 0,
) -> Bars:
    r"""Make bars of a market whose law is known.

    Log returns have the variance :math:`\sigma^2 \Delta` a bar and the mean
    :math:`(\mu - \sigma^2 / 2) \Delta`; shocks of instruments share one market factor. Given a
    bar's open and close, its high and its low are drawn from the law of the extremes of a
    Brownian bridge [1]_, :math:`\tfrac12 (r + \sqrt{r^2 - 2 s^2 \ln U})`, each for itself.

    Parameters
    ----------
    model : str
        ``random_walk`` (nothing can be predicted), ``garch`` (calm and wild times follow on
        themselves: GARCH(1,1), alpha 0.08, beta 0.90 [2]_), ``jumps`` (six jumps a year carry a
        quarter of the variance [3]_), ``mean_reverting`` (log prices return to their trend, half
        way in 21 sessions: there is something to earn) or ``regimes`` (calm and storms of three
        times its volatility, for all instruments at once).
    n_instruments : int
        Columns; 1 to 10,000.
    n_bars : int
        Rows; 2 to 10,000,000, as far as the calendar reaches.
    drift, volatility : float
        Expected return and standard deviation a year, as fractions; volatility > 0, at most 5.
    correlation : float
        Of the shocks of two instruments; 0 <= correlation < 1.
    start : str, date or aware datetime
        The first bar closes at or after it.
    interval : str
        ``1m`` to ``1mo``.
    calendar : str
        Sessions: an exchange_calendars code, ``24/5`` or ``24/7``.
    symbols : sequence of str, optional
        Names; ``SYN0001`` and so on unless given.
    seed : int
        Of everything random; the same arguments give the same bars. >= 0.

    Returns
    -------
    Bars
        Complete and valid bars, prices in steps of 0.01 from 100 on, at least 0.01.

    Raises
    ------
    ConfigError
        If the model is unknown or a number is out of range.

    Notes
    -----
    Timing: rows are stamped with the close of their session or bar, as real ones.
    Missing data: there is none.

    References
    ----------
    .. [1] I. Karatzas, S. Shreve, "Brownian Motion and Stochastic Calculus", 2nd ed., 1991,
       section 2.8.
    .. [2] T. Bollerslev, "Generalized autoregressive conditional heteroskedasticity", Journal of
       Econometrics 31, 1986.
    .. [3] R. Merton, "Option pricing when underlying stock returns are discontinuous", Journal of
       Financial Economics 3, 1976.

    Examples
    --------
    >>> import tradewright as tw
    >>> bars = tw.synthetic_bars("garch", n_instruments=2, n_bars=250, seed=7)
    >>> bars.symbols, bars.close.shape, str(bars.times[0])[:16]
    (('SYN0001', 'SYN0002'), (250, 2), '2010-01-04T21:00')
    >>> bool((bars.high >= bars.low).all())
    True
    """
    _check(model, n_instruments, n_bars, seed, (drift, volatility, correlation))
    names = _names(symbols, n_instruments)
    sessions = calendar_of(calendar)
    ts = _stamps(sessions, start, n_bars, parse_interval(interval))
    rng = np.random.default_rng(seed)
    per_year = n_bars / max((int(ts[-1]) - int(ts[0])) / (365.25 * 86_400e9), 1e-12)
    per_year *= (n_bars - 1) / n_bars
    sigma = volatility / math.sqrt(per_year)
    shocks = _correlated(rng, n_bars, n_instruments, correlation)
    per_session = max(1.0, n_bars / max(1, len(np.unique(sessions.session_of(ts)))))
    noise, spread = MODELS[model](rng, shocks, sigma, per_year, per_session)
    returns = (drift / per_year - sigma * sigma / 2.0) + noise
    prices = _prices(rng, returns, spread, _begins_session(sessions, ts))
    column = np.tile(np.arange(n_instruments), n_bars)
    return build_bars(
        [Instrument(name, calendar=calendar) for name in names],
        column,
        np.repeat(ts, n_instruments),
        {name: values.ravel() for name, values in prices.items()},
        interval=parse_interval(interval),
        source="synthetic",
        notes=(
            f"made up: {model}, drift {drift:g}, volatility {volatility:g}, "
            f"correlation {correlation:g}, seed {seed}",
        ),
    )


def _check(
    model: str, n_instruments: int, n_bars: int, seed: int, numbers: tuple[float, float, float]
) -> None:
    if model not in MODELS:
        raise ConfigError(f"model {model!r} is not known; {nearest(str(model), MODELS)}")
    wholes = (("n_instruments", n_instruments, 1, 10_000), ("n_bars", n_bars, 2, 10_000_000),
              ("seed", seed, 0, 2**63))  # fmt: skip
    for name, value, low, high in wholes:
        is_whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not is_whole or not low <= value <= high:
            raise ConfigError(f"{name} is {value!r}, wanted a whole number {low} to {high}")
    drift, volatility, correlation = numbers
    if not -10 <= drift <= 10:
        raise ConfigError(f"drift is {drift}, wanted a fraction a year of at most 10")
    if not 0 < volatility <= 5:
        raise ConfigError(f"volatility is {volatility}, wanted above 0 and at most 5 a year")
    if not 0 <= correlation < 1:
        raise ConfigError(f"correlation is {correlation}, wanted 0 or more and below 1")


def _names(symbols: Sequence[str] | None, n_instruments: int) -> list[str]:
    if symbols is None:
        return [f"SYN{number:04}" for number in range(1, n_instruments + 1)]
    names = [normalise_symbol(name) for name in symbols]
    if len(names) != n_instruments or len(set(names)) != len(names):
        raise ConfigError(f"symbols are {names}, wanted {n_instruments} different names")
    return names


def _stamps(
    calendar: TradingCalendar, start: str | date | datetime, n_bars: int, interval: str
) -> IntArray:
    first = moment_ns(start)
    assert first is not None
    last = int(calendar.closes[-1]) + 1
    length = 32 * NS_PER_DAY
    while True:
        end = min(first + length, last)
        found = calendar.bar_closes(first, end, interval)
        if len(found) >= n_bars:
            return found[:n_bars]
        if end >= last:
            raise ConfigError(
                f"n_bars is {n_bars}, but {calendar.name} has {len(found)} {interval} bars "
                f"from {start} to the end of its calendar"
            )
        length *= 2


def _begins_session(calendar: TradingCalendar, ts: IntArray) -> np.ndarray:
    session = calendar.session_of(ts)
    return np.concatenate([[True], session[1:] != session[:-1]])


def _correlated(
    rng: np.random.Generator, n_bars: int, n_instruments: int, correlation: float
) -> FloatArray:
    market = rng.standard_normal((n_bars, 1))
    own = rng.standard_normal((n_bars, n_instruments))
    return np.asarray(math.sqrt(correlation) * market + math.sqrt(1.0 - correlation) * own)


# Each returns the noise of the log returns and the standard deviation it had, a bar.
def _random_walk(
    rng: np.random.Generator, shocks: FloatArray, sigma: float, per_year: float, per_session: float
) -> tuple[FloatArray, FloatArray]:
    return sigma * shocks, np.full_like(shocks, sigma)


def _garch(
    rng: np.random.Generator, shocks: FloatArray, sigma: float, per_year: float, per_session: float
) -> tuple[FloatArray, FloatArray]:
    variance = np.empty_like(shocks)
    noise = np.empty_like(shocks)
    now = np.full(shocks.shape[1], sigma * sigma)
    for row, shock in enumerate(shocks):
        variance[row] = now
        noise[row] = np.sqrt(now) * shock
        now = (1.0 - ALPHA - BETA) * sigma * sigma + ALPHA * noise[row] ** 2 + BETA * now
    return noise, np.sqrt(variance)


def _jumps(
    rng: np.random.Generator, shocks: FloatArray, sigma: float, per_year: float, per_session: float
) -> tuple[FloatArray, FloatArray]:
    intensity = JUMPS_A_YEAR / per_year
    count = rng.poisson(intensity, shocks.shape)
    size = sigma * math.sqrt(JUMP_SHARE / intensity)
    calm = sigma * math.sqrt(1.0 - JUMP_SHARE)
    jumps = np.sqrt(count) * size * rng.standard_normal(shocks.shape)
    return calm * shocks + jumps, np.full_like(shocks, calm)


def _mean_reverting(
    rng: np.random.Generator, shocks: FloatArray, sigma: float, per_year: float, per_session: float
) -> tuple[FloatArray, FloatArray]:
    keeps = 2.0 ** (-1.0 / (HALFLIFE_SESSIONS * per_session))
    scale = sigma * math.sqrt((1.0 + keeps) / 2.0)  # so that changes have the variance sigma^2
    level = np.empty_like(shocks)
    now = shocks[0] * scale / math.sqrt(1.0 - keeps * keeps)  # in its long-run law from the start
    before = now
    for row, shock in enumerate(shocks):
        now = keeps * now + scale * shock
        level[row] = now
    return np.diff(level, axis=0, prepend=before[None, :]), np.full_like(shocks, scale)


def _regimes(
    rng: np.random.Generator, shocks: FloatArray, sigma: float, per_year: float, per_session: float
) -> tuple[FloatArray, FloatArray]:
    leave_calm, leave_storm = (1.0 - CALM_STAYS) / per_session, (1.0 - STORM_STAYS) / per_session
    stormy = leave_calm / (leave_calm + leave_storm)
    draws = rng.random(len(shocks))
    storms = np.empty(len(shocks), dtype=np.bool_)
    is_storm = bool(rng.random() < stormy)
    for row, draw in enumerate(draws):
        is_storm = draw >= leave_storm if is_storm else draw < leave_calm
        storms[row] = is_storm
    calm = sigma / math.sqrt(1.0 + stormy * (STORM * STORM - 1.0))
    spread = np.where(storms, STORM * calm, calm)[:, None] * np.ones_like(shocks)
    return spread * shocks, spread


MODELS: Final = {
    "garch": _garch,
    "jumps": _jumps,
    "mean_reverting": _mean_reverting,
    "random_walk": _random_walk,
    "regimes": _regimes,
}


def _prices(
    rng: np.random.Generator, returns: FloatArray, spread: FloatArray, begins: np.ndarray
) -> dict[str, FloatArray]:
    share = np.where(begins, OVERNIGHT, 0.0)[:, None]
    # The gap given the whole return: a Brownian bridge at the time of the open.
    gap = share * returns + spread * np.sqrt(share * (1.0 - share)) * rng.standard_normal(
        returns.shape
    )
    close = math.log(FIRST_PRICE) + np.cumsum(returns, axis=0)
    opened = close - returns + gap
    inside = close - opened
    variance = spread**2 * (1.0 - share)
    extremes = [
        np.sqrt(inside**2 - 2.0 * variance * np.log(1.0 - rng.random(returns.shape)))
        for _ in range(2)
    ]
    paths = {
        "open": opened,
        "high": opened + (inside + extremes[0]) / 2.0,
        "low": opened + (inside - extremes[1]) / 2.0,
        "close": close,
    }
    priced = {
        name: np.maximum(np.round(np.exp(np.clip(path, -20.0, 22.0)), 2), 0.01)
        for name, path in paths.items()
    }
    surprise = np.abs(returns) / np.maximum(spread, 1e-300)
    priced["volume"] = np.round(
        1e6 * np.exp(0.3 * rng.standard_normal(returns.shape) + 0.2 * np.minimum(surprise, 10.0))
    )
    return priced

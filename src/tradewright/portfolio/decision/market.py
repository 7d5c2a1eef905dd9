"""What is known when a decision is made: of one instrument, and of the portfolio."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import DataError
from tradewright.domain.forecasts import Forecast

FloatArray = NDArray[np.float64]
ADV_SESSIONS = 20
FEWEST_RETURNS = 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MarketView:
    """What is known of one instrument.

    Parameters
    ----------
    now_ns : int
        Time of the decision, UTC nanoseconds; nothing in it became known later.
    closes : ndarray of shape (n,)
        Past closes, newest last; NaN where no bar traded.
    forecasts : tuple of Forecast
        Newest forecast of each source.
    bar_ns : int
        Length of a bar of trading time, nanoseconds: horizons are counted in it.
    highs, lows, volumes : ndarray of shape (n,), optional
        Of the same bars; without volumes the market is taken to be deep.
    regime : str
        ``trend/volatility`` or ``mixed``.
    age_bars : float
        Bars of the instrument's calendar since its last price.
    round_trip_cost : float
        Cost of buying and selling again, a fraction of the notional.
    skills : mapping of str to float
        Rolling skill of sources by name, see `skill.skill_of`; 1 where nothing is known.
    periods_per_year : float
        Bars a year.
    bars_per_session : float
        Bars a session.

    Raises
    ------
    DataError
        If the arrays differ in length.
    """

    now_ns: int
    closes: FloatArray
    forecasts: tuple[Forecast, ...] = ()
    bar_ns: int = 86_400_000_000_000
    highs: FloatArray | None = None
    lows: FloatArray | None = None
    volumes: FloatArray | None = None
    regime: str = "mixed"
    age_bars: float = 0.0
    round_trip_cost: float = 0.0
    skills: Mapping[str, float] = field(default_factory=dict)
    periods_per_year: float = 252.0
    bars_per_session: float = 1.0

    def __post_init__(self) -> None:
        for name in ("highs", "lows", "volumes"):
            array = getattr(self, name)
            if array is not None and len(array) != len(self.closes):
                raise DataError(
                    f"market view: {len(array)} {name} beside {len(self.closes)} closes"
                )

    def returns(self, bars: int) -> FloatArray:
        """Return the last simple returns between closes that traded, at most `bars` of them."""
        past = self.closes[-(bars + 1) :]
        past = past[np.isfinite(past)]
        return past[1:] / past[:-1] - 1.0 if len(past) > 1 else np.empty(0)

    def adv_notional(self) -> float:
        """Return the average notional traded a session over 20 sessions.

        Infinite without volumes; NaN where no bar of them traded.
        """
        if self.volumes is None:
            return math.inf
        n = max(1, round(ADV_SESSIONS * self.bars_per_session))
        notional = self.closes[-n:] * self.volumes[-n:]
        notional = notional[np.isfinite(notional)]
        return float(notional.mean()) * self.bars_per_session if len(notional) else math.nan

    def average_true_range(self, bars: int) -> float:
        """Return Wilder's average true range; NaN without highs, lows or enough bars."""
        if self.highs is None or self.lows is None or len(self.closes) <= bars:
            return math.nan
        before = self.closes[:-1]
        high, low = self.highs[1:], self.lows[1:]
        ranges = np.maximum(high, before) - np.minimum(low, before)
        ranges = ranges[np.isfinite(ranges)]
        if len(ranges) < bars:
            return math.nan
        value = float(ranges[:bars].mean())
        for found in ranges[bars:].tolist():
            value += (found - value) / bars
        return value


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PortfolioView:
    """What is held.

    Parameters
    ----------
    equity : float
        Of the account, in its currency.
    weights : mapping of str to float
        Signed weights of what is held.
    sectors : mapping of str to str
        Sector of each instrument that has one.
    returns : ndarray of shape (n, n_symbols), optional
        Past returns of `symbols`, newest last; NaN where one did not trade.
    symbols : tuple of str
        Columns of `returns`.

    Raises
    ------
    DataError
        If a weight is not finite or the shape does not fit.
    """

    equity: float
    weights: Mapping[str, float] = field(default_factory=dict)
    sectors: Mapping[str, str] = field(default_factory=dict)
    returns: FloatArray | None = None
    symbols: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for symbol, weight in self.weights.items():
            if not math.isfinite(weight):
                raise DataError(f"portfolio view: weight of {symbol} is {weight}, wanted finite")
        if self.returns is not None and self.returns.shape[1:] != (len(self.symbols),):
            raise DataError(
                f"portfolio view: returns of shape {self.returns.shape} for "
                f"{len(self.symbols)} symbols"
            )

    def held(self, symbol: str) -> float:
        """Return the signed weight of an instrument."""
        return float(self.weights.get(symbol, 0.0))

    def sector_weight(self, symbol: str, *, without: bool = False) -> float:
        """Return the gross weight of an instrument's sector; NaN where it has none.

        Parameters
        ----------
        symbol : str
            Names the sector.
        without : bool
            Whether the instrument itself is left out.
        """
        sector = self.sectors.get(symbol, "")
        if not sector:
            return math.nan
        return sum(
            abs(weight)
            for name, weight in self.weights.items()
            if self.sectors.get(name, "") == sector and not (without and name == symbol)
        )

    def correlation(self, symbol: str, side: float, bars: int) -> float:
        r"""Return the weighted mean correlation of a new position with the holdings.

        :math:`\sum_j |w_j|\,\rho_j s_j / \sum_j |w_j|` over the other holdings, :math:`s_j` the
        product of both sides.

        Parameters
        ----------
        symbol : str
            What is traded.
        side : float
            +1 long, -1 short.
        bars : int
            Newest returns used; a pair needs 20 that both traded.

        Returns
        -------
        float
            In [-1, 1]; NaN where nothing else is held or known.
        """
        if self.returns is None or symbol not in self.symbols:
            return math.nan
        columns = {name: at for at, name in enumerate(self.symbols)}
        others = [
            (columns[name], weight)
            for name, weight in self.weights.items()
            if weight and name != symbol and name in columns
        ]
        if not others:
            return math.nan
        past = self.returns[-bars:]
        rho = _correlations(past[:, columns[symbol]], past[:, [at for at, _ in others]])
        weights = np.array([weight for _, weight in others])
        known = np.isfinite(rho)
        total = float(np.abs(weights[known]).sum())
        if not total:
            return math.nan
        return float(side * (weights[known] * rho[known]).sum()) / total


def _correlations(one: FloatArray, others: FloatArray) -> FloatArray:
    # Pearson with each column, over the rows that both know; NaN with too few or no variance.
    known = np.isfinite(one)[:, None] & np.isfinite(others)
    count = known.sum(axis=0)
    x = np.where(known, one[:, None], 0.0)
    y = np.where(known, others, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        x = np.where(known, x - x.sum(axis=0) / count, 0.0)
        y = np.where(known, y - y.sum(axis=0) / count, 0.0)
        rho = (x * y).sum(axis=0) / np.sqrt((x * x).sum(axis=0) * (y * y).sum(axis=0))
    return np.where(count >= FEWEST_RETURNS, rho, np.nan)

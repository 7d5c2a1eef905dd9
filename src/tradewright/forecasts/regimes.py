"""Market regimes by rule: a trend and a volatility axis, bar by bar, of many instruments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import ConfigError, DataError

FloatArray = NDArray[np.float64]
MIXED: Final = "mixed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeSettings:
    """The rule of the two axes.

    Parameters
    ----------
    long_bars, short_bars : int
        Bars of the two moving averages.
    margin : float
        Distance of the close from the long average, as a fraction, within which the trend is
        sideways.
    halflife_bars : float
        Of the exponentially weighted volatility.
    window_bars : int
        Bars over which that volatility is ranked.
    high, low : float
        Ranks above which it becomes volatile, and below which it becomes stable again.

    Raises
    ------
    ConfigError
        If a number is out of its range.
    """

    long_bars: int = 200
    short_bars: int = 50
    margin: float = 0.02
    halflife_bars: float = 20.0
    window_bars: int = 252
    high: float = 0.80
    low: float = 0.70

    def __post_init__(self) -> None:
        if not 1 <= self.short_bars < self.long_bars:
            raise ConfigError(
                f"regime: short_bars {self.short_bars}, long_bars {self.long_bars}; "
                "wanted 1 <= short < long"
            )
        if not 0 <= self.low <= self.high <= 1:
            raise ConfigError(f"regime: low {self.low}, high {self.high}; wanted 0 to 1, low first")
        for name, least in (("margin", 0.0), ("halflife_bars", 1e-9), ("window_bars", 2)):
            if not getattr(self, name) >= least:
                raise ConfigError(f"regime: {name} is {getattr(self, name)}, wanted >= {least:g}")

    @property
    def warm_up(self) -> int:
        """Bars until both axes are known."""
        return max(self.long_bars, self.window_bars + 1)


class RegimeTracker:
    """Follow the regimes of instruments bar by bar.

    **Trend**: ``bullish`` where the close is above its 200-bar average by more than 2 % and the
    50-bar average above the 200-bar one, ``bearish`` where both are below, else ``sideways``.
    **Volatility**: ``volatile`` from where the exponentially weighted volatility exceeds the 80th
    percentile of its last 252 values, until it falls under the 70th.

    Parameters
    ----------
    n_instruments : int
        Columns.
    settings : RegimeSettings, optional
        The rule.

    Notes
    -----
    Timing: after `update` with a bar's closes the regime is known at that close.
    Missing data: a NaN close repeats the last one for the trend and adds no volatility; until
    both axes are known the regime is ``mixed``.
    """

    def __init__(self, n_instruments: int, settings: RegimeSettings | None = None) -> None:
        self.settings = settings or RegimeSettings()
        n, s = n_instruments, self.settings
        self._closes = np.full((s.long_bars, n), np.nan)
        self._ranked = np.full((s.window_bars, n), np.nan)
        self._last = np.full(n, np.nan)
        self._variance = np.zeros(n)
        self._weight = np.zeros(n)
        self._volatile = np.zeros(n, dtype=np.bool_)
        self._decay = 0.5 ** (1.0 / s.halflife_bars)
        self._bars = 0

    def update(self, closes: FloatArray) -> None:
        """Take the closes of one bar.

        Parameters
        ----------
        closes : ndarray of shape (n_instruments,)
            NaN where an instrument did not trade.

        Raises
        ------
        DataError
            If the shape does not fit.
        """
        if closes.shape != self._last.shape:
            raise DataError(f"regime: closes have shape {closes.shape}, wanted {self._last.shape}")
        with np.errstate(invalid="ignore"):
            change = closes / self._last - 1.0
        moved = np.isfinite(change)
        decay = self._decay
        square = np.where(moved, change, 0.0) ** 2
        self._variance = np.where(
            moved, decay * self._variance + (1 - decay) * square, self._variance
        )
        self._weight = np.where(moved, decay * self._weight + (1 - decay), self._weight)
        self._last = np.where(np.isnan(closes), self._last, closes)
        self._closes[self._bars % len(self._closes)] = self._last
        with np.errstate(divide="ignore", invalid="ignore"):
            volatility = np.sqrt(self._variance / self._weight)
        self._ranked[self._bars % len(self._ranked)] = volatility
        self._bars += 1
        # Rank of the present value among the last ones: the share that lies below it.
        below = (self._ranked < volatility).mean(axis=0)
        s = self.settings
        self._volatile = np.where(
            below > s.high, True, np.where(below < s.low, False, self._volatile)
        )

    def regimes(self) -> tuple[str, ...]:
        """Return the regime of each instrument, such as ``bullish/stable``."""
        s = self.settings
        long = self._closes.mean(axis=0)
        newest = np.arange(self._bars - s.short_bars, self._bars) % s.long_bars
        short = self._closes[newest].mean(axis=0)
        known = np.isfinite(long) & np.isfinite(self._ranked).all(axis=0)
        up = (self._last > long * (1 + s.margin)) & (short > long)
        down = (self._last < long * (1 - s.margin)) & (short < long)
        trend = np.where(up, "bullish", np.where(down, "bearish", "sideways"))
        kind = np.where(self._volatile, "volatile", "stable")
        return tuple(f"{t}/{v}" if k else MIXED for t, v, k in zip(trend, kind, known, strict=True))

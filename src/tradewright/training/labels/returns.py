"""Labels of a fixed horizon: the forward return, and its three classes."""

from __future__ import annotations

import dataclasses

import numpy as np

from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError
from tradewright.training.labels.values import (
    BUY,
    HOLD,
    NO_CLASS,
    SELL,
    Labels,
    check_horizon,
    trailing_volatility,
)


def forward_return(bars: Bars, horizon: int, entry: str = "next_open") -> Labels:
    r"""Label each decision with the simple return of the bars after it.

    ``next_open``: :math:`O_{t+1+h} / O_{t+1} - 1`, which is what a decision at the close of bar t
    can trade; ``close``: :math:`C_{t+h} / C_t - 1`.

    Parameters
    ----------
    bars : Bars
        Prices of shape (n_bars, n_instruments).
    horizon : int
        Bars h, >= 1.
    entry : str
        ``next_open`` or ``close``.

    Returns
    -------
    Labels
        Values as fractions; the end row is t + 1 + h (``next_open``) or t + h (``close``).

    Raises
    ------
    ConfigError
        If the horizon does not fit the data or the entry is unknown.

    Notes
    -----
    Timing: looks forward; for training only.
    Missing data: NaN where either price is missing; a gap is never bridged.
    """
    check_horizon(horizon, bars.n_bars, entry)
    value = np.full(bars.close.shape, np.nan)
    end_row = np.tile(np.arange(bars.n_bars)[:, None], (1, bars.n_instruments))
    reach = horizon + 1 if entry == "next_open" else horizon
    if entry == "next_open":
        value[:-reach] = bars.open[reach:] / bars.open[1:-horizon] - 1.0
    else:
        value[:-reach] = bars.close[reach:] / bars.close[:-reach] - 1.0
    end_row[:-reach] += reach
    return Labels(
        symbols=bars.symbols,
        ts=bars.ts,
        value=value,
        end_row=end_row,
        classes=None,
        horizon_bars=horizon,
        kind="forward_return",
    )


def three_class(
    bars: Bars, horizon: int, *, threshold: float = 0.5, entry: str = "next_open"
) -> Labels:
    r"""Label each decision Buy, Hold or Sell by its forward return against its volatility.

    Buy (0) where :math:`r > k \sigma_t \sqrt{h}`, Sell (2) where :math:`r < -k \sigma_t \sqrt{h}`,
    else Hold (1).

    Parameters
    ----------
    bars : Bars
        Prices of shape (n_bars, n_instruments).
    horizon : int
        Bars h, >= 1.
    threshold : float
        k, > 0.
    entry : str
        ``next_open`` or ``close``.

    Returns
    -------
    Labels
        With classes; unknown until the volatility has 20 returns.

    Raises
    ------
    ConfigError
        If the threshold or horizon does not fit.

    Notes
    -----
    Timing: the return looks forward, the volatility only back.
    Missing data: as `forward_return`.
    """
    if not 0 < threshold < np.inf:
        raise ConfigError(f"labels.threshold is {threshold}, wanted above 0")
    plain = forward_return(bars, horizon, entry)
    limit = threshold * trailing_volatility(bars.close) * np.sqrt(horizon)
    classes = np.full(plain.value.shape, NO_CLASS, dtype=np.int8)
    known = np.isfinite(plain.value) & np.isfinite(limit)
    classes[known] = HOLD
    classes[known & (plain.value > limit)] = BUY
    classes[known & (plain.value < -limit)] = SELL
    return dataclasses.replace(plain, classes=classes, kind="three_class")

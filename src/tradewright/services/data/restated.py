"""Prices as traded, restated so that features of them compare over time, without a look ahead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError

FloatArray = NDArray[np.float64]
PRICES: Final = ("open", "high", "low", "close")


def in_first_shares(bars: Bars) -> Bars:
    """Return bars whose prices are per share of the first bar; see `forward_factors`.

    Parameters
    ----------
    bars : Bars
        Prices as traded with their actions.

    Returns
    -------
    Bars
        Adjusted for splits; a row does not change when later rows are added.
    """
    from tradewright.marketdata import forward_factors

    return _scaled(bars, forward_factors(bars, mode="splits"))


def features_as_of_now(
    bars: Bars, values_of: Callable[[Bars, str], FloatArray]
) -> Callable[[str], FloatArray]:
    """Return what gives a feature of prices as traded, at each row in prices of that row.

    The feature is computed on prices per share of the first bar, so that no split makes a jump,
    and its value is brought to the shares of its own row: a moving average of prices is divided by
    the splits so far, a return is left alone. Which it is shows when all prices are doubled.

    Parameters
    ----------
    bars : Bars
        Prices as traded with their actions.
    values_of : callable
        Gives the values (n_bars, n_instruments) of a feature of bars by name.

    Returns
    -------
    callable
        Gives the values by name; `ConfigError` for a feature that is neither a power of the price
        nor free of its unit.
    """
    from tradewright.marketdata import forward_factors

    shares = forward_factors(bars, mode="splits")
    whole = _scaled(bars, shares)

    def of(name: str) -> FloatArray:
        values = values_of(whole, name)
        doubled = values_of(_scaled(whole, np.full(shares.shape, 2.0)), name)
        power = _power(name, values, doubled)
        found: FloatArray = values / shares**power
        return found

    return of


def _power(name: str, values: FloatArray, doubled: FloatArray) -> float:
    known = np.isfinite(values) & np.isfinite(doubled) & (values != 0)
    if not known.any():
        return 0.0
    ratio = doubled[known] / values[known]
    power = round(float(np.log2(np.abs(np.median(ratio)))))
    if not np.allclose(ratio, 2.0**power, rtol=1e-6):
        raise ConfigError(
            f"indicator {name!r} depends on the unit of the price in a way that a split would "
            "show: use a ratio of it to the close, ctx.history, or adjusted bars"
        )
    return float(power)


def _scaled(bars: Bars, factor: FloatArray) -> Bars:
    fields: Any = {name: getattr(bars, name) * factor for name in PRICES}
    return replace(
        bars, **fields, volume=bars.volume / factor, adjustment="splits", actions=(),
        data_version="",
    )  # fmt: skip

"""From funding rates and bars to the kernel's table of payments."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradewright.costs.funding import Funding
from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError
from tradewright.domain.instruments import AssetClass
from tradewright.domain.intervals import INTRADAY_MINUTES, NS_PER_MINUTE
from tradewright.domain.time import NS_PER_DAY, from_ns
from tradewright.simulation.money.funding import PAYMENT_DTYPE

RATE_SCALE: Final = 10**12
GAP_NS: Final = 3 * NS_PER_DAY
"""Longest span at either end of the bars without a rate that needs no word."""


def payments_of(bars: Bars, funding: Funding) -> NDArray[np.void]:
    """Return the payments that fall into the bars, in the order of time.

    Parameters
    ----------
    bars : Bars
        The market.
    funding : mapping of str to (ns, rate)
        By symbol; symbols that are not among the bars are left out.

    Returns
    -------
    structured ndarray
        Rows of `PAYMENT_DTYPE`. A payment at the close of a bar, or between two bars, falls before
        the open of the next; one at the close of the last bar, or later, into none.

    Raises
    ------
    ConfigError
        If none of the symbols is among the bars.
    """
    columns = {symbol: at for at, symbol in enumerate(bars.symbols)}
    if not set(funding) & set(columns):
        raise ConfigError(
            f"costs.funding is for {', '.join(list(funding)[:5])}, wanted one of "
            f"{', '.join(bars.symbols[:5])}"
        )
    listed = [(ns, columns[s], rate) for s in funding if s in columns for ns, rate in funding[s]]
    listed.sort()
    stamps = np.array([ns for ns, _, _ in listed], dtype=np.int64)
    rows = np.searchsorted(bars.ts, stamps, side="right")
    keep = (rows > 0) & (rows < bars.n_bars)
    rows, stamps = rows[keep], stamps[keep]
    out: NDArray[np.void] = np.zeros(len(rows), dtype=PAYMENT_DTYPE)
    out["row"] = rows
    out["is_inside"] = stamps > np.maximum(bars.ts[rows - 1], bars.ts[rows] - _length_ns(bars))
    out["column"] = np.array([column for _, column, _ in listed], dtype=np.int64)[keep]
    rates = np.array([round(rate * RATE_SCALE) for _, _, rate in listed], dtype=np.int64)
    out["rate"] = rates[keep]
    return out


def _length_ns(bars: Bars) -> int:
    minutes = INTRADAY_MINUTES.get(bars.interval)
    if minutes is not None:
        return minutes * NS_PER_MINUTE
    return {"1wk": 7, "1mo": 31}.get(bars.interval, 1) * NS_PER_DAY


def unfunded(bars: Bars, funding: Funding | None) -> list[str]:
    """Return in words which perpetuals pay no funding for want of rates, or not all the time."""
    found = []
    for instrument in bars.instruments:
        if instrument.asset_class is not AssetClass.CRYPTO_PERP:
            continue
        symbol, rows = instrument.symbol, (funding or {}).get(instrument.symbol, ())
        if not rows:
            found.append(f"{symbol} pays no funding: costs.funding has no rates for it")
            continue
        first, last = rows[0][0], rows[-1][0]
        if first - bars.ts[0] > GAP_NS or bars.ts[-1] - last > GAP_NS:
            found.append(
                f"{symbol} pays funding from {from_ns(first):%Y-%m-%d} to "
                f"{from_ns(last):%Y-%m-%d} only: costs.funding has no other rates"
            )
    return found

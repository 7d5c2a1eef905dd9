"""Short lists that edges show: data there are, sectors, strategies that have a name."""

from __future__ import annotations

from functools import cache

from tradewright.domain.bars import Bars
from tradewright.domain.errors import NoDataError
from tradewright.ports.bar_store import SeriesInfo
from tradewright.services.workspace import Workspace


def available_series(workspace: Workspace) -> tuple[list[SeriesInfo], bool]:
    """Return the stored series, or those of the embedded sample where nothing is stored.

    Returns
    -------
    tuple of (list of SeriesInfo, bool)
        The second value says whether it is the sample.
    """
    stored = workspace.bars.list_series()
    return (stored, False) if stored else (_sample_series(), True)


def available_bars(
    workspace: Workspace,
    symbol: str,
    *,
    interval: str,
    start_ns: int | None = None,
    end_ns: int | None = None,
) -> Bars:
    """Return stored bars of a symbol, or those of the embedded sample where nothing is stored.

    Raises
    ------
    NoDataError
        If there are none in the range.
    """
    if workspace.bars.list_series():
        return workspace.bars.read([symbol], interval=interval, start_ns=start_ns, end_ns=end_ns)
    from tradewright.marketdata import sample_bars

    if interval != "1d":
        raise NoDataError(f"{symbol}: the embedded sample has daily bars only, not {interval}")
    return sample_bars([symbol]).between(start_ns, end_ns)


@cache
def _sample_series() -> list[SeriesInfo]:
    import numpy as np

    from tradewright.marketdata import sample_bars

    bars = sample_bars()
    found = []
    for column, symbol in enumerate(bars.symbols):
        rows = np.flatnonzero(~np.isnan(bars.close[:, column]))
        found.append(
            SeriesInfo(
                symbol=symbol,
                source=bars.source,
                interval=bars.interval,
                first_ts=int(bars.ts[rows[0]]),
                last_ts=int(bars.ts[rows[-1]]),
                rows=len(rows),
                adjustment=bars.adjustment,
            )
        )
    return found


def sector_of_symbol() -> dict[str, str]:
    """Return the sector of each symbol that has one."""
    from tradewright.marketdata import sectors

    return dict(sectors())


def reference_strategies() -> dict[str, str]:
    """Return the strategies that can be run by name, with their first line of documentation."""
    from tradewright.strategies import catalogue

    return {name: info.doc for name, info in catalogue().items()}

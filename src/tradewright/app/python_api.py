"""What the public Python names need of the composition root."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tradewright.domain.errors import NoDataError
from tradewright.ports.crew import Crew
from tradewright.services.sweeping.crews import use_cluster
from tradewright.services.workspace import Workspace, use_opener

if TYPE_CHECKING:
    from tradewright.domain.bars import Bars


def _open() -> Workspace:
    from tradewright.app.bootstrap import open_workspace

    return open_workspace()


def _cluster(address: str | None) -> Crew | None:
    from tradewright.app.bootstrap import open_cluster

    return open_cluster(address)


use_opener(_open)
use_cluster(_cluster)


def fetch_bars(
    symbols: Sequence[str], source: str = "yahoo", period: str = "1y", interval: str = "1h"
) -> Bars:
    """Fetch bars from a source, keep them in the bar store and return them.

    Parameters
    ----------
    symbols : sequence of str
        What to fetch.
    source : str
        ``yahoo`` (extra ``feeds``) or ``sample``.
    period : str
        ``1d 5d 1mo 3mo 6mo 1y 2y 5y 10y ytd max``.
    interval : str
        ``1m 2m 5m 15m 30m 60m 90m 1h 1d 5d 1wk 1mo 3mo``.

    Returns
    -------
    Bars
        What is stored afterwards for these symbols.

    Raises
    ------
    NoDataError
        If no symbol gave data; with the reason of each.
    """
    from tradewright.services.data import fetch

    report = fetch(_open(), symbols, source=source, period=period, interval=interval)
    if report.bars is None:
        reasons = "; ".join(f"{symbol}: {why}" for symbol, why in report.failures.items())
        raise NoDataError(f"{source} gave no bars: {reasons}")
    return report.bars

"""How long an order is on its way: from bars or milliseconds to rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError
from tradewright.domain.intervals import interval_ns, is_intraday
from tradewright.domain.rules import FillRules
from tradewright.simulation.tape.laid import LaidBars

NS_PER_MS = 1_000_000


def first_rows(bars: Bars, rules: FillRules) -> NDArray[np.int64] | None:
    """Return the first row at which an order decided at each row may fill.

    Parameters
    ----------
    bars : Bars
        The market; a bar opens one interval before its close.
    rules : FillRules
        ``latency_ms`` says how long an order is on its way.

    Returns
    -------
    ndarray of shape (n_bars,), int64, or None
        The first bar that opens no earlier than the decision and the latency after it; n_bars
        where none does. None without a latency in time.

    Raises
    ------
    ConfigError
        If the bars are not of a fixed length within a day.
    """
    if isinstance(bars, LaidBars) and rules.latency_bars:
        arrived = bars.coarse + 1 + rules.latency_bars
        return np.searchsorted(bars.coarse, arrived, side="left").astype(np.int64)
    if rules.latency_ms == 0:
        return None
    if not isinstance(bars, LaidBars) and not is_intraday(bars.interval):
        raise ConfigError(
            f"rules.latency_ms is {rules.latency_ms:g} on bars of {bars.interval}, whose open is "
            "not known to the millisecond; wanted bars within a day, or rules.latency_bars"
        )
    opens = bars.opens if isinstance(bars, LaidBars) else bars.ts - interval_ns(bars.interval)
    arrival = bars.ts + round(rules.latency_ms * NS_PER_MS)
    rows = np.searchsorted(opens, arrival, side="left").astype(np.int64)
    return np.maximum(rows, np.arange(1, bars.n_bars + 1))

"""Rates of exchange beside bars, as of each close."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradewright.costs.funding import instant_of, records_of
from tradewright.domain.bars import Bars, array_digest
from tradewright.domain.currencies.rates import known_rates, read_pair
from tradewright.domain.errors import ConfigError, DataError


def add_rates(bars: Bars, rates: Any) -> Bars:
    """Return bars with rates of exchange, at each close the last one known.

    Parameters
    ----------
    bars : Bars
        What is traded.
    rates : Bars, table or mapping
        Bars of currency pairs; a polars or pandas table, or records, with ``pair`` (``EUR/USD``:
        what one euro costs in dollars), ``time`` and ``rate``; or a fixed rate by pair.

    Returns
    -------
    Bars
        The same with `Bars.rates`; a pair that was there before is replaced.

    Raises
    ------
    ConfigError, DataError
        Naming the row or pair, the value found and the value wanted.

    Notes
    -----
    Timing: a rate counts from its own time on; no close sees a later one.

    Examples
    --------
    >>> import tradewright as tw
    >>> bars = add_rates(tw.sample_bars(["AAPL"], start="2017-01-01"), {"EUR/USD": 1.1})
    >>> float(bars.rates["EUR/USD"][0])
    1.1
    """
    found = dict(bars.rates)
    for name, (stamps, values) in _listed(bars, rates).items():
        if not (values > 0).all():
            raise DataError(f"rates: {name} has {values[~(values > 0)][0]}, wanted above 0")
        order = np.argsort(stamps, kind="stable")
        rows = np.searchsorted(stamps[order], bars.ts, side="right") - 1
        found[name] = np.where(rows >= 0, values[order][np.maximum(rows, 0)], np.nan)
    version = hashlib.blake2b(bars.data_version.encode(), digest_size=16)
    for name in sorted(found):
        version.update(name.encode() + array_digest(found[name]))
    return replace(bars, rates=found, data_version=version.hexdigest())


def _listed(bars: Bars, rates: Any) -> dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]:
    # Times and rates by the canonical name of each pair.
    if isinstance(rates, Bars):
        lines = {"/".join(pair): line for pair, line in known_rates(rates).items()}
        if not lines:
            raise ConfigError(f"rates: {', '.join(rates.symbols[:5])} are no currency pairs")
        known = {name: ~np.isnan(line) for name, line in lines.items()}
        return {name: (rates.ts[known[name]], line[known[name]]) for name, line in lines.items()}
    if isinstance(rates, Mapping):
        rates = [(pair, None, rate) for pair, rate in rates.items()]
    first = int(bars.ts[0])
    table: dict[str, list[tuple[int, float]]] = {}
    for number, (pair, time, rate) in enumerate(
        records_of(rates, "rates", ("pair", "time", "rate"))
    ):
        where = f"rates row {number}"
        if isinstance(rate, bool) or not isinstance(rate, int | float | np.number):
            raise ConfigError(f"{where}: rate is {rate!r}, wanted a number above 0")
        ns = first if time is None else instant_of(where, time)
        table.setdefault("/".join(read_pair(pair)), []).append((ns, float(rate)))
    return {
        name: (np.array([t for t, _ in rows], dtype=np.int64), np.array([r for _, r in rows]))
        for name, rows in table.items()
    }

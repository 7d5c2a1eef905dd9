"""Funding rates of perpetual contracts: what is given, checked and made plain."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final

import numpy as np

from tradewright.domain.errors import ConfigError, TradewrightError
from tradewright.domain.time import from_ns, to_ns

Funding = dict[str, tuple[tuple[int, float], ...]]
NAMES: Final[dict[str, tuple[str, ...]]] = {
    "symbol": ("symbol", "instrument"),
    "pair": ("pair", "symbol"),
    "time": ("time", "timestamp", "fundingtime", "funding_time"),
    "rate": ("rate", "fundingrate", "funding_rate"),
}
_SCALES: Final = ((10**17, 1), (10**14, 10**3), (10**11, 10**6), (0, 10**9))
"""From which size on a whole number counts nanoseconds, micro-, milliseconds, seconds."""


def funding_by_symbol(given: object) -> Funding | None:
    """Return funding rates by symbol, each as (UTC nanoseconds, fraction), rising in time.

    Parameters
    ----------
    given : table, mapping or sequence, optional
        A polars or pandas table with columns ``symbol``, ``time`` and ``rate`` (or as exchanges
        spell them, ``fundingTime``, ``fundingRate``), or rows ``(symbol, time, rate)``; or, as
        returned, (UTC nanoseconds, rate) by symbol. A time is aware, ISO 8601 text (UTC unless it
        says otherwise), or a whole number since 1970 in seconds, milli-, micro- or nanoseconds,
        told by its size.

    Raises
    ------
    ConfigError
        Naming the row, the value found and the value wanted.

    Examples
    --------
    >>> funding_by_symbol([("BTC-PERP", "2022-01-01T08:00:00Z", 0.0001)])
    {'BTC-PERP': ((1641024000000000000, 0.0001),)}
    """
    if given is None:
        return None
    found: dict[str, list[tuple[int, float]]] = {}
    is_plain = isinstance(given, Mapping)
    if is_plain:
        given = _unfolded(given)
    for number, (symbol, time, rate) in enumerate(records_of(given, "costs.funding")):
        where = f"costs.funding row {number}"
        if not isinstance(symbol, str) or not symbol:
            raise ConfigError(f"{where}: symbol is {symbol!r}, wanted text")
        ns = time if is_plain and isinstance(time, int) else instant_of(where, time)
        found.setdefault(symbol, []).append((ns, _rate(where, rate)))
    made: Funding = {}
    for symbol in sorted(found):
        rows = sorted(found[symbol])
        twice = [a[0] for a, b in pairwise(rows) if a[0] == b[0]]
        if twice:
            raise ConfigError(f"costs.funding: {symbol} has two rates at {from_ns(twice[0])}")
        made[symbol] = tuple(rows)
    return made or None


def _unfolded(given: Any) -> list[tuple[Any, Any, Any]]:
    # Rates by symbol as rows of a table.
    rows = []
    for symbol, listed in given.items():
        for row in listed:
            if not isinstance(row, list | tuple) or len(row) != 2:
                raise ConfigError(f"costs.funding[{symbol}] has {row!r}, wanted (time, rate)")
            rows.append((symbol, row[0], row[1]))
    return rows


def records_of(
    given: Any, what: str, names: tuple[str, str, str] = ("symbol", "time", "rate")
) -> Iterable[tuple[Any, Any, Any]]:
    """Give the rows of a table of three columns, whatever the table is.

    Parameters
    ----------
    given : table or sequence
        Of polars or pandas, records, or rows.
    what : str
        What it holds, for messages.
    names : tuple of str
        Keys of `NAMES`, in the order wanted.

    Raises
    ------
    ConfigError
        Naming the row, the value found and the value wanted.
    """
    if hasattr(given, "to_dicts"):
        given = given.to_dicts()
    elif hasattr(given, "to_dict") and hasattr(given, "columns"):
        given = given.to_dict("records")
    told = ", ".join(names)
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise ConfigError(f"{what} is {given!r}, wanted a table of {told}")
    for number, row in enumerate(given):
        if isinstance(row, Mapping):
            yield _of_record(f"{what} row {number}", row, names)
        elif isinstance(row, list | tuple) and len(row) == 3:
            yield row[0], row[1], row[2]
        else:
            raise ConfigError(f"{what} row {number} is {row!r}, wanted {told}")


def _of_record(
    where: str, row: Mapping[str, Any], names: tuple[str, str, str]
) -> tuple[Any, Any, Any]:
    plain = {str(key).strip().lower(): value for key, value in row.items()}
    out = []
    for name in names:
        known = [spelling for spelling in NAMES[name] if spelling in plain]
        if not known:
            raise ConfigError(f"{where} has {', '.join(row)}, wanted a column {name}")
        out.append(plain[known[0]])
    return out[0], out[1], out[2]


def instant_of(where: str, value: object) -> int:
    """Return a time in any of its usual forms as UTC nanoseconds; see `funding_by_symbol`.

    Raises
    ------
    ConfigError
        Beginning with `where`.
    """
    if isinstance(value, int | np.integer) and not isinstance(value, bool) and value > 0:
        return int(value) * next(scale for least, scale in _SCALES if value >= least)
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        if isinstance(moment, datetime):
            is_text = isinstance(value, str) and moment.tzinfo is None
            return to_ns(moment.replace(tzinfo=UTC) if is_text else moment)
    except (ValueError, TradewrightError) as error:
        raise ConfigError(f"{where}: {error}") from None
    raise ConfigError(f"{where}: time is {value!r}, wanted a time such as 2022-01-01T08:00:00Z")


def _rate(where: str, value: object) -> float:
    is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    rate = float(value) if is_number else math.nan  # type: ignore[arg-type]
    if not abs(rate) < 1:
        raise ConfigError(f"{where}: rate is {value!r}, wanted a fraction between -1 and 1")
    return rate

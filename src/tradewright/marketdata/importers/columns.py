"""Which column of a table means what."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from tradewright.domain.errors import ConfigError, DataError, nearest

ALIASES: Final[dict[str, tuple[str, ...]]] = {
    "time": (
        "timestamp", "datetime", "time", "opentime", "closetime", "gmttime", "localtime", "date",
        "ts", "index", "unnamed0", "",
    ),
    "symbol": ("symbol", "ticker", "instrument", "code", "pair"),
    "open": ("open", "o", "openprice"),
    "high": ("high", "h", "highprice"),
    "low": ("low", "l", "lowprice"),
    "close": ("close", "c", "closeprice", "last", "closelast"),
    "volume": ("volume", "vol", "v", "tickvolume"),
    "adj_close": ("adjclose", "adjustedclose", "adjustedcloseprice"),
    "dividend": ("dividend", "dividends", "exdividend", "divcash"),
    "split": ("split", "splits", "stocksplits", "splitratio", "splitfactor"),
}  # fmt: skip
"""Spellings of each field, without spaces, signs and case."""

REQUIRED: Final = ("time", "open", "high", "low", "close")
TIME_OF_DAY: Final = "time_of_day"


def find_columns(names: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    """Return the column of each field that the table has.

    Parameters
    ----------
    names : sequence of str
        Column names of the table.
    given : mapping of str to str
        Field to column, as the user says.

    Returns
    -------
    dict of str to str
        Field to column; ``time_of_day`` when date and time stand in two columns.

    Raises
    ------
    ConfigError
        If a field is missing, given wrongly or found twice; the message says what to give.
    DataError
        If the table holds ticks, quotes or an order book instead of bars.
    """
    found = _checked(names, given)
    taken = set(found.values())
    spelled = {name: re.sub(r"[^a-z0-9]", "", name.lower()) for name in names}
    pairs = [n for n in names if n not in taken and spelled[n] in ("date", "time")]
    if "time" not in found and {spelled[n] for n in pairs} == {"date", "time"}:
        found["time"] = next(n for n in pairs if spelled[n] == "date")
        found[TIME_OF_DAY] = next(n for n in pairs if spelled[n] == "time")
        taken |= {found["time"], found[TIME_OF_DAY]}
    for field, spellings in ALIASES.items():
        if field in found:
            continue
        matches = [n for n in names if n not in taken and spelled[n] in spellings]
        if len(matches) > 1:
            raise ConfigError(
                f"columns {' and '.join(map(repr, matches))} could both be {field}; "
                f"give columns={{{field!r}: {matches[0]!r}}}"
            )
        if matches:
            found[field] = matches[0]
            taken.add(matches[0])
    missing = [field for field in REQUIRED if field not in found]
    if missing:
        _refuse_ticks(names, spelled)
        raise ConfigError(
            f"no column for {', '.join(missing)} among {', '.join(map(repr, names))}; "
            f"give columns={{{missing[0]!r}: 'its name'}}"
        )
    return found


def _checked(names: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    fields = {*ALIASES, TIME_OF_DAY}
    for field, name in given.items():
        if field not in fields:
            raise ConfigError(f"columns: no field {field!r}; {nearest(field, fields)}")
        if name not in names:
            raise ConfigError(f"columns: no column {name!r} for {field}; {nearest(name, names)}")
    return dict(given)


def _refuse_ticks(names: Sequence[str], spelled: Mapping[str, str]) -> None:
    plain = set(spelled.values())
    book = [
        n for n in names if re.match(r"(asks?|bids?)\[?\d*\]?\.?(price|amount|size)", n.lower())
    ]
    if book or {"firstupdateid", "side", "qty"} <= plain or {"side", "price", "size"} <= plain:
        kind = "order-book rows"
    elif {"bid", "ask"} <= plain or {"bidprice", "askprice"} <= plain:
        kind = "quotes (bid and ask)"
    elif "price" in plain and plain & {"qty", "quantity", "amount", "size", "side"}:
        kind = "single trades"
    elif plain & {"headline", "headlines", "title", "summary"}:
        kind = "news"
    else:
        return
    raise DataError(
        f"these are {kind}, not bars: columns {', '.join(map(repr, list(names)[:6]))}; "
        "bars have open, high, low and close"
    )

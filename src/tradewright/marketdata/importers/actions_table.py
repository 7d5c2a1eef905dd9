"""A table of corporate actions, read from a file or a frame."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from fractions import Fraction
from typing import Any, Final

import numpy as np

from tradewright.domain.actions import ActionKind, CorporateAction
from tradewright.domain.errors import DataError, nearest
from tradewright.domain.instruments import normalise_symbol
from tradewright.domain.time import parse_date, to_ns
from tradewright.marketdata.importers.files import LINE, load_table

COLUMNS: Final = (
    *("symbol", "kind", "ex_date", "value", "pay_date", "other", "price", "reason"),
    *("ts_known", "source"),
)
ALSO: Final = {
    "dividend": ActionKind.CASH_DIVIDEND,
    "spinoff": ActionKind.SPIN_OFF,
    "delist": ActionKind.DELISTING,
    "rename": ActionKind.SYMBOL_CHANGE,
}


def read_actions(path_or_frame: Any) -> tuple[CorporateAction, ...]:
    """Read a table of corporate actions.

    Parameters
    ----------
    path_or_frame : path, polars.DataFrame or pandas.DataFrame
        CSV, text, gzip, Parquet or Feather file, or a frame, with the columns ``symbol kind
        ex_date`` and, as the kinds need them, ``value pay_date other price reason ts_known
        source`` (see `CorporateAction`). A ratio may be written ``7:1`` or ``3/2``.

    Returns
    -------
    tuple of CorporateAction
        In the order of the table. What names no `ts_known` is known at midnight UTC of its
        ex-date.

    Raises
    ------
    DataError
        If the file is missing or no such table; names the row, what is there and what is wanted.

    Examples
    --------
    >>> import polars as pl
    >>> table = pl.DataFrame({"symbol": ["AAPL"], "kind": ["split"], "ex_date": ["2014-06-09"],
    ...                       "value": ["7:1"]})
    >>> read_actions(table)[0].value
    7.0
    """
    table, name = load_table(path_or_frame)
    known = {str(column).strip().lower(): column for column in table.columns if column != LINE}
    for column in known:
        if column not in COLUMNS:
            raise DataError(f"{name}: column {column!r} is not known; {nearest(column, COLUMNS)}")
    missing = [column for column in ("symbol", "kind", "ex_date") if column not in known]
    if missing:
        raise DataError(f"{name}: wanted the columns {', '.join(missing)}, found {list(known)}")
    found = []
    for row in table.iter_rows(named=True):
        values = {column: row[place] for column, place in known.items()}
        try:
            found.append(_action(values))
        except (DataError, ValueError, ZeroDivisionError) as error:
            raise DataError(f"{name}: row {row[LINE]}: {error}") from None
    return tuple(found)


def _action(values: Mapping[str, Any]) -> CorporateAction:
    ex_date = _date_of(values["ex_date"])
    if ex_date is None:
        raise DataError("ex_date is empty, wanted a date such as 2014-06-09")
    paid, price = _date_of(values.get("pay_date")), _text(values.get("price"))
    known = _text(values.get("ts_known"))
    midnight = to_ns(datetime.combine(ex_date, time(), UTC))
    return CorporateAction(
        symbol=normalise_symbol(values["symbol"]),
        kind=_kind_of(_text(values["kind"])),
        ex_date=ex_date,
        value=_ratio_of(_text(values.get("value"))),
        ts_known=int(known) if known else midnight,
        source=_text(values.get("source")) or "csv",
        pay_date=paid,
        other=normalise_symbol(values["other"]) if _text(values.get("other")) else "",
        price=float(price) if price else None,
        reason=_text(values.get("reason")).lower(),
    )


def _kind_of(text: str) -> ActionKind:
    name = text.lower().replace("-", "_").replace(" ", "_")
    if name in ALSO:
        return ALSO[name]
    if name not in set(ActionKind):
        raise DataError(
            f"kind is {text!r}; {nearest(name, [*(kind.value for kind in ActionKind), *ALSO])}"
        )
    return ActionKind(name)


def _ratio_of(text: str) -> float:
    if not text:
        return 0.0
    for sign in (":", "/"):
        new, found, old = text.partition(sign)
        if found:
            return float(Fraction(new.strip()) / Fraction(old.strip()))
    return float(text)


def _date_of(value: Any) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    return parse_date(_text(value)) if _text(value) else None


def _text(value: Any) -> str:
    is_empty = value is None or (isinstance(value, float) and np.isnan(value))
    return "" if is_empty else str(value).strip()

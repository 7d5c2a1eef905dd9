"""Decisions made ahead as arrays: row *t* is decided at the close of bar *t*, filled after it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tradewright.domain.errors import ConfigError, nearest
from tradewright.domain.money import PRICE_UNIT, QTY_UNIT
from tradewright.domain.orders import Order, OrderType, Side, TimeInForce
from tradewright.domain.time import to_ns

E = TypeVar("E", bound=IntEnum)

ORDER_FIELDS: Final = (
    "bar",
    "symbol",
    "side",
    "qty",
    "type",
    "tif",
    "limit",
    "stop",
    "stop_loss",
    "take_profit",
    "trail",
    "reduce_only",
    "tag",
    "trail_fraction",
    "expires",
    "oco",
    "after",
)
"""Columns of a table of orders; the first four are needed."""


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """Entries and exits decided ahead.

    Parameters
    ----------
    entries, exits : array_like of bool, shape (n_bars,) or (n_bars, n_instruments)
        Open a long position; close it. Filled at the next open.
    short_entries, short_exits : array_like of bool, optional
        The same for short positions.
    size : float or array_like
        Fraction of equity at the fill, fees included; 1.0 puts everything in. With several
        instruments each position gets this fraction.
    stop, target, trail : float, optional
        Exit distances as a fraction of the entry bar's decision close, for example 0.05.

    Raises
    ------
    ConfigError
        If shapes differ, an array is not boolean, or a size or distance is out of range.
    """

    entries: NDArray[np.bool_]
    exits: NDArray[np.bool_]
    short_entries: NDArray[np.bool_] | None = None
    short_exits: NDArray[np.bool_] | None = None
    size: float | NDArray[np.float64] = 1.0
    stop: float | None = None
    target: float | None = None
    trail: float | None = None

    def __init__(
        self,
        entries: ArrayLike,
        exits: ArrayLike,
        *,
        short_entries: ArrayLike | None = None,
        short_exits: ArrayLike | None = None,
        size: float | ArrayLike = 1.0,
        stop: float | None = None,
        target: float | None = None,
        trail: float | None = None,
    ) -> None:
        shape: tuple[int, ...] | None = None
        for name, given in (
            ("entries", entries),
            ("exits", exits),
            ("short_entries", short_entries),
            ("short_exits", short_exits),
        ):
            if given is None and name in ("entries", "exits"):
                raise ConfigError(f"Signals: {name} is None, wanted flags")
            array = None if given is None else _as_flags(name, given)
            if array is not None:
                shape = shape or array.shape
                if array.shape != shape:
                    raise ConfigError(f"Signals: {name} has shape {array.shape}, wanted {shape}")
            object.__setattr__(self, name, array)
        object.__setattr__(self, "size", _as_size(size, shape or (0, 0)))
        for name, distance in (("stop", stop), ("target", target), ("trail", trail)):
            if distance is not None and not 0 < distance < np.inf:
                raise ConfigError(f"Signals: {name} is {distance}, wanted a fraction above 0")
            object.__setattr__(self, name, distance)
        self._check_distances()

    def _check_distances(self) -> None:
        # A long cannot fall, nor a short gain, by the whole price: such a level is never reached.
        longs, shorts = ("long", self.entries), ("short", self.short_entries)
        for name, (side, entries) in (("stop", longs), ("trail", longs), ("target", shorts)):
            distance = getattr(self, name)
            if distance is not None and distance >= 1 and entries is not None and entries.any():
                raise ConfigError(
                    f"Signals: {name} is {distance:g} of the price, which a {side} never reaches; "
                    "wanted below 1"
                )


@dataclass(frozen=True, slots=True, eq=False)
class TargetWeights:
    """Wanted weights decided ahead.

    Parameters
    ----------
    weights : array_like of shape (n_bars,) or (n_bars, n_instruments)
        Signed fractions of equity; NaN means leave the position as it is.

    Raises
    ------
    ConfigError
        If a weight is infinite or the array has the wrong number of dimensions.
    """

    weights: NDArray[np.float64]

    def __init__(self, weights: ArrayLike) -> None:
        array = _as_panel("TargetWeights: weights", weights)
        if np.isinf(array).any():
            row, column = np.argwhere(np.isinf(array))[0]
            raise ConfigError(f"TargetWeights: weight at row {row}, column {column} is infinite")
        object.__setattr__(self, "weights", array)


@dataclass(frozen=True, slots=True, eq=False)
class Orders:
    """Orders decided ahead.

    Parameters
    ----------
    table : mapping of str to sequence, or table with columns
        One row per order. ``bar`` (row of the decision), ``symbol``, ``side`` (``BUY`` or
        ``SELL``) and ``qty`` (units) are needed; ``type`` (``MARKET``), ``tif`` (``GTC``),
        ``limit``, ``stop``, ``stop_loss``, ``take_profit``, ``trail`` (prices; None or NaN where
        absent), ``trail_fraction`` (of the price a trailing stop follows), ``expires`` (aware time
        or UTC nanoseconds, with the tif ``GTD``), ``oco`` (orders of one label cancel each other),
        ``after`` (number of the row whose fill makes this order live), ``reduce_only`` and ``tag``
        are optional. A Polars or pandas frame will do.

    Raises
    ------
    ConfigError
        If a column is missing, unknown or of another length, or a value is not valid.

    Examples
    --------
    >>> Orders({"bar": [3], "symbol": ["AAPL"], "side": ["BUY"], "qty": [10.0]}).rows[0][0]
    3
    """

    rows: tuple[tuple[int, Order], ...]

    def __init__(self, table: Any) -> None:
        names = list(getattr(table, "columns", None) or table)
        for name in names:
            if name not in ORDER_FIELDS:
                raise ConfigError(
                    f"Orders: column {name!r} is unknown; {nearest(name, ORDER_FIELDS)}"
                )
        missing = [name for name in ORDER_FIELDS[:4] if name not in names]
        if missing:
            raise ConfigError(f"Orders: column {', '.join(missing)} is missing")
        values = {name: list(table[name]) for name in names}
        lengths = {name: len(column) for name, column in values.items()}
        if len(set(lengths.values())) > 1:
            raise ConfigError(f"Orders: columns differ in length: {lengths}")
        count = lengths["bar"]
        rows = [
            _as_order(at, {name: column[at] for name, column in values.items()})
            for at in range(count)
        ]
        _check_triggers(rows)
        object.__setattr__(self, "rows", tuple(rows))

    def at(self, bars: Sequence[int]) -> Orders:
        """Return the same orders decided on other bars, one for each."""
        moved = copy.copy(self)
        orders = (order for _, order in self.rows)
        object.__setattr__(moved, "rows", tuple(zip(bars, orders, strict=True)))
        return moved

    def until(self, n_bars: int) -> Orders:
        """Return the orders decided on the first `n_bars` bars."""
        kept = copy.copy(self)
        object.__setattr__(kept, "rows", tuple(row for row in self.rows if row[0] < n_bars))
        return kept


def _as_order(at: int, row: dict[str, Any]) -> tuple[int, Order]:
    def number(name: str) -> float | None:
        value = row.get(name)
        return None if value is None or np.isnan(value) else float(value)

    def price(name: str) -> int | None:
        value = number(name)
        return None if value is None else round(value * PRICE_UNIT)

    def choice(kind: type[E], name: str, default: E) -> E:
        value = row.get(name)
        if value is None:
            return default
        try:
            return kind[value.upper()] if isinstance(value, str) else kind(value)
        except (KeyError, ValueError) as error:
            known = [member.name for member in kind]
            raise ConfigError(
                f"Orders: {name} of row {at} is {value!r}; {nearest(str(value), known)}"
            ) from error

    try:
        return int(row["bar"]), Order(
            client_order_id=f"order-{at}",
            symbol=str(row["symbol"]),
            side=choice(Side, "side", Side.BUY),
            qty=round(float(row["qty"]) * QTY_UNIT),
            type=choice(OrderType, "type", OrderType.MARKET),
            tif=choice(TimeInForce, "tif", TimeInForce.GTC),
            limit_px=price("limit"),
            stop_px=price("stop"),
            stop_loss_px=price("stop_loss"),
            take_profit_px=price("take_profit"),
            trail_px=price("trail"),
            reduce_only=bool(row.get("reduce_only") or False),
            tag=str(row.get("tag") or ""),
            trail_fraction=number("trail_fraction"),
            expires_ns=_as_ns(row.get("expires")),
            oco=str(row.get("oco") or ""),
            after="" if (after := number("after")) is None else f"order-{int(after)}",
        )
    except (TypeError, ValueError, OverflowError, AttributeError) as error:
        raise ConfigError(f"Orders: row {at} is not an order: {error}") from error


def _as_ns(given: Any) -> int:
    # 0 where no time is given.
    if given is None or given != given:  # noqa: PLR0124 - NaN and NaT differ from themselves
        return 0
    if isinstance(given, int | float | np.integer):
        return int(given)
    if isinstance(given, np.datetime64):
        return int(given.astype("datetime64[ns]").astype(np.int64))
    return to_ns(datetime.fromisoformat(given) if isinstance(given, str) else given)


def _check_triggers(rows: list[tuple[int, Order]]) -> None:
    number_of = {order.client_order_id: at for at, (_, order) in enumerate(rows)}
    for at, (bar, order) in enumerate(rows):
        if not order.after:
            continue
        found = number_of.get(order.after, len(rows))
        if found == at or found >= len(rows) or (rows[found][0], found) > (bar, at):
            raise ConfigError(
                f"Orders: after of row {at} is {order.after.removeprefix('order-')}, wanted the "
                "number of a row that is decided before it"
            )


def _as_panel(name: str, given: ArrayLike) -> NDArray[np.float64]:
    if np.iscomplexobj(given):
        raise ConfigError(f"{name} are complex numbers, wanted real ones")
    try:
        array = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{name} are not numbers: {error}") from error
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise ConfigError(f"{name} have {array.ndim} dimensions, wanted (n_bars, n_instruments)")
    return np.ascontiguousarray(array)


def _as_flags(name: str, given: ArrayLike) -> NDArray[np.bool_]:
    array = np.asarray(given)
    if array.dtype != np.bool_:
        raise ConfigError(f"Signals: {name} has dtype {array.dtype}, wanted bool")
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise ConfigError(
            f"Signals: {name} has {array.ndim} dimensions, wanted (n_bars, n_instruments)"
        )
    return np.ascontiguousarray(array)


def _as_size(size: float | ArrayLike, shape: tuple[int, ...]) -> float | NDArray[np.float64]:
    if isinstance(size, int | float):
        if not 0 < size < np.inf:
            raise ConfigError(f"Signals: size is {size}, wanted a fraction of equity above 0")
        return float(size)
    array = _as_panel("Signals: sizes", size)
    if array.shape != shape:
        raise ConfigError(f"Signals: size has shape {array.shape}, wanted {shape}")
    if not ((array > 0) & np.isfinite(array)).all():
        raise ConfigError("Signals: every size must be a finite fraction of equity above 0")
    return array

"""What the kernel works on: records that compiled code reaches by address."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.outcome import FILL_DTYPE
from tradewright.jit import record_reader
from tradewright.simulation import codes as c

ADDRESSES: Final = (
    *("self_", "open", "high", "low", "close", "volume", "ts", "session", "sigma", "adv"),
    *("spreads", "months"),  # estimated half spreads; number of the month of each bar
    "starts",  # first row at which an order decided at a row may fill
    *("terms", "instruments", "held", "orders", "fills", "working", "events"),
    *("equity", "cash_line", "long_line", "short_line", "financing"),
    *("flags", "values", "table"),
    *("settled_rows", "falling_due"),  # when sales are paid, and what falls due at each row
    *("payments", "funding"),  # of perpetuals: what is due when, and what was paid at each bar
    *("factors", "factor_line"),  # worth of a price: all rows, and the one in force; 0 where 1
    *("actions", "effects"),  # corporate actions, and what they did
)
COUNTS: Final = (
    "n_bars",
    "n_instruments",
    "room",  # rows of orders, fills and working
    "event_room",  # 0 where changes are not logged
    "n_sessions",  # 0 where every bar is a session
    "has_impact",  # whether `sigma` and `adv` are known
    "has_spreads",
    "defers",  # whether sales are paid when they settle
    "has_starts",  # whether `starts` tells more than `latency` does
    "has_borrow",  # whether borrow differs by instrument
    "holds_cash",  # whether other currencies are held
    "has_rates",  # whether the worth of a price changes from bar to bar
    "n_tiers",  # 0 where the fee does not depend on what was traded
    "plan",  # kind of decisions made ahead
    "n_payments",
    "n_values",  # rows of `values`; 1 where one size serves all
    "n_table",
    "n_actions",
)
RULES: Final = (
    *("intrabar", "is_through", "sizes_at_open", "rejects", "allows_short"),
    *("max_stale", "closes_at_end", "latency", "margin_check"),
)
STATE: Final = (
    "cash",
    "n_orders",
    "n_fills",
    "n_working",
    "n_held",
    "n_shorts",
    "n_waiting",  # working orders that wait for the fill of another
    "is_closing",  # whether the bar's close phase is going on
    "n_events",
    "row",  # next row to process
    "now",  # row of the bar being processed
    "next_row",  # next row at which a working order can do anything
    "cursor",  # next row of the table of orders; row + 1 of weights that wait for the open
    "state",
    "state_at",
    "valued_row",  # row + 1 whose values are in the instruments' `value`
    "longs",
    "shorts",
    "budget",  # what the order being filled may spend, minor units; -1 is no bound
    "path",  # fills that depend on the order of touches
    "short_now",  # value of short positions at the last close
    "has_shorted",  # whether short values or financing were ever written
    "tier",
    "month",
    "traded",  # notional of the month, minor units
    "is_called",  # whether the last close was below the maintenance margin
    "n_calls",
    "funded",  # payments of funding that were made
    "first_call",  # row
    "next_action",  # row of the table of actions
    "action_row",  # row of the bar at whose open it acts; n_bars where none is left
    "n_effects",
    "unsettled",  # proceeds of sales in `cash` that are not paid yet
    "settled_to",  # last row at whose open what fell due was settled
    "due",  # dividends earned and not yet paid, minor units
)
ACCOUNT_DTYPE: Final = np.dtype(
    [(name, np.int64) for name in (*ADDRESSES, *COUNTS, *RULES, *STATE)]
    + [
        (name, np.float64)
        for name in (
            "participation",
            "leverage",
            "value_scale",  # 10 ** (e - 16): 1e-8 quantity x 1e-8 price to minor units
            "stop",
            "target",
            "trail",
            "accrued",
            "credit",  # annual rate earned on cash
            "maintain_long",
            "maintain_short",
        )
    ]
)
"""The account, the market it trades on and the rules it trades by."""

INSTRUMENT_DTYPE: Final = np.dtype(
    [
        ("position", np.int64),
        ("value", np.int64),  # minor units at the price that the bar's checks use
        ("stale", np.int64),
        ("held_at", np.int64),
        ("used_volume", np.int64),
        ("used_row", np.int64),
        ("fill_row", np.int64),  # row + 1 of its last fill
        ("fill_px", np.int64),
        ("called_row", np.int64),  # row + 1 of the bar in which it was last liquidated
        ("pending", np.int64),  # working orders that are not bracket children
        ("reducing", np.int64),  # working reduce-only orders
        ("lot", np.int64),
        ("tick", np.int64),
        ("is_capped", np.int64),
        ("no_borrow", np.int64),
        ("settles", np.int64),  # 1 + the column that holds cash of its currency; 0 is the account's
        ("own_factor", np.int64),  # multiplier, 1e-12; with `settles`
        ("own_scale", np.int64),  # minor units of its currency in a major one
        ("converts", np.int64),  # whether its price is in another currency than the account
        ("shares", np.int64),  # outstanding
        ("settlement_class", np.int64),
        ("borrow", np.float64),  # a year
        ("mark", np.float64),
    ]
)

INSTRUMENT_STATE: Final = (INSTRUMENT_DTYPE.names or ())[:11]

WORK_DTYPE: Final = np.dtype(
    [
        (name, np.int64)
        for name in (
            "bar",
            "instrument",
            "side",
            "type",
            "tif",
            "status",
            "reason",
            "qty",
            "filled_qty",
            "limit_px",
            "stop_px",
            "parent",
            "done_bar",
            "active_from",  # first row at which it may fill
            "next_row",  # first row at which it can do anything
            "reduce_only",
            "trail_px",  # distance of a trailing stop
            "child_stop",
            "child_target",
            "child_trail",
            "trail_rate",  # distance of a trailing stop as a fraction in units of 1e-8
            "last_row",  # last row at which a GTD order may fill
            "ring",  # row + 1 of the next order of its one-cancels-other set, 0 where none
            "waits",  # row + 1 of the order whose fill it waits for, 0 where none
            "first_child",  # in a table of decisions: row + 1 of the order it became
            "n_children",
            "born_px",  # price of the parent's fill inside this bar, 0 when born at an open
            "triggered",  # row + 1 at which a stop-limit became a limit, negative inside the bar
            "fee_raw",
            "fee_paid",
            "tried",  # row + 1 of the bar in which nothing more of it can fill
        )
    ]
    + [("fraction", np.float64)]  # of equity; > 0 means that the quantity is found at the fill
)
"""One row per order, with what only the venue needs to know."""

EVENT_DTYPE: Final = np.dtype(
    [("order", np.int64), ("status", np.int64), ("reason", np.int64), ("row", np.int64)]
)

FILL_FORMAT: Final = struct.Struct("=qiibbqqqqqqq")
ORDER_FORMAT: Final = struct.Struct(f"={WORK_DTYPE.itemsize // 8 - 1}qd")
EVENT_FORMAT: Final = struct.Struct("=4q")
"""The same rows for who reads them one by one from Python."""

assert FILL_FORMAT.size == FILL_DTYPE.itemsize
assert ORDER_FORMAT.size == WORK_DTYPE.itemsize
assert EVENT_FORMAT.size == EVENT_DTYPE.itemsize

account_at = record_reader(ACCOUNT_DTYPE)
instrument_at = record_reader(INSTRUMENT_DTYPE)
order_at = record_reader(WORK_DTYPE)
fill_at = record_reader(FILL_DTYPE)
event_at = record_reader(EVENT_DTYPE)

FIRST_ROOM: Final = 64
MOST_ROOM: Final = 1 << 20
"""Rows set aside at first; memory that is never written costs nothing."""
FIRST_STATE: Final = (ACCOUNT_DTYPE.names or ()).index(STATE[0])


_LARGE: Final = 1 << 22
_HUGE: Final = 1 << 21


def _zeros(rows: int, columns: int) -> NDArray[np.int64]:
    # Zeros that cost nothing until they are written, also where the heap would clear used memory.
    count = rows * columns
    if count * 8 < _LARGE or not hasattr(mmap, "MADV_HUGEPAGE"):
        return np.zeros((rows, columns), dtype=np.int64)
    # Private pages: shared ones, the default, come one small page at a time.
    pages = mmap.mmap(-1, count * 8 + _HUGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    pages.madvise(mmap.MADV_HUGEPAGE)
    start = -np.frombuffer(pages, dtype=np.int64).ctypes.data % _HUGE
    return np.frombuffer(pages, np.int64, count, start).reshape(rows, columns)


def out_of_reach(account: Any, row: int) -> None:
    """Stand in a lean kernel where a rare phase is left out; nothing may come here."""
    account.state = c.LEFT_OUT


class Books:
    """One account's tables; keeps alive what the kernel reaches by address.

    Parameters
    ----------
    n_bars, n_instruments : int
        Size of the market.
    cash_minor : int
        Cash at the start.
    logs : bool
        Whether changes of orders are logged, for a venue that is polled.
    """

    def __init__(self, n_bars: int, n_instruments: int, cash_minor: int, *, logs: bool) -> None:
        self.account: NDArray[np.void] = np.zeros(1, dtype=ACCOUNT_DTYPE)
        self.instruments: NDArray[np.void] = np.zeros(n_instruments, dtype=INSTRUMENT_DTYPE)
        self.held = np.zeros(n_instruments, dtype=np.int64)
        # Three that are always written, and two that only accounts write that go short or owe.
        self.series = (*_zeros(3, n_bars), *_zeros(2, n_bars))
        self.n_bars = n_bars
        self.inputs: dict[str, Any] = {}
        self.notes: list[str] = []  # what a reader of the result must know
        room = FIRST_ROOM + 8 * n_instruments + min(2 * n_bars * n_instruments, MOST_ROOM)
        self.orders: NDArray[np.void] = np.zeros(0, dtype=WORK_DTYPE)
        self.fills: NDArray[np.void] = np.zeros(0, dtype=FILL_DTYPE)
        self.working = np.zeros(0, dtype=np.int64)
        self.events: NDArray[np.void] = np.zeros(0, dtype=EVENT_DTYPE)
        self.logs = logs
        self.first_action = n_bars
        self.point("self_", int(self.account.ctypes.data))
        self.point("n_bars", n_bars)
        self.point("n_instruments", n_instruments)
        for name, table in (("instruments", self.instruments), ("held", self.held)):
            self.point(name, table)
        lines = ("equity", "cash_line", "long_line", "short_line", "financing")
        for name, line in zip(lines, self.series, strict=True):
            self.point(name, line)
        self.make_room(room)
        self.restart(cash_minor)

    @property
    def address(self) -> int:
        """Address of the account, the one argument of the kernel."""
        return int(self.account.ctypes.data)

    @property
    def used_bytes(self) -> int:
        """Memory that was written to; room that no order needed is not there yet."""
        used = self.number("n_orders") * self.orders.itemsize
        used += self.number("n_fills") * self.fills.itemsize
        return int(used + sum(line.nbytes for line in self.series) + self.instruments.nbytes)

    def point(self, name: str, given: Any) -> None:
        """Set a field of the account to a number, or to an array's address, keeping the array.

        Parameters
        ----------
        name : str
            Field of `ACCOUNT_DTYPE`.
        given : number or ndarray
            Value; an array must be C-contiguous.
        """
        if isinstance(given, np.ndarray):
            assert given.flags.c_contiguous
            self.inputs[name] = given
            given = given.ctypes.data
        self.account[name] = given

    def make_room(self, room: int) -> None:
        """Give the tables of orders, fills and events `room` rows, keeping what they hold."""
        names = ("orders", "fills", "working") + (("events",) if self.logs else ())
        for name in names:
            table = getattr(self, name)
            size = 4 * room if name == "events" else room
            larger = _zeros(1, size * table.dtype.itemsize // 8 + 1).ravel().view(np.uint8)
            larger = larger[: size * table.dtype.itemsize].view(table.dtype)
            larger[: len(table)] = table
            setattr(self, name, larger)
            self.account[name] = larger.ctypes.data
        self.account["room"] = room
        self.account["event_room"] = 4 * room if self.logs else 0

    def restart(self, cash_minor: int) -> None:
        """Make the books new, without touching memory that was never written.

        Parameters
        ----------
        cash_minor : int
            Cash at the start.
        """
        if self.number("has_shorted"):
            self.series[3][:] = 0
            self.series[4][:] = 0
            if "funding" in self.inputs:
                self.inputs["funding"][:] = 0
        if "falling_due" in self.inputs:
            self.inputs["falling_due"][:] = 0
        used = self.number("n_orders")
        self.orders.view(np.int64).reshape(-1, WORK_DTYPE.itemsize // 8)[:used] = 0
        state = self.account.view(np.int64)
        state[FIRST_STATE : FIRST_STATE + len(STATE)] = 0
        holdings = self.instruments.view(np.int64).reshape(-1, INSTRUMENT_DTYPE.itemsize // 8)
        holdings[:, : len(INSTRUMENT_STATE)] = 0
        self.instruments["mark"] = np.nan
        self.account["accrued"] = 0.0
        self.account["budget"] = -1
        self.account["cash"] = cash_minor
        self.account["next_row"] = self.n_bars
        self.account["action_row"] = self.first_action

    def number(self, name: str) -> int:
        """Return an integer field of the account."""
        return int(self.account[name][0])


_WORDS: Final = INSTRUMENT_DTYPE.itemsize // 8
_POSITION: Final = (INSTRUMENT_DTYPE.names or ()).index("position")


class PositionsNow(Mapping[str, int]):
    """What a venue holds, read from its tables whenever it is asked.

    Parameters
    ----------
    columns : mapping of str to int
        Column of each symbol.
    instruments : memoryview
        The kernel's instruments as 64-bit words.
    """

    __slots__ = ("_columns", "_instruments")

    def __init__(self, columns: Mapping[str, int], instruments: memoryview) -> None:
        self._columns, self._instruments = columns, instruments

    def __getitem__(self, symbol: str) -> int:
        units: int = self._instruments[self._columns[symbol] * _WORDS + _POSITION]
        if not units:
            raise KeyError(symbol)
        return units

    def get(self, symbol: str, default: Any = None) -> Any:
        """Return the signed quantity held, or `default` where there is none."""
        return self._instruments[self._columns[symbol] * _WORDS + _POSITION] or default

    def __iter__(self) -> Iterator[str]:
        for symbol, column in self._columns.items():
            if self._instruments[column * _WORDS + _POSITION]:
                yield symbol

    def __len__(self) -> int:
        return sum(1 for _ in self)

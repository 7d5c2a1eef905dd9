"""The actions of a tape as the rows that the kernel works through."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.actions import ActionKind, ActionSchedule, CorporateAction
from tradewright.domain.bars import Bars, FloatArray
from tradewright.domain.errors import ConfigError
from tradewright.domain.outcome import EFFECT_DTYPE
from tradewright.jit import record_reader
from tradewright.simulation import codes as c
from tradewright.simulation.tables import Books

ACTION_DTYPE: Final = np.dtype(
    [
        (name, np.int64)
        for name in (
            "row",  # at whose open it acts
            "kind",  # one of `codes`
            "action",  # row of the schedule
            "instrument",
            "other",  # column of the shares given, -1 where none
            "new",  # shares after, or of `other`,
            "old",  # for so many shares before
            "px",  # cash per share, 1e-8; of a delisting -1 where the table has no price
            "own_px",  # price of the instrument at the action, 1e-8
            "other_px",
            "rate",  # tax withheld, or the delisting return, in units of 1e-8
            "earned_at",  # of a payment: row of this table that says what is paid
            "due",  # state: what the dividend earned, minor units
        )
    ]
)

action_at = record_reader(ACTION_DTYPE)
effect_at = record_reader(EFFECT_DTYPE)

_KINDS: Final = {
    ActionKind.SPLIT: c.SPLITS,
    ActionKind.STOCK_DIVIDEND: c.SPLITS,
    ActionKind.CASH_DIVIDEND: c.EARNS,
    ActionKind.SPIN_OFF: c.SPINS_OFF,
    ActionKind.MERGER: c.EXCHANGES,
    ActionKind.SYMBOL_CHANGE: c.RENAMES,
    ActionKind.DELISTING: c.ENDS,
}


def tell_actions(books: Books, bars: Bars, schedule: ActionSchedule | None) -> None:
    """Give books the corporate actions of their market.

    Raises
    ------
    ConfigError
        If the bars carry actions and no schedule of them was given: they would be passed over.
    """
    if schedule is None:
        if bars.actions:
            raise ConfigError(
                "the bars carry corporate actions: give the venue their schedule "
                "(tradewright.marketdata.schedule_actions)"
            )
        return
    table = action_table(bars, schedule)
    effects: NDArray[np.void] = np.zeros(len(table), dtype=EFFECT_DTYPE)
    books.point("actions", table)
    books.point("effects", effects)
    books.point("n_actions", len(table))
    books.first_action = int(table["row"][0]) if len(table) else books.n_bars
    books.point("action_row", books.first_action)


def effects_of_books(books: Books, schedule: ActionSchedule | None) -> dict[str, Any]:
    """Return what actions did as fields of an outcome; none where nothing was touched."""
    count = books.number("n_effects")
    if schedule is None or not count:
        return {}
    return {"effects": books.inputs["effects"][:count], "actions": schedule.actions}


def action_table(bars: Bars, schedule: ActionSchedule) -> NDArray[np.void]:
    """Return the rows of `ACTION_DTYPE` in the order in which they act.

    A dividend that is paid on a later bar is two rows: it is earned, then paid.
    """
    rows = [
        _row_of(bars, schedule, number, action) for number, action in enumerate(schedule.actions)
    ]
    order = sorted(range(len(rows)), key=lambda at: int(rows[at]["row"]))
    table = [rows[at] for at in order]
    earned = [row for row in table if row["kind"] == c.EARNS]
    table += [
        {**row, "kind": c.PAYS, "row": int(schedule.pay_rows[row["action"]])} for row in earned
    ]
    table = [row for row in table if row["row"] < bars.n_bars]
    table.sort(key=_row)
    out: NDArray[np.void] = np.zeros(len(table), dtype=ACTION_DTYPE)
    earned_at: dict[int, int] = {}
    for at, row in enumerate(table):
        for name, value in row.items():
            out[name][at] = value
        if row["kind"] == c.EARNS:
            earned_at[row["action"]] = at
        elif row["kind"] == c.PAYS:
            out["earned_at"][at] = earned_at[row["action"]]
    return out


def _row(row: dict[str, int]) -> int:
    return row["row"]


def _row_of(
    bars: Bars, schedule: ActionSchedule, number: int, action: CorporateAction
) -> dict[str, int]:
    at, rules = int(schedule.rows[number]), schedule.rules
    column = bars.column(action.symbol)
    kind = _KINDS[action.kind]
    other = bars.column(action.other) if action.other in bars.symbols else c.NONE
    cash = action.value if action.kind is ActionKind.CASH_DIVIDEND else action.price
    rate = rules.withholding
    if action.kind is ActionKind.DELISTING:
        rate = rules.return_of(action.reason)
    if kind == c.EXCHANGES and action.value == 0:
        kind, other = c.BUYS_OUT, c.NONE
    has_ratio = kind not in (c.EARNS, c.ENDS, c.BUYS_OUT)
    new, old = action.ratio.as_integer_ratio() if has_ratio else (1, 1)
    given_px = _other_px(bars, action, at, other)
    return {
        "row": at,
        "kind": kind,
        "action": number,
        "instrument": column,
        "other": other,
        "new": new,
        "old": old,
        "px": c.NONE if cash is None and kind == c.ENDS else round((cash or 0.0) * 1e8),
        "own_px": _own_px(bars, at, column, given_px * new // old),
        "other_px": given_px,
        "rate": round(rate * 1e8),
    }


def _own_px(bars: Bars, row: int, column: int, given: int) -> int:
    # The open, which trades without what was given; else the last close less its value.
    first = float(bars.open[row, column])
    if first == first:  # noqa: PLR0124 - NaN
        return _units(first)
    return max(_units(_price(bars, row, column)) - given, 0)


def _other_px(bars: Bars, action: CorporateAction, row: int, other: int) -> int:
    price = _price(bars, row, other) if other >= 0 else float("nan")
    if np.isnan(price) and action.kind is ActionKind.SPIN_OFF:
        price = action.price or 0.0
    return _units(price)


def _price(bars: Bars, row: int, column: int) -> float:
    # The open of the bar, or the last close before it: nothing of a later bar.
    first = float(bars.open[row, column])
    if first == first:  # noqa: PLR0124 - NaN
        return first
    seen: FloatArray = bars.close[:row, column][::-1]
    known = np.flatnonzero(~np.isnan(seen))
    return float(seen[known[0]]) if len(known) else float("nan")


def _units(price: float) -> int:
    return round(price * 1e8) if price == price else 0  # noqa: PLR0124 - NaN

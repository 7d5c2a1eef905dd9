"""Corporate actions put on the rows of a tape."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

import numpy as np

from tradewright.domain.actions import ActionKind, ActionRules, ActionSchedule, CorporateAction
from tradewright.domain.bars import Bars, FloatArray, IntArray
from tradewright.domain.errors import DataError
from tradewright.marketdata.calendars import calendar_of, local_instants

LONG_BARS: Final = ("1wk", "1mo")


def schedule_actions(bars: Bars, rules: ActionRules | None = None) -> ActionSchedule | None:
    """Put the actions of bars on their rows.

    Parameters
    ----------
    bars : Bars
        Prices as traded with their actions.
    rules : ActionRules, optional
        What is assumed where the table does not say.

    Returns
    -------
    ActionSchedule or None
        Those that take effect after the first bar and within the bars; None for bars without any
        action.

    Raises
    ------
    DataError
        If an action falls inside a bar longer than a day, or the shares it gives have no price.

    Notes
    -----
    Timing: an action acts at the open of the first bar that closes after the ex-date began in
    the market's own zone.
    """
    if not bars.actions:
        return None
    zones = {i.symbol: calendar_of(i.calendar).timezone for i in bars.instruments}
    rows = _rows(bars, zones, [(a.symbol, a.ex_date) for a in bars.actions])
    pays = _rows(bars, zones, [(a.symbol, a.pay_date or a.ex_date) for a in bars.actions])
    inside = np.flatnonzero((rows > 0) & (rows < bars.n_bars))
    chosen = tuple(bars.actions[at] for at in inside)
    for action, row in zip(chosen, rows[inside].tolist(), strict=True):
        _check(bars, action, row)
    return ActionSchedule(chosen, rows[inside], pays[inside], rules or ActionRules())


def _rows(bars: Bars, zones: Mapping[str, str], days: list[tuple[str, date]]) -> IntArray:
    starts = np.zeros(len(days), dtype=np.int64)
    for zone in set(zones.values()):
        mine = [at for at, (symbol, _) in enumerate(days) if zones[symbol] == zone]
        wanted = np.array([days[at][1] for at in mine], dtype="datetime64[D]")
        starts[mine] = local_instants(wanted, 0, zone)
    return np.searchsorted(bars.ts, starts, side="right").astype(np.int64)


def _check(bars: Bars, action: CorporateAction, row: int) -> None:
    what = f"{action.symbol}: {action.kind} of {action.ex_date}"
    if bars.interval in LONG_BARS:
        raise DataError(
            f"{what} lies inside a bar of {bars.interval}, whose prices as traded do not compare; "
            "use bars of a day or shorter, or adjusted ones"
        )
    if not action.other:
        return
    if action.other not in bars.symbols:
        if action.kind is ActionKind.SPIN_OFF and action.price is not None:
            return
        if action.kind is ActionKind.MERGER and action.value == 0:
            return
        hint = ", or the price of one as price" if action.kind is ActionKind.SPIN_OFF else ""
        raise DataError(f"{what}: wanted bars of {action.other}, whose shares are given{hint}")
    column = bars.column(action.other)
    code, theirs = (
        bars.instruments[bars.column(s)].currency for s in (action.symbol, action.other)
    )
    if code != theirs:
        raise DataError(
            f"{what}: {action.symbol} is priced in {code} and {action.other} in {theirs}, wanted "
            "one currency for both"
        )
    if action.price is None and np.isnan(price_on(bars.open, bars.close, row, column)):
        raise DataError(
            f"{what}: {action.other} has no bar up to {bars.times[row].astype('datetime64[D]')}, "
            "so its shares have no price; does its ex-date fit the bars?"
        )


def price_on(first: FloatArray, close: FloatArray, row: int, column: int) -> float:
    """Return the open of a bar, or the last close before it where it is missing; NaN for none."""
    if not np.isnan(first[row, column]):
        return float(first[row, column])
    seen = np.flatnonzero(~np.isnan(close[:row, column]))
    return float(close[seen[-1], column]) if len(seen) else float("nan")

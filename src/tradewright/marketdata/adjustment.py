"""Splits and dividends: from prices as traded to comparable prices and back, point in time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from tradewright.domain.actions import ActionKind, CorporateAction
from tradewright.domain.bars import FIELDS, Bars, FloatArray, IntArray
from tradewright.domain.errors import ConfigError, DataError, nearest
from tradewright.marketdata.calendars import calendar_of, local_instants

MODES: Final = ("none", "splits", "total_return")


def adjust(
    bars: Bars,
    actions: Sequence[CorporateAction],
    *,
    mode: str = "total_return",
    as_of_ns: int | None = None,
) -> Bars:
    """Return bars adjusted for the corporate actions known at a time.

    For every bar before the ex-date, a split of k for 1 divides prices by k and multiplies volume
    by k; a cash dividend D multiplies prices by ``1 - D / close(last bar before the ex-date)``.

    Parameters
    ----------
    bars : Bars
        ``none`` (as traded) or ``splits`` (the source divided by its splits); bars that were
        adjusted by this function already are returned as they are when the mode is theirs.
    actions : sequence of CorporateAction
        Actions of any symbols; those of others are left out, equal ones count once.
    mode : str
        ``none``, ``splits`` or ``total_return``.
    as_of_ns : int, optional
        UTC nanoseconds; actions that became known later are left out. None uses all of them.

    Returns
    -------
    Bars
        With `adjustment` set to the mode. ``none`` on ``splits`` bars rebuilds prices as traded.

    Raises
    ------
    ConfigError
        If the mode is not known.
    DataError
        If the prices are adjusted in a way that cannot be undone (``source_adjusted``,
        ``total_return``) and another mode is asked, or a dividend is not below the price.

    Notes
    -----
    Timing: factors apply to bars that close before the ex-date begins in the market's zone.
    Missing data: NaN stays NaN; a dividend without an earlier close has no factor.

    References
    ----------
    .. [1] CRSP, "Data Descriptions Guide: Stock Files", chapter on adjusting with factors.
    """
    if mode not in MODES:
        raise ConfigError(f"adjustment mode is {mode!r}; {nearest(mode, MODES)}")
    if bars.adjustment == mode:
        return bars
    if bars.adjustment not in ("none", "splits"):
        if bars.adjustment == "source_adjusted" and mode == "total_return":
            return bars
        raise DataError(
            f"bars are {bars.adjustment}: prices as traded are not known, so they cannot be read "
            f"as {mode!r}"
        )
    known = _known(actions, bars, as_of_ns)
    price, volume = np.ones(bars.close.shape), np.ones(bars.close.shape)
    for column, instrument in enumerate(bars.instruments):
        mine = [a for a in known if a.symbol == instrument.symbol]
        starts = _ex_starts(mine, instrument.calendar)
        close = _as_traded(bars, column, mine, starts)
        for action, start in zip(mine, starts, strict=True):
            before = int(np.searchsorted(bars.ts, start, side="right"))
            if action.kind is ActionKind.SPLIT:
                if (mode == "none") == (bars.adjustment == "splits"):
                    factor = action.value if mode == "none" else 1 / action.value
                    price[:before, column] *= factor
                    volume[:before, column] /= factor
            elif mode == "total_return":
                price[:before, column] *= _dividend_factor(action, close[:before])
    return _scaled(bars, price, volume, mode)


# Ex-dates begin at midnight of the market's own zone.
def _ex_starts(actions: Sequence[CorporateAction], calendar: str) -> IntArray:
    days = np.array([action.ex_date for action in actions], dtype="datetime64[D]")
    return local_instants(days, 0, calendar_of(calendar).timezone)


def _known(
    actions: Sequence[CorporateAction], bars: Bars, as_of_ns: int | None
) -> list[CorporateAction]:
    symbols = set(bars.symbols)
    unique = {
        (a.symbol, a.kind, a.ex_date): a
        for a in sorted(actions, key=lambda a: a.ts_known)
        if a.symbol in symbols and (as_of_ns is None or a.ts_known <= as_of_ns)
    }
    return sorted(unique.values(), key=lambda a: (a.ex_date, a.kind))


# Dividends are stated per share as traded, so that they are compared with the close as traded.
def _as_traded(
    bars: Bars, column: int, actions: Sequence[CorporateAction], starts: IntArray
) -> FloatArray:
    close = bars.close[:, column].copy()
    if bars.adjustment == "splits":
        for action, start in zip(actions, starts, strict=True):
            if action.kind is ActionKind.SPLIT:
                close[bars.ts <= start] *= action.value
    return close


def _dividend_factor(action: CorporateAction, closes: FloatArray) -> float:
    seen = np.flatnonzero(~np.isnan(closes))
    if not len(seen):
        return 1.0
    last = float(closes[seen[-1]])
    if action.value >= last:
        raise DataError(
            f"{action.symbol}: dividend {action.value} on {action.ex_date} is not below the last "
            f"close {last}; is it in the same unit?"
        )
    return 1.0 - action.value / last


def _scaled(bars: Bars, price: FloatArray, volume: FloatArray, mode: str) -> Bars:
    fields = {
        name: getattr(bars, name) * (volume if name == "volume" else price) for name in FIELDS
    }
    return Bars(
        instruments=bars.instruments,
        ts=bars.ts,
        **fields,
        interval=bars.interval,
        source=bars.source,
        adjustment=mode,
        notes=bars.notes,
        rates=bars.rates,
    )

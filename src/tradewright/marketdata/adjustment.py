"""Splits and dividends: from prices as traded to comparable prices and back, point in time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from tradewright.domain.actions import ActionKind, CorporateAction, distinct
from tradewright.domain.bars import FIELDS, Bars, FloatArray, IntArray
from tradewright.domain.errors import ConfigError, DataError, nearest
from tradewright.marketdata.actions import price_on
from tradewright.marketdata.calendars import calendar_of, local_instants

MODES: Final = ("none", "splits", "total_return")
DIVIDING: Final = (ActionKind.SPLIT, ActionKind.STOCK_DIVIDEND)
"""Kinds that make more or fewer shares of the same value."""

_WORDS: Final = {ActionKind.CASH_DIVIDEND: "dividend", ActionKind.SPIN_OFF: "spin-off"}


def adjust(
    bars: Bars,
    actions: Sequence[CorporateAction] | None = None,
    *,
    mode: str = "total_return",
    as_of_ns: int | None = None,
) -> Bars:
    """Return bars adjusted for the corporate actions known at a time.

    For every bar before the ex-date, a split of k for 1 (a stock dividend of ``k - 1``) divides
    prices by k and multiplies volume by k; a cash dividend D multiplies prices by
    ``1 - D / close(last bar before the ex-date)``, and a spin-off by the same with the value of
    the shares given for D. Mergers, symbol changes and delistings leave prices as they are.

    Parameters
    ----------
    bars : Bars
        ``none`` (as traded) or ``splits`` (the source divided by its splits); bars that were
        adjusted by this function already are returned as they are when the mode is theirs.
    actions : sequence of CorporateAction, optional
        Actions of any symbols; those of others are left out, equal ones count once. Those that
        the bars carry unless given.
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
    known = _known(bars.actions if actions is None else actions, bars, as_of_ns)
    price, volume = np.ones(bars.close.shape), np.ones(bars.close.shape)
    for column, instrument in enumerate(bars.instruments):
        mine = [a for a in known if a.symbol == instrument.symbol]
        starts = _ex_starts(mine, instrument.calendar)
        close = _as_traded(bars, column, mine, starts)
        for action, start in zip(mine, starts, strict=True):
            before = int(np.searchsorted(bars.ts, start, side="right"))
            if action.kind in DIVIDING:
                if (mode == "none") == (bars.adjustment == "splits"):
                    factor = shares_after(action) if mode == "none" else 1 / shares_after(action)
                    price[:before, column] *= factor
                    volume[:before, column] /= factor
            elif mode == "total_return":
                price[:before, column] *= payout_factor(
                    action, close[:before], _per_share(action, bars, before)
                )
    return _scaled(bars, price, volume, mode)


def forward_factors(bars: Bars, *, mode: str = "splits") -> FloatArray:
    """Return what prices as traded are multiplied by to compare with those of the first bar.

    Unlike `adjust` this looks back only: the factor of a bar is made of the actions up to it, so
    that ``price[s] * factor[s] / factor[t]`` is the price of bar ``s`` as it stands at bar ``t``.

    Parameters
    ----------
    bars : Bars
        Prices as traded with their actions.
    mode : str
        ``splits`` or ``total_return``; ``none`` gives ones.

    Returns
    -------
    ndarray of shape (n_bars, n_instruments)
        1 at the first bar.

    Raises
    ------
    ConfigError
        If the mode is not known.
    DataError
        If a payout is not below the last close.

    Notes
    -----
    Timing: row ``t`` uses actions effective at its open and closes before it.
    """
    if mode not in MODES:
        raise ConfigError(f"adjustment mode is {mode!r}; {nearest(mode, MODES)}")
    factor = np.ones(bars.close.shape)
    for column, instrument in enumerate(bars.instruments):
        mine = [a for a in bars.actions if a.symbol == instrument.symbol and mode != "none"]
        for action, start in zip(mine, _ex_starts(mine, instrument.calendar), strict=True):
            row = int(np.searchsorted(bars.ts, start, side="right"))
            if action.kind in DIVIDING:
                factor[row:, column] *= shares_after(action)
            elif mode == "total_return":
                paid = _per_share(action, bars, row)
                factor[row:, column] /= payout_factor(action, bars.close[:row, column], paid)
    return factor


# Ex-dates begin at midnight of the market's own zone.
def _ex_starts(actions: Sequence[CorporateAction], calendar: str) -> IntArray:
    days = np.array([action.ex_date for action in actions], dtype="datetime64[D]")
    return local_instants(days, 0, calendar_of(calendar).timezone)


def _known(
    actions: Sequence[CorporateAction], bars: Bars, as_of_ns: int | None
) -> list[CorporateAction]:
    symbols = bars.symbols
    seen = (a for a in actions if as_of_ns is None or a.ts_known <= as_of_ns)
    return list(distinct(seen, symbols))


# Dividends are stated per share as traded, so that they are compared with the close as traded.
def _as_traded(
    bars: Bars, column: int, actions: Sequence[CorporateAction], starts: IntArray
) -> FloatArray:
    close = bars.close[:, column].copy()
    if bars.adjustment == "splits":
        for action, start in zip(actions, starts, strict=True):
            if action.kind in DIVIDING:
                close[bars.ts <= start] *= shares_after(action)
    return close


def shares_after(action: CorporateAction) -> float:
    """Return how many shares a split or stock dividend makes of one."""
    return action.value + (1.0 if action.kind is ActionKind.STOCK_DIVIDEND else 0.0)


def _per_share(action: CorporateAction, bars: Bars, row: int) -> float:
    # What one share was given: cash, or the shares of another at their first price.
    if action.kind is ActionKind.CASH_DIVIDEND:
        return action.value
    if action.kind is not ActionKind.SPIN_OFF or row >= bars.n_bars:
        return 0.0
    price = float("nan")
    if action.other in bars.symbols:
        price = price_on(bars.open, bars.close, row, bars.column(action.other))
    if np.isnan(price):
        if action.price is None:
            raise DataError(
                f"{action.symbol}: spin_off of {action.ex_date}: {action.other or 'the new share'} "
                "has no price; wanted its bars, or its price in the table"
            )
        price = action.price
    return action.value * price


def payout_factor(action: CorporateAction, closes: FloatArray, paid: float) -> float:
    """Return what earlier prices are multiplied by for a payout per share; 1 without a close.

    Raises
    ------
    DataError
        If the payout is not below the last close.
    """
    seen = np.flatnonzero(~np.isnan(closes))
    if not len(seen):
        return 1.0
    last = float(closes[seen[-1]])
    if paid >= last:
        raise DataError(
            f"{action.symbol}: {_WORDS.get(action.kind, action.kind)} {paid} on {action.ex_date} "
            f"is not below the last close {last}; is it in the same unit?"
        )
    return 1.0 - paid / last


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

"""Corporate actions: what happened to a share beside its trading."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import IntEnum, StrEnum
from fractions import Fraction
from math import isfinite, prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import ConfigError, DataError
from tradewright.domain.instruments import SYMBOL_PATTERN

LARGEST_TERM: Final = 1_000_000
"""Largest numerator and denominator of a ratio of shares."""


class ActionKind(StrEnum):
    """Kind of corporate action."""

    SPLIT = "split"
    CASH_DIVIDEND = "cash_dividend"
    STOCK_DIVIDEND = "stock_dividend"
    SPIN_OFF = "spin_off"
    MERGER = "merger"
    SYMBOL_CHANGE = "symbol_change"
    DELISTING = "delisting"


class DelistingReason(StrEnum):
    """Why a listing ended; it decides the return assumed where no price is known."""

    PERFORMANCE = "performance"
    MERGER = "merger"
    EXCHANGE = "exchange"
    LIQUIDATION = "liquidation"


class EffectKind(IntEnum):
    """What an action did to an account."""

    SPLIT = 0
    DIVIDEND = 1
    PAYMENT = 2
    SPIN_OFF = 3
    EXCHANGE = 4
    CLOSING = 5


PERFORMANCE_RETURN: Final = -0.30
"""Delisting return of shares that were delisted for performance (Shumway 1997)."""

_NEEDS_OTHER: Final = (ActionKind.SYMBOL_CHANGE,)
_NEEDS_VALUE: Final = (
    ActionKind.SPLIT,
    ActionKind.CASH_DIVIDEND,
    ActionKind.STOCK_DIVIDEND,
    ActionKind.SPIN_OFF,
)


@dataclass(frozen=True, slots=True)
class CorporateAction:
    """One action of one symbol.

    Parameters
    ----------
    symbol : str
        Canonical symbol.
    kind : ActionKind
        What happened.
    ex_date : date
        First session that trades without it; the effective session of a split, the first one
        without the share for a merger, a symbol change or a delisting.
    value : float
        Split: new shares per old share (7.0 is seven for one, 0.05 one for twenty). Cash dividend:
        cash per share, in the currency of the price as traded before `ex_date`. Stock dividend:
        new shares per share (0.05 is 5 %). Spin-off, merger, symbol change: shares of `other` per
        share (0 for a merger in cash). Delisting: not used, 0.
    ts_known : int
        UTC nanoseconds from which it could be acted on.
    source : str
        Who reported it.
    pay_date : date, optional
        Day on which a cash dividend is paid; `ex_date` unless known.
    other : str
        Symbol of the shares that are given.
    price : float, optional
        Cash per share: of a merger; the last value of a delisting; of one share of `other` for a
        spin-off whose shares are not among the bars.
    reason : str
        Of a delisting, see `DelistingReason`; performance unless known.

    Raises
    ------
    DataError
        If a field is missing or does not fit the kind.
    """

    symbol: str
    kind: ActionKind
    ex_date: date
    value: float = 0.0
    ts_known: int = 0
    source: str = "csv"
    pay_date: date | None = None
    other: str = ""
    price: float | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        if not SYMBOL_PATTERN.match(self.symbol):
            raise DataError(f"action: symbol {self.symbol!r} is not canonical")
        what = f"{self.symbol}: {self.kind} of {self.ex_date}"
        if self.kind in _NEEDS_VALUE and not 0 < self.value < float("inf"):
            raise DataError(f"{what} is {self.value}, wanted above 0")
        if not 0 <= self.value < float("inf"):
            raise DataError(f"{what} is {self.value}, wanted at least 0")
        if self.other and (not SYMBOL_PATTERN.match(self.other) or self.other == self.symbol):
            raise DataError(f"{what}: other is {self.other!r}, wanted another canonical symbol")
        if self.price is not None and not (isfinite(self.price) and self.price >= 0):
            raise DataError(f"{what}: price is {self.price}, wanted at least 0")
        if self.pay_date is not None and self.pay_date < self.ex_date:
            raise DataError(f"{what}: pay_date {self.pay_date} is before the ex-date")
        _check_given(self, what)

    @property
    def ratio(self) -> Fraction:
        """Shares after per share before (split, stock dividend), or shares of `other` per share.

        The fraction with a denominator up to a million that is nearest to the decimal `value`.
        """
        value = Fraction(self.value).limit_denominator(LARGEST_TERM)
        return 1 + value if self.kind is ActionKind.STOCK_DIVIDEND else value


def _check_given(action: CorporateAction, what: str) -> None:
    kind = action.kind
    if kind in _NEEDS_OTHER and not (action.other and action.value > 0):
        raise DataError(f"{what}: wanted the new symbol as other, and a value above 0")
    if kind is ActionKind.SPIN_OFF and not action.other and action.price is None:
        raise DataError(f"{what}: wanted the symbol of the new shares as other, or their price")
    if kind is ActionKind.MERGER:
        if action.value == 0 and action.price is None:
            raise DataError(f"{what}: wanted cash per share as price, or shares of other as value")
        if action.value > 0 and not action.other:
            raise DataError(f"{what}: wanted the symbol of the shares given as other")
    if kind is ActionKind.DELISTING and action.reason not in ("", *DelistingReason):
        known = ", ".join(DelistingReason)
        raise DataError(f"{what}: reason is {action.reason!r}, wanted one of {known}")
    if kind in _NEEDS_VALUE and kind is not ActionKind.CASH_DIVIDEND:
        ratio = action.ratio
        if ratio <= 0 or max(ratio.numerator, ratio.denominator) > LARGEST_TERM:
            raise DataError(f"{what}: ratio {action.value:g} is not of whole numbers to a million")


def distinct(
    actions: Iterable[CorporateAction], symbols: Iterable[str]
) -> tuple[CorporateAction, ...]:
    """Return each action of some symbols once, the value known last, in the order of their dates.

    Parameters
    ----------
    actions : iterable of CorporateAction
        Of any symbols; several reports of one symbol, kind and date are one action.
    symbols : iterable of str
        Symbols to keep.
    """
    wanted = set(symbols)
    unique = {
        (a.symbol, a.kind, a.ex_date): a
        for a in sorted(actions, key=_when_known)
        if a.symbol in wanted
    }
    return tuple(sorted(unique.values(), key=_in_order))


def _when_known(action: CorporateAction) -> int:
    return action.ts_known


# Within a day: cash and new shares are told per share as it was before; listings end last.
_RANK: Final = {
    kind: rank
    for rank, kind in enumerate(
        (
            ActionKind.CASH_DIVIDEND,
            ActionKind.SPIN_OFF,
            ActionKind.SPLIT,
            ActionKind.STOCK_DIVIDEND,
            ActionKind.SYMBOL_CHANGE,
            ActionKind.MERGER,
            ActionKind.DELISTING,
        )
    )
}


def _in_order(action: CorporateAction) -> tuple[date, int, str]:
    return action.ex_date, _RANK[action.kind], action.symbol


def actions_hash(actions: Sequence[CorporateAction]) -> str:
    """Return the version of a table of actions: 16 hexadecimal digits of its content."""
    digest = hashlib.sha256()
    for action in actions:
        digest.update(repr(action_row(action, with_source=False)).encode())
    return digest.hexdigest()[:16]


def action_row(action: CorporateAction, *, with_source: bool = True) -> dict[str, Any]:
    """Return an action as plain values, one row of a table.

    Parameters
    ----------
    action : CorporateAction
        The action.
    with_source : bool
        Whether who reported it, and when it became known, are told.
    """
    row = {
        "symbol": action.symbol,
        "kind": action.kind.value,
        "ex_date": action.ex_date.isoformat(),
        "value": float(action.value),
        "pay_date": None if action.pay_date is None else action.pay_date.isoformat(),
        "other": action.other,
        "price": None if action.price is None else float(action.price),
        "reason": action.reason,
    }
    return row | ({"ts_known": action.ts_known, "source": action.source} if with_source else {})


def action_from_row(row: Mapping[str, Any]) -> CorporateAction:
    """Read what `action_row` wrote; fields that older rows lack are unknown."""
    paid, price = row.get("pay_date"), row.get("price")
    return CorporateAction(
        symbol=row["symbol"],
        kind=ActionKind(row["kind"]),
        ex_date=date.fromisoformat(row["ex_date"]),
        value=row["value"],
        ts_known=row["ts_known"],
        source=row["source"],
        pay_date=None if paid is None else date.fromisoformat(paid),
        other=row.get("other") or "",
        price=None if price is None else float(price),
        reason=row.get("reason") or "",
    )


@dataclass(frozen=True, slots=True)
class ActionRules:
    """What a run assumes where the table of actions does not say.

    Parameters
    ----------
    withholding : float
        Tax withheld from cash dividends of long positions, fraction; 0 to 1.
    delisting_return : float
        Return from the last close to the end of a share that was delisted for performance,
        without a price in the table; above -1 or -1, at most 1. It is 0 for other reasons.
    """

    withholding: float = 0.0
    delisting_return: float = PERFORMANCE_RETURN

    def __post_init__(self) -> None:
        if not 0 <= self.withholding <= 1:
            raise ConfigError(f"dividend_withholding is {self.withholding}, wanted 0 to 1")
        if not -1 <= self.delisting_return <= 1:
            raise ConfigError(f"delisting_return is {self.delisting_return}, wanted -1 to 1")

    def return_of(self, reason: str) -> float:
        """Return what a share is taken to lose at its delisting, by the reason."""
        is_performance = reason in ("", DelistingReason.PERFORMANCE)
        return self.delisting_return if is_performance else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class ActionSchedule:
    """Actions on the rows of a tape.

    Parameters
    ----------
    actions : tuple of CorporateAction
        In the order in which they take effect.
    rows : ndarray of shape (n_actions,), int64
        First row whose bar opens without the action.
    pay_rows : ndarray of shape (n_actions,), int64
        First row on or after the pay date; the number of bars where it lies beyond them.
    rules : ActionRules
        What is assumed.
    """

    actions: tuple[CorporateAction, ...]
    rows: NDArray[np.int64]
    pay_rows: NDArray[np.int64]
    rules: ActionRules = field(default_factory=ActionRules)


@dataclass(frozen=True, slots=True)
class ActionEffect:
    """What one action did to an account, exact.

    Parameters
    ----------
    effect_id : str
        The same for the same action, so that booking it twice equals once.
    kind : EffectKind
        A dividend is earned (DIVIDEND) and paid (PAYMENT).
    action : CorporateAction
        The action.
    symbol, other : str
        Instrument, and the one whose shares were given; empty where none.
    fills : int
        Fills of the account made before it.
    qty, change, other_qty : int
        Position before, its change, and that of `other`; 1e-8 units, signed.
    cash_minor, due_minor, withheld_minor : int
        Changes of cash and of dividends earned and not yet paid, and the tax kept from them. The
        cash of a closing is that of its fill.
    px, other_px : int
        Prices after the action, 1e-8.
    new, old : int
        Shares after (or of `other`) for so many before.
    given_minor, left_minor : int
        Value of the shares given, and of what stays after a spin-off, signed.
    ts_event : int
        Close of the bar at whose open it took effect, UTC nanoseconds.
    """

    effect_id: str
    kind: EffectKind
    action: CorporateAction
    symbol: str
    other: str
    fills: int
    qty: int
    change: int
    other_qty: int
    cash_minor: int
    due_minor: int
    withheld_minor: int
    px: int
    other_px: int
    new: int
    old: int
    given_minor: int
    left_minor: int
    ts_event: int


_AMOUNTS: Final = (
    *("qty", "change", "other_qty", "cash_minor", "due_minor", "withheld_minor"),
    *("px", "other_px", "new", "old", "given_minor", "left_minor"),
)


def effects_of(
    table: NDArray[np.void],
    actions: Sequence[CorporateAction],
    symbols: Sequence[str],
    ts: NDArray[np.int64],
) -> list[ActionEffect]:
    """Return rows of `EFFECT_DTYPE` as values.

    Parameters
    ----------
    table : structured ndarray
        Rows of the record of a run.
    actions : sequence of CorporateAction
        The schedule's, which the rows number.
    symbols : sequence of str
        Columns.
    ts : ndarray of shape (n_bars,), int64
        Closes of the bars.
    """
    made = []
    for row in table.tolist():
        number, fills, bar, column, other, kind = row[:6]
        action = actions[number]
        word = ":paid" if kind == EffectKind.PAYMENT else ""
        made.append(
            ActionEffect(
                f"{action.symbol}:{action.kind}:{action.ex_date}{word}",
                EffectKind(kind),
                action,
                symbols[column],
                symbols[other] if other >= 0 else "",
                fills,
                **dict(zip(_AMOUNTS, row[6:], strict=True)),
                ts_event=int(ts[bar]),
            )
        )
    return made


def in_order(fills: Sequence[Any], effects: Sequence[ActionEffect], first: int) -> list[Any]:
    """Return fills and effects in the order they happened.

    Parameters
    ----------
    fills : sequence of Fill
        Consecutive fills of an account.
    effects : sequence of ActionEffect
        Effects among them.
    first : int
        Number of the first of the fills in the account, from 0.
    """
    mixed: list[Any] = list(fills)
    for shift, effect in enumerate(effects):
        mixed.insert(max(effect.fills - first, 0) + shift, effect)
    return mixed


def dividends_as_traded(actions: Iterable[CorporateAction]) -> tuple[CorporateAction, ...]:
    """Return actions whose dividends a source had divided by later splits, as they were paid.

    Parameters
    ----------
    actions : iterable of CorporateAction
        Actions of any symbols, with dividends per share of today.

    Returns
    -------
    tuple of CorporateAction
        Each dividend multiplied by the splits of its symbol that took effect after its ex-date.
    """
    table = tuple(actions)
    splits = [a for a in table if a.kind is ActionKind.SPLIT]
    paid = []
    for action in table:
        later = [
            s.value for s in splits if s.symbol == action.symbol and s.ex_date > action.ex_date
        ]
        scaled = action.kind is ActionKind.CASH_DIVIDEND and later
        paid.append(replace(action, value=action.value * prod(later)) if scaled else action)
    return tuple(paid)

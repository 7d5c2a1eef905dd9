"""Corporate actions: what happened to a share beside its trading."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from math import prod

from tradewright.domain.errors import DataError
from tradewright.domain.instruments import SYMBOL_PATTERN


class ActionKind(StrEnum):
    """Kind of corporate action."""

    SPLIT = "split"
    CASH_DIVIDEND = "cash_dividend"


@dataclass(frozen=True, slots=True)
class CorporateAction:
    """A split or a cash dividend.

    Parameters
    ----------
    symbol : str
        Canonical symbol.
    kind : ActionKind
        What happened.
    ex_date : date
        First session that trades without it.
    value : float
        New shares per old share (7.0 is seven for one, 0.05 one for twenty), or the cash paid per
        share, in the currency of the price as traded before `ex_date`; > 0.
    ts_known : int
        UTC nanoseconds from which it could be acted on.
    source : str
        Who reported it.
    """

    symbol: str
    kind: ActionKind
    ex_date: date
    value: float
    ts_known: int
    source: str = "csv"

    def __post_init__(self) -> None:
        if not SYMBOL_PATTERN.match(self.symbol):
            raise DataError(f"action: symbol {self.symbol!r} is not canonical")
        if not 0 < self.value < float("inf"):
            raise DataError(
                f"{self.symbol}: {self.kind} of {self.ex_date} is {self.value}, wanted above 0"
            )


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

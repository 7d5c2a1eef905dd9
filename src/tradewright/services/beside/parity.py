"""A traded window beside its replay: every difference with one cause, every cause with its price.

Pure functions of two records; where the records come from is `services.paper.parity`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

import numpy as np

from tradewright.domain.money import PRICE_UNIT, QTY_UNIT, minor_exponent
from tradewright.domain.orders import Fill, Order
from tradewright.domain.time import from_ns

_Key = tuple[str, int, int, int]
_Pair = tuple[Order | None, Order | None]


class Cause(StrEnum):
    """Why traded and replayed differ, in the order in which the causes are tested."""

    DATA = "DATA"
    DECISION = "DECISION"
    CORPORATE_ACTION = "CORPORATE_ACTION"
    MANUAL = "MANUAL"
    REJECTED = "REJECTED"
    SIZE = "SIZE"
    TIMING = "TIMING"
    PRICE = "PRICE"
    FEE = "FEE"
    FINANCING = "FINANCING"
    UNEXPLAINED = "UNEXPLAINED"


@dataclass(frozen=True, slots=True)
class TradeRecord:
    """What happened on one account over a window.

    Parameters
    ----------
    orders : sequence of Order
        In the order they were sent.
    refused : mapping of str to str
        Reason by client order id.
    fills : sequence of Fill
        In the order they happened.
    initial_minor, cash_minor, equity_minor : int
        Cash at the start; cash and equity at the end, in minor units.
    marks : mapping of str to float
        Last price by symbol, in the currency of the account per unit of quantity.
    data_version : str
        Of the bars.
    currency : str
        Of the account.
    """

    orders: Sequence[Order]
    refused: Mapping[str, str]
    fills: Sequence[Fill]
    initial_minor: int
    cash_minor: int
    equity_minor: int
    marks: Mapping[str, float]
    data_version: str
    currency: str = "USD"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that went otherwise.

    Parameters
    ----------
    cause : Cause
        Its one cause.
    symbol : str
        Instrument; empty for the account.
    decided_ns : int
        Decision it belongs to, UTC nanoseconds; 0 for the account.
    what : str
        In words: traded against replayed.
    gap : Fraction
        Part of the profit gap in minor units, exact.
    """

    cause: Cause
    symbol: str
    decided_ns: int
    what: str
    gap: Fraction


@dataclass(frozen=True, slots=True)
class ParityReport:
    """A traded window beside its replay.

    Parameters
    ----------
    name : str
        The session or run.
    differences : tuple of Difference
        In order of time.
    gaps : mapping of Cause to int
        Profit gap by cause in minor units; sums to `gap_minor`.
    gap_minor : int
        Equity at the end, traded minus replayed.
    fills_traded, fills_replayed, fills_matched : int
        Executions; matched are those with the same order, quantity, time and price.
    mean_gap_bps, p95_gap_bps : float
        Adverse price gap of fills of the same order, in basis points; NaN without any.
    slippage_modelled_bps, slippage_realised_bps : float
        Charged in the replay, and that plus the mean price gap weighted by value.
    currency : str
        Of the gaps.
    """

    name: str
    differences: tuple[Difference, ...]
    gaps: Mapping[Cause, int]
    gap_minor: int
    fills_traded: int
    fills_replayed: int
    fills_matched: int
    mean_gap_bps: float
    p95_gap_bps: float
    slippage_modelled_bps: float
    slippage_realised_bps: float
    currency: str = "USD"

    @property
    def matched_share(self) -> float:
        """Share of fills, on either side, that have an equal on the other; 1 without fills."""
        most = max(self.fills_traded, self.fills_replayed)
        return self.fills_matched / most if most else 1.0

    @property
    def unexplained(self) -> int:
        """Number of differences without a cause."""
        return sum(difference.cause is Cause.UNEXPLAINED for difference in self.differences)


def compare_records(
    name: str,
    traded: TradeRecord,
    replayed: TradeRecord,
    *,
    manual_from_ns: int | None = None,
    actions: Mapping[str, Sequence[int]] | None = None,
) -> ParityReport:
    """Lay a traded window beside its replay.

    Parameters
    ----------
    name : str
        Of the session.
    traded, replayed : TradeRecord
        What happened, and what the engine makes of the same window.
    manual_from_ns : int or None
        First time at which a person interfered (pause, flatten).
    actions : mapping of str to sequence of int, optional
        Times of splits and other corporate actions by symbol.

    Returns
    -------
    ParityReport
        Orders are matched by instrument, decision and kind, fills by order.
    """
    judge = _Judge(traded, replayed, manual_from_ns, actions or {})
    differences = [*judge.of_orders(), *judge.of_account()]
    differences.sort(key=lambda found: (found.decided_ns, found.symbol))
    gap = traded.equity_minor - replayed.equity_minor
    matched, prices = judge.of_prices()
    notional = sum(fill.notional_minor for fill in replayed.fills)
    charged = sum(fill.slippage_minor for fill in replayed.fills)
    modelled = charged / notional * 1e4 if notional else 0.0
    bps = np.array([price for price, _ in prices])
    weight = sum(value for _, value in prices)
    mean = sum(price * value for price, value in prices) / weight if weight else 0.0
    return ParityReport(
        name=name,
        differences=tuple(differences),
        gaps=_whole(differences, gap),
        gap_minor=gap,
        fills_traded=len(traded.fills),
        fills_replayed=len(replayed.fills),
        fills_matched=matched,
        mean_gap_bps=float(bps.mean()) if bps.size else float("nan"),
        p95_gap_bps=float(np.quantile(bps, 0.95)) if bps.size else float("nan"),
        slippage_modelled_bps=modelled,
        slippage_realised_bps=max(modelled + mean, 0.0),
        currency=traded.currency,
    )


class _Judge:
    """Pairs what belongs together and names what differs."""

    def __init__(
        self,
        traded: TradeRecord,
        replayed: TradeRecord,
        manual_from_ns: int | None,
        actions: Mapping[str, Sequence[int]],
    ) -> None:
        self._traded, self._replayed = traded, replayed
        self._manual_from_ns, self._actions = manual_from_ns, actions
        self._other_data = traded.data_version != replayed.data_version
        self._fills = _by_order(traded.fills), _by_order(replayed.fills)

    def of_orders(self) -> Iterator[Difference]:
        for pair in _pairs(self._traded.orders, self._replayed.orders):
            one, two = pair
            mine = self._fills[0].get(one.client_order_id, []) if one else []
            theirs = self._fills[1].get(two.client_order_id, []) if two else []
            gap = _worth(mine, self._traded) - _worth(theirs, self._replayed)
            found = self._cause(pair, mine, theirs)
            if found is None and not gap:
                continue
            cause, what = found or (
                (Cause.DATA, "marked at another price")
                if self._other_data
                else (Cause.UNEXPLAINED, "same fills, other worth")
            )
            order = one or two
            assert order is not None  # a pair has at least one side
            yield Difference(cause, order.symbol, order.ts_decided, what, gap)

    def of_account(self) -> Iterator[Difference]:
        paid = _financing(self._traded) - _financing(self._replayed)
        if paid:
            what = f"financing and transfers differ by {paid} minor units"
            yield Difference(Cause.FINANCING, "", 0, what, Fraction(paid))

    def of_prices(self) -> tuple[int, list[tuple[float, float]]]:
        """Return how many fills match, and (adverse gap in bps, value) of fills of one order."""
        matched, gaps = 0, []
        for one, two in _pairs(self._traded.orders, self._replayed.orders):
            if one is None or two is None:
                continue
            mine = self._fills[0].get(one.client_order_id, [])
            theirs = self._fills[1].get(two.client_order_id, [])
            for left, right in zip(mine, theirs, strict=False):
                matched += _same(left, right)
                if left.side != right.side:
                    continue
                gap = (left.px - right.px) * int(left.side) / right.px * 1e4
                gaps.append((gap, float(left.notional_minor)))
        return matched, gaps

    def _cause(
        self, pair: _Pair, mine: Sequence[Fill], theirs: Sequence[Fill]
    ) -> tuple[Cause, str] | None:
        one, two = pair
        order = one or two
        assert order is not None  # a pair has at least one side
        what = _what(one, two, mine, theirs, (self._traded.refused, self._replayed.refused))
        if not what:
            return None
        if self._other_data:
            return Cause.DATA, what
        is_manual = self._manual_from_ns is not None and order.ts_decided >= self._manual_from_ns
        if (one is None or two is None) and not is_manual:
            return Cause.DECISION, what
        if self._acted(order, mine, theirs):
            return Cause.CORPORATE_ACTION, what
        if is_manual:
            return Cause.MANUAL, what
        assert one is not None  # an order on one side only was judged above
        assert two is not None
        return self._cause_of_fills(one, two, mine, theirs), what

    def _cause_of_fills(
        self, one: Order, two: Order, mine: Sequence[Fill], theirs: Sequence[Fill]
    ) -> Cause:
        refused = one.client_order_id in self._traded.refused
        if refused != (two.client_order_id in self._replayed.refused):
            return Cause.REJECTED
        if one.qty != two.qty or _filled(mine) != _filled(theirs):
            return Cause.SIZE
        if [fill.ts_event for fill in mine] != [fill.ts_event for fill in theirs]:
            return Cause.TIMING
        if [fill.px for fill in mine] != [fill.px for fill in theirs]:
            return Cause.PRICE
        if [fill.cost_minor for fill in mine] != [fill.cost_minor for fill in theirs]:
            return Cause.FEE
        return Cause.UNEXPLAINED

    def _acted(self, order: Order, mine: Sequence[Fill], theirs: Sequence[Fill]) -> bool:
        last = max((fill.ts_event for fill in (*mine, *theirs)), default=order.ts_decided)
        return any(
            order.ts_decided < moment <= last for moment in self._actions.get(order.symbol, ())
        )


def _pairs(traded: Sequence[Order], replayed: Sequence[Order]) -> list[_Pair]:
    left, right = _keyed(traded), _keyed(replayed)
    return [(left.get(key), right.get(key)) for key in {**left, **right}]


def _keyed(orders: Sequence[Order]) -> dict[_Key, Order]:
    # By instrument, decision and kind; the last number tells apart several of one decision.
    found: dict[_Key, Order] = {}
    for order in orders:
        number = 0
        while (key := (order.symbol, order.ts_decided, int(order.type), number)) in found:
            number += 1
        found[key] = order
    return found


def _by_order(fills: Sequence[Fill]) -> dict[str, list[Fill]]:
    # The stop and the target of a bracket are the venue's own orders: they belong to their entry.
    found: dict[str, list[Fill]] = {}
    for fill in fills:
        found.setdefault(fill.client_order_id.partition(":")[0], []).append(fill)
    return found


def _same(left: Fill, right: Fill) -> bool:
    return (left.side, left.qty, left.ts_event, left.px) == (
        right.side,
        right.qty,
        right.ts_event,
        right.px,
    )


def _filled(fills: Sequence[Fill]) -> int:
    return sum(fill.qty for fill in fills)


def _worth(fills: Sequence[Fill], record: TradeRecord) -> Fraction:
    # What fills add to the equity at the end, in minor units: cash moved, and value at the mark.
    total = Fraction(0)
    for fill in fills:
        cash = -int(fill.side) * fill.notional_minor - fill.cost_minor
        mark = Fraction(record.marks.get(fill.symbol, 0.0)) * 10 ** minor_exponent(record.currency)
        total += cash + int(fill.side) * Fraction(fill.qty, QTY_UNIT) * mark
    return total


def _financing(record: TradeRecord) -> int:
    traded = sum(-int(fill.side) * fill.notional_minor - fill.cost_minor for fill in record.fills)
    return record.cash_minor - record.initial_minor - traded


_NOTHING: Final = "nothing"


def _what(
    one: Order | None,
    two: Order | None,
    mine: Sequence[Fill],
    theirs: Sequence[Fill],
    refused: tuple[Mapping[str, str], Mapping[str, str]],
) -> str:
    # In words, empty when both sides are the same.
    sides = [
        _side(order, fills, refusals)
        for order, fills, refusals in ((one, mine, refused[0]), (two, theirs, refused[1]))
    ]
    return "" if sides[0] == sides[1] else f"traded {sides[0]}; replayed {sides[1]}"


def _side(order: Order | None, fills: Sequence[Fill], refused: Mapping[str, str]) -> str:
    if order is None:
        return _NOTHING
    head = f"{order.side.name.lower()} {order.qty / QTY_UNIT:g} {order.type.name.lower()}"
    if order.client_order_id in refused:
        return f"{head}, refused: {refused[order.client_order_id]}"
    if not fills:
        return f"{head}, not filled"
    told = ", ".join(
        f"{fill.qty / QTY_UNIT:g} at {fill.px / PRICE_UNIT:g} on "
        f"{from_ns(fill.ts_event):%Y-%m-%d %H:%M} cost {fill.cost_minor}"
        for fill in fills
    )
    return f"{head}, filled {told}"


def _whole(differences: Sequence[Difference], gap_minor: int) -> dict[Cause, int]:
    # Whole minor units by cause that sum to the gap: what rounding of marks leaves goes to the
    # cause with the largest part, and without any difference nothing may be left.
    exact: dict[Cause, Fraction] = {}
    for difference in differences:
        exact[difference.cause] = exact.get(difference.cause, Fraction(0)) + difference.gap
    whole = {cause: round(part) for cause, part in exact.items()}
    left = gap_minor - sum(whole.values())
    if left:
        allowed = len({d.symbol for d in differences}) + 1
        cause = (
            max(exact, key=lambda name: abs(exact[name]))
            if exact and abs(left) <= allowed
            else Cause.UNEXPLAINED
        )
        whole[cause] = whole.get(cause, 0) + left
    return {cause: whole[cause] for cause in Cause if cause in whole}

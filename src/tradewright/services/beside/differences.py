"""Two stored runs: what they were made from that differs, then what came out differently."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tradewright.domain.money import QTY_UNIT
from tradewright.domain.orders import OrderType, Side
from tradewright.domain.outcome import Outcome
from tradewright.domain.time import from_ns
from tradewright.services.beside.flat import flatten
from tradewright.services.beside.repeating import first_difference

if TYPE_CHECKING:
    from tradewright.services.runs import Run

_SAME_FIGURE: Final = 1e-12
_GROUPS: Final = {
    "data": ("data_version", "data"),
    "code": ("code_version", "code_commit"),
    "config": ("config",),
    "seed": ("seed",),
    "environment": ("python", "platform", "libraries"),
}
_OrderKey = tuple[int, str, int, int, int]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not the same in two runs.

    Parameters
    ----------
    group : str
        ``data``, ``code``, ``config``, ``seed``, ``environment`` or ``metric``.
    key : str
        What it is, nested keys joined by dots.
    before, after : object
        Its value in the first and in the second run; None where it is absent.
    """

    group: str
    key: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class RunDiff:
    """What differs between two runs.

    Parameters
    ----------
    run_ids : tuple of str
        First and second.
    equal : bool
        Whether orders, fills and equity are the same to the last digit.
    made_from : tuple of Change
        Data, code, configuration, seed, environment, in this order.
    orders : tuple of int
        Orders in both, in the first only, in the second only.
    only_before, only_after : tuple of str
        The first of those, in words.
    first : str
        First order, fill or equity that differs; empty when equal.
    metrics : tuple of Change
        Figures that differ.
    """

    run_ids: tuple[str, str]
    equal: bool
    made_from: tuple[Change, ...]
    orders: tuple[int, int, int]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    first: str
    metrics: tuple[Change, ...]


def diff_runs(before: Run, after: Run, *, most: int = 10) -> RunDiff:
    """Find what differs between two stored runs.

    Parameters
    ----------
    before, after : Run
        Of any kind and end.
    most : int
        Orders to put into words on each side.

    Returns
    -------
    RunDiff
        Causes first, consequences after them.
    """
    equal = before.manifest["result_digest"] == after.manifest["result_digest"]
    old, new = _orders(before.outcome), _orders(after.outcome)
    shared = sum((old & new).values())
    return RunDiff(
        run_ids=(before.run_id, after.run_id),
        equal=equal,
        made_from=tuple(_made_from(before.manifest, after.manifest)),
        orders=(shared, sum(old.values()) - shared, sum(new.values()) - shared),
        only_before=_told(old - new, most),
        only_after=_told(new - old, most),
        first="" if equal else first_difference(before.outcome, after.outcome),
        metrics=tuple(_metrics(before, after)),
    )


def _made_from(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for group, names in _GROUPS.items():
        old = flatten({name: before.get(name) for name in names})
        new = flatten({name: after.get(name) for name in names})
        for key in sorted({*old, *new}):
            if old.get(key) != new.get(key):
                yield Change(group, key.removeprefix(f"{group}."), old.get(key), new.get(key))


def _orders(outcome: Outcome) -> Counter[_OrderKey]:
    symbols = [instrument.symbol for instrument in outcome.instruments]
    rows = outcome.orders
    return Counter(
        (int(outcome.ts[bar]), symbols[column], int(side), int(kind), int(quantity))
        for bar, column, side, kind, quantity in zip(
            rows["bar"], rows["instrument"], rows["side"], rows["type"], rows["qty"], strict=True
        )
    )


def _told(orders: Counter[_OrderKey], most: int) -> tuple[str, ...]:
    return tuple(
        f"{from_ns(ts).date()} {Side(side).name.lower()} {quantity / QTY_UNIT:g} {symbol} "
        f"{OrderType(kind).name.lower()}"
        for ts, symbol, side, kind, quantity in sorted(orders.elements())[:most]
    )


def _metrics(before: Run, after: Run) -> Iterator[Change]:
    if not (before.may_show_performance and after.may_show_performance):
        return
    old, new = dict(before.metrics), dict(after.metrics)
    for name, value in old.items():
        if name in new and not _same(value, new[name]):
            yield Change("metric", name, value, new[name])


def _same(old: Any, new: Any) -> bool:
    if isinstance(old, float) and isinstance(new, float):
        if math.isnan(old) or math.isnan(new):
            return math.isnan(old) and math.isnan(new)
        return math.isclose(old, new, rel_tol=_SAME_FIGURE, abs_tol=_SAME_FIGURE)
    return bool(old == new)

"""A rebalance carried out in stages: what shrinks first, what grows when its cash is there."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from tradewright.domain.money import QTY_UNIT, minor_exponent
from tradewright.domain.time import NS_PER_SECOND
from tradewright.execution.plan import target_quantity

LEAST_SHARE: Final = 0.001
LEAST_VALUE: Final = 1.0
PATIENCE_NS: Final = 600 * NS_PER_SECOND
SAFETY: Final = 1e-3
"""Part of a purchase kept back for a price that moves until it fills."""


class StageStatus(StrEnum):
    """How a rebalance stands; all but WORKING are its end."""

    WORKING = "working"
    DONE = "done"
    PARTIAL = "partial"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class StageView:
    """What the executor looks at before each step.

    Parameters
    ----------
    now_ns : int
        UTC nanoseconds.
    equity_minor, cash_minor : int
        Of the account, in minor units; cash is what may be spent now (the settled part of it in a
        cash account).
    positions : mapping of str to int
        Signed quantities in units of 1e-8.
    prices : mapping of str to float
        Last prices in major units; an instrument without one is missing or NaN.
    lots : mapping of str to int
        Lots in units of 1e-8.
    working : frozenset of str
        Instruments with an order that still works.
    """

    now_ns: int
    equity_minor: int
    cash_minor: int
    positions: Mapping[str, int]
    prices: Mapping[str, float]
    lots: Mapping[str, int]
    working: frozenset[str] = frozenset()

    def price(self, symbol: str) -> float:
        """Return the last price; NaN where there is none."""
        px = self.prices.get(symbol, math.nan)
        return px if px > 0 else math.nan


@dataclass(slots=True)
class StagedRebalance:
    """Brings an account to target weights, step by step.

    Targets become quantities; changes below ``max(1.00, 0.1 % of equity)`` are dropped. What makes
    a position smaller is sent first, what makes one larger when the cash for it is there. Where
    something is left after ten minutes, or an order ended in part, it is planned anew once.

    Parameters
    ----------
    weights : mapping of str to float
        Signed target weights; instruments that are not named are left as they are.
    currency : str
        Of the account.
    largest : float
        Largest order as a fraction of equity; a larger change is reached in several orders.
    cost_rate : float
        Proportional cost of a purchase, kept back from its cash.
    replan : callable, optional
        ``replan()`` returns the weights when it is planned anew; the same ones unless given.

    Notes
    -----
    Timing: `step` is called when what was sent before may have filled, with what is known then.
    The executor holds no order: it says which quantities are wanted now.

    Examples
    --------
    >>> lot = 100_000_000
    >>> staged = StagedRebalance({"A": 0.0, "B": 0.5})
    >>> seen = dict(equity_minor=100_000, prices={"A": 10.0, "B": 10.0}, lots={"A": lot, "B": lot})
    >>> staged.step(StageView(1, cash_minor=0, positions={"A": 100 * lot}, **seen))
    {'A': 0}
    >>> staged.step(StageView(2, cash_minor=100_000, positions={"A": 0}, **seen))["B"] // lot
    50
    """

    weights: Mapping[str, float]
    currency: str = "USD"
    largest: float = math.inf
    cost_rate: float = 0.0
    replan: Callable[[], Mapping[str, float]] | None = None
    status: StageStatus = field(default=StageStatus.WORKING, init=False)
    targets: dict[str, int] = field(default_factory=dict, init=False)
    _notes: dict[str, str] = field(default_factory=dict, init=False)
    _wanted: dict[str, int] = field(default_factory=dict, init=False)
    _refusals: dict[str, str] = field(default_factory=dict, init=False)
    _grows: bool = field(default=False, init=False)
    _planned_ns: int = field(default=-1, init=False)
    _replanned: bool = field(default=False, init=False)

    @property
    def is_new(self) -> bool:
        """Whether no step was taken yet."""
        return self._planned_ns < 0 and not self.is_over

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be wanted."""
        return self.status is not StageStatus.WORKING

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why a target was not reached, or not exactly; by instrument."""
        return tuple(f"{symbol}: {why}" for symbol, why in sorted(self._notes.items()))

    def cancel(self, why: str) -> None:
        """End it where it stands."""
        if not self.is_over:
            self.status = StageStatus.CANCELLED
            self._notes["rebalance"] = why

    def refused(self, symbol: str, why: str) -> None:
        """Note why an order of an instrument was refused."""
        if symbol in self._wanted:
            self._refusals[symbol] = why

    def step(self, view: StageView) -> dict[str, int]:
        """Return the signed quantities that are wanted now.

        Parameters
        ----------
        view : StageView
            The account as it is.

        Returns
        -------
        dict of str to int
            Instruments to be traded now and where to, in units of 1e-8; empty while orders work
            and at the end.
        """
        if self.is_over:
            return {}
        if self._planned_ns < 0:
            self._plan(view)
        elif self._waits(view):
            return {}
        elif self._fell_short(view) and not self._plans_anew(view):
            return self._end(view)
        return self._next(view)

    def _plans_anew(self, view: StageView) -> bool:
        # Once, and not again.
        if self._replanned:
            return False
        self._replanned = True
        self._plan(view)
        return True

    def _plan(self, view: StageView) -> None:
        if self.replan is not None and self._planned_ns >= 0:
            self.weights = self.replan()
        self._planned_ns = view.now_ns
        self._notes, self._wanted, self._grows = {}, {}, False
        scale = 10 ** minor_exponent(self.currency)
        least = max(LEAST_VALUE, LEAST_SHARE * view.equity_minor / scale)
        self.targets = {}
        for symbol, weight in self.weights.items():
            held, px = view.positions.get(symbol, 0), view.price(symbol)
            if math.isnan(px):
                if weight or held:
                    self._notes[symbol] = "no price is known"
                continue
            wanted = target_quantity(
                weight,
                equity_minor=view.equity_minor,
                px=px,
                lot=view.lots.get(symbol, 1),
                currency=self.currency,
            )
            worth = abs(wanted - held) / QTY_UNIT * px
            if wanted == held:
                continue
            if worth < least and wanted:
                self._notes[symbol] = f"a change of {worth:.2f} is below the least of {least:.2f}"
                continue
            self.targets[symbol] = wanted
        self._fit_to_cash(view)

    def _fit_to_cash(self, view: StageView) -> None:
        # Purchases that all the sales together do not pay for are cut alike, so that the targets
        # can be reached.
        scale = 10 ** minor_exponent(self.currency)
        room, needs = max(view.cash_minor, 0) / scale, dict[str, float]()
        for symbol, target in self.targets.items():
            held = view.positions.get(symbol, 0)
            value = abs(target - held) / QTY_UNIT * view.price(symbol)
            if target < held:
                room += value * (1.0 - self.cost_rate - SAFETY)
            elif held < 0:
                room -= value * self._kept
            else:
                needs[symbol] = value * self._kept
        total = math.fsum(needs.values())
        share = max(room, 0.0) / total if total > room else 1.0
        for symbol in needs if share < 1.0 else ():
            held, lot = view.positions.get(symbol, 0), view.lots.get(symbol, 1)
            self.targets[symbol] = (
                held + math.floor((self.targets[symbol] - held) * share) // lot * lot
            )

    def _waits(self, view: StageView) -> bool:
        late = view.now_ns - self._planned_ns >= PATIENCE_NS
        return not late and any(symbol in view.working for symbol in self._wanted)

    def _fell_short(self, view: StageView) -> bool:
        # What was wanted before did not come about, or came about in part.
        return any(view.positions.get(s, 0) != qty for s, qty in self._wanted.items())

    def _next(self, view: StageView) -> dict[str, int]:
        shrink = {s: self._smaller(s, view) for s in self.targets if self._must_shrink(s, view)}
        if shrink:
            self._wanted = shrink
            return dict(shrink)
        self._grows = True
        grow = self._larger(view)
        if not grow and self._left(view) and self._plans_anew(view):
            return self._next(view)
        if not grow:
            return self._end(view)
        self._wanted = grow
        return dict(grow)

    def _must_shrink(self, symbol: str, view: StageView) -> bool:
        held, target = view.positions.get(symbol, 0), self.targets[symbol]
        return bool(held) and (held * target < 0 or abs(target) < abs(held))

    def _smaller(self, symbol: str, view: StageView) -> int:
        held, target = view.positions[symbol], self.targets[symbol]
        # Through zero in two orders: what closes first, what opens when its cash is there.
        end = 0 if held * target < 0 else target
        return self._sliced(symbol, held, end, view)

    def _larger(self, view: StageView) -> dict[str, int]:
        scale = 10 ** minor_exponent(self.currency)
        wishes: dict[str, int] = {}
        for symbol, target in self.targets.items():
            held = view.positions.get(symbol, 0)
            if target != held and not math.isnan(view.price(symbol)):
                wishes[symbol] = self._sliced(symbol, held, target, view)
        each = {
            s: abs(qty - view.positions.get(s, 0)) / QTY_UNIT * view.price(s) * self._kept
            for s, qty in wishes.items()
            if qty > 0
        }
        cash, total = max(view.cash_minor, 0) / scale, math.fsum(each.values())
        share = min(1.0, cash / total) if total > 0 else 1.0
        grow: dict[str, int] = {}
        for symbol, qty in wishes.items():
            held, lot = view.positions.get(symbol, 0), view.lots.get(symbol, 1)
            more = abs(qty - held)
            if qty > 0 and share < 1.0:
                more = math.floor(more * share) // lot * lot
            if more:
                grow[symbol] = held + more if qty > held else held - more
        return grow

    @property
    def _kept(self) -> float:
        return 1.0 + self.cost_rate + SAFETY

    def _sliced(self, symbol: str, held: int, end: int, view: StageView) -> int:
        px, lot = view.price(symbol), view.lots.get(symbol, 1)
        if math.isinf(self.largest) or math.isnan(px):
            return end
        most = target_quantity(
            self.largest,
            equity_minor=view.equity_minor,
            px=px,
            lot=lot,
            currency=self.currency,
        )
        change = min(abs(end - held), max(most, lot))
        return held + change if end > held else held - change

    def _left(self, view: StageView) -> dict[str, int]:
        return {
            s: target - view.positions.get(s, 0)
            for s, target in self.targets.items()
            if abs(target - view.positions.get(s, 0)) >= view.lots.get(s, 1)
        }

    def _end(self, view: StageView) -> dict[str, int]:
        left = self._left(view)
        for symbol, change in left.items():
            grows = self._grows and change > 0
            missing_fill = "its cash is not there" if grows else "its order did not fill"
            why = self._refusals.get(symbol, missing_fill)
            self._notes[symbol] = f"{abs(change) / QTY_UNIT:g} units are left: {why}"
        missing = any("no price" in why for why in self._notes.values())
        self.status = StageStatus.PARTIAL if left or missing else StageStatus.DONE
        return {}

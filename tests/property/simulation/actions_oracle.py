"""Corporate actions once more, in plain Python on integers, on top of the fill oracle.

Written from docs/concepts/fill-rules.md; it shares no code with the kernel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from fill_oracle import Oracle, Rules, Work, half_even


@dataclass
class Act:
    row: int
    kind: str  # split, dividend, spin_off, merger, symbol_change, delisting
    column: int
    ratio: Fraction = Fraction(1)
    cash: int | None = None  # per share, 1e-8
    other: int = -1
    pay_row: int = 0
    tax: Fraction = Fraction(0)
    lost: float = 0.0


class ActingOracle(Oracle):
    def __init__(
        self,
        bars: dict[str, list[list[float]]],
        ts: list[int],
        cash: int,
        rules: Rules,
        acts: list[Act],
    ):
        super().__init__(bars, ts, cash, rules)
        self.acts = sorted(acts, key=lambda act: act.row)
        self.owed_to_us: list[tuple[int, int]] = []  # row of the payment, cents
        self.given_cash = 0

    def step(self, row: int) -> None:
        self.row, self.last_px, self.used, self.closing = row, {}, {}, False
        self.know_rates(row - 1)
        for act in [a for a in self.acts if a.row == row]:
            getattr(self, act.kind)(act)
        for due in [d for d in self.owed_to_us if d[0] <= row]:
            self.cash += due[1]
            self.owed_to_us.remove(due)
        self.end_waiting()
        super().step(row)
        self.equity[-1] += sum(cents for _, cents in self.owed_to_us)

    # -- what an action does ----------------------------------------------------------------------

    def first_price(self, row: int, column: int) -> int:
        if not math.isnan(self.bars["open"][row][column]):
            return self.px("open", row, column)
        seen = [self.bars["close"][r][column] for r in range(row)]
        known = [close for close in seen if not math.isnan(close)]
        return round(known[-1] * 1e8)

    def split(self, act: Act) -> None:
        before = self.position[act.column]
        if before:
            sign = 1 if before > 0 else -1
            whole = math.floor(abs(before) * act.ratio)
            kept = whole // self.rules.lot * self.rules.lot
            # The kernel's mark is a double; divide it as a double.
            ratio = act.ratio
            self.mark[act.column] = self.mark[act.column] * ratio.denominator / ratio.numerator
            self.cash += sign * self.worth(
                act.column, whole - kept, round(self.mark[act.column] * 1e8)
            )
            self.change(act.column, sign * kept)
        for order in self.work:
            if order.column == act.column and order.live:
                self.restate(order, act.ratio)

    def restate(self, order: Work, ratio: Fraction) -> None:
        left = math.floor((order.qty - order.filled) * ratio) // self.rules.lot * self.rules.lot
        if left <= 0:
            order.state = "cancelled"
            return
        order.qty = order.filled + left
        for name in ("limit", "stop", "trail", "child_stop", "child_target"):
            if getattr(order, name):
                setattr(order, name, max(half_even(getattr(order, name) / ratio), 1))

    def dividend(self, act: Act) -> None:
        held = self.position[act.column]
        if held:
            assert act.cash is not None
            gross = self.worth(act.column, abs(held), act.cash)
            tax = half_even(gross * act.tax) if held > 0 else 0
            self.owed_to_us.append((act.pay_row, gross - tax if held > 0 else -gross))

    def spin_off(self, act: Act) -> None:
        held = self.position[act.column]
        if not held:
            return
        px = self.first_price(self.row, act.other)
        self.give(act, held, px)
        if not math.isnan(self.bars["open"][self.row][act.column]):
            left = self.first_price(self.row, act.column)
        else:
            last = self.first_price(self.row, act.column)
            left = max(last - math.floor(px * act.ratio), 0)
        self.mark[act.column] = left * 1e-8

    def give(self, act: Act, held: int, px: int) -> None:
        sign = 1 if held > 0 else -1
        whole = math.floor(abs(held) * act.ratio)
        kept = whole // self.rules.lot * self.rules.lot
        self.cash += sign * self.worth(act.other, whole - kept, px)
        if kept:
            if not self.position[act.other]:
                self.mark[act.other] = px * 1e-8
            self.change(act.other, self.position[act.other] + sign * kept)

    def merger(self, act: Act) -> None:
        held = self.position[act.column]
        if held:
            sign = 1 if held > 0 else -1
            self.cash += sign * self.worth(act.column, abs(held), act.cash or 0)
            self.position[act.column] = 0
            self.give(act, held, self.first_price(self.row, act.other))
        self.drop(act.column)

    def symbol_change(self, act: Act) -> None:
        held = self.position[act.column]
        if held:
            self.position[act.column] = 0
            self.give(act, held, self.first_price(self.row, act.other))
        for order in self.work:
            if order.column == act.column and order.live:
                order.column = act.other
                self.restate(order, act.ratio)

    def delisting(self, act: Act) -> None:
        self.drop(act.column)
        held = self.position[act.column]
        if not held:
            return
        px = act.cash
        if px is None:
            px = round(self.mark[act.column] * (1 + act.lost) * 1e8)
        side, qty = (-1 if held > 0 else 1), abs(held)
        notional = self.worth(act.column, qty, px)
        self.cash -= side * notional
        self.position[act.column] = 0
        self.fills.append((self.row, act.column, side, qty, px, notional, 0, 0, 0))

    def drop(self, column: int) -> None:
        for order in self.work:
            if order.column == column and order.live:
                order.state = "cancelled"

    def change(self, column: int, after: int) -> None:
        before, self.position[column] = self.position[column], after
        if before and (after == 0 or (after > 0) != (before > 0)):
            for order in self.work:
                if order.reduce_only and order.column == column and order.live:
                    order.state = "cancelled"


def run_acting(
    bars: dict[str, list[list[float]]],
    ts: list[int],
    orders: list[Work],
    cash: int,
    rules: Rules,
    acts: list[Act],
) -> ActingOracle:
    """Work orders over bars with corporate actions and return what happened."""
    oracle = ActingOracle(bars, ts, cash, rules, acts)
    for row in range(len(ts)):
        oracle.step(row)
        for order in (order for order in orders if order.bar == row):
            oracle.take(order, row)
    return oracle

"""The fill rules once more, in plain Python on integers and fractions, to check the kernel by.

Written from docs/concepts/fill-rules.md; it shares no code with the kernel. One bar at a time, no
shortcuts. Prices and quantities are integers of 1e-8, money is cents.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction

UNIT = 10**8
YEAR_NS = 360 * 86_400 * 10**9


def half_even(value: Fraction) -> int:
    return round(value)  # Fraction rounds half to even


@dataclass
class Rules:
    fee: Fraction = Fraction(0)
    maker: Fraction | None = None
    tiers: tuple[tuple[int, Fraction, Fraction], ...] = ()  # from cents, fee, maker fee
    per_share: Fraction = Fraction(0)
    fee_min: int = 0
    half_spread: Fraction = Fraction(0)
    slippage: Fraction = Fraction(0)
    borrow: float = 0.0
    optimistic: bool = False
    through: bool = False
    participation: float = 0.0
    reject: bool = False
    allow_short: bool = True
    lot: int = 1
    tick: int = 1_000_000
    latency: int = 0
    sessions: tuple[int, ...] = ()  # of each bar; every bar is one where none are told
    on_its_way_ns: int = 0  # latency in time; bars open `step_ns` before they close
    step_ns: int = 0
    leverage: int = 1
    margin: str = "off"
    maintain: tuple[float, float] = (0.25, 0.30)
    liquidation: Fraction = Fraction(0)
    exchange: Fraction = Fraction(0)  # of a fill in another currency
    foreign: frozenset[int] = frozenset()
    funding: tuple[tuple[int, int, Fraction], ...] = ()  # time, column, rate, rising
    paid: tuple[
        tuple[int, ...], ...
    ] = ()  # by column: first bar in which a sale of each is settled
    worth: tuple[tuple[Fraction, ...], ...] = ()  # of a price of 1 by column, one row or all


@dataclass
class Work:
    bar: int
    column: int
    side: int
    kind: str  # market, limit, stop, stop_limit, trail
    qty: int
    tif: str = "GTC"
    limit: int = 0
    stop: int = 0
    trail: int = 0
    trail_share: Fraction = Fraction(0)
    last_row: int = 0
    oco: str = ""
    after: Work | None = None
    active: int = 0
    child_stop: int = 0
    child_target: int = 0
    reduce_only: bool = False
    parent: Work | None = None
    children: list[Work] = field(default_factory=list)
    filled: int = 0
    state: str = "working"
    born: int = 0
    triggered_at: int = -1
    triggered_inside: bool = False
    liquidates: bool = False
    tried_at: int = -1
    raw_fee: int = 0
    paid_fee: int = 0

    def distance(self, px: int) -> int:
        return round(px * self.trail_share) if self.trail_share else self.trail

    @property
    def live(self) -> bool:
        return self.state == "working"

    @property
    def stop_like(self) -> bool:
        if self.kind == "stop_limit":
            return self.triggered_at < 0
        return self.kind in ("stop", "trail") and not self.filled

    @property
    def takes_any_price(self) -> bool:
        return self.kind == "market" or (self.kind in ("stop", "trail") and self.filled > 0)


class Oracle:
    def __init__(self, bars: dict[str, list[list[float]]], ts: list[int], cash: int, rules: Rules):
        self.bars, self.ts, self.cash, self.rules = bars, ts, cash, rules
        width = len(bars["close"][0])
        self.position = [0] * width
        self.mark = [math.nan] * width
        self.work: list[Work] = []
        self.fills: list[tuple[int, ...]] = []
        self.equity: list[int] = []
        self.owed = 0.0
        self.closing = False
        self.short_value = 0
        self.traded = 0
        self.called = False
        self.rate_row = 0
        self.row = 0
        self.awaited: list[tuple[int, int]] = []  # bar, cents
        self.unpaid = list(rules.funding)

    # -- prices and money ------------------------------------------------------------------------

    def px(self, name: str, row: int, column: int) -> int:
        return round(self.bars[name][row][column] * 1e8)

    def has_bar(self, row: int, column: int) -> bool:
        return not math.isnan(self.bars["close"][row][column])

    def worth(self, column: int, qty: int, px: int) -> int:
        """Cents of a signed quantity at a price, at the last rate known."""
        if self.rules.worth:
            px = half_even(px * self.rules.worth[self.rate_row][column])
        return half_even(Fraction(qty * px, 10**14))

    def unit(self, column: int, px: int) -> Fraction:
        """Cents of 1e-8 units at a price."""
        if self.rules.worth:
            px = half_even(px * self.rules.worth[self.rate_row][column])
        return Fraction(px, 10**14)

    def know_rates(self, row: int) -> None:
        self.rate_row = max(row, 0) if len(self.rules.worth) > 1 else 0

    @property
    def unsettled(self) -> int:
        return sum(cents for bar, cents in self.awaited if bar > self.row)

    def costs(self, order: Work, qty: int, px: int) -> tuple[int, int, int, int]:
        notional, r = self.worth(order.column, qty, px), self.rules
        raw = order.raw_fee + half_even(notional * self.fee_rate(order))
        raw += half_even(qty * r.per_share * 100 / UNIT)
        fee = max(raw, r.fee_min) - order.paid_fee
        fee += half_even(notional * r.liquidation) if order.liquidates else 0
        exchange = half_even(notional * r.exchange) if order.column in r.foreign else 0
        if order.kind in ("limit", "stop_limit"):
            return raw, fee, exchange, 0
        spread = half_even(notional * r.half_spread) + exchange
        return raw, fee, spread, half_even(notional * r.slippage)

    def fee_rate(self, order: Work) -> Fraction:
        fee, maker = self.rules.fee, self.rules.maker
        for least, taking, making in self.rules.tiers:
            if self.traded >= least:
                fee, maker = taking, making
        makes = order.kind in ("limit", "stop_limit") and maker is not None
        return maker if makes and maker is not None else fee

    def values(self, row: int, own: int, own_px: int) -> tuple[int, int]:
        longs = shorts = 0
        for column, qty in enumerate(self.position):
            if column == own:
                px = own_px
            elif self.has_bar(row, column):
                px = self.last_px.get(column, self.px("open", row, column))
            else:
                px = round(self.mark[column] * 1e8) if qty else 0
            value = self.worth(column, qty, px)
            longs, shorts = longs + max(value, 0), shorts + min(value, 0)
        return longs, shorts

    def affordable(self, order: Work, qty: int, px: int, row: int) -> bool:
        _, fee, spread, slippage = self.costs(order, qty, px)
        cash = self.cash - order.side * self.worth(order.column, qty, px)
        cash -= fee + spread + slippage + self.unsettled
        saved = self.position[order.column]
        self.position[order.column] += order.side * qty
        longs, shorts = self.values(row, order.column, px)
        self.position[order.column] = saved
        return self.rules.leverage * (cash + longs + shorts) >= longs - shorts

    def funded(self, order: Work, qty: int, px: int, row: int, reducing: int) -> int:
        """Largest quantity that equity carries: the real-valued bound, then whole cents."""
        longs, shorts = self.values(row, order.column, px)
        r = self.rules
        rate = self.fee_rate(order) + (
            0 if order.kind in ("limit", "stop_limit") else r.half_spread + r.slippage
        )
        rate += r.exchange if order.column in r.foreign else 0
        unit = self.unit(order.column, px)
        cost = unit * rate + r.per_share * 100 / UNIT
        room = r.leverage * (self.cash - self.unsettled + longs + shorts) - (longs - shorts)
        room += 2 * unit * reducing
        bound = room / (unit + r.leverage * cost) * (1 + Fraction(1, 10**12))
        if bound < qty:
            qty = max(math.floor(max(bound, 0)) // r.lot * r.lot, reducing)
        if qty <= reducing or self.affordable(order, qty, px, row):
            return max(qty, reducing)
        low, high = reducing // r.lot, qty // r.lot
        while high - low > 1:
            middle = (low + high) // 2
            if self.affordable(order, middle * r.lot, px, row):
                low = middle
            else:
                high = middle
        return max(low * r.lot, reducing)

    # -- filling ---------------------------------------------------------------------------------

    def fill(self, order: Work, px: int, row: int, *, inside: bool) -> bool:
        r, column = self.rules, order.column
        before = self.position[column]
        reducing = max(0, -order.side * before)
        qty, rest_goes = order.qty - order.filled, False
        if order.reduce_only:
            qty = min(qty, reducing)
            if qty == 0:
                if order.kind == "market":
                    order.state = "cancelled"
                order.tried_at = row
                return False
        if order.side < 0 and not r.allow_short and qty > reducing:
            qty, rest_goes = reducing, True
            if qty == 0:
                order.state = "rejected"
                return False
        if r.participation:
            volume = self.bars["volume"][row][column]
            cap = int(r.participation * volume * 1e8) if volume > 0 else 0
            cap = max(0, cap - self.used.get(column, 0)) // r.lot * r.lot
            if qty > cap:
                if order.tif == "FOK":
                    order.state = "rejected"
                    return False
                qty, rest_goes = cap, False
        if qty > reducing:
            can = self.funded(order, qty, px, row, reducing)
            if can < qty and (r.reject or order.tif == "FOK" or can == 0):
                order.state = "cancelled" if order.filled else "rejected"
                return False
            if can < qty:
                qty, rest_goes = can, True
        order.tried_at = row
        if qty == 0:
            return False
        self.book(order, qty, px, row)
        if order.filled >= order.qty:
            order.state = "filled"
        elif rest_goes:
            order.state = "cancelled"
        self.end_relatives(order, qty, before)
        self.release(order, px, inside=inside)
        added = qty - min(qty, reducing)
        if added and (order.child_stop or order.child_target):
            self.bear(order, added, px if inside else 0, row)
        return True

    def book(self, order: Work, qty: int, px: int, row: int) -> None:
        notional = self.worth(order.column, qty, px)
        raw, fee, spread, slippage = self.costs(order, qty, px)
        order.raw_fee, order.paid_fee = raw, order.paid_fee + fee
        order.filled += qty
        self.cash -= order.side * notional + fee + spread + slippage
        net = notional - fee - spread - slippage
        if self.rules.paid and order.side < 0 and net > 0:
            self.awaited.append((self.rules.paid[order.column][row], net))
        self.position[order.column] += order.side * qty
        self.last_px[order.column] = px
        self.used[order.column] = self.used.get(order.column, 0) + qty
        self.traded += notional
        self.fills.append((row, order.column, order.side, qty, px, notional, fee, spread, slippage))

    def end_relatives(self, order: Work, qty: int, before: int) -> None:
        for sibling in order.parent.children if order.parent else ():
            if sibling is not order and sibling.live:
                sibling.qty -= qty
                if sibling.qty <= sibling.filled:
                    sibling.state = "cancelled"
        for mate in self.mates(order):
            if mate.live:
                mate.qty -= qty
                if mate.qty <= mate.filled:
                    mate.state = "cancelled"
        after = self.position[order.column]
        if before and (after == 0 or (after > 0) != (before > 0)):
            for other in self.work:
                if other.reduce_only and other.column == order.column and other.live:
                    other.state = "cancelled"

    def mates(self, order: Work) -> list[Work]:
        """The others of a one-cancels-other set, from the one that joined next, in a circle."""
        if not order.oco:
            return []
        whole = [other for other in self.work if other.oco == order.oco]
        at = next(i for i, other in enumerate(whole) if other is order)
        return whole[at + 1 :] + whole[:at]

    def release(self, order: Work, px: int, *, inside: bool) -> None:
        was_born = order.born > 0
        for other in self.work:
            if other.after is not order or not other.live:
                continue
            other.after = None
            later = self.closing or was_born
            foreign = other.column != order.column
            unknown = foreign or other.kind == "stop_limit" or other.tif == "OPG"
            later = later or (inside and unknown)
            other.active = self.row + (1 if later else 0)
            other.born = px if inside and not later else 0
            if other.kind == "trail" and not other.stop:
                start = px
                if foreign:
                    if not self.has_bar(self.row, other.column):
                        other.state = "denied"
                        continue
                    start = self.px("close" if later else "open", self.row, other.column)
                other.stop = max(start + other.side * other.distance(start), 1)
            if other.tif == "GTD" and other.last_row < other.active:
                other.state = "expired"

    def end_waiting(self) -> None:
        for order in self.work:
            if order.live and order.after is not None and not order.after.live:
                order.state = "cancelled"

    def bear(self, order: Work, qty: int, born: int, row: int) -> None:
        if order.children and order.children[0].live:
            for child in order.children:
                child.qty += qty
            return
        order.children = []
        for kind, level in (("stop", order.child_stop), ("limit", order.child_target)):
            if level:
                child = Work(row - 1, order.column, -order.side, kind, qty, reduce_only=True)
                child.stop, child.limit = (level, 0) if kind == "stop" else (0, level)
                child.parent, child.born, child.active = order, born, row
                order.children.append(child)
                self.work.append(child)

    def take(self, order: Work, row: int) -> None:
        """Take an order at the close of its bar."""
        order.active = row + 1 + self.rules.latency
        if self.rules.on_its_way_ns:
            order.active = row + 1
            while (
                order.active < len(self.ts)
                and self.ts[order.active] - self.rules.step_ns
                < self.ts[row] + self.rules.on_its_way_ns
            ):
                order.active += 1
        order.qty = order.qty // self.rules.lot * self.rules.lot
        self.work.append(order)
        trigger = order.after
        if trigger is not None and trigger.filled:
            order.after = None
        elif trigger is not None and not trigger.live:
            order.state = "cancelled"
        if not order.qty:
            order.state = "rejected"
        if order.after is not None or not order.live:
            return
        if order.tif == "GTD" and order.last_row < order.active:
            order.state = "expired"
        elif order.kind == "trail" and order.stop == 0:
            if not self.has_bar(row, order.column):
                order.state = "denied"
                return
            close = self.px("close", row, order.column)
            order.stop = max(close + order.side * order.distance(close), 1)

    # -- one bar ---------------------------------------------------------------------------------

    def ready(self, order: Work, row: int) -> bool:
        return (
            order.live
            and order.after is None
            and order.active <= row
            and order.tried_at != row
            and self.has_bar(row, order.column)
        )

    def reduces(self, order: Work) -> bool:
        return order.side * self.position[order.column] < 0

    def step(self, row: int) -> None:
        self.row, self.used, self.last_px, self.closing = row, {}, {}, False
        self.know_rates(row - 1)
        if row and (self.short_value or self.cash < 0):
            years = (self.ts[row] - self.ts[row - 1]) / float(YEAR_NS)
            self.owed += -self.short_value * self.rules.borrow * years
            due = round(self.owed)
            self.owed -= due
            self.cash -= due
        # A gap belongs to the time before the open.
        length = self.rules.step_ns if self.rules.sessions else 86_400 * 10**9
        self.fund(row, max(self.ts[row - 1], self.ts[row] - length) if row else 0, None)
        for only_reducing in (True, False):
            for order in self.work:  # children born meanwhile are met at the end of the list
                is_turn = not only_reducing or self.reduces(order)
                if self.ready(order, row) and is_turn and not order.born:
                    self.at_open(order, row)
        self.end_waiting()
        if self.called:
            self.answer(row)
        self.fund(row, self.ts[row] - 1, "open")
        self.inside(row)
        if self.rules.margin == "worst" and (min(self.position) < 0 or self.cash < 0):
            self.worst(row)
        self.at_close(row)
        self.end_waiting()
        self.know_rates(row)
        longs = shorts = 0
        for column, qty in enumerate(self.position):
            if self.has_bar(row, column):
                self.mark[column] = self.bars["close"][row][column]
            if qty:
                value = self.worth(column, qty, round(self.mark[column] * 1e8))
                longs, shorts = longs + max(value, 0), shorts + min(value, 0)
        self.short_value = shorts
        owes = shorts < 0 or self.cash < 0
        self.called = self.rules.margin == "close" and owes and self.surplus(longs, shorts) < 0
        self.equity.append(self.cash + longs + shorts)

    def fund(self, row: int, until: int, prices: str | None) -> None:
        """Pay what falls due up to a time, at a price of the bar or at the last close."""
        while self.unpaid and self.unpaid[0][0] <= until:
            _, column, rate = self.unpaid.pop(0)
            qty = self.position[column]
            if qty:
                at_bar = prices is not None and self.has_bar(row, column)
                px = round(self.mark[column] * 1e8) if not at_bar else 0
                if prices is not None and at_bar:
                    px = self.px(prices, row, column)
                self.cash -= half_even(self.worth(column, qty, px) * rate)

    # -- margin ----------------------------------------------------------------------------------

    def surplus(self, longs: int, shorts: int) -> float:
        long_rate, short_rate = self.rules.maintain
        wanted = long_rate * float(longs) - short_rate * float(shorts)
        return float(self.cash + longs + shorts) - wanted

    def answer(self, row: int) -> None:
        done: set[int] = set()
        while self.surplus(*self.values(row, -1, 0)) < 0:
            column = self.largest(row, done)
            if column < 0:
                return
            self.liquidate(column, self.px("open", row, column), row)

    def worst(self, row: int) -> None:
        done: set[int] = set()
        while True:
            before, after = self.surplus_at(row, 0.0), self.surplus_at(row, 1.0)
            if after >= 0:
                return
            column = self.largest(row, done)
            if column < 0:
                return
            share = before / (before - after) if before > 0 else 0.0
            self.liquidate(column, self.on_the_way(row, column, share), row)

    def on_the_way(self, row: int, column: int, share: float) -> int:
        if not self.has_bar(row, column):
            return round(self.mark[column] * 1e8)
        start = self.last_px.get(column, self.px("open", row, column))
        worst = self.px("low" if self.position[column] > 0 else "high", row, column)
        return start + round(share * float(worst - start))

    def surplus_at(self, row: int, share: float) -> float:
        longs = shorts = 0
        for column, qty in enumerate(self.position):
            if qty:
                value = self.worth(column, qty, self.on_the_way(row, column, share))
                longs, shorts = longs + max(value, 0), shorts + min(value, 0)
        return self.surplus(longs, shorts)

    def largest(self, row: int, done: set[int]) -> int:
        best, most = -1, -1.0
        for column, qty in enumerate(self.position):
            if qty and column not in done and self.has_bar(row, column):
                value = self.worth(column, qty, self.px("open", row, column))
                rate = self.rules.maintain[0] if value > 0 else -self.rules.maintain[1]
                if value * rate > most:
                    best, most = column, value * rate
        done.add(best)
        return best

    def liquidate(self, column: int, px: int, row: int) -> None:
        held = self.position[column]
        side = -1 if held > 0 else 1
        order = Work(row, column, side, "market", abs(held), reduce_only=True, active=row)
        order.liquidates = True
        self.work.append(order)
        self.fill(order, px, row, inside=False)
        if order.live:
            order.state = "cancelled"

    def at_open(self, order: Work, row: int) -> None:
        px, buys = self.px("open", row, order.column), order.side > 0
        if order.tif == "CLS" or (order.tif == "OPG" and not self.begins(row)):
            return
        if order.stop_like:
            if (px < order.stop) if buys else (px > order.stop):
                return
            if order.kind == "stop_limit":
                order.triggered_at = row
        is_outside = px > order.limit if buys else px < order.limit
        if order.kind in ("limit", "stop_limit") and is_outside:
            if order.tif == "OPG":
                order.state = "cancelled"
            return
        self.fill(order, px, row, inside=False)

    def inside(self, row: int) -> None:
        def rank(order: Work) -> int:
            first = order.stop_like != self.rules.optimistic
            if order.born:
                return 3 if first or order.kind == "market" else 4
            return (0 if first else 1) if self.reduces(order) else 2

        for wave in range(5):
            for order in self.work:
                if not self.ready(order, row) or (order.takes_any_price and not order.born):
                    continue
                if order.tif in ("CLS", "OPG"):
                    continue
                mine = rank(order)
                if mine == wave or (wave == 2 and mine < 2):
                    px = self.born_touch(order, row) if order.born else self.touch(order, row)
                    if px and order.oco and not order.born:
                        leg = self.leg(order, row)
                        self.fill(leg, self.touch(leg, row), row, inside=True)
                    elif px:
                        self.fill(order, px, row, inside=True)

    def leg(self, order: Work, row: int) -> Work:
        """Of the touched legs of a set, the worse one by the close; the better if optimistic."""
        close = self.px("close", row, order.column)
        legs = [order]
        for mate in self.mates(order):
            is_timed = mate.takes_any_price or mate.tif in ("OPG", "CLS")
            is_free = mate.column == order.column and not mate.born and not is_timed
            if is_free and self.ready(mate, row) and self.touch(mate, row):
                legs.append(mate)
        gains = [leg.side * (close - self.touch(leg, row)) for leg in legs]
        wanted = max(gains) if self.rules.optimistic else min(gains)
        return legs[gains.index(wanted)]

    def touch(self, order: Work, row: int) -> int:
        low, high = self.px("low", row, order.column), self.px("high", row, order.column)
        close, buys = self.px("close", row, order.column), order.side > 0
        if order.stop_like or (order.triggered_inside and order.triggered_at == row):
            if (high < order.stop) if buys else (low > order.stop):
                return 0
            px = max(order.stop, low) if buys else min(order.stop, high)
            if order.kind != "stop_limit":
                return px
            order.triggered_at, order.triggered_inside = row, True
            if (px <= order.limit) if buys else (px >= order.limit):
                return px
        if order.kind == "stop_limit" and order.triggered_at == row:
            return order.limit if (close <= order.limit if buys else close >= order.limit) else 0
        far = self.rules.tick if self.rules.through else 0
        if buys:
            return min(order.limit, high) if low <= order.limit - far else 0
        return max(order.limit, low) if high >= order.limit + far else 0

    def born_touch(self, order: Work, row: int) -> int:
        first, close = self.px("open", row, order.column), self.px("close", row, order.column)
        low, high = self.px("low", row, order.column), self.px("high", row, order.column)
        if order.kind == "market":
            return order.born
        entry, is_stop = order.born, order.stop_like
        level = order.stop if is_stop else order.limit
        far = self.rules.tick if self.rules.through and not is_stop else 0
        rising = (order.side > 0) == is_stop
        if (entry >= level) if rising else (entry <= level):
            return entry
        if (high < level + far) if rising else (low > level - far):
            return 0
        beyond = close >= level if rising else close <= level
        proven = beyond or (entry > first if rising else entry < first)
        doubt_fills = is_stop != self.rules.optimistic
        return level if proven or doubt_fills else 0

    def begins(self, row: int) -> bool:
        sessions = self.rules.sessions
        return not sessions or row == 0 or sessions[row - 1] != sessions[row]

    def ends(self, row: int) -> bool:
        sessions = self.rules.sessions
        return not sessions or row + 1 == len(sessions) or sessions[row + 1] != sessions[row]

    def at_close(self, row: int) -> None:
        self.closing = True
        is_last = self.ends(row)
        for order in self.work:
            if not order.live or order.after is not None or order.active > row:
                continue
            has_bar = self.has_bar(row, order.column)
            if order.kind == "trail" and not order.filled and has_bar:
                self.follow(order, row)
            order.born = 0
            if not order.live:
                continue
            if order.tif == "CLS" and has_bar and is_last:
                px = self.px("close", row, order.column)
                inside = px <= order.limit if order.side > 0 else px >= order.limit
                if order.kind == "market" or (order.kind == "limit" and inside):
                    self.fill(order, px, row, inside=True)
                if order.live:
                    order.state = "cancelled"
            elif order.tif in ("IOC", "FOK") and has_bar:
                order.state = "cancelled"
            elif (order.tif in ("DAY", "OPG", "CLS") and is_last) or (
                order.tif == "GTD" and row >= order.last_row
            ):
                order.state = "expired"

    def follow(self, order: Work, row: int) -> None:
        close = self.px("close", row, order.column)
        best = self.px("low" if order.side > 0 else "high", row, order.column)
        best = close if order.born else best
        if order.side > 0:
            level = min(order.stop, best + order.distance(best))
        else:
            level = max(order.stop, best - order.distance(best))
        moved, order.stop = level != order.stop, level
        beyond = close >= level if order.side > 0 else close <= level
        if moved and beyond and order.tried_at != row:
            self.fill(order, level, row, inside=True)


def run_oracle(
    bars: dict[str, list[list[float]]], ts: list[int], orders: list[Work], cash: int, rules: Rules
) -> Oracle:
    """Work orders (sorted by bar) over the bars and return what happened."""
    oracle = Oracle(bars, ts, cash, rules)
    for row in range(len(ts)):
        oracle.step(row)
        for order in (order for order in orders if order.bar == row):
            oracle.take(order, row)
    return oracle

"""The venue, driven bar by bar, against the batch functions: every fill and every cent."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from brackets import sensible_children
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tradewright.costs import Costs
from tradewright.domain.bars import Bars
from tradewright.domain.decisions import Orders, Signals, TargetWeights
from tradewright.domain.instruments import AssetClass, Instrument
from tradewright.domain.orders import FillReason, Order, Side
from tradewright.domain.outcome import Outcome
from tradewright.domain.rules import FillRules
from tradewright.ledger import ledger_of, reconcile
from tradewright.simulation import SimulatedVenue, run_orders, run_signals, run_weights

DAY_NS = 86_400 * 10**9
CASH = 5_000_000


@st.composite
def markets(draw: st.DrawFn) -> Bars:
    n_bars, width = draw(st.integers(6, 60)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.03, (n_bars, width)), axis=0))
    first = np.vstack([close[:1], close[:-1]]) * np.exp(rng.normal(0, 0.01, (n_bars, width)))
    spread = np.abs(rng.normal(0, 0.015, (2, n_bars, width)))
    high = np.maximum(first, close) * (1 + spread[0])
    low = np.minimum(first, close) * (1 - spread[1])
    volume = rng.uniform(100, 5_000, (n_bars, width))
    missing = rng.random((n_bars, width)) < draw(st.sampled_from([0.0, 0.05]))
    for array in (first, high, low, close, volume):
        array[missing] = np.nan
    lot = draw(st.sampled_from([1e-8, 1.0]))
    size = draw(st.sampled_from([1.0, 1.0, 10.0, 0.01]))
    money = draw(st.lists(st.sampled_from(["USD", "USD", "EUR", "JPY"]), min_size=4, max_size=4))
    names = tuple(
        Instrument(f"S{i}", lot_size=lot, multiplier=size, currency=money[i]) for i in range(width)
    )
    walk = np.exp(np.cumsum(rng.normal(0, 0.02, (2, n_bars)), axis=1))
    rates = {"EUR/USD": 1.1 * walk[0], "USD/JPY": 95.0 * walk[1]}
    # Hours with gaps: what is on its way in a gap is there after it.
    ts = np.cumsum(rng.choice([1, 1, 1, 5], n_bars)) * DAY_NS // 24
    return Bars(names, ts, first, high, low, close, volume, interval="1h", rates=rates)


latencies = st.sampled_from(
    [{"latency_bars": 0}, {"latency_bars": 1}, {"latency_bars": 3}, {"latency_ms": 250.0}]
)


@st.composite
def settings_of(draw: st.DrawFn) -> dict[str, Any]:
    days = draw(st.lists(st.integers(4, 240), max_size=12, unique=True))
    costs = Costs(
        funding={"S0": [(day * DAY_NS // 4, 0.002 * (-1) ** day) for day in days]},
        fee_bps=draw(st.sampled_from([0, 10])),
        fx_spread_bps=draw(st.sampled_from([0, 5])),
        fee_min=draw(st.sampled_from([0, 2.5])),
        slippage_bps=draw(st.sampled_from([0, 5])),
        impact=draw(st.sampled_from([None, 1.0])),
        borrow_rate=draw(st.sampled_from([0, 0.02])),
        maker_fee_bps=draw(st.sampled_from([None, 2])),
        spread_model=draw(st.sampled_from([None, "corwin_schultz"])),
        slippage_vol=draw(st.sampled_from([0, 0.1])),
        borrow_rates=draw(st.sampled_from([None, {"S0": 0.3, "S1": 0.0}])),
        hard_to_borrow=draw(st.sampled_from([None, ["S1"]])),
        credit_rate=draw(st.sampled_from([0, 0.03])),
    )
    rules = FillRules(
        intrabar=draw(st.sampled_from(["pessimistic", "optimistic", "ohlc"])),
        max_participation=draw(st.sampled_from([None, 0.2])),
        leverage=draw(st.sampled_from([1.0, 2.0])),
        margin_check=draw(st.sampled_from(["off", "close", "worst"])),
        maintenance_long=0.45,
        maintenance_short=0.48,
        close_at_end=draw(st.booleans()),
        max_stale_bars=99,
        **draw(latencies),
    )
    return {"cash_minor": CASH, "costs": costs, "rules": rules}


def factor_of(bars: Bars, row: int, column: int) -> Fraction:
    """What a price of 1 is worth at a close, held to 1e-12."""
    instrument = bars.instruments[column]
    rates = {
        "USD": 1.0,
        "EUR": bars.rates["EUR/USD"][row],
        "JPY": 1.0 / bars.rates["USD/JPY"][row],
    }
    return Fraction(round(rates[instrument.currency] * instrument.multiplier * 1e12), 10**12)


def assert_same(batch: Outcome, step: Outcome) -> None:
    assert batch.fills.tolist() == step.fills.tolist()
    for name in ("equity", "cash", "long_value", "short_value", "financing", "interest"):
        assert getattr(batch, name).tolist() == getattr(step, name).tolist(), name
    assert batch.orders.tolist() == step.orders.tolist()
    assert batch.path_dependent_fills == step.path_dependent_fills


def is_ruined(venue: SimulatedVenue, row: int) -> bool:
    return row >= 0 and venue.equity_minor <= 0


@settings(max_examples=120, deadline=None)
@given(markets(), settings_of(), st.integers(0, 2**32 - 1))
def test_random_bracket_orders_fill_alike_in_both_drives(
    bars: Bars, how: dict[str, Any], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 25))
    at = np.sort(rng.integers(0, bars.n_bars, count))
    column = rng.integers(0, bars.n_instruments, count)
    px = np.where(np.isnan(bars.close[at, column]), 50.0, bars.close[at, column])
    side = rng.choice([1, -1], count)
    near = px * (1 + rng.normal(0, 0.02, count))
    optional = lambda share, values: [  # noqa: E731
        float(v) if rng.random() < share else None for v in values
    ]
    kind = rng.choice(["MARKET", "LIMIT", "STOP", "STOP_LIMIT", "TRAILING_STOP"], count)
    tif = rng.choice(["GTC", "GTC", "DAY", "IOC", "FOK", "GTD", "OPG", "CLS"], count)
    is_plain = np.isin(kind, ["MARKET", "LIMIT"])
    tif = np.where(~is_plain & np.isin(tif, ["OPG", "CLS"]), "GTC", tif)
    expires = bars.ts[np.minimum(at + rng.integers(0, 9, count), bars.n_bars - 1)]
    trails_by_share = (kind == "TRAILING_STOP") & (rng.random(count) < 0.5)
    table = {
        "bar": at.tolist(),
        "symbol": [bars.symbols[i] for i in column],
        "side": side.tolist(),
        "qty": rng.integers(1, 400, count).tolist(),
        "type": kind.tolist(),
        "tif": tif.tolist(),
        "limit": [float(v) if "LIMIT" in k else None for k, v in zip(kind, near, strict=True)],
        "stop": [
            float(v) if k in ("STOP", "STOP_LIMIT") else None
            for k, v in zip(kind, near * 1.001, strict=True)
        ],
        "trail": [
            float(v) if (k == "TRAILING_STOP" or rng.random() < 0.1) and not share else None
            for k, v, share in zip(kind, px * 0.03, trails_by_share, strict=True)
        ],
        "trail_fraction": [0.03 if share else None for share in trails_by_share],
        "expires": [int(e) if t == "GTD" else None for e, t in zip(expires, tif, strict=True)],
        "oco": rng.choice(["", "", "x", "y"], count).tolist(),
        "after": [
            int(rng.integers(0, i)) if i and rng.random() < 0.25 else None for i in range(count)
        ],
        "stop_loss": optional(0.5, px * (1 - side * 0.02)),
        "take_profit": optional(0.5, px * (1 + side * 0.02)),
        "reduce_only": (rng.random(count) < 0.15).tolist(),
    }
    names = ("limit", "stop", "stop_loss", "take_profit")
    for at, (limit, stop, loss, profit) in enumerate(zip(*(table[n] for n in names), strict=True)):
        kept = sensible_children(int(side[at]), [limit, stop], loss, profit)
        table["stop_loss"][at], table["take_profit"][at] = kept
    orders = Orders(table)
    batch = run_orders(bars, orders, **how)
    venue = SimulatedVenue(bars, **how)
    given_orders = list(orders.rows)
    told = 0
    for row in range(bars.n_bars):
        venue.advance(row)
        told += len(venue.poll()[0])
        if is_ruined(venue, row):
            break
        while given_orders and given_orders[0][0] <= row:
            venue.submit(given_orders.pop(0)[1])
    step = venue.outcome()
    assert_same(batch, step)
    assert told == len(step.fills)


@settings(max_examples=80, deadline=None)
@given(markets(), settings_of(), st.integers(0, 2**32 - 1))
def test_signals_fill_alike_when_a_loop_decides_them(
    bars: Bars, how: dict[str, Any], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    entries, exits = rng.random((2, *bars.close.shape)) < 0.15
    stop, target = 0.03, 0.04
    size = float(rng.choice([0.2, 0.5, 1.0]))
    how = {**how, "rules": FillRules(max_stale_bars=99)}  # nothing stays pending between bars
    batch = run_signals(bars, Signals(entries, exits, size=size, stop=stop, target=target), **how)
    venue = SimulatedVenue(bars, **how)
    pending: dict[int, list[Order]] = {}
    for row in range(bars.n_bars):
        venue.advance(row)
        venue.poll()
        if is_ruined(venue, row):
            break
        open_ids = {order.client_order_id for order in venue.open_orders()}
        for column in range(bars.n_instruments):
            units = venue.position_units(column)
            entry, leave = entries[row, column], exits[row, column]
            mine = [o for o in pending.get(column, []) if o.client_order_id in open_ids]
            if mine:
                if leave and units >= 0:
                    for order in mine:
                        if not order.reduce_only:
                            venue.cancel(order.client_order_id)
                mine = [o for o in mine if o.reduce_only or not (leave and units >= 0)]
            if mine:
                continue
            close = bars.close[row, column]
            symbol = bars.symbols[column]
            if units > 0 and leave:
                order = Order(f"x{row}-{column}", symbol, Side.SELL, units, reduce_only=True)
                venue.submit(order)
            elif units == 0 and entry and not leave and not np.isnan(close):
                order = Order(
                    f"e{row}-{column}",
                    symbol,
                    Side.BUY,
                    1,
                    stop_loss_px=round(close * (1 - stop) * 1e8),
                    take_profit_px=round(close * (1 + target) * 1e8),
                )
                venue.submit_fraction(order, size)
            else:
                continue
            pending.setdefault(column, []).append(order)
    assert_same(batch, venue.outcome())


@settings(max_examples=60, deadline=None)
@given(markets(), settings_of(), st.integers(0, 2**32 - 1))
def test_weights_fill_alike_when_a_loop_decides_them(
    bars: Bars, how: dict[str, Any], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    weights = np.full(bars.close.shape, np.nan)
    rows = rng.random(bars.n_bars) < 0.2
    drawn = rng.dirichlet(np.ones(bars.n_instruments), int(rows.sum())) * 0.95
    weights[rows] = drawn * rng.choice([1.0, -1.0], drawn.shape, p=[0.8, 0.2])
    weights[np.isnan(bars.close)] = np.nan
    rules = how["rules"]
    how["rules"] = FillRules(
        leverage=rules.leverage,
        latency_bars=rules.latency_bars,
        latency_ms=rules.latency_ms,
        margin_check=rules.margin_check,
        max_stale_bars=99,
    )
    batch = run_weights(bars, TargetWeights(weights), **how)
    venue = SimulatedVenue(bars, **how)
    for row in range(bars.n_bars):
        venue.advance(row)
        venue.poll()
        equity = venue.equity_minor
        if equity <= 0:
            break
        for column in np.flatnonzero(~np.isnan(weights[row])):
            symbol, weight = bars.symbols[column], weights[row, column]
            for order in venue.open_orders():
                if order.symbol == symbol:
                    venue.cancel(order.client_order_id)
            px = round(bars.close[row, column] * 1e8)
            lot = round(bars.instruments[column].lot_size * 1e8)
            px = round(px * factor_of(bars, row, column))
            units = abs(weight) * equity / (px * 10.0**-14)
            wanted = int(np.floor(units * (1.0 + 1e-12))) // lot * lot
            change = (wanted if weight > 0 else -wanted) - venue.position_units(column)
            if change:
                side = Side.BUY if change > 0 else Side.SELL
                venue.submit(Order(f"{row}-{column}", symbol, side, abs(change)))
    assert_same(batch, venue.outcome())


@settings(max_examples=40, deadline=None)
@given(markets(), settings_of(), st.integers(0, 2**32 - 1))
def test_what_comes_after_a_bar_never_changes_what_was_filled_until_it(
    bars: Bars, how: dict[str, Any], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    entries, exits = rng.random((2, *bars.close.shape)) < 0.2
    how = {**how, "rules": FillRules(intrabar=how["rules"].intrabar, max_stale_bars=99)}
    cut = int(rng.integers(1, bars.n_bars))
    assume(not np.isnan(bars.close[:cut]).all())  # a tape without a single bar is refused
    whole = run_signals(bars, Signals(entries, exits, stop=0.02, trail=0.05), **how)
    part = Signals(entries[:cut], exits[:cut], stop=0.02, trail=0.05)
    short = run_signals(bars.rows(0, cut), part, **how)
    assert whole.equity[:cut].tolist() == short.equity.tolist()
    early = whole.fills[whole.fills["bar"] < cut]
    assert early.tolist() == short.fills.tolist()


@settings(max_examples=80, deadline=None)
@given(markets(), settings_of(), st.integers(0, 2**32 - 1))
def test_the_book_balances_in_each_currency_after_every_entry(
    bars: Bars, how: dict[str, Any], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    entries, exits, shorts = rng.random((3, *bars.close.shape)) < 0.2
    how = {**how, "rules": FillRules(max_stale_bars=99)}
    signals = Signals(entries, exits, short_entries=shorts, short_exits=entries, size=0.3)
    outcome = run_signals(bars, signals, **how)
    reconcile(outcome)
    ledger = ledger_of(outcome)
    exact: dict[str, Fraction] = {}
    for entry in ledger.entries:
        sums: dict[str, int] = {}
        for _, currency, amount in entry.postings:
            sums[currency] = sums.get(currency, 0) + amount
        assert set(sums.values()) == {0}
    minor = {"USD": 100, "EUR": 100, "JPY": 1}
    for fill in outcome.fills:
        instrument = bars.instruments[int(fill["instrument"])]
        code = instrument.currency
        px = round(int(fill["px"]) * Fraction(str(instrument.multiplier)))
        local = Fraction(int(fill["qty"]) * px, 10**16) * minor[code]
        exact[code] = exact.get(code, Fraction(0)) + int(fill["side"]) * round(local)
    for code in exact.keys() - {"USD"}:
        assert ledger.balances.get((f"exchange:{code}", code), 0) == -exact[code]


def with_pairs(bars: Bars) -> Bars:
    """The bars and beside them the pairs in which euros and yen are held."""
    lines = [bars.rates["EUR/USD"], 1.0 / bars.rates["USD/JPY"]]
    panel = np.column_stack(lines)
    first = np.vstack([panel[:1], panel[:-1]])
    prices = {
        "open": first,
        "high": np.maximum(first, panel),
        "low": np.minimum(first, panel),
        "close": panel,
        "volume": np.full_like(panel, 1e12),
    }
    pairs = tuple(Instrument(s, AssetClass.FOREX, tick_size=1e-8) for s in ("EURUSD", "JPYUSD"))
    wide = {name: np.hstack([getattr(bars, name), line]) for name, line in prices.items()}
    return Bars(bars.instruments + pairs, bars.ts, **wide, interval=bars.interval)


@settings(max_examples=80, deadline=None)
@given(markets(), settings_of(), st.integers(0, 2**32 - 1))
def test_cash_held_in_other_currencies_moves_alike_in_both_drives_and_never_below_zero(
    bars: Bars, how: dict[str, Any], seed: int
) -> None:
    rng, bars = np.random.default_rng(seed), with_pairs(bars)
    count = int(rng.integers(4, 25))
    at = np.sort(rng.integers(0, bars.n_bars, count))
    column = rng.integers(0, bars.n_instruments, count)
    is_pair = column >= bars.n_instruments - 2
    qty = np.where(is_pair, rng.integers(100, 9_000, count), rng.integers(1, 200, count))
    side = np.where(is_pair & (rng.random(count) < 0.8), 1, rng.choice([1, -1], count))
    orders = Orders(
        {
            "bar": at.tolist(),
            "symbol": [bars.symbols[i] for i in column],
            "side": side.tolist(),
            "qty": qty.astype(float).tolist(),
        }
    )
    costs = Costs(fee_bps=how["costs"].fee_bps, slippage_bps=5)
    rules = FillRules(settle="held", allow_short=False, max_stale_bars=99)
    how = {**how, "costs": costs, "rules": rules}
    batch = run_orders(bars, orders, **how)
    venue, waiting = SimulatedVenue(bars, **how), list(orders.rows)
    for row in range(bars.n_bars):
        venue.advance(row)
        venue.poll()
        while waiting and waiting[0][0] <= row:
            venue.submit(waiting.pop(0)[1])
    assert_same(batch, venue.outcome())
    reconcile(batch)
    assert (batch.cash >= 0).all()
    held = np.zeros(bars.n_instruments, dtype=np.int64)
    dollars = {i for i, one in enumerate(bars.instruments) if one.currency == "USD"}
    for number, fill in enumerate(batch.fills):
        own = int(fill["instrument"])
        held[own] += int(fill["side"]) * int(fill["qty"])
        if own in dollars or fill["reason"] == FillReason.EXCHANGE:
            assert (held[-2:] >= 0).all()
            continue
        # Dollars in and out of a fill in another currency cancel with the exchange after it.
        exchange = batch.fills[number + 1] if number + 1 < len(batch.fills) else None
        if exchange is None or exchange["reason"] != FillReason.EXCHANGE:
            continue  # too small to show in both currencies
        paid = sum(int(fill[name]) for name in ("fee", "spread", "slippage", "impact"))
        net = -int(fill["side"]) * int(fill["notional"]) - paid
        assert int(exchange["side"]) * int(exchange["notional"]) == net

"""Corporate actions in the kernel: against a plain model, in both drives, through the book."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import numpy as np
from actions_oracle import Act, run_acting
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from test_kernel_against_oracle import FIELDS, cases, orders_of, run, told

from tradewright.costs import Costs
from tradewright.domain.actions import (
    ActionKind,
    ActionRules,
    ActionSchedule,
    CorporateAction,
    actions_hash,
)
from tradewright.domain.bars import Bars
from tradewright.domain.currencies.worth import worth_of
from tradewright.domain.decisions import TargetWeights
from tradewright.domain.outcome import Outcome
from tradewright.domain.rules import FillRules
from tradewright.ledger import LotBook, ledger_of, reconcile, round_trips
from tradewright.metrics.attribution.profits import instrument_profits
from tradewright.simulation import SimulatedVenue, run_weights

FIRST = date(2020, 1, 1)
RATIOS = (7.0, 2.0, 1.5, 0.05, 1 / 3, 1.1)


@st.composite
def tables(draw: st.DrawFn, bars: Bars) -> list[CorporateAction]:
    """Actions dated by row: day ``FIRST + row`` is row ``row``."""
    found = []
    for _ in range(draw(st.integers(1, 5))):
        row, at = draw(st.integers(1, bars.n_bars - 1)), draw(st.integers(0, 9))
        column = at % bars.n_instruments
        kind = draw(st.sampled_from(list(ActionKind)))
        other = (column + 1) % bars.n_instruments
        if kind in (ActionKind.SPIN_OFF, ActionKind.MERGER, ActionKind.SYMBOL_CHANGE):
            seen = ~np.isnan(bars.close[:row, other]).all() or ~np.isnan(bars.open[row, other])
            if other == column or not seen:
                kind = ActionKind.SPLIT
        name, gives = bars.symbols[column], bars.symbols[other]
        day = FIRST + timedelta(days=row)
        fields: dict[str, Any] = {"value": draw(st.sampled_from(RATIOS))}
        if kind is ActionKind.CASH_DIVIDEND:
            fields["value"] = draw(st.integers(1, 400)) / 100
            fields["pay_date"] = day + timedelta(days=draw(st.integers(0, 6)))
        elif kind is ActionKind.STOCK_DIVIDEND:
            fields["value"] = draw(st.sampled_from([0.05, 0.5, 1.0]))
        elif kind is ActionKind.DELISTING:
            fields = {
                "price": draw(st.sampled_from([None, 0.0, 12.34])),
                "reason": draw(st.sampled_from(["", "merger", "performance"])),
            }
        elif kind in (ActionKind.SPIN_OFF, ActionKind.SYMBOL_CHANGE):
            fields["other"] = gives
        elif kind is ActionKind.MERGER:
            fields |= {"other": gives, "price": draw(st.sampled_from([None, 3.21]))}
        found.append(CorporateAction(name, kind, day, **fields))
    return found


def scheduled(bars: Bars, table: list[CorporateAction]) -> tuple[Bars, ActionSchedule]:
    told_once = bars.with_actions(table)
    rows = [(a.ex_date - FIRST).days for a in told_once.actions]
    pays = [((a.pay_date or a.ex_date) - FIRST).days for a in told_once.actions]
    rules = ActionRules(withholding=0.15, delisting_return=-0.3)
    schedule = ActionSchedule(
        told_once.actions, np.array(rows, dtype=np.int64), np.array(pays, dtype=np.int64), rules
    )
    return told_once, schedule


def act_of(bars: Bars, action: CorporateAction) -> Act:
    words = {ActionKind.CASH_DIVIDEND: "dividend", ActionKind.STOCK_DIVIDEND: "split"}
    ratio = Fraction(action.value).limit_denominator(10**6)
    if action.kind is ActionKind.STOCK_DIVIDEND:
        ratio += 1
    cash = action.value if action.kind is ActionKind.CASH_DIVIDEND else action.price
    return Act(
        row=(action.ex_date - FIRST).days,
        kind=words.get(action.kind, action.kind.value),
        column=bars.column(action.symbol),
        ratio=ratio,
        cash=None if cash is None else round(cash * 1e8),
        other=bars.column(action.other) if action.other else -1,
        pay_row=((action.pay_date or action.ex_date) - FIRST).days,
        tax=Fraction(15, 100),
        lost=0.0 if action.reason == "merger" else -0.3,
    )


@st.composite
def acted(draw: st.DrawFn) -> tuple[Any, list[CorporateAction]]:
    case = draw(cases())
    return case, draw(tables(case[0]))


@settings(max_examples=400, deadline=None)
@given(acted())
def test_actions_do_what_the_plain_rules_say(given_case: tuple[Any, list[CorporateAction]]) -> None:
    (bars, rows, costs, rules), table = given_case
    bars, schedule = scheduled(bars, table)
    words = told(bars, rows, costs, rules)
    assume(words[4].participation >= 0)
    oracle = run_acting(*words, [act_of(bars, action) for action in bars.actions])
    outcome = run(bars, rows, costs, rules, schedule)
    fills = [tuple(int(fill[name]) for name in FIELDS) for fill in outcome.fills]
    ended = len(outcome.equity)
    assert fills == [fill for fill in oracle.fills if fill[0] < ended]
    assert outcome.equity.tolist() == oracle.equity[:ended]


@settings(max_examples=200, deadline=None)
@given(acted())
def test_step_equals_batch_and_the_book_equals_both(
    given_case: tuple[Any, list[CorporateAction]],
) -> None:
    (bars, rows, costs, rules), table = given_case
    bars, schedule = scheduled(bars, table)
    batch = run(bars, rows, costs, rules, schedule)
    venue = SimulatedVenue(bars, cash_minor=1_000_000, costs=costs, rules=rules, actions=schedule)
    waiting, told_effects = list(orders_of(bars, rows).rows), []
    for row in range(bars.n_bars):
        venue.advance(row)
        venue.poll()
        told_effects += venue.poll_actions()[0]
        if venue.equity_minor <= 0:
            break
        while waiting and waiting[0][0] <= row:
            venue.submit(waiting.pop(0)[1])
    step = venue.outcome()
    for name in ("fills", "orders", "effects", "equity", "cash"):
        assert getattr(batch, name).tolist() == getattr(step, name).tolist(), name
    assert told_effects == batch.action_effects()
    _check_book(batch, bars)


@settings(max_examples=60, deadline=None)
@given(acted(), st.sampled_from(["decision_close", "fill_open"]), st.integers(0, 2**32 - 1))
def test_weights_through_actions_balance_in_book_and_attribution(
    given_case: tuple[Any, list[CorporateAction]], size_at: str, seed: int
) -> None:
    (bars, _, costs, _), table = given_case
    bars, schedule = scheduled(bars, table)
    rng = np.random.default_rng(seed)
    weights = rng.uniform(-0.4, 0.4, bars.close.shape)
    weights[rng.random(len(weights)) < 0.6] = np.nan
    rules = FillRules(size_at=size_at, max_stale_bars=99, leverage=2.0, margin_check="off")
    outcome = run_weights(
        bars, TargetWeights(weights), cash_minor=1_000_000, costs=costs, rules=rules,
        actions=schedule,
    )  # fmt: skip
    _check_book(outcome, bars)


def _check_book(outcome: Outcome, bars: Bars) -> None:
    check = reconcile(outcome)
    ledger = ledger_of(outcome)
    assert type(ledger).replay(ledger.entries).state() == ledger.state()
    assert check.cash_minor == int(outcome.cash[-1])
    assert ledger.balances.get(("reorganisation", "USD"), 0) == 0
    lots = LotBook.of(ledger.entries)
    assert {s: h.qty for s, h in ledger.holdings.items() if h.qty} == {
        symbol: lots.position(symbol) for symbol in lots.lots
    }
    assert ledger.balances.get(("receivable", "USD"), 0) == outcome.dividends_due()[-1]
    # Trips hold the same positions as the book, and their profit is the change of equity.
    trips = round_trips(outcome)
    still = trips[trips["is_open"]]
    held = {bars.symbols[t["instrument"]] for t in still}
    assert held == {s for s, h in ledger.holdings.items() if h.qty}
    profit = int(trips["pnl"].sum()) - int(outcome.financing.sum())
    change = int(outcome.equity[-1]) - outcome.initial_cash
    assert abs(profit - change) <= 2 + 2 * len(trips) + len(outcome.effects)
    dividends = -sum(v for (a, _), v in ledger.balances.items() if a.startswith("dividend:"))
    withheld = ledger.balances.get(("withholding", "USD"), 0)
    assert int(trips["dividends"].sum()) == dividends - withheld
    # So is the sum of the attribution.
    worth = worth_of(bars, "USD")
    found = instrument_profits(
        outcome.fills,
        bars.close[: len(outcome.ts)],
        effects=outcome.effects,
        worth=None if worth is None else worth.lines(),
    )
    whole = found.total.sum() * 100 - float(outcome.financing.sum())
    slack = len(outcome.ts) * bars.n_instruments + len(outcome.fills) + len(outcome.effects)
    assert abs(whole - change) <= slack + 1e-9 * abs(change)


@settings(max_examples=100, deadline=None)
@given(acted())
def test_a_table_told_twice_is_told_once(given_case: tuple[Any, list[CorporateAction]]) -> None:
    (bars, rows, costs, rules), table = given_case
    once, schedule = scheduled(bars, table)
    twice, again = scheduled(once, [*table, *table])
    assert once.actions == twice.actions
    assert actions_hash(once.actions) == actions_hash(twice.actions)
    left, right = run(once, rows, costs, rules, schedule), run(twice, rows, costs, rules, again)
    assert left.equity.tolist() == right.equity.tolist()
    # Booked twice, an effect counts once.
    ledger = ledger_of(left)
    assert [ledger.apply_effect(effect) for effect in left.action_effects()] == [()] * len(
        left.effects
    )


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([7.0, 2.0, 1.5, 0.5, 0.1, 4 / 3]),
    st.integers(-5_000, 5_000).filter(bool),
    st.integers(500, 90_000),
    st.sampled_from([1.0, 0.001, 1e-8]),
)
def test_a_split_leaves_the_value_to_the_minor_unit(
    ratio: float, shares: int, cents: int, lot: float
) -> None:
    from tradewright.domain.instruments import Instrument
    from tradewright.domain.orders import Order, Side

    price = cents / 100
    closes = np.array([[price], [price], [price / ratio]])
    closes[2] = np.nan  # the value right after the split, at the last close as it stands now
    bars = Bars((Instrument("A", lot_size=lot),), np.arange(1, 4) * 86_400 * 10**9,
                *[closes] * 4, closes * 0 + 1e9).with_actions(
        [CorporateAction("A", ActionKind.SPLIT, FIRST + timedelta(days=2), ratio)]
    )  # fmt: skip
    schedule = ActionSchedule(bars.actions, np.array([2]), np.array([2]))
    venue = SimulatedVenue(
        bars, cash_minor=10**11, costs=Costs(), actions=schedule,
        rules=FillRules(max_stale_bars=9, leverage=2.0),
    )  # fmt: skip
    venue.advance(0)
    side = Side.BUY if shares > 0 else Side.SELL
    venue.submit(Order("o", "A", side, abs(shares) * 10**8))
    venue.advance(1)
    before = venue.equity_minor
    venue.advance(2)
    assert abs(venue.equity_minor - before) <= 1
    effect = venue.poll_actions()[0][0]
    exact = abs(shares) * 10**8 * Fraction(ratio).limit_denominator(10**6)
    kept = abs(effect.qty + effect.change)
    assert kept == int(exact) // round(lot * 1e8) * round(lot * 1e8)
    assert (effect.cash_minor == 0) == (
        round(float(exact - kept) * 1e-8 * price / ratio * 100) == 0
    )

"""A cash account: sales are paid later, and what is not paid yet buys nothing."""

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.property.simulation.fill_oracle import run_oracle
from tests.property.simulation.test_kernel_against_oracle import FIELDS, cases, orders_of, told

from tradewright.costs import Costs
from tradewright.domain.bars import Bars
from tradewright.domain.outcome import Outcome
from tradewright.domain.rules import FillRules
from tradewright.simulation import SimulatedVenue, run_orders
from tradewright.simulation.money.proceeds import SettledRows

CASH = 300_000
Case = tuple[Bars, list[dict[str, object]], Costs, FillRules]
PARTS = ("fee", "spread", "slippage", "impact")
delays = st.tuples(st.integers(0, 4), st.integers(1, 4))
"""Bars after which the first and the other instruments settle."""


def paid_after(bars: Bars, delay: tuple[int, int]) -> SettledRows:
    rows = np.arange(bars.n_bars)
    table = np.array([np.minimum(rows + days, bars.n_bars) for days in delay])
    return SettledRows(table, np.minimum(np.arange(bars.n_instruments), 1))


@st.composite
def turnovers(draw: st.DrawFn) -> Case:
    """Random orders, and one that puts all cash in, takes it out and puts it in elsewhere."""
    bars, rows, costs, rules = draw(cases())
    plain = dict.fromkeys(rows[0]) | {"kind": "market", "tif": "GTC", "qty": 150}
    plain |= {"oco": "", "reduce_only": False}
    last = bars.n_bars - 1
    for bar, column, side in ((0, 0, 1), (1, 0, -1), (2, bars.n_instruments - 1, 1)):
        rows.append({**plain, "bar": min(bar, last), "column": column, "side": side})
    return bars, rows, costs, rules


def cash_rules(rules: FillRules, intrabar: str | None = None) -> FillRules:
    return replace(
        rules,
        settlement="cash",
        leverage=1.0,
        allow_short=False,
        maintenance_long=0.25,
        maintenance_short=0.30,
        intrabar=intrabar or rules.intrabar,
    )


def run(case: Case, delay: tuple[int, int], cash: int, **changes: Any) -> Outcome:
    bars, rows, costs, rules = case
    return run_orders(
        bars,
        orders_of(bars, rows),
        cash_minor=cash,
        costs=costs,
        rules=replace(rules, **changes),
        settling=lambda tape: paid_after(tape, delay),
    )


@settings(max_examples=200, deadline=None)
@given(turnovers(), delays)
def test_kernel_fills_a_cash_account_as_the_plain_rules_do(
    case: Case, delay: tuple[int, int]
) -> None:
    bars, rows, costs, rules = case[0], case[1], case[2], cash_rules(case[3])
    panel, ts, works, _, plain = told(bars, rows, costs, rules)
    if plain.participation < 0:
        return  # a column without volume trades without a cap; tests/unit covers it
    table = paid_after(bars, delay)
    plain.paid = tuple(tuple(table.rows[at].tolist()) for at in table.class_of)
    oracle = run_oracle(panel, ts, works, CASH, plain)
    outcome = run((bars, rows, costs, rules), delay, CASH)
    fills = [tuple(int(fill[name]) for name in FIELDS) for fill in outcome.fills]
    ended = len(outcome.equity)
    assert fills == [fill for fill in oracle.fills if fill[0] < ended]
    assert outcome.equity.tolist() == oracle.equity[:ended]


@settings(max_examples=200, deadline=None)
@given(turnovers(), delays, st.sampled_from(["pessimistic", "ohlc"]))
def test_a_purchase_never_costs_more_than_the_settled_cash_before_it(
    case: Case, delay: tuple[int, int], intrabar: str
) -> None:
    bars, rows, costs, rules = case
    costs = Costs(fee_bps=costs.fee_bps, slippage_bps=costs.slippage_bps)
    outcome = run((bars, rows, costs, cash_rules(rules, intrabar)), delay, CASH)
    table, cash, awaited = paid_after(bars, delay), CASH, list[tuple[int, int]]()
    for fill in outcome.fills:
        paid = sum(int(fill[name]) for name in PARTS)
        unsettled = sum(cents for bar, cents in awaited if bar > fill["bar"])
        net = -int(fill["side"]) * int(fill["notional"]) - paid
        if fill["side"] > 0:
            assert -net <= cash - unsettled
        elif net > 0:
            due = table.rows[table.class_of[fill["instrument"]], fill["bar"]]
            awaited.append((int(due), net))
        cash += net
    assert outcome.unsettled is not None
    for row in range(len(outcome.equity)):
        sold = {at for at, f in enumerate(outcome.fills) if f["bar"] <= row and f["side"] < 0}
        wanted = 0
        for at in sold:
            fill = outcome.fills[at]
            due = table.rows[table.class_of[fill["instrument"]], fill["bar"]]
            net = int(fill["notional"]) - sum(int(fill[name]) for name in PARTS)
            wanted += net if due > row else 0
        assert outcome.unsettled[row] == wanted
    assert (outcome.unsettled >= 0).all()
    assert (outcome.cash - outcome.unsettled >= 0).all()
    assert (outcome.cash + outcome.long_value == outcome.equity).all()


@settings(max_examples=80, deadline=None)
@given(turnovers(), delays)
def test_plentiful_cash_fills_as_if_sales_were_paid_at_once(
    case: Case, delay: tuple[int, int]
) -> None:
    bars, rows, costs, rules = case[0], case[1], case[2], cash_rules(case[3])
    how = (bars, rows, costs, rules)
    deferred, at_once = (run(how, delay, 10**9, settlement=s) for s in ("cash", "none"))
    for name in ("fills", "orders", "equity", "cash"):
        assert np.array_equal(getattr(deferred, name), getattr(at_once, name))
    assert at_once.unsettled is None


@settings(max_examples=80, deadline=None)
@given(turnovers(), delays)
def test_step_and_batch_settle_alike(case: Case, delay: tuple[int, int]) -> None:
    bars, rows, costs, rules = case[0], case[1], case[2], cash_rules(case[3])
    batch = run((bars, rows, costs, rules), delay, CASH)
    how: Any = {"costs": costs, "rules": rules, "settling": lambda tape: paid_after(tape, delay)}
    venue = SimulatedVenue(bars, cash_minor=CASH, **how)
    waiting, seen = sorted(orders_of(bars, rows).rows, key=lambda at: at[0]), []
    for row in range(len(batch.equity)):
        venue.advance(row)
        while waiting and waiting[0][0] <= row:
            venue.submit(waiting.pop(0)[1])
        seen.append(venue.account().unsettled_minor)
    step = venue.outcome()
    assert batch.unsettled is not None
    assert seen == batch.unsettled.tolist()
    for name in ("fills", "equity", "cash", "unsettled"):
        assert np.array_equal(getattr(step, name), getattr(batch, name))

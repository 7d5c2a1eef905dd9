"""Random strategies on one account: their books add up to it, to the minor unit."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.property.engine.test_backtests import COSTS, SYMBOLS, Random, random_bars

from tradewright.domain.outcome import RunStatus
from tradewright.domain.rules import FillRules
from tradewright.engine import Sleeve, Sleeves, run_loop
from tradewright.engine.sleeves.sharing import share_amount, share_quantity
from tradewright.services.backtest import (
    BacktestConfig,
    TapeFeed,
    loop_setup,
    open_venue,
    plan_backtest,
)


class Keeping(Random):
    """Cancels nothing: a netted order is the account's, not in a sleeve's list of its own."""

    cancels = False


WISHES = st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=6)


@settings(max_examples=200, deadline=None)
@given(WISHES, st.floats(0, 1), st.sampled_from([1, 7, 10**8]))
def test_a_shared_quantity_adds_up_and_stays_within_each_wish(wishes, part, lot):
    wishes = [wish // lot * lot for wish in wishes]
    filled = int(sum(wishes) * part) // lot * lot
    if filled * sum(wishes) <= 0 or abs(filled) > abs(sum(wishes)):
        return
    shares = share_quantity(wishes, filled, lot)
    assert sum(shares) == filled
    for share, wish in zip(shares, wishes, strict=True):
        assert share % lot == 0
        assert share * wish >= 0
        assert abs(share) <= abs(wish)
        exact = wish * filled / sum(wishes)
        assert abs(share - exact) <= (len(wishes) + 1) * lot + abs(exact) * 1e-12


@settings(max_examples=200, deadline=None)
@given(st.integers(-(10**12), 10**12), st.lists(st.integers(0, 10**9), min_size=1, max_size=6))
def test_a_shared_amount_adds_up_within_one_unit_of_the_exact_part(amount, weights):
    if not any(weights):
        return
    parts = share_amount(amount, weights)
    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * sum(weights) - amount * weight) <= sum(weights)


def played(what, bars, rules, **limits):
    config = BacktestConfig(
        **{"max_position_size": None, "max_drawdown_limit": None, "stop_loss_threshold": None}
        | limits,
        rules=rules,
    )
    plan = replace(plan_backtest(what, bars, costs=COSTS, config=config), run_id="one")
    venue = open_venue(plan)
    result = run_loop(loop_setup(plan, venue, TapeFeed(bars.n_bars)))
    assert result.status is RunStatus.COMPLETED, result.message
    return result, venue.outcome()


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6), st.integers(3, 50), st.booleans(), st.booleans(), st.booleans(),
    st.sampled_from([None, 0.001]),
)  # fmt: skip
def test_sleeves_add_up_to_the_account(seed, n, short, cross, limited, cap):
    bars = random_bars(seed, n, gaps=True)
    rules = FillRules(allow_short=short, max_stale_bars=1000, max_participation=cap)
    limits = {"max_drawdown_limit": 0.3, "stop_loss_threshold": 0.08} if limited else {}
    both = Sleeves(
        [Sleeve(Random(seed + at, short), 0.3, name) for at, name in enumerate("abc")],
        internal_cross=cross,
    )
    result, outcome = played(both, bars, rules, **limits)
    books = list(both.books.values())
    account = result.desk.ctx.account
    assert sum(book.cash_minor for book in books) == account.cash_minor
    for symbol in SYMBOLS:
        held = sum(book.positions.get(symbol, 0) for book in books)
        assert held == account.positions.get(symbol, 0)
        for book in books:
            assert book.ledger.position(symbol) == book.positions.get(symbol, 0)
    # On every bar the equities differ from the account's by rounding alone.
    for row, equity in enumerate(outcome.equity.tolist()):
        assert abs(sum(book.equity[row] for book in books) - equity) <= len(books) * len(SYMBOLS)
    # Costs and quantities of the account are those of the sleeves.
    cost = sum(int(outcome.fills[name].sum()) for name in ("fee", "spread", "slippage", "impact"))
    assert sum(fill.cost_minor for book in books for fill in book.fills) == cost


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(3, 60), st.booleans())
def test_one_sleeve_with_everything_is_the_strategy_alone(seed, n, short):
    bars = random_bars(seed, n, gaps=True)
    rules = FillRules(allow_short=short, max_stale_bars=1000)
    limits = {"max_position_size": 0.5, "max_drawdown_limit": 0.2}
    _, first = played(Keeping(seed, short), bars, rules, **limits)
    _, second = played(Sleeves([Sleeve(Keeping(seed, short), 1.0)]), bars, rules, **limits)
    assert second.fills.tobytes() == first.fills.tobytes()
    assert second.orders.tobytes() == first.orders.tobytes()
    assert second.equity.tobytes() == first.equity.tobytes()

"""Rebalancing: triggers by table, the order of the rules by a fake clock, plans and benefit."""

import math
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright.costs import Costs
from tradewright.domain.errors import ConfigError, DataError
from tradewright.domain.orders import Side
from tradewright.domain.time import to_ns
from tradewright.portfolio.rebalancing import (
    Allocation,
    Drift,
    Rebalancer,
    RebalanceState,
    RebalancingConfig,
    Trigger,
    band_edges,
    benefit_of,
    parse_allocation,
    plan_rebalance,
    triggered,
    utility,
)

HALVES = {"A": 0.5, "B": 0.5}


def test_defaults_of_the_configuration():
    c = RebalancingConfig()
    assert (c.threshold_method, c.rebalance_threshold) == ("percentage", 0.05)
    assert (c.min_rebalance_interval, c.max_rebalance_interval) == (7, 30)
    assert (c.transaction_cost_threshold, c.consider_tax_implications) == (0.002, True)
    assert (c.volatility_threshold, c.benefit_multiple) == (0.10, 1.0)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"threshold_method": "percent"}, "did you mean 'percentage'"),
        ({"calendar_period": "weekly"}, "calendar_period is 'weekly'"),
        ({"rebalance_threshold": 0.0}, "rebalance_threshold is 0.0, wanted above 0"),
        ({"min_rebalance_interval": -1}, "min_rebalance_interval is -1"),
        ({"min_rebalance_interval": 40}, "min_rebalance_interval 40 is above"),
        ({"transaction_cost_threshold": math.nan}, "transaction_cost_threshold is nan"),
    ],
)
def test_wrong_configuration_is_refused(wrong, says):
    with pytest.raises(ConfigError, match=says):
        RebalancingConfig(**wrong)


@pytest.mark.parametrize(
    ("method", "weights", "targets", "expected"),
    [
        ("percentage", {"A": 0.525, "B": 0.475}, HALVES, None),  # exactly 5 % is not above it
        ("percentage", {"A": 0.526, "B": 0.474}, HALVES, ("A", 0.052)),
        ("percentage", {"A": 0.106, "B": 0.894}, {"A": 0.1, "B": 0.9}, ("A", 0.06)),
        ("percentage", {"A": 0.01}, {}, ("A", math.inf)),
        ("percentage", {"A": -0.55}, {"A": -0.5}, ("A", 0.1)),
        ("percentage", {}, {"A": 0.1}, ("A", 1.0)),
        ("absolute", {"A": 0.106, "B": 0.894}, {"A": 0.1, "B": 0.9}, None),
        ("absolute", {"A": 0.55, "B": 0.45}, HALVES, None),
        ("absolute", {"A": 0.44, "B": 0.55}, HALVES, ("A", 0.06)),
        ("absolute", {}, {}, None),
    ],
)
def test_drift_triggers(method, weights, targets, expected):
    found = triggered(Drift.of(weights, targets), RebalancingConfig(threshold_method=method))
    if expected is None:
        assert found is None
    else:
        assert (found.method, found.subject) == (method, expected[0])
        assert found.value == pytest.approx(expected[1])


@pytest.mark.parametrize(
    ("weight", "fires"), [(0.5, False), (0.54, False), (0.56, True), (0.4, True)]
)
def test_volatility_trigger(weight, fires):
    # One risky asset: sigma is proportional to its weight, so 10 % more weight is 10 % more risk.
    drift = Drift.of({"A": weight}, {"A": 0.5}, covariance=np.array([[0.04]]))
    found = triggered(drift, RebalancingConfig(threshold_method="volatility"))
    assert (found is not None) == fires
    if found:
        assert found.value == pytest.approx(abs(weight / 0.5 - 1))


def test_volatility_trigger_needs_a_covariance():
    with pytest.raises(DataError, match="volatility trigger needs a covariance"):
        triggered(Drift.of(HALVES, HALVES), RebalancingConfig(threshold_method="volatility"))
    from_cash = Drift.of({}, {"A": 0.5}, covariance=np.array([[0.04]]))
    assert triggered(from_cash, RebalancingConfig(threshold_method="volatility")).value == 1.0


@pytest.mark.parametrize(
    ("period", "previous", "session", "fires"),
    [
        ("monthly", date(2015, 1, 30), date(2015, 2, 2), True),
        ("monthly", date(2015, 2, 2), date(2015, 2, 3), False),
        ("monthly", date(2014, 2, 3), date(2015, 2, 3), True),
        ("monthly", None, date(2015, 2, 2), False),
        ("quarterly", date(2015, 1, 30), date(2015, 2, 2), False),
        ("quarterly", date(2015, 3, 31), date(2015, 4, 1), True),
        ("quarterly", date(2014, 12, 31), date(2015, 1, 2), True),
    ],
)
def test_calendar_trigger(period, previous, session, fires):
    config = RebalancingConfig(threshold_method="calendar", calendar_period=period)
    found = triggered(Drift.of({}, {}), config, session=session, previous_session=previous)
    assert (found is not None) == fires


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"weights": np.array([math.nan, 0.1])}, "weights of A are not finite"),
        ({"targets": np.zeros(3)}, r"targets have shape \(3,\), wanted \(2,\)"),
        ({"covariance": np.eye(3)}, r"covariance have shape \(3, 3\)"),
        ({"covariance": np.array([[1.0, 0.0], [math.inf, 1.0]])}, "covariance of B"),
    ],
)
def test_drift_that_makes_no_sense_is_refused(wrong, says):
    good = {"symbols": ("A", "B"), "weights": np.zeros(2), "targets": np.zeros(2)}
    with pytest.raises(DataError, match=says):
        Drift(**{**good, **wrong})


# -- allocations -----------------------------------------------------------------------------------


def test_allocation_with_cash():
    assert parse_allocation({"AAPL": 0.4, "CASH": 0.6}) == Allocation({"AAPL": 0.4}, 0.6)
    assert parse_allocation({"aapl": 0.4, "cash": 0.5}) == Allocation({"AAPL": 0.4}, 0.6)
    assert parse_allocation({"AAPL": 1.0 + 9e-7}).cash == 0.0
    assert parse_allocation({"A": 0.6, "B": -0.2}) == Allocation({"A": 0.6, "B": -0.2}, 0.6)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"AAPL": 0.7, "CASH": 0.6}, "weights sum to 1.300000, wanted 1"),
        ({"AAPL": 1.000002}, "weights sum to 1.000002"),
        ({"AAPL": math.nan}, "weight of AAPL is nan"),
        ({"AAPL": "0.5"}, "not a number"),
        ({"AAPL": 0.2, "aapl": 0.2}, "AAPL is named twice"),
        ({"AAPL": 0.5, "CASH": -0.5}, "CASH is -0.5"),
        ({"A B": 0.5}, "symbol 'A B' is not valid"),
    ],
)
def test_wrong_allocation_is_refused(given, says):
    with pytest.raises(ConfigError, match=says):
        parse_allocation(given)


# -- plans -----------------------------------------------------------------------------------------

PRICES = {"A": 50.0, "B": 20.0, "C": 10.0}


def planned(weights, targets, *, costs=None, equity=100_000.0, prices=PRICES, **config):
    return plan_rebalance(
        Drift.of(weights, targets), RebalancingConfig(**config), equity=equity, prices=prices,
        costs=costs,
    )  # fmt: skip


def test_worked_plan():
    plan = planned({"A": 0.6, "B": 0.3}, {"A": 0.5, "B": 0.3, "C": 0.15}, costs=Costs(fee_bps=10))
    first, second = plan.trades
    assert (first.symbol, first.side, first.qty, first.notional) == (
        "A", Side.SELL, pytest.approx(200.0), pytest.approx(10_000.0),
    )  # fmt: skip
    assert (second.symbol, second.side, second.qty) == ("C", Side.BUY, pytest.approx(1500.0))
    assert first.cost == pytest.approx(10.0)
    assert plan.cost == pytest.approx(25.0)
    assert plan.cost_fraction == pytest.approx(0.00025)
    assert plan.turnover == pytest.approx(0.125)
    assert (plan.drift_before, plan.drift_after) == (pytest.approx(0.15), 0.0)
    assert plan.cash_after == pytest.approx(0.05)
    assert plan.plan_id == planned({"A": 0.6, "B": 0.3}, plan_targets(plan)).plan_id
    document = plan.to_dict()
    assert [t["side"] for t in document["trades"]] == ["SELL", "BUY"]
    assert document["costs"] == plan.cost


def plan_targets(plan):
    return dict(zip(plan.symbols, plan.targets.tolist(), strict=True))


def test_partial_plan_ends_at_the_edge_of_the_band():
    plan = planned({"A": 0.6, "B": 0.39}, {"A": 0.5, "B": 0.4}, partial=True)
    assert dict(zip(plan.symbols, plan.weights_after.tolist(), strict=True)) == pytest.approx(
        {"A": 0.525, "B": 0.39}
    )
    wide = planned({"A": 0.6, "B": 0.3}, {"A": 0.5, "B": 0.4}, partial=True,
                   threshold_method="absolute", rebalance_threshold=0.08)  # fmt: skip
    assert wide.weights_after.tolist() == pytest.approx([0.58, 0.32])


def test_instrument_without_price_is_left_with_a_note():
    plan = planned({"A": 0.6}, {"A": 0.5, "X": 0.1})
    assert [t.symbol for t in plan.trades] == ["A"]
    assert plan.notes == ("X has no price and is left as it is",)
    with pytest.raises(DataError, match="equity is 0"):
        planned({"A": 0.6}, {"A": 0.5}, equity=0.0)


weights = st.dictionaries(st.sampled_from("ABC"), st.floats(-0.5, 0.5), max_size=3)


@settings(max_examples=80, deadline=None)
@given(weights, weights, st.booleans(), st.sampled_from(["percentage", "absolute"]))
def test_plan_goes_towards_the_targets_and_its_trades_add_up(now, then, partial, method):
    plan = planned(now, then, partial=partial, threshold_method=method, costs=Costs(fee_bps=5))
    assert plan.drift_after <= plan.drift_before + 1e-12
    assert ((plan.weights_after - plan.weights_before) * (plan.targets - plan.weights_before)
            >= -1e-15).all()  # fmt: skip
    moved = sum(t.side * t.notional for t in plan.trades)
    wanted = float((plan.weights_after - plan.weights_before).sum()) * plan.equity
    assert moved == pytest.approx(wanted, abs=1e-3)
    assert plan.weights_after.sum() + plan.cash_after == pytest.approx(1.0)
    sides = [t.side for t in plan.trades]
    assert sides == sorted(sides)  # SELL is -1: sells first
    drift = Drift.of(now, then)
    assert (np.abs(band_edges(drift, RebalancingConfig(partial=True)) - drift.targets)
            <= np.abs(drift.weights - drift.targets) + 1e-15).all()  # fmt: skip


# -- benefit ---------------------------------------------------------------------------------------


def risky(now, cost_h=21.0, **config):
    # mu 10 %, variance 0.04, lambda 2.5: U(w) = 0.1 w - 0.05 w²; U(1) = 0.05
    drift = Drift.of(
        {"A": now}, {"A": 1.0}, covariance=np.array([[0.04]]), expected_returns=np.array([0.1])
    )
    return drift, RebalancingConfig(holding_days=cost_h, **config)


def test_benefit_on_both_sides_of_the_edge():
    drift, config = risky(0.5)
    assert utility(np.array([0.5]), np.array([0.1]), np.array([[0.04]]), 2.5) == pytest.approx(
        0.0375
    )
    gain = (0.05 - 0.0375) * 21 / 252  # 0.00104166…
    assert benefit_of(drift, drift.targets, 0.001, config).gain == pytest.approx(gain)
    assert benefit_of(drift, drift.targets, gain - 1e-9, config).pays
    assert not benefit_of(drift, drift.targets, gain + 1e-9, config).pays
    drift, twice = risky(0.5, benefit_multiple=2.0)
    assert benefit_of(drift, drift.targets, gain / 2 - 1e-9, twice).pays
    assert not benefit_of(drift, drift.targets, gain / 2 + 1e-9, twice).pays
    with pytest.raises(DataError, match="needs expected returns and covariance"):
        benefit_of(Drift.of({}, {}), np.zeros(0), 0.0, twice)


# -- the order of the rules ------------------------------------------------------------------------


class FakeClock:
    def __init__(self, day):
        self.day = day

    def now_ns(self):
        return to_ns(datetime(self.day.year, self.day.month, self.day.day, 21, tzinfo=UTC))

    def sleep_until(self, ts_ns):
        return True


class Bench:
    """A rebalancer on a fake clock, with what it told."""

    def __init__(self, fee_bps=1.0, state=None, **config):
        self.clock = FakeClock(date(2015, 1, 5))
        self.told = []
        self.config = RebalancingConfig(**config)
        self.costs = Costs(fee_bps=fee_bps)
        self.rebalancer = Rebalancer(
            self.config, self.clock, notify=lambda kind, details: self.told.append(kind),
            state=state,
        )  # fmt: skip

    def plan(self, drift):
        return plan_rebalance(drift, self.config, equity=1e5, prices=PRICES, costs=self.costs)

    def day(self, n, weight, breached=None):
        """Review on day n after the fifth of January with A at some weight, its target 0.5."""
        self.clock.day = date(2015, 1, 5) + timedelta(days=n)
        drift = Drift.of({"A": weight}, {"A": 0.5})
        found = self.rebalancer.review(drift, self.plan, breached_limit=breached)
        if found.action == "trade":
            self.rebalancer.completed(found.plan)
        return found


LIMIT = Trigger("risk_limit", "max_position", 0.7, 0.6)


def test_order_of_the_rules_day_by_day():
    bench = Bench()
    assert bench.day(0, 0.51).action == "hold"
    assert bench.day(1, 0.60).action == "trade"
    assert bench.day(2, 0.60).action == "wait"
    assert bench.day(7, 0.60).action == "wait"  # six days after
    assert bench.day(7, 0.70, LIMIT).action == "trade"  # a breached limit waits for nothing
    assert bench.day(13, 0.60).action == "wait"
    assert bench.day(14, 0.60).action == "trade"  # seven days after
    assert bench.day(21, 0.51).action == "hold"
    assert bench.day(43, 0.51).action == "hold"  # 29 days after
    last = bench.day(44, 0.51)  # 30 days after: without a trigger
    assert (last.action, last.trigger.method) == ("trade", "max_interval")
    assert bench.told == [*["trigger", "plan", "completion"] * 4]


def test_dear_plan_is_deferred_and_looked_at_again_daily():
    bench = Bench(fee_bps=300)  # 0.1 of equity at 3 % is 0.003
    first = bench.day(0, 0.60)
    assert first.action == "defer"
    assert "costs 0.3000% of equity, at most 0.2000% wanted" in first.reason
    assert bench.told == ["trigger", "deferral"]
    assert bench.day(0, 0.60).action == "defer"  # the same day: no second event
    assert bench.told == ["trigger", "deferral"]
    assert bench.day(1, 0.60).action == "defer"
    assert bench.told == ["trigger", "deferral"] * 2
    bench.costs = Costs(fee_bps=10)
    assert bench.day(2, 0.60).action == "trade"
    assert bench.rebalancer.state.deferred_on is None
    # A breached limit trades whatever it costs; the maximum interval does not.
    bench.costs = Costs(fee_bps=300)
    assert bench.day(3, 0.70, LIMIT).action == "trade"
    assert bench.day(40, 0.60).action == "defer"


def test_deferred_calendar_rebalance_is_tested_again_after_its_day():
    bench = Bench(fee_bps=300, threshold_method="calendar")
    assert bench.day(0, 0.6).action == "hold"
    assert bench.day(28, 0.6).action == "defer"  # the second of February
    bench.costs = Costs(fee_bps=1)
    again = bench.day(29, 0.6)
    assert (again.action, again.trigger.method) == ("trade", "deferred")


def test_trade_that_does_not_pay_is_forgone():
    bench = Bench(fee_bps=10, transaction_cost_threshold=1.0)

    def review(now):
        drift, _ = risky(now)
        return bench.rebalancer.review(drift, bench.plan)

    assert review(0.9).action == "forgo"  # gain 0.00004, cost 0.0001
    found = review(0.5)  # gain 0.00104, cost 0.0005
    assert found.action == "trade"
    assert found.benefit.gain > found.benefit.cost


def test_state_is_kept_over_a_restart_and_the_clock_cannot_go_back():
    bench = Bench(state=RebalanceState(last=date(2015, 1, 3)))
    assert bench.day(0, 0.6).action == "wait"
    with pytest.raises(DataError, match="the clock shows 2015-01-04, after a review on 2015-01-05"):
        bench.day(-1, 0.6)


def test_nothing_to_trade_is_no_plan():
    bench = Bench(state=RebalanceState(last=date(2014, 1, 1)))
    assert bench.day(0, 0.5).action == "hold"
    assert "completion" not in bench.told


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.floats(0.3, 0.7), st.booleans()), max_size=30))
def test_no_two_trades_within_the_minimum_interval_but_by_a_breached_limit(days):
    bench, day, last = Bench(), 0, None
    for step, weight, breached in days:
        day += step
        found = bench.day(day, weight, LIMIT if breached else None)
        if found.action == "trade":
            assert breached or last is None or day - last >= 7
            last = day
        elif breached:
            assert abs(weight - 0.5) < 1e-9
        elif found.action == "hold" and last is not None:
            assert day - last < 30 or abs(weight - 0.5) < 1e-9

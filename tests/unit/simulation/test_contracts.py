"""Contracts with a multiplier, a tick and a lot, worked by hand to the cent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tradewright as tw
from tradewright.costs import Costs
from tradewright.domain.bars import Bars
from tradewright.domain.decisions import Orders, Signals, TargetWeights
from tradewright.domain.errors import ConfigError, DataError
from tradewright.domain.instruments import AssetClass, Instrument
from tradewright.domain.orders import Order, OrderType, Side
from tradewright.domain.rules import FillRules
from tradewright.ledger import reconcile, round_trips
from tradewright.simulation import SimulatedVenue, run_orders, run_signals, run_weights

DAY_NS = 86_400 * 10**9
MINI = Instrument(
    "ES", AssetClass.FUTURE, tick_size=0.25, lot_size=1.0, multiplier=50.0, calendar="24/5"
)
ROWS = (
    (4000.0, 4000.0, 4000.0, 4000.0),
    (4000.25, 4012.0, 3990.0, 4010.5),
    (4010.5, 4020.0, 4000.0, 4015.0),
    (4020.75, 4020.75, 4020.75, 4020.75),
)
FUTURES = FillRules(leverage=3.0, maintenance_long=0.1, maintenance_short=0.1)


def bars_of(instrument: Instrument, rows: tuple[tuple[float, ...], ...] = ROWS) -> Bars:
    prices = np.array(rows, dtype=float).T[:, :, None]
    ts = np.arange(1, len(rows) + 1) * DAY_NS
    return Bars((instrument,), ts, *prices.copy(), np.full((len(rows), 1), 1e6))


def test_a_contract_is_worth_its_price_times_the_multiplier() -> None:
    orders = Orders({"bar": [0, 2], "symbol": ["ES"] * 2, "side": ["BUY", "SELL"], "qty": [1, 1]})
    outcome = run_orders(
        bars_of(MINI), orders, cash_minor=10_000_000, rules=FUTURES,
        costs=Costs(fee_per_share=2.05, slippage_bps=1),
    )  # fmt: skip
    # 4,000.25 x 50 = 200,012.50; fee 2.05 a contract; 1 bp of it is 20.00.
    entry = outcome.fills[0]
    assert (entry["px"], entry["notional"]) == (400_025_000_000, 20_001_250)
    assert (entry["fee"], entry["slippage"]) == (205, 2_000)
    assert outcome.cash[1] == 10_000_000 - 20_001_250 - 205 - 2_000
    assert outcome.long_value[1] == 20_052_500  # 4,010.50 x 50
    # Out at 4,020.75 x 50 = 201,037.50; fee 2.05, slippage 20.10.
    assert outcome.equity[-1] == 10_000_000 + 102_500 - 205 - 2_000 - 205 - 2_010
    trip = round_trips(outcome)[0]
    assert (trip["entry_px"], trip["exit_px"]) == (4000.25, 4020.75)
    assert trip["pnl"] == outcome.equity[-1] - 10_000_000
    assert reconcile(outcome).cash_minor == outcome.cash[-1]


def test_an_open_contract_is_marked_with_its_multiplier_in_trips_and_ledger() -> None:
    orders = Orders({"bar": [0], "symbol": ["ES"], "side": ["SELL"], "qty": [1]})
    outcome = run_orders(bars_of(MINI), orders, cash_minor=10_000_000, rules=FUTURES)
    assert outcome.short_value[-1] == -20_103_750
    assert round_trips(outcome)[0]["pnl"] == -102_500  # 20.50 points of 50 against the short
    reconcile(outcome)


def test_leverage_and_lots_bound_contracts_by_their_worth() -> None:
    orders = Orders({"bar": [0], "symbol": ["ES"], "side": ["BUY"], "qty": [5]})
    outcome = run_orders(bars_of(MINI), orders, cash_minor=10_000_000, rules=FUTURES)
    assert outcome.fills["qty"].tolist() == [10**8]  # 3 x 100,000 carries one of 200,012.50


def test_weights_and_fractions_count_the_multiplier() -> None:
    bars = bars_of(MINI)
    weights = np.full((4, 1), np.nan)
    weights[0] = 2.5
    outcome = run_weights(bars, TargetWeights(weights), cash_minor=20_000_000, rules=FUTURES)
    assert outcome.fills["qty"].tolist() == [2 * 10**8]  # 500,000 / 200,000 is 2.5 contracts
    entries, exits = np.zeros((2, 4, 1), dtype=bool)
    entries[0] = True
    signals = Signals(entries, exits, size=0.5)
    outcome = run_signals(bars, signals, cash_minor=100_000_000, rules=FUTURES)
    assert outcome.fills["qty"].tolist() == [2 * 10**8]  # 500,000 / 200,012.50


@pytest.mark.parametrize(
    ("side", "kind", "limit", "stop", "wanted"),
    [
        ("BUY", "LIMIT", 3995.30, None, 3995.25),  # less aggressive
        ("SELL", "LIMIT", 4015.10, None, 4015.25),
        ("SELL", "STOP", None, 3995.10, 3995.25),  # no later than asked for
        ("BUY", "STOP", None, 4011.90, 4011.75),
    ],
)
def test_a_price_off_the_tick_goes_to_the_tick_in_both_drives(
    side: str, kind: str, limit: float | None, stop: float | None, wanted: float
) -> None:
    bars = bars_of(MINI)
    row: dict[str, Any] = {
        "bar": [0], "symbol": ["ES"], "side": [side], "qty": [1], "type": [kind],
        "limit": [limit], "stop": [stop],
    }  # fmt: skip
    batch = run_orders(bars, Orders(row), cash_minor=20_000_000, rules=FUTURES)
    name = "limit_px" if limit else "stop_px"
    assert batch.orders[0][name] == round(wanted * 1e8)
    assert batch.fills["px"].tolist() == [round(wanted * 1e8)]
    venue = SimulatedVenue(bars, cash_minor=20_000_000, rules=FUTURES)
    venue.advance(0)
    units = {n: None if v is None else round(v * 1e8) for n, v in (("l", limit), ("s", stop))}
    venue.submit(
        Order(
            "a", "ES", Side[side], 10**8, OrderType[kind], limit_px=units["l"], stop_px=units["s"]
        )
    )
    venue.advance(3)
    assert venue.outcome().fills["px"].tolist() == batch.fills["px"].tolist()


def test_stop_and_target_of_signals_stand_on_the_tick() -> None:
    entries, exits = np.zeros((2, 4, 1), dtype=bool)
    entries[0] = True
    signals = Signals(entries, exits, size=0.5, stop=0.00107, target=0.02009)
    outcome = run_signals(bars_of(MINI), signals, cash_minor=100_000_000, rules=FUTURES)
    # 4,000 less 0.107 % is 3,995.72: sold no later, at 3,995.75; 4,080.36 is raised to 4,080.50.
    assert outcome.orders["stop_px"].tolist() == [0, 399_575_000_000, 0]
    assert outcome.orders["limit_px"].tolist() == [0, 0, 408_050_000_000]
    assert outcome.fills["px"].tolist() == [400_025_000_000, 399_575_000_000]


@pytest.mark.parametrize("multiplier", [0.0, -1.0, float("nan"), 5e6])
def test_a_multiplier_out_of_range_is_refused(multiplier: float) -> None:
    with pytest.raises(DataError, match=r"X: multiplier is .*, wanted"):
        Instrument("X", multiplier=multiplier)


def test_a_worth_that_would_leave_64_bits_is_refused() -> None:
    big = Instrument("BIG", multiplier=4e6)
    with pytest.raises(ConfigError, match=r"BIG: a unit is worth .* would overflow"):
        run_orders(
            bars_of(big, ((1e5, 1e5, 1e5, 1e5),)),
            Orders({"bar": [], "symbol": [], "side": [], "qty": []}),
            cash_minor=100,
        )


def test_terms_of_contracts_come_from_the_config_and_belong_to_the_run() -> None:
    bars = bars_of(Instrument("ES", AssetClass.FUTURE, calendar="24/5"))
    entries, exits = np.zeros((2, 4, 1), dtype=bool)
    entries[0] = True
    terms = {"ES": {"multiplier": 50, "tick_size": 0.25, "lot_size": 1}}
    config = {"instruments": terms, "rules": {"leverage": 3.0, "maintenance_long": 0.1}}
    run = tw.backtest(tw.Signals(entries, exits), bars, cash=500_000, config=config, costs=None)
    assert run.fills["quantity"].to_list() == [2.0]
    assert run.fills["notional"].to_list() == [400_025.0]
    assert run.config["backtest"]["instruments"] == terms
    plain = tw.backtest(tw.Signals(entries, exits), bars, cash=500_000, costs=None)
    assert "instruments" not in plain.config["backtest"]
    rows = {row["group"]: row["profit"] for row in run.attribution.instruments}
    assert rows["ES"] == pytest.approx(2 * 50 * 20.5)
    brought = tw.backtest(tw.Signals(entries, exits), bars_of(MINI), cash=500_000, costs=None)
    assert brought.config["backtest"]["instruments"] == {"ES": {"multiplier": 50.0}}


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"ES": {"multiplyer": 50}}, "instruments.ES.multiplyer is not known.*multiplier"),
        ({"ES": {"multiplier": 0}}, "instruments.ES: ES: multiplier is 0, wanted"),
        ({"ES": {"multiplier": "50"}}, "instruments.ES.multiplier is '50', wanted a number"),
        ({"ES": {"asset_class": "futur"}}, "asset_class is 'futur'.*future"),
        ({"NQ": {"multiplier": 20}}, "names 'NQ', which is not among the bars"),
        ([1], "instruments is .* wanted terms by symbol"),
    ],
)
def test_wrong_terms_are_named(terms: Any, message: str) -> None:
    entries = np.zeros((4, 1), dtype=bool)
    with pytest.raises(ConfigError, match=message):
        tw.backtest(tw.Signals(entries, entries), bars_of(MINI), config={"instruments": terms})


class HoldOne(tw.Strategy):
    def on_bar(self, ctx: Any, bar: Any) -> None:
        if bar.row == 0:
            ctx.target_weight(0.9)
        self.weight = ctx.weights()[0]


def test_a_strategy_sees_weights_and_a_stop_loss_in_money() -> None:
    config = {"stop_loss_threshold": 0.004, "max_position_size": None, "max_drawdown_limit": None}
    falling = (*ROWS[:2], (4000.0, 4000.0, 3980.0, 3980.0), (3970.0, 3970.0, 3970.0, 3970.0))
    strategy = HoldOne()
    run = tw.backtest(strategy, bars_of(MINI, falling), cash=250_000, config=config, costs=None)
    # One contract of 200,012.50; 3,980 is 0.51 % below the average cost: out at the next open.
    assert run.fills["price"].to_list() == [4000.25, 3970.0]
    run = tw.backtest(strategy, bars_of(MINI), cash=250_000, costs=None)
    value = 4020.75 * 50
    assert strategy.weight == pytest.approx(value / (250_000 + 50 * 20.5))

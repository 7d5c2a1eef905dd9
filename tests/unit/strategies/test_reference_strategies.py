"""Reference strategies against their definition written as plain loops over the whole tape."""

import numpy as np
import pytest
from tests.contract.doubles.next_open_venue import NextOpenVenue

from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError
from tradewright.domain.forecasts import ForecastPanel
from tradewright.domain.instruments import Instrument
from tradewright.domain.money import QTY_UNIT
from tradewright.domain.outcome import RunStatus
from tradewright.engine import LoopSetup, run_loop
from tradewright.portfolio import DecisionSettings
from tradewright.strategies import (
    BuyAndHold,
    ForecastStrategy,
    MeanReversion,
    MomentumTopN,
    SmaCross,
    catalogue,
    create_strategy,
    is_strategy,
)

CASH = 1_000_000_00


class Rows:
    def rows(self, desk):
        yield from range(desk.ctx._bars.n_bars)


def tape(closes, symbols):
    close = np.asarray(closes, float).reshape(len(closes), len(symbols))
    return Bars(
        tuple(Instrument(s, lot_size=1.0) for s in symbols), np.arange(1, len(close) + 1) * 10,
        close, close, close, close, np.ones(close.shape),
    )  # fmt: skip


def walk(n, k, seed=5):
    rng = np.random.default_rng(seed)
    return 100 * np.exp(np.cumsum(rng.normal(0.0005, 0.02, (n, k)), axis=0))


def trades(strategy, bars):
    venue = NextOpenVenue(bars, CASH)
    result = run_loop(
        LoopSetup(bars=bars, feed=Rows(), venue=venue, strategy=strategy, initial_cash=CASH)
    )
    assert result.status is RunStatus.COMPLETED, result.message
    rows = {int(ts): row for row, ts in enumerate(bars.ts)}
    return [(rows[o.ts_decided], o.symbol, int(o.side)) for o in venue.submitted], venue


def test_buy_and_hold_buys_each_instrument_once_when_it_appears():
    closes = np.full((6, 2), 10.0)
    closes[:3, 1] = np.nan
    sent, venue = trades(BuyAndHold(), tape(closes, ("A", "B")))
    assert sent == [(0, "A", 1), (3, "B", 1)]
    assert venue.positions["A"] == 50_000 * QTY_UNIT


@pytest.mark.parametrize(("fast", "slow", "short"), [(3, 10, False), (5, 20, True)])
def test_sma_cross_trades_where_the_averages_cross(fast, slow, short):
    bars = tape(walk(200, 1), ("A",))
    close = bars.close[:, 0]
    state, wanted = 0, []
    for t in range(slow - 1, 200):
        up = close[t - fast + 1 : t + 1].sum() / fast > close[t - slow + 1 : t + 1].sum() / slow
        new = 1 if up else (-1 if short else 0)
        if new != state:
            wanted.append((t, "A", 1 if new > state else -1))
            state = new
    sent, _ = trades(SmaCross(fast, slow, 0.9, short=short), bars)
    assert sent == wanted
    assert len(wanted) > 4


def test_momentum_holds_the_strongest_and_reviews_on_time():
    bars = tape(walk(100, 6), tuple("ABCDEF"))
    _, venue = trades(MomentumTopN(top_n=2, lookback=20, skip=2, every=10), bars)
    last = 20 + (99 - 20) // 10 * 10
    rise = bars.close[last - 2] / bars.close[last - 20] - 1
    best = {"ABCDEF"[i] for i in np.argsort(-rise)[:2] if rise[i] > 0}
    assert {s for s, q in venue.positions.items() if q} == best
    reviews = {(o.ts_decided // 10 - 1 - 20) % 10 for o in venue.submitted}
    assert reviews == {0}


def test_mean_reversion_buys_far_below_its_average_and_leaves_at_it():
    bars = tape(walk(300, 1, seed=9), ("A",))
    close = bars.close[:, 0]
    wanted, held = [], False
    for t in range(19, 300):
        past = close[t - 19 : t + 1]
        z = (past.mean() - past[-1]) / past.std(ddof=1)
        # An order decided at t is held from t + 1 on.
        if not held and z >= 1.5:
            wanted.append((t, "A", 1))
            held = True
        elif held and z <= 0.0 and wanted[-1][0] < t:
            wanted.append((t, "A", -1))
            held = False
    sent, _ = trades(MeanReversion(20, 1.5, 0.0, 0.9), bars)
    assert sent == wanted
    assert len(wanted) > 4


def test_forecast_strategy_trades_each_row_when_it_is_known():
    bars = tape(np.full((6, 3), 10.0), ("A", "B", "C"))
    mean = np.array([[0.02, 0.01, -0.01], [np.nan] * 3, [-0.01, 0.03, -0.01]])
    panel = ForecastPanel(("A", "B", "C"), bars.ts[[1, 2, 3]], mean, 1, "test")
    strategy = ForecastStrategy(panel, DecisionSettings(top_k=1, max_weight=0.5))
    sent, venue = trades(strategy, bars)
    assert sent == [(1, "A", 1), (3, "A", -1), (3, "B", 1)]
    assert venue.positions["B"] == 50_000 * QTY_UNIT
    # Run again: it starts anew.
    assert trades(strategy, bars)[0] == sent


def test_forecast_strategy_rebalances_every_so_many_rows_and_protects_entries():
    bars = tape(np.full((8, 2), 10.0), ("A", "B"))
    mean = np.tile([[0.02, 0.01], [0.01, 0.02]], (4, 1))
    panel = ForecastPanel(("A", "B"), bars.ts, mean, 1, "test")
    settings = DecisionSettings(
        top_k=1, max_weight=0.5, rebalance_bars=3, stop_loss=0.05, take_profit=0.15
    )
    sent, venue = trades(ForecastStrategy(panel, settings), bars)
    assert sorted({row for row, _, _ in sent}) == [0, 3, 6]
    entry = venue.submitted[0]
    assert (entry.stop_loss_px, entry.take_profit_px) == (9_50000000, 11_50000000)


def test_forecasts_of_an_instrument_that_is_not_on_the_tape_fail_at_once():
    bars = tape(np.full((3, 1), 10.0), ("A",))
    panel = ForecastPanel(("A", "Z"), bars.ts, np.ones((3, 2)), 1, "test")
    venue = NextOpenVenue(bars, CASH)
    strategy = ForecastStrategy(panel)
    result = run_loop(LoopSetup(bars=bars, feed=Rows(), venue=venue, strategy=strategy))
    assert result.status is RunStatus.FAILED
    assert "forecasts of Z, which the bars do not hold" in result.message


def test_catalogue_makes_each_strategy_from_its_parameters():
    for name, info in catalogue().items():
        strategy = create_strategy(name, **info.parameters)
        assert strategy.name == name
        assert is_strategy(strategy)
        assert info.doc.endswith(".")


@pytest.mark.parametrize(
    ("name", "parameters", "says"),
    [
        ("sma_crss", {}, "strategy 'sma_crss' is not known; did you mean 'sma_cross'"),
        ("sma_cross", {"fst": 1}, "parameter 'fst' is not known; did you mean 'fast'"),
        ("sma_cross", {"fast": 50, "slow": 20}, "fast is 50, wanted below slow"),
        ("sma_cross", {"fast": 0}, "fast is 0, wanted a whole number >= 1"),
        ("buy_and_hold", {"weight": 9}, "weight is 9, wanted above 0, at most 3"),
        ("momentum_top_n", {"skip": 300}, "skip is 300"),
        ("mean_reversion", {"exit_z": 3.0}, "exit_z is 3.0, wanted below entry_z"),
    ],
)
def test_wrong_parameters_are_named(name, parameters, says):
    with pytest.raises(ConfigError, match=says):
        create_strategy(name, **parameters)

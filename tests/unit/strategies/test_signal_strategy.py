"""Rule ``signal`` and rebalancing inside a run: what is decided, sent, kept and explained."""

import math
from itertools import pairwise

import numpy as np
import pytest
from tests.contract.doubles.next_open_venue import NextOpenVenue

from tradewright.costs import Costs
from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, ModelError
from tradewright.domain.forecasts import ForecastPanel
from tradewright.domain.instruments import Instrument
from tradewright.domain.outcome import RunStatus
from tradewright.domain.signals import Action, Signal
from tradewright.engine import LoopSetup, run_loop
from tradewright.portfolio import DecisionSettings, decide
from tradewright.portfolio.decision import SignalSettings
from tradewright.portfolio.decision.book import keep_gross
from tradewright.portfolio.rebalancing import RebalancingConfig
from tradewright.portfolio.sizing import AccountLimits, PositionSizingParams
from tradewright.strategies import ForecastStrategy
from tradewright.strategies.signal_desk import DecisionScene

CASH = 1_000_000_00
DAY = 86_400_000_000_000
NAMES = ("A", "B", "C")
EASY = SignalSettings(
    max_uncertainty=1.0, strict_margin=0.0, sizing=PositionSizingParams(confidence_threshold=0.5)
)


class Rows:
    def rows(self, desk):
        yield from range(desk.ctx._bars.n_bars)


def tape(n=60, seed=3, sector=""):
    rng = np.random.default_rng(seed)
    close = 100 * np.cumprod(1 + rng.normal(0.0005, 0.01, (n, 3)), axis=0)
    return Bars(
        tuple(Instrument(s, sector=sector) for s in NAMES), np.arange(1, n + 1) * DAY,
        close, close * 1.001, close * 0.999, close, np.full(close.shape, 1e7),
    )  # fmt: skip


def panel(bars, mean, sd=0.02, horizon=5):
    mean = np.broadcast_to(np.asarray(mean, float), (bars.n_bars, 3)).copy()
    return ForecastPanel(NAMES, bars.ts, mean, horizon, "test", sd=np.full_like(mean, sd))


def ran(bars, strategy):
    venue = NextOpenVenue(bars, CASH)
    result = run_loop(
        LoopSetup(bars=bars, feed=Rows(), venue=venue, strategy=strategy, initial_cash=CASH)
    )
    assert result.status is RunStatus.COMPLETED, result.message
    rows = {int(ts): row for row, ts in enumerate(bars.ts)}
    return [(rows[o.ts_decided], o) for o in venue.submitted], result


def strategy(bars, mean, *, decision=None, journal=None, scene=None, **given):
    settings = decision or DecisionSettings(rule="signal", signals=EASY, rebalance_bars=1000)
    return ForecastStrategy(panel(bars, mean, **given), settings, journal=journal, scene=scene)


def quiet(bars, first):
    mean = np.full((bars.n_bars, 3), np.nan)
    mean[first:] = [0.04, -0.04, 0.0005]
    return mean


def test_each_name_is_decided_by_itself_and_protected():
    bars, journal = tape(), []
    sent, _ = ran(bars, strategy(bars, quiet(bars, 40), journal=journal))
    ((row, order),) = sent
    assert (row, order.symbol, order.side) == (40, "A", 1)
    bought, sold, held = journal
    assert (bought.action, sold.action, held.action) == (Action.BUY, Action.HOLD, Action.HOLD)
    assert "shorts are off" in sold.reasons[-1]
    assert "within 0.05 of 0" in held.reasons[-1]
    price = bars.close[40, 0]
    assert order.stop_loss_px == pytest.approx(bought.stop_loss * 1e8, rel=2e-4)
    assert order.take_profit_px == pytest.approx(bought.target_price * 1e8, rel=2e-4)
    assert order.qty / 1e8 * price / (CASH / 100) == pytest.approx(bought.position_size, rel=1e-3)
    assert bought.ts_known == bars.ts[40]
    assert bought.expires_at == bars.ts[40] + 5 * DAY


def test_decisions_do_not_change_with_what_comes_later():
    bars = tape()
    every = DecisionSettings(rule="signal", signals=EASY, direction="long_short", rebalance_bars=3)
    rng = np.random.default_rng(1)
    mean = np.where(np.arange(60)[:, None] < 25, np.nan, rng.normal(0, 0.03, (60, 3)))
    whole, part = [], []
    ran(bars, strategy(bars, mean, decision=every, journal=whole))
    cut = bars.rows(0, 45)
    ran(cut, strategy(cut, mean[:45], decision=every, journal=part))
    assert len(part) > 10
    assert [s.to_dict() for s in whole[: len(part)]] == [s.to_dict() for s in part]


def test_journal_changes_no_decision():
    bars = tape()
    mean = np.where(np.arange(60)[:, None] < 25, np.nan, [0.04, 0.03, -0.02])
    every = DecisionSettings(rule="signal", signals=EASY, rebalance_bars=5)
    loud, _ = ran(bars, strategy(bars, mean, decision=every, journal=[]))
    silent, _ = ran(bars, strategy(bars, mean, decision=every))
    assert [o for _, o in loud] == [o for _, o in silent]
    assert len(loud) > 2


def test_all_sizes_together_keep_the_gross_exposure():
    bars, journal = tape(), []
    tight = DecisionSettings(
        rule="signal", gross=0.3, rebalance_bars=1000,
        signals=SignalSettings(sizer="fixed_fraction", sizer_parameters={"fraction": 0.2},
                               max_uncertainty=1.0, strict_margin=0.0,
                               sizing=PositionSizingParams(confidence_threshold=0.5)),
    )  # fmt: skip
    mean = np.where(np.arange(60)[:, None] < 40, np.nan, [0.04, 0.04, 0.04])
    ran(bars, strategy(bars, mean, decision=tight, journal=journal))
    assert sum(s.position_size for s in journal) == pytest.approx(0.3)
    assert "together at most 0.3 of equity" in journal[0].reasons[-1]


def test_gross_counts_what_is_kept_and_never_closes():
    def bought(symbol, size, held=0.0):
        return Signal(symbol=symbol, action=Action.BUY, confidence=0.7, uncertainty=0.2,
                      position_size=size, price=10.0, ts_known=0, expires_at=1, stop_loss=9.0,
                      risk={"weight_after": size})  # fmt: skip

    two = keep_gross([bought("A", 0.4), bought("B", 0.4)], {"C": 0.6}, 1.0)
    assert [s.position_size for s in two] == pytest.approx([0.2, 0.2])
    assert two[0].risk["weight_after"] == pytest.approx(0.2)
    full = keep_gross([bought("A", 0.4)], {"A": 0.1, "C": 1.0}, 1.0)[0]
    assert (full.action, full.weight, full.blocked.filter) == (Action.HOLD, None, "gross")
    assert keep_gross([bought("A", 0.4)], {"A": 0.9}, 1.0)[0].position_size == 0.4


def test_costs_of_the_scene_are_the_hurdle():
    bars, journal = tape(), []
    dear = DecisionScene(costs=Costs(fee_bps=250))
    ran(bars, strategy(bars, quiet(bars, 40), journal=journal, scene=dear, sd=0.001))
    assert (journal[0].blocked.filter, journal[0].blocked.limit) == ("confidence", 0.5)
    cheap = []
    ran(bars, strategy(bars, quiet(bars, 40), journal=cheap, scene=DecisionScene(), sd=0.001))
    assert cheap[0].action is Action.BUY


def test_sector_of_the_scene_limits_the_position():
    bars, journal = tape(), []
    scene = DecisionScene(sectors=dict.fromkeys(NAMES, "one"),
                          account=AccountLimits(max_sector_weight=0.08))  # fmt: skip
    ran(bars, strategy(bars, quiet(bars, 40), journal=journal, scene=scene))
    assert 0 < journal[0].position_size <= 0.08
    assert journal[0].sizing["limit_sector"] == pytest.approx(0.08)


def test_paper_reaches_a_large_target_in_several_orders_and_keeps_the_tighter_limit():
    bars, journal = tape(), []
    large = DecisionSettings(
        rule="signal", rebalance_bars=1000,
        signals=SignalSettings(sizer="fixed_fraction", sizer_parameters={"fraction": 0.5},
                               max_uncertainty=1.0, strict_margin=0.0,
                               sizing=PositionSizingParams(confidence_threshold=0.5,
                                                           max_position_size=0.4)),
    )  # fmt: skip
    mean = np.where(np.arange(60)[:, None] < 40, np.nan, [0.04, np.nan, np.nan])
    backtest, _ = ran(bars, strategy(bars, mean, decision=large))
    assert [row for row, _ in backtest] == [40]
    scene = DecisionScene(mode="paper")
    paper, _ = ran(bars, strategy(bars, mean, decision=large, scene=scene, journal=journal))
    assert [row for row, _ in paper] == [40, 41, 42, 43]
    for _, order in paper:
        assert order.qty / 1e8 * 100 / (CASH / 100) < 0.06
    assert journal[0].position_size == pytest.approx(0.2)
    assert journal[0].sizing["order_size"] == pytest.approx(0.05)
    total = sum(o.qty for _, o in paper) / 1e8 * bars.close[43, 0] / (CASH / 100)
    assert total == pytest.approx(0.2, abs=0.01)


def test_live_without_a_stop_is_refused():
    bars = tape()
    off = DecisionSettings(rule="signal", signals=SignalSettings(enable_stop_loss=False))
    with pytest.raises(ConfigError, match="on a live account"):
        strategy(bars, 0.01, decision=off, scene=DecisionScene(mode="live"))


def test_settings_of_one_rule_do_not_fit_another():
    with pytest.raises(ConfigError, match=r"decision.signals is given"):
        DecisionSettings(signals=SignalSettings())
    with pytest.raises(ModelError, match="one by one"):
        decide(np.zeros(2), DecisionSettings(rule="signal"))


def test_rows_are_told_name_by_name():
    bars, journal = tape(), []
    mean = np.where(np.arange(60)[:, None] < 50, np.nan, [0.02, -0.03, 0.01])
    row = DecisionSettings(top_k=1, max_weight=0.5, stop_loss=0.1, rebalance_bars=1000)
    sent, _ = ran(bars, strategy(bars, mean, decision=row, journal=journal))
    assert [order.symbol for _, order in sent] == ["A"]
    first, second, third = journal
    assert (first.action, first.weight) == (Action.BUY, 0.5)
    assert "number 2 of 3" in first.reasons[0]
    assert "1/1 of gross 1, cut to max_weight 0.5 gives +0.5000" in first.reasons[1]
    assert first.stop_loss == pytest.approx(0.9 * first.price)
    assert (second.action, second.reasons[-1]) == (
        Action.HOLD, "the forecast is negative and only long positions are taken",
    )  # fmt: skip
    assert third.reasons[-1] == "top_k: not among the 1 strongest"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"cost_hurdle": 0.015}, "does not exceed cost_hurdle 0.015"),
        ({"min_confidence": 0.9}, "is below min_confidence 0.9"),
    ],
)
def test_rows_say_which_filter_kept_a_name_out(settings, says):
    bars, journal = tape(), []
    mean = np.where(np.arange(60)[:, None] < 50, np.nan, [0.03, 0.02, 0.01])
    decision = DecisionSettings(top_k=3, rebalance_bars=1000, **settings)
    ran(bars, strategy(bars, mean, decision=decision, journal=journal))
    assert any(says in reason for reason in journal[2].reasons)
    assert journal[2].action is Action.HOLD


# -- rebalancing -----------------------------------------------------------------------------------


def rebalanced(bars, mean, scene=None, **config):
    told = {"benefit_multiple": 0.0, **config}
    decision = DecisionSettings(
        rule="proportional", max_weight=0.6, gross=0.9, rebalancing=RebalancingConfig(**told)
    )
    return ran(bars, strategy(bars, mean, decision=decision, scene=scene))


def steady(bars):
    return np.where(np.arange(bars.n_bars)[:, None] < 5, np.nan, [0.02, 0.01, 0.01])


def test_wanted_weights_are_traded_only_when_a_trigger_fires():
    bars = tape(120)
    every, _ = ran(bars, strategy(bars, steady(bars), decision=DecisionSettings(
        rule="proportional", max_weight=0.6, gross=0.9)))  # fmt: skip
    gated, result = rebalanced(bars, steady(bars))
    assert result.log[0][1].startswith("rebalanced: percentage: A at 1, limit 0.05; costs 0.000%")
    days = sorted({row for row, _ in gated})
    assert days[0] == 5
    assert 1 < len(days) < len({row for row, _ in every}) / 3
    assert all(7 <= b - a <= 30 for a, b in pairwise(days))


def test_dear_rebalance_is_deferred_with_a_note():
    bars = tape(40)
    sent, result = rebalanced(bars, steady(bars), DecisionScene(costs=Costs(fee_bps=100)))
    assert sent == []
    notes = [text for _, text in result.log]
    assert len(notes) == 35
    assert notes[0].startswith("rebalancing deferred: costs 0.9000% of equity, at most 0.2000%")


def test_breached_position_limit_trades_at_once():
    bars = tape(40)
    lift = bars.close.copy()
    lift[20:, 0] *= 2.0  # A grows far above its weight two days after a rebalance
    jumped = Bars(bars.instruments, bars.ts, lift, lift * 1.001, lift * 0.999, lift, bars.volume)
    config = {"min_rebalance_interval": 30, "max_rebalance_interval": 60}
    held, _ = rebalanced(jumped, steady(jumped), **config)
    assert sorted({row for row, _ in held}) == [5, 35]
    limited, _ = rebalanced(jumped, steady(jumped), DecisionScene(position_limit=0.55), **config)
    assert 20 in {row for row, _ in limited}


def test_rebalance_that_does_not_pay_is_forgone():
    bars = tape(120)
    config = {"benefit_multiple": 1.0, "transaction_cost_threshold": 1.0}
    tiny = np.where(np.arange(120)[:, None] < 80, np.nan, [2e-6, 1e-6, 1e-6])
    _, result = rebalanced(bars, tiny, DecisionScene(costs=Costs(fee_bps=30)), **config)
    assert any("rebalancing forgone: expected gain" in text for _, text in result.log)
    large = np.where(np.arange(120)[:, None] < 80, np.nan, [0.2, 0.1, 0.1])
    sent, _ = rebalanced(bars, large, DecisionScene(costs=Costs(fee_bps=30)), **config)
    assert sent


def test_partial_rebalance_ends_at_the_edge_of_the_band():
    bars = tape(30)
    sent, _ = rebalanced(bars, steady(bars), partial=True, rebalance_threshold=0.1)
    row, order = sent[0]
    share = order.qty / 1e8 * bars.close[row, 0] / (CASH / 100)
    assert (row, order.symbol) == (5, "A")
    assert share == pytest.approx(0.45 * 0.9, rel=1e-3)


def test_volatility_trigger_uses_the_past_of_the_tape():
    bars = tape(140)
    mean = np.where(np.arange(140)[:, None] < 80, np.nan, [0.02, 0.01, 0.01])
    sent, _ = rebalanced(bars, mean, threshold_method="volatility", max_rebalance_interval=1000)
    assert sorted({row for row, _ in sent}) == [80]
    assert not math.isnan(sent[0][1].qty)


def test_decision_that_was_not_traded_says_why():
    bars, journal = tape(20), []
    decision = DecisionSettings(
        rule="proportional", max_weight=0.6, gross=0.9,
        rebalancing=RebalancingConfig(benefit_multiple=0.0),
    )  # fmt: skip
    ran(bars, strategy(bars, steady(bars), decision=decision, journal=journal))
    first, second = journal[0], journal[3]
    assert first.reasons[-1].startswith("rebalanced: percentage: A at 1, limit 0.05")
    assert second.reasons[-1] == (
        "rebalancing: not traded (wait): last rebalanced 1 days ago, at least 7 wanted"
    )

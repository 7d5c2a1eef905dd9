"""The decision engine: each filter, the size, stop and target, and what a signal carries."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright.domain.errors import ConfigError, DataError, ModelError
from tradewright.domain.forecasts import Forecast
from tradewright.domain.signals import Action, Signal
from tradewright.portfolio.decision import (
    FILTERS,
    DecisionEngine,
    MarketView,
    PortfolioView,
    SignalSettings,
    check_forecast,
    explain,
    protect,
)
from tradewright.portfolio.sizing import AccountLimits, PositionSizingParams

DAY = 86_400_000_000_000
NOW = 20_000 * DAY
RNG = np.random.default_rng(11)
CLOSES = 100 * np.cumprod(1 + RNG.normal(0.0005, 0.01, 300))
PRICE = float(CLOSES[-1])


def forecast(**given):
    told = {"symbol": "AAPL", "model": "ridge", "version": "3", "ts_known": NOW,
            "horizon_ns": 5 * DAY, "mean": 0.06, "sd": 0.03}  # fmt: skip
    return Forecast(**{**told, **given})


def market(*forecasts, **given):
    told = {"now_ns": NOW, "closes": CLOSES, "regime": "bullish/stable"}
    return MarketView(**{**told, **given}, forecasts=forecasts or (forecast(),))


def holding(**given):
    return PortfolioView(**{"equity": 100_000.0, **given})


def decided(*forecasts, engine=None, portfolio=None, price=PRICE, account=None, mode="backtest",
            settings=None, **given):  # fmt: skip
    engine = engine or DecisionEngine(settings, account=account, mode=mode)
    return engine.generate_signal(
        "AAPL", market(*forecasts, **given), price, portfolio or holding()
    )


def test_a_clear_forecast_is_bought_with_its_reasons():
    signal = decided()
    assert signal.action is Action.BUY
    # Phi(2) - 0.25 · 0.03 / 0.09
    assert signal.confidence == pytest.approx(0.9772498680518208 - 0.25 / 3)
    assert signal.uncertainty == pytest.approx(1 / 3)
    assert signal.sizing["step_base"] == pytest.approx(signal.confidence * 0.2)
    excess = 0.06 - 0.02 * 5 / 252
    assert signal.sizing["step_kelly"] == pytest.approx(0.5 * excess / 0.03**2)
    product = math.prod(signal.factors.values())
    assert signal.position_size == pytest.approx(signal.sizing["step_base"] * product)
    assert signal.reasons[0].startswith("score +1.000, confidence 0.894")
    assert signal.blocked is None


def test_negative_forecast_closes_what_is_held_and_opens_a_short_only_where_allowed():
    down = forecast(mean=-0.06)
    nothing = decided(down)
    assert (nothing.action, nothing.weight) == (Action.HOLD, None)
    assert "shorts are off" in nothing.reasons[-1]
    closed = decided(down, portfolio=holding(weights={"AAPL": 0.1}))
    assert (closed.action, closed.weight, closed.stop_loss) == (Action.SELL, 0.0, None)
    short = decided(down, settings=SignalSettings(allow_short=True))
    assert short.action is Action.SELL
    assert short.weight < 0
    assert short.target_price < PRICE < short.stop_loss


def test_score_near_zero_is_hold():
    signal = decided(forecast(probabilities=(0.48, 0.0, 0.52), mean=None, sd=None))
    assert signal.action is Action.HOLD
    assert "within 0.05 of 0" in signal.reasons[-1]


def failed(signal):
    assert signal.action is Action.HOLD
    assert signal.blocked.filter in FILTERS
    assert signal.reasons[-1].startswith("HOLD")
    return signal.blocked.filter, signal.blocked.value, signal.blocked.limit


def test_filter_fresh():
    assert decided(age_bars=2.0).action is Action.BUY
    assert failed(decided(age_bars=3.0)) == ("fresh", 3.0, 2.0)
    assert failed(decided(price=math.nan))[0] == "fresh"
    assert failed(decided(price=0.0))[0] == "fresh"


def test_filter_horizon():
    assert decided(forecast(ts_known=NOW - 5 * DAY)).action is Action.BUY
    late = decided(forecast(ts_known=NOW - 6 * DAY))
    assert failed(late) == ("horizon", 6 * DAY, 5 * DAY)
    assert "no forecast" in late.reasons[-1]
    both = decided(forecast(ts_known=NOW - 6 * DAY), forecast(model="trees"))
    assert both.action is Action.BUY
    assert [s["name"] for s in both.sources] == ["trees/3"]
    assert "ridge/3 is older than its horizon" in both.reasons[0]


def test_filter_confidence():
    low = decided(forecast(probabilities=(0.2, 0.1, 0.7), mean=0.06, sd=0.03, spread=0.5))
    name, value, limit = failed(low)
    assert (name, limit) == ("confidence", 0.6)
    assert value == pytest.approx(0.7 - 0.125)
    ok = decided(forecast(probabilities=(0.2, 0.1, 0.7), mean=0.06, sd=0.03, spread=0.4))
    assert ok.confidence == pytest.approx(0.6)
    assert ok.action is Action.BUY


def test_filter_uncertainty():
    assert decided(forecast(spread=0.5)).action is Action.BUY
    assert failed(decided(forecast(spread=0.51))) == ("uncertainty", 0.51, 0.5)


@pytest.mark.parametrize("regime", ["mixed", "bullish/volatile", "sideways/volatile"])
def test_volatile_and_mixed_regimes_ask_for_more(regime):
    sure = forecast(probabilities=(0.1, 0.1, 0.8), spread=0.39)
    assert decided(sure, regime=regime).action is Action.BUY
    doubtful = forecast(probabilities=(0.1, 0.0, 0.9), spread=0.41)
    assert failed(decided(doubtful, regime=regime)) == ("uncertainty", 0.41, 0.4)
    less = forecast(probabilities=(0.1, 0.2, 0.7), spread=0.1)
    assert failed(decided(less, regime=regime))[::2] == ("confidence", 0.7)
    assert decided(less, regime="bullish/stable").action is Action.BUY


def test_filter_concentration():
    sectors = {"AAPL": "tech", "MSFT": "tech", "XOM": "energy"}
    full = holding(weights={"MSFT": 0.4, "XOM": 0.2}, sectors=sectors)
    assert failed(decided(portfolio=full)) == ("concentration", 0.0, 0.0)
    room = holding(weights={"MSFT": 0.37, "XOM": 0.2}, sectors=sectors)
    signal = decided(portfolio=room)
    assert signal.sizing["limit_sector"] == pytest.approx(0.03)
    assert signal.position_size <= 0.03
    other = holding(weights={"MSFT": 0.4}, sectors={"MSFT": "tech"})
    assert decided(portfolio=other).action is Action.BUY
    # Closing is never stopped by a sector that is full.
    held = holding(weights={"AAPL": 0.1, "MSFT": 0.5}, sectors=sectors)
    assert decided(forecast(mean=-0.06), portfolio=held).action is Action.SELL


def test_filter_edge():
    cheap = decided(forecast(mean=0.06, sd=0.001), round_trip_cost=0.05)
    assert cheap.action is Action.BUY
    told = forecast(mean=0.06, sd=0.001, probabilities=(0.0, 0.0, 1.0))
    assert failed(decided(told, round_trip_cost=0.06)) == ("edge", 0.06, 0.06)


def test_filters_are_asked_in_order():
    # Everything is wrong; mending one after the other uncovers the next.
    sectors = {"AAPL": "tech", "MSFT": "tech"}
    full = holding(weights={"MSFT": 0.4}, sectors=sectors)
    told = {"probabilities": (0.3, 0.2, 0.5), "spread": 0.9, "mean": 0.01, "sd": 0.02}
    steps = [
        (forecast(**told, ts_known=NOW - 9 * DAY), {"age_bars": 5.0, "portfolio": full}),
        (forecast(**told, ts_known=NOW - 9 * DAY), {"portfolio": full}),
        (forecast(**told), {"portfolio": full}),
        (forecast(**{**told, "probabilities": (0.0, 0.0, 1.0)}), {"portfolio": full}),
        (
            forecast(**{**told, "probabilities": (0.0, 0.0, 1.0), "spread": 0.1}),
            {"portfolio": full},
        ),
        (forecast(**{**told, "probabilities": (0.0, 0.0, 1.0), "spread": 0.1}), {}),
    ]
    found = [failed(decided(f, round_trip_cost=0.02, **given))[0] for f, given in steps]
    assert tuple(found) == FILTERS


def test_forecast_from_the_future_is_refused_and_counted():
    engine = DecisionEngine()
    signal = decided(forecast(ts_known=NOW + 1), engine=engine)
    assert signal.action is Action.HOLD
    assert engine.refused == 1
    assert "after the decision" in signal.reasons[0]
    assert "no forecast" in signal.reasons[-1]
    with pytest.raises(ModelError, match="is known at"):
        check_forecast(forecast(ts_known=NOW + 1), "AAPL", NOW)
    with pytest.raises(ModelError, match="is of AAPL, wanted MSFT"):
        check_forecast(forecast(), "MSFT", NOW)


def test_stop_cannot_be_switched_off_live():
    off = SignalSettings(enable_stop_loss=False)
    with pytest.raises(ConfigError, match="on a live account every signal carries a stop"):
        DecisionEngine(off, mode="live")
    signal = decided(settings=off, mode="paper")
    assert signal.action is Action.BUY
    assert signal.stop_loss is None
    assert signal.target_price > PRICE


def test_defaults_of_stop_and_target():
    assert SignalSettings().enable_stop_loss is True
    assert (SignalSettings().stop_loss_pct, SignalSettings().take_profit_pct) == (0.05, 0.15)
    plain = decided(forecast(probabilities=(0.0, 0.1, 0.9), mean=None, sd=None))
    assert plain.stop_loss == pytest.approx(0.95 * PRICE)
    assert plain.target_price == pytest.approx(1.15 * PRICE)


def test_stop_and_target_from_the_distribution():
    z05, z10 = 1.6448536269514722, 1.2815515655446004
    signal = decided()
    assert signal.stop_loss == pytest.approx(PRICE * (1 - max(0.01, z05 * 0.03 - 0.06)))
    assert signal.target_price == pytest.approx(PRICE * (1 + 0.06 + z10 * 0.03))
    wide = decided(forecast(mean=0.2, sd=0.25, probabilities=(0.0, 0.0, 1.0), spread=0.1))
    assert wide.stop_loss == pytest.approx(0.85 * PRICE)


def test_stop_by_average_true_range():
    settings = SignalSettings(stop_mode="atr")
    spans = {"highs": CLOSES * 1.01, "lows": CLOSES * 0.99}
    signal = decided(settings=settings, **spans)
    span = market(**spans).average_true_range(14)
    assert 0.01 < 2 * span / PRICE < 0.15
    assert signal.stop_loss == pytest.approx(PRICE - 2 * span)
    assert "(atr)" in signal.reasons[-1]
    blind = decided(settings=settings)
    assert blind.stop_loss == pytest.approx(0.95 * PRICE)
    assert protect(settings, short=True, quantiles={}, relative_range=0.2).stop == 0.15


def test_wilders_average_true_range_by_hand():
    view = MarketView(
        now_ns=NOW,
        closes=np.array([10.0, 10.0, 12.0, 11.0]),
        highs=np.array([10.5, 11.0, 12.0, 12.5]),
        lows=np.array([9.5, 10.0, 11.0, 10.5]),
    )
    # true ranges 1, 2, 2: first mean of two is 1.5, then 1.5 + (2 − 1.5)/2
    assert view.average_true_range(2) == pytest.approx(1.75)
    assert math.isnan(view.average_true_range(4))


def test_the_tightest_of_the_account_and_the_study_wins():
    lively = SignalSettings(
        sizer="fixed_fraction",
        sizer_parameters={"fraction": 0.5},
        sizing=PositionSizingParams(max_position_size=0.3),
    )
    assert decided(settings=lively).position_size == pytest.approx(0.25)
    paper = decided(settings=lively, mode="paper")
    assert paper.position_size == pytest.approx(0.2)
    assert paper.sizing["order_size"] == pytest.approx(0.05)
    own = AccountLimits(max_position_size=0.1)
    assert decided(settings=lively, mode="live", account=own).position_size == 0.1
    narrow = replace(lively, sizing=PositionSizingParams(max_position_size=0.07))
    assert decided(settings=narrow, mode="paper").position_size == pytest.approx(0.07)


def test_correlation_and_liquidity_shrink_the_size():
    returns = np.diff(CLOSES) / CLOSES[:-1]
    portfolio = holding(
        weights={"MSFT": 0.2}, symbols=("AAPL", "MSFT"),
        returns=np.column_stack((returns, returns)),
    )  # fmt: skip
    assert decided(portfolio=portfolio).factors["correlation"] == pytest.approx(0.5)
    hedge = holding(
        weights={"MSFT": -0.2}, symbols=("AAPL", "MSFT"),
        returns=np.column_stack((returns, returns)),
    )  # fmt: skip
    assert decided(portfolio=hedge).factors["correlation"] == 1.0
    base = decided().sizing["step_base"]
    thin = decided(volumes=np.full(300, base / 2 * 100_000 / 0.01) / CLOSES)
    assert thin.factors["liquidity"] == pytest.approx(0.5, rel=1e-6)


def test_correlation_is_pearsons_over_common_rows_weighted_by_size():
    rng = np.random.default_rng(2)
    panel = rng.normal(size=(150, 3))
    panel[:, 1] += panel[:, 0]
    panel[5:20, 1] = np.nan
    view = holding(weights={"B": 0.3, "C": 0.1}, symbols=("A", "B", "C"), returns=panel)
    last = panel[-120:]
    ok = np.isfinite(last[:, 1])
    b = np.corrcoef(last[ok, 0], last[ok, 1])[0, 1]
    c = np.corrcoef(last[:, 0], last[:, 2])[0, 1]
    assert view.correlation("A", 1.0, 120) == pytest.approx((0.3 * b + 0.1 * c) / 0.4)
    assert math.isnan(holding(symbols=("A",), returns=panel[:, :1]).correlation("A", 1.0, 120))


def test_signal_carries_its_risk_figures():
    sectors = {"AAPL": "tech", "MSFT": "tech"}
    portfolio = holding(weights={"MSFT": 0.1, "AAPL": 0.02}, sectors=sectors)
    signal = decided(portfolio=portfolio, volumes=np.full(300, 20_000.0))
    past = CLOSES[-253:]
    returns = past[1:] / past[:-1] - 1
    assert signal.risk["volatility"] == pytest.approx(returns.std(ddof=1) * math.sqrt(252))
    assert signal.risk["var_95"] == pytest.approx(-np.quantile(returns, 0.05))
    excess = returns - 0.02 / 252
    assert signal.risk["sharpe"] == pytest.approx(
        excess.mean() / excess.std(ddof=1) * math.sqrt(252)
    )
    levels = past / np.maximum.accumulate(past)
    assert signal.risk["drawdown"] == pytest.approx(levels.min() - 1)
    assert signal.risk["weight_before"] == 0.02
    assert signal.risk["weight_after"] == signal.position_size
    assert signal.risk["sector_weight_after"] == pytest.approx(0.1 + signal.position_size)
    adv = (CLOSES[-20:] * 20_000).mean()
    assert signal.risk["days_to_liquidate"] == pytest.approx(
        signal.position_size * 100_000 / (0.1 * adv)
    )


def test_schema_of_a_signal():
    signal = decided(portfolio=holding(weights={"AAPL": 0.01}))
    document = json.loads(json.dumps(signal.to_dict(), allow_nan=False))
    assert {
        "symbol", "action", "confidence", "position_size", "target_price", "stop_loss",
        "timestamp", "model_version", "id", "uncertainty", "regime", "reasons", "factors",
        "ts_known", "expires_at", "mode", "risk", "blocked",
    } <= set(document)  # fmt: skip
    assert document["action"] == "BUY"
    assert document["model_version"] == "ridge/3"
    assert document["id"] == signal.id == decided(portfolio=holding(weights={"AAPL": 0.01})).id
    assert document["id"] != decided(mode="paper").id
    assert len(document["id"]) == 16
    assert document["timestamp"].endswith("+00:00")


def test_actions_are_read_in_either_case_and_by_class():
    assert [Action.of(a) for a in ("buy", "HOLD", "Sell", 0, 1, 2)] == [
        Action.BUY, Action.HOLD, Action.SELL, Action.BUY, Action.HOLD, Action.SELL,
    ]  # fmt: skip
    with pytest.raises(DataError, match="did you mean 'SELL'"):
        Action.of("SEL")
    with pytest.raises(DataError, match="action is 3"):
        Action.of(3)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"stop_loss": 101.0}, "wrong sides"),
        ({"target_price": 99.0}, "wrong sides"),
        ({"action": Action.SELL, "stop_loss": 99.0}, "wrong sides"),
        ({"confidence": math.nan}, "confidence is nan"),
        ({"position_size": -0.1}, "position_size is -0.1"),
        ({"action": Action.HOLD}, "HOLD has a size"),
        ({"expires_at": 0}, "expires_at 0 is before"),
        ({"price": math.nan}, "price is nan"),
    ],
)
def test_signal_that_contradicts_itself_is_refused(wrong, says):
    good = {
        "symbol": "AAPL", "action": Action.BUY, "confidence": 0.7, "uncertainty": 0.2,
        "position_size": 0.1, "price": 100.0, "ts_known": 5, "expires_at": 9,
    }  # fmt: skip
    Signal(**good)
    with pytest.raises(DataError, match=says):
        Signal(**{**good, **wrong})


def test_explanation_shows_every_factor_and_the_limits():
    signal = decided(portfolio=holding(weights={"MSFT": 0.35}, sectors={"AAPL": "t", "MSFT": "t"}))
    text = explain(signal)
    assert f"hold {100 * signal.position_size:.1f} % of equity" in text
    for name, value in signal.factors.items():
        assert any(f"x {name}" in line and f"{value:.3f}" in line for line in text.splitlines())
    for part in ("base", "kelly", "risk", "the smallest", "limit sector", "Protection", "regime"):
        assert part in text
    assert "ridge/3 (model): score +1.000 x weight 1.000" in text
    held = explain(decided(forecast(spread=0.9), portfolio=holding(weights={"AAPL": 0.12})))
    assert "HOLD, keep 12.0 % of equity" in held
    assert "filter uncertainty: 0.9, limit 0.5" in held


@settings(max_examples=80, deadline=None)
@given(
    st.floats(-0.3, 0.3), st.floats(0.001, 0.5), st.floats(0, 0.02),
    st.sampled_from(["bullish/stable", "bearish/volatile", "mixed"]),
    st.sampled_from(["distribution", "atr", "fixed"]), st.booleans(), st.floats(0, 0.4),
    st.sampled_from(["backtest", "paper", "live"]),
)  # fmt: skip
def test_every_signal_keeps_its_sides_and_limits(
    mean, sd, cost, regime, stop_mode, allow_short, held, mode
):
    told = SignalSettings(
        stop_mode=stop_mode,
        allow_short=allow_short,
        max_uncertainty=1.0,
        sizing=PositionSizingParams(confidence_threshold=0.1),
    )
    signal = decided(
        forecast(mean=mean, sd=sd), settings=told, mode=mode, regime=regime, round_trip_cost=cost,
        highs=CLOSES * 1.01, lows=CLOSES * 0.99,
        portfolio=holding(weights={"AAPL": held}),
    )  # fmt: skip
    if signal.action is Action.HOLD:
        assert signal.position_size == 0
        return
    limits = [v for k, v in signal.sizing.items() if k.startswith("limit_")]
    assert all(signal.position_size <= limit for limit in limits)
    assert signal.position_size <= (0.2 if mode != "backtest" else 0.25)
    if signal.position_size:
        low, high = signal.stop_loss, signal.target_price
        if signal.action is Action.SELL:
            low, high = high, low
        assert 0 < low < PRICE < high
    assert (signal.action is Action.BUY) == (mean > 0)
    assert explain(signal)

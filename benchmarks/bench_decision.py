"""One decision with 10 and 100 positions, and the plan and figures of 50 positions.

Run: ``python -m benchmarks.bench_decision``.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np

from benchmarks.measure import tell
from tradewright.costs import Costs
from tradewright.domain.forecasts import Forecast
from tradewright.forecasts import create_model
from tradewright.metrics import performance
from tradewright.portfolio.decision import DecisionEngine, MarketView, PortfolioView
from tradewright.portfolio.rebalancing import Drift, RebalancingConfig, plan_rebalance

DAY = 86_400_000_000_000
NOW = 20_000 * DAY


def p95(action: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Return median and 95th percentile of the time of a call, seconds."""
    spent = []
    for _ in range(rounds):
        start = time.perf_counter()
        action()
        spent.append(time.perf_counter() - start)
    return statistics.median(spent), float(np.quantile(spent, 0.95))


def decision(positions: int) -> Callable[[], object]:
    """Return one decision with models, agents and so many positions held."""
    rng = np.random.default_rng(positions)
    closes = 100 * np.cumprod(1 + rng.normal(5e-4, 0.01, (300, positions)), axis=0)
    names = tuple(f"S{i:03d}" for i in range(positions))
    portfolio = PortfolioView(
        equity=1e6,
        weights=dict.fromkeys(names, 0.8 / positions),
        sectors={name: f"sector {i % 11}" for i, name in enumerate(names)},
        returns=closes[1:] / closes[:-1] - 1,
        symbols=names,
    )
    told = {"symbol": names[0], "ts_known": NOW, "horizon_ns": 5 * DAY}
    market = MarketView(
        now_ns=NOW,
        closes=closes[:, 0],
        highs=closes[:, 0] * 1.01,
        lows=closes[:, 0] * 0.99,
        volumes=np.full(300, 1e7),
        regime="bullish/stable",
        forecasts=(
            Forecast(model="ridge", mean=0.06, sd=0.03, **told),
            Forecast(model="trees", probabilities=(0.05, 0.1, 0.85), mean=0.05, sd=0.03, **told),
            Forecast(model="agent", exposure=0.8, **told),
        ),
    )
    engine = DecisionEngine()
    price = float(closes[-1, 0])
    signal = engine.generate_signal(names[0], market, price, portfolio)
    assert signal.position_size > 0, signal.reasons  # the whole path is measured
    return lambda: engine.generate_signal(names[0], market, price, portfolio)


def with_model() -> Callable[[], object]:
    """Return a decision with the forecast of a fitted line through twenty features before it."""
    rng = np.random.default_rng(1)
    features = rng.normal(size=(2_000, 20))
    model = create_model("ridge").fit(features, features[:, 0] * 0.01 + rng.normal(0, 0.02, 2_000))
    newest, closes = features[-1:], 100 * np.cumprod(1 + rng.normal(5e-4, 0.01, 300))
    engine, portfolio = DecisionEngine(), PortfolioView(equity=1e6)

    def decide() -> object:
        told = model.predict(newest)
        assert told.sd is not None
        forecast = Forecast(
            symbol="S",
            model="ridge",
            ts_known=NOW,
            horizon_ns=DAY,
            mean=float(told.mean[0]),
            sd=float(told.sd[0]),
        )
        market = MarketView(now_ns=NOW, closes=closes, forecasts=(forecast,))
        return engine.generate_signal("S", market, float(closes[-1]), portfolio)

    return decide


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=500)
    given = parser.parse_args()
    for positions in (10, 100):
        action = decision(positions)
        action()
        middle, slow = p95(action, given.rounds)
        tell(
            f"decision_{positions}",
            work=f"decision from three forecasts, {positions} positions held, no inference",
            ours_s=round(middle, 6),
            p95_ms=round(slow * 1000, 3),
            goal="p95 < 10 ms",
            met=slow < 0.010,
        )
    action = with_model()
    action()
    middle, slow = p95(action, given.rounds)
    tell(
        "decision_with_model",
        work="decision end to end with a linear model in memory",
        ours_s=round(middle, 6),
        p95_ms=round(slow * 1000, 3),
        goal="< 50 ms",
        met=slow < 0.050,
    )
    plan_and_figures(given.rounds // 5)


def plan_and_figures(rounds: int) -> None:
    """Time the plan of 50 positions, and their figures over ten years."""
    rng = np.random.default_rng(5)
    names = tuple(f"S{i:03d}" for i in range(50))
    drift = Drift(symbols=names, weights=rng.dirichlet(np.ones(50)), targets=np.full(50, 0.02))
    prices = dict(zip(names, rng.uniform(10, 500, 50).tolist(), strict=True))
    costs = Costs(fee_bps=5, fee_per_share=0.005, fee_min=1.0, spread_bps=2)

    def plan() -> object:
        return plan_rebalance(drift, RebalancingConfig(), equity=1e6, prices=prices, costs=costs)

    plan()
    middle, slow = p95(plan, rounds)
    tell(
        "rebalance_plan_50",
        work="rebalance plan of 50 positions with costs",
        ours_s=round(middle, 6),
        p95_ms=round(slow * 1000, 3),
        goal="< 200 ms",
        met=slow < 0.200,
    )
    returns = rng.normal(4e-4, 0.01, (2_520, 50)) @ np.full(50, 0.02)

    def figures() -> object:
        return performance(returns, periods_per_year=252.0)

    figures()
    middle, slow = p95(figures, rounds)
    tell(
        "performance_50",
        work="performance figures of 50 positions over ten years",
        ours_s=round(middle, 6),
        p95_ms=round(slow * 1000, 3),
        goal="< 100 ms",
        met=slow < 0.100,
    )


if __name__ == "__main__":
    main()

"""Risk in real time: recomputation, checks before the wire, and the measures of a portfolio.

Run: ``python -m benchmarks.bench_risk``. The peers are the bare formulas in numpy, on the same
arrays: what is added to them is the price of checks, names and notes.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable

import numpy as np

from benchmarks.measure import median_seconds, tell
from tradewright.domain.instruments import Instrument
from tradewright.domain.money import QTY_UNIT
from tradewright.domain.orders import Fill, Order, Side
from tradewright.risk.control import Layer, LimitTable, RiskGate, snapshot
from tradewright.risk.measures import (
    MeasureSettings,
    contributions,
    covariance,
    measure,
    parametric_var,
    simulate_portfolio,
)

COUNT, SESSIONS, NOW = 100, 500, 20_000 * 86_400_000_000_000


def held_gate() -> RiskGate:
    """Return a gate with the standard limits that holds 100 positions."""
    names = [f"S{n:03d}" for n in range(COUNT)]
    instruments = {s: Instrument(s, sector=f"sector {n % 11}") for n, s in enumerate(names)}
    settings = {"var_95": 0.5, "max_positions": 1000, "max_sector_weight": 1.0, "max_gross": 3.0,
                "max_net": 3.0, "max_leverage": 3.0, "orders_per_second": 10_000,
                "orders_per_minute": 100_000, "min_position_size": None}  # fmt: skip
    table = LimitTable.of(settings, profile="moderate")
    gate = RiskGate(Layer(table, instruments, is_timed=True))
    prices = {symbol: 50.0 + n for n, symbol in enumerate(names)}
    gate.layer.volumes.update(dict.fromkeys(names, 1e7))
    returns = np.random.default_rng(1).standard_normal((SESSIONS, COUNT)) * 0.01
    gate.layer.use_covariance(names, covariance(returns))
    gate.mark(NOW, prices, account="paper", equity=1e6, cash=2.5e5, strategy="trend")
    for n, symbol in enumerate(names):
        qty = round(7_500 / prices[symbol]) * QTY_UNIT
        bought = Fill(f"x{n}", "", symbol, Side.BUY, qty, 1, 0, 0, 0, 0, 0, NOW)
        gate.fill(bought, strategy="trend", account="paper", ts=NOW)
    gate.mark(NOW, prices, account="paper", equity=1e6, cash=2.5e5, strategy="trend")
    return gate


def spread(action: Callable[[int], object], rounds: int) -> dict[str, float]:
    """Return percentiles of the time of a call, in seconds, and of the time it computed.

    Under load the wall time of the slowest calls is that of the scheduler; the computing time of
    the thread is what the call itself needs.
    """
    wall, computed = [], []
    gc.collect()
    for n in range(rounds):
        first, start = time.thread_time(), time.perf_counter()
        action(n)
        wall.append(time.perf_counter() - start)
        computed.append(time.thread_time() - first)
    p50, p95, p99 = np.quantile(wall, [0.5, 0.95, 0.99]).tolist()
    own = float(np.quantile(computed, 0.99))
    return {"median_s": p50, "p95_s": p95, "p99_s": p99, "computed_p99_s": own}


def recomputation(gate: RiskGate) -> None:
    """Time a recomputation of value, profit, drawdown and exposure after each new price."""
    layer, scope = gate.layer, gate.layer.scope("account:paper")
    symbols = list(layer.prices)

    def tick(n: int) -> object:
        symbol = symbols[n % COUNT]
        layer.prices[symbol] *= 1.0001
        layer.priced_at[symbol] = NOW + n
        return snapshot(layer, scope, NOW + n)

    found = spread(tick, 5000)
    weights = np.array([h.qty / QTY_UNIT for h in scope.book.holdings.values()])
    levels = np.array(list(layer.prices.values()))
    bare = median_seconds(lambda: float(weights @ levels), 501)
    tell(
        "risk_recomputation", work=f"value, profit, drawdown, exposure of {COUNT} positions, p95",
        ours_s=found.pop("p95_s"), **found, peer="numpy, sum alone", peer_s=bare,
        ratio=round(bare / found["median_s"], 3), goal="p95 < 0.001 s",
    )  # fmt: skip


def pre_trade(gate: RiskGate) -> None:
    """Time the twelve checks of an order, with all limits of the standard table in force."""
    symbols = list(gate.layer.prices)
    approved = 0

    def ask(n: int) -> object:
        nonlocal approved
        order = Order(f"o{n}", symbols[n % COUNT], Side.BUY, (n % 37 + 1) * QTY_UNIT // 100)
        found = gate.approve(order, strategy="trend", account="paper", ts=NOW + n * 30_000_000)
        approved += found.is_approved
        return found

    rounds = 5000
    found = spread(ask, rounds)
    tell(
        "risk_pre_trade", work=f"pre-trade check, all limits, {COUNT} positions, p99",
        ours_s=found.pop("p99_s"), **found, approved=approved, asked=rounds,
        goal="p99 <= 0.0003 s",
    )  # fmt: skip


def measures() -> None:
    """Time the measures of 100 positions over 500 sessions."""
    random = np.random.default_rng(2)
    panel = (
        random.standard_t(5, (SESSIONS, COUNT)) * 0.01 + random.standard_t(5, (SESSIONS, 1)) / 99
    )
    weights = np.full(COUNT, 1.0 / COUNT)
    sigma = covariance(panel)
    bare = median_seconds(lambda: 1.645 * np.sqrt(weights @ sigma @ weights), 201)
    ours = median_seconds(lambda: parametric_var(weights, sigma), 201)
    split = median_seconds(lambda: contributions(weights, sigma), 201)
    tell(
        "risk_parametric", work=f"Gaussian VaR of {COUNT} positions on a covariance at hand",
        ours_s=ours, contributions_s=split, peer="numpy", peer_s=bare,
        ratio=round(bare / ours, 2), goal="< 0.001 s",
    )  # fmt: skip
    bare = median_seconds(lambda: -np.quantile(panel @ weights, 0.05), 101)
    ours = median_seconds(lambda: measure(panel @ weights), 101)
    tell(
        "risk_historical", work=f"historical VaR and ES, {SESSIONS} x {COUNT}", ours_s=ours,
        peer="numpy, VaR alone", peer_s=bare, ratio=round(bare / ours, 2), goal="< 0.020 s",
    )  # fmt: skip
    chosen = MeasureSettings(paths=10_000)
    simulate_portfolio(weights, panel, chosen)
    times = [
        median_seconds(lambda: simulate_portfolio(weights, panel, chosen), 1) for _ in range(9)
    ]
    factor = np.linalg.cholesky(sigma + 1e-12 * np.eye(COUNT)).T

    def normal() -> float:
        draws = np.random.default_rng(0).standard_normal((10_000, COUNT)) @ factor
        return float(-np.quantile(draws @ weights, 0.05))

    bare, ours = median_seconds(normal, 9), statistics.median(times)
    tell(
        "risk_monte_carlo", work=f"Monte Carlo t-copula, fitted and drawn, 10,000 x {COUNT}",
        ours_s=ours, worst_s=max(times), peer="numpy, normal draws alone", peer_s=bare,
        ratio=round(bare / ours, 2), goal="< 0.300 s",
    )  # fmt: skip


def main() -> None:
    gate = held_gate()
    recomputation(gate)
    pre_trade(gate)
    measures()


if __name__ == "__main__":
    main()

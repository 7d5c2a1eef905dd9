"""50 and 100 instruments against three libraries; 500 with the own solvers against the conic one.

Run: ``python -m benchmarks.bench_optimisers``. One window of 252 sessions, weights at most 5 %, so
that bounds bind. The peers solve the same problem from the same returns.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.beside import run_peer
from benchmarks.measure import median_seconds, tell
from tradewright.portfolio.constraints import OptimizationConstraints
from tradewright.portfolio.covariance import estimate_covariance, estimate_mean
from tradewright.portfolio.optimisation import MethodInputs, PortfolioOptimizer
from tradewright.portfolio.solvers import ConicProgramme, budget_weights, nonnegative_quadratic

FloatArray = NDArray[np.float64]
CAP = 0.05
LIMIT_MS = {50: 100, 100: 300}
METHODS = ("minimum_variance", "maximum_sharpe", "minimum_cvar", "risk_parity")


def returns_of(n: int, sessions: int = 252, seed: int = 3) -> FloatArray:
    rng = np.random.default_rng(seed)
    common = rng.normal(4e-4, 0.009, (sessions, 4)) @ rng.normal(0.7, 0.4, (4, n))
    return common + rng.normal(0, 1, (sessions, n)) * rng.uniform(0.006, 0.02, n) + 2e-4


def objective(method: str, weights: FloatArray, returns: FloatArray) -> float:
    """Return what is minimised, of weights scaled to sum 1."""
    w = np.maximum(weights, 0.0)
    w = w / w.sum()
    covariance = np.cov(returns, rowvar=False)
    variance = float(w @ covariance @ w)
    if method == "minimum_variance":
        return variance
    if method == "maximum_sharpe":
        return -float(w @ returns.mean(axis=0)) / np.sqrt(variance)
    if method == "minimum_cvar":
        losses = np.sort(-(returns @ w))[::-1]
        tail = 0.05 * len(losses)
        whole = int(tail)
        return float(losses[:whole].sum() + (tail - whole) * losses[whole]) / tail
    x = w / np.sqrt(variance)
    return 0.5 - float(np.log(x).mean())


def solver(method: str, returns: FloatArray) -> Callable[[], FloatArray]:
    mean, covariance = returns.mean(axis=0), np.cov(returns, rowvar=False)
    cap = 1.0 if method == "risk_parity" else CAP
    limits = OptimizationConstraints(max_weight=cap)
    inputs = MethodInputs(returns=returns, periods_per_year=1.0)

    def solve() -> FloatArray:
        # A new optimizer each time: nothing comes from a cache.
        result = PortfolioOptimizer(0.0).optimize_portfolio(
            mean, covariance, method, limits, inputs=inputs
        )
        assert result.success, result.message
        return np.array(list(result.weights.values()))

    return solve


def beside_libraries(n: int, rounds: int) -> None:
    returns = returns_of(n)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        told = run_peer(
            "optimisers",
            folder,
            rounds=5,
            family="optimisers",
            returns=returns,
            cap=np.array(CAP),
        )["seconds"]
        theirs = {key: np.load(folder / f"{key}.npy") for key in told}
    for method in METHODS:
        solve = solver(method, returns)
        ours = objective(method, solve(), returns)
        seconds = median_seconds(solve, rounds)
        peers = [key for key in told if key.endswith(method)]
        fastest = min(peers, key=lambda key: told[key])
        best = min(objective(method, theirs[key], returns) for key in peers)
        tell(
            f"optimiser_{method}_{n}",
            work=f"{method}, {n} instruments, 252 sessions",
            ours_s=round(seconds, 5),
            peer=fastest.removesuffix(f"_{method}"),
            peer_s=round(told[fastest], 4),
            ratio=round(told[fastest] / seconds, 1),
            worse_by=round(max(0.0, (ours - best) / abs(best)), 12),
            no_worse=bool(ours <= best + 1e-8 * abs(best)),
            goal=f"< {LIMIT_MS[n]} ms, objective no worse",
        )


def own_solvers(n: int, rounds: int) -> None:
    # A weak common factor, so that hundreds of names are held: the hard case for an active set.
    rng = np.random.default_rng(5)
    returns = rng.normal(0, 0.002, (504, 1)) + rng.normal(3e-4, 0.015, (504, n)) * rng.uniform(
        0.5, 1.5, n
    )
    covariance = estimate_covariance(returns)
    mean, _ = estimate_mean(returns)
    size = float(np.diagonal(covariance).mean())

    def conic(gain: FloatArray) -> FloatArray:
        programme = ConicProgramme()
        x = programme.variables(n)
        programme.quadratic(x, covariance / size)
        programme.linear(x, -gain / np.abs(gain).max())
        programme.at_most([(x, -np.eye(n))], np.zeros(n))
        found = programme.solve(tolerance=1e-12).x
        return found / found.sum()

    for name, gain in (("minimum_variance", np.ones(n)), ("maximum_sharpe", mean - 0.02)):

        def own(gain: FloatArray = gain) -> FloatArray:
            x, _ = nonnegative_quadratic(covariance, gain)
            return x / x.sum()

        own()
        ours, reference = own(), conic(gain)
        values = [
            w @ covariance @ w
            if name == "minimum_variance"
            else -(gain @ w) / np.sqrt(w @ covariance @ w)
            for w in (ours, reference)
        ]
        told_own(
            name,
            n,
            median_seconds(own, rounds),
            median_seconds(lambda g=gain: conic(g), 3),
            values[0] - values[1],
        )
    budget_weights(covariance)
    weights, _ = budget_weights(covariance)
    x = weights / np.sqrt(weights @ covariance @ weights)
    started = ConicProgramme()
    seconds = median_seconds(lambda: budget_weights(covariance), rounds)
    reference_seconds, reference = conic_parity(started, covariance)
    ours = 0.5 * x @ covariance @ x - np.log(x).mean()
    told_own("risk_parity", n, seconds, reference_seconds, float(ours - reference))


def conic_parity(programme: ConicProgramme, covariance: FloatArray) -> tuple[float, float]:
    """Seconds and objective of risk parity by exponential cones."""
    n = len(covariance)
    x, logs = programme.variables(n), programme.variables(n)
    programme.quadratic(x, covariance)
    programme.linear(logs, np.full(n, -1.0 / n))
    rows = np.arange(n)
    first, third = np.zeros((3 * n, n)), np.zeros((3 * n, n))
    first[3 * rows, rows], third[3 * rows + 2, rows] = -1.0, -1.0
    right = np.zeros(3 * n)
    right[3 * rows + 1] = 1.0
    programme.exponential([(logs, first), (x, third)], right)
    found = programme.solve(tolerance=1e-11)
    v = found.x[x]
    return found.solve_ms / 1e3, float(0.5 * v @ covariance @ v - np.log(v).mean())


def told_own(name: str, n: int, seconds: float, conic_s: float, gap: float) -> None:
    tell(
        f"own_solver_{name}_{n}",
        work=f"{name}, {n} instruments, own solver",
        ours_s=round(seconds, 5),
        peer="clarabel",
        peer_s=round(conic_s, 4),
        ratio=round(conic_s / seconds, 1),
        objective_gap=gap,
        within=bool(gap <= 1e-8),
        goal="< 50 ms, objective within 1e-8 of the conic one",
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    for n in LIMIT_MS:
        beside_libraries(n, rounds)
    own_solvers(500, rounds)


if __name__ == "__main__":
    main()

"""Which constraints weights violate, and which ones hold them back."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradewright.portfolio.optimisation.problem import Problem

FloatArray = NDArray[np.float64]
TOLERANCE: Final = 1e-6
POSITION: Final = 1e-6
"""Weights up to this size are no positions."""


def violations(
    problem: Problem, weights: FloatArray, *, tolerance: float = TOLERANCE
) -> tuple[str, ...]:
    """Return the constraints that weights violate, each as a sentence; empty if none."""
    return tuple(
        f"{label} is missed by {-slack:.3g}"
        for label, slack in slacks(problem, weights)
        if not slack >= -tolerance
    )


def binding(problem: Problem, weights: FloatArray, *, tolerance: float = 1e-5) -> tuple[str, ...]:
    """Return the constraints that hold with equality; bounds with the instruments they hold."""
    found = []
    for label, slack in slacks(problem, weights):
        if label not in {"min_weight", "max_weight", "net"} and abs(slack) <= tolerance:
            found.append(label)
    for label, gap in (
        ("min_weight", weights - problem.lower),
        ("max_weight", problem.upper - weights),
    ):
        held = [problem.symbols[i] for i in np.flatnonzero(np.abs(gap) <= tolerance)]
        if held:
            named = ", ".join(held) if len(held) <= 5 else f"{len(held)} instruments"
            found.append(f"{label}: {named}")
    return tuple(found)


def slacks(problem: Problem, weights: FloatArray) -> Iterator[tuple[str, float]]:
    """Yield each constraint with the room left to it; negative is a violation."""
    w = weights
    yield "min_weight", float((w - problem.lower).min())
    yield "max_weight", float((problem.upper - w).min())
    total, (low, high) = float(w.sum()), problem.net
    if low == high:
        yield "net", -abs(total - low)
    else:
        yield "min_net", total - low
        yield "max_net", high - total
    for row in problem.rows:
        value = row.value(w)
        if math.isfinite(row.low):
            yield row.label, value - row.low
        if math.isfinite(row.high):
            yield row.label, row.high - value
    yield from _totals(problem, w)
    yield from _counts(problem, w)


def _totals(problem: Problem, w: FloatArray) -> Iterator[tuple[str, float]]:
    sums = (
        ("max_gross", problem.gross, float(np.abs(w).sum())),
        ("max_long", problem.longs, float(np.maximum(w, 0.0).sum())),
        ("max_short", problem.shorts, float(np.maximum(-w, 0.0).sum())),
    )
    for label, limit, value in sums:
        if limit is not None:
            yield label, limit - value
    if problem.volatility is not None:
        yield "max_volatility", problem.volatility - volatility_of(problem, w)
    if problem.tracking is not None and problem.benchmark is not None:
        yield "max_tracking_error", problem.tracking - volatility_of(problem, w - problem.benchmark)
    if problem.turnover is not None:
        yield "max_turnover", problem.turnover - 0.5 * float(problem.trades(w).sum())


def _counts(problem: Problem, w: FloatArray) -> Iterator[tuple[str, float]]:
    held = np.abs(w) > POSITION
    fewest, most = problem.counts
    if fewest is not None:
        yield "min_positions", float(held.sum() - fewest)
    if most is not None:
        yield "max_positions", float(most - held.sum())
    if problem.least and held.any():
        yield "min_position_size", float(np.abs(w[held]).min() - problem.least)


def volatility_of(problem: Problem, weights: FloatArray) -> float:
    """Return the expected volatility a year."""
    return math.sqrt(max(float(weights @ problem.covariance @ weights), 0.0))

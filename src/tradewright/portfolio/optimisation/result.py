"""What an optimisation answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
LARGEST: Final = 0.25
LARGEST_SECTOR: Final = 0.40
FEWEST_EFFECTIVE: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizationResult:
    """Target weights with what they promise, what they cost and how they were found.

    Parameters
    ----------
    weights : mapping of str to float
        Signed fractions of equity; what they leave to 1 is cash.
    expected_return, expected_volatility : float
        A year, wᵀμ and √(wᵀΣw).
    sharpe_ratio : float
        (expected return − risk-free rate) / volatility; 0 without volatility.
    optimization_method : str
        Name of the method.
    success : bool
        Whether the problem was solved as it was asked.
    message : str
        What happened, in sentences.
    transaction_costs : float
        Σ cost·|Δw| as a fraction of equity; 0 where the current weights are not known.
    turnover : float
        One-way, ½Σ|Δw|; 0 where the current weights are not known.
    binding_constraints : tuple of str
        Constraints that hold the weights back.
    risk_contributions : mapping of str to float
        Shares w_i(Σw)_i / wᵀΣw; they sum to 1.
    solver : str
        What found the weights.
    solve_ms : float
        Time taken, milliseconds.
    fallback_used : str or None
        The step of the fallback ladder that answered.
    effective_n : float
        1/Σw².
    largest_weight : float
        Of one instrument.
    warnings : tuple of str
        About the inputs and the diversification.
    """

    weights: Mapping[str, float]
    expected_return: float
    expected_volatility: float
    sharpe_ratio: float
    optimization_method: str
    success: bool
    message: str
    transaction_costs: float
    turnover: float
    binding_constraints: tuple[str, ...] = ()
    risk_contributions: Mapping[str, float] = field(default_factory=dict)
    solver: str = ""
    solve_ms: float = 0.0
    fallback_used: str | None = None
    effective_n: float = 0.0
    largest_weight: float = 0.0
    warnings: tuple[str, ...] = ()

    @property
    def cash(self) -> float:
        """What the weights leave to 1."""
        return 1.0 - sum(self.weights.values())

    def to_mapping(self) -> dict[str, Any]:
        """Return every field as values that JSON can hold, with ``cash``."""
        out = {name: getattr(self, name) for name in self.__slots__}
        for name in ("weights", "risk_contributions"):
            out[name] = dict(out[name])
        for name in ("binding_constraints", "warnings"):
            out[name] = list(out[name])
        out["cash"] = self.cash
        return out


def diversification_warnings(
    symbols: tuple[str, ...], weights: FloatArray, sectors: Mapping[str, str]
) -> tuple[str, ...]:
    """Return warnings of holdings that are too concentrated.

    One holding above 0.25, one sector above 0.40, or an effective number of holdings below 5
    while 10 or more instruments are available.
    """
    found = []
    size = np.abs(weights)
    for at in np.flatnonzero(size > LARGEST + 1e-9):
        found.append(f"{symbols[at]} is {size[at]:.1%} of equity, above {LARGEST:.0%}")
    totals: dict[str, float] = {}
    for symbol, weight in zip(symbols, size.tolist(), strict=True):
        if symbol in sectors:
            totals[sectors[symbol]] = totals.get(sectors[symbol], 0.0) + weight
    found += [
        f"sector {name} is {total:.1%} of equity, above {LARGEST_SECTOR:.0%}"
        for name, total in sorted(totals.items())
        if total > LARGEST_SECTOR + 1e-9
    ]
    effective = effective_number(weights)
    if len(symbols) >= 10 and 0 < effective < FEWEST_EFFECTIVE:
        found.append(
            f"the weights are as concentrated as {effective:.1f} equal ones, of "
            f"{len(symbols)} instruments"
        )
    return tuple(found)


def effective_number(weights: FloatArray) -> float:
    """Return 1/Σw², 0 without weights.

    Examples
    --------
    >>> effective_number(np.array([0.25, 0.25, 0.25, 0.25]))
    4.0
    """
    squares = float((weights**2).sum())
    return 1.0 / squares if squares > 0 else 0.0

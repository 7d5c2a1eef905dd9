"""Limits of a whole portfolio, applied to finished weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tradewright.domain.errors import ConfigError, nearest

CEILING: Final = 3.0
"""Leverage that no setting can go beyond."""
CLASS_CEILINGS: Final = {"equity": 2.0, "forex": CEILING, "crypto": CEILING}


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioLimits:
    """How many positions, how small, and how much leverage by asset class.

    Parameters
    ----------
    max_positions : int
        1 to 100.
    min_position_size : float
        Smaller weights become 0 and the others are scaled to the same sum.
    max_leverage : mapping of str to float
        Largest Σ|w| of an asset class: ``equity`` at most 2, ``forex`` and ``crypto`` at most 3.

    Raises
    ------
    ConfigError
        If a value is out of its range.
    """

    max_positions: int = 100
    min_position_size: float = 0.01
    max_leverage: Mapping[str, float] = field(
        default_factory=lambda: {"equity": 1.0, "forex": 1.0, "crypto": 1.0}
    )

    def __post_init__(self) -> None:
        if not 1 <= self.max_positions <= 100:
            raise ConfigError(f"max_positions is {self.max_positions}, wanted 1 to 100")
        if not 0 <= self.min_position_size < 1:
            raise ConfigError(f"min_position_size is {self.min_position_size}, wanted 0 to 1")
        for name, value in self.max_leverage.items():
            if name not in CLASS_CEILINGS:
                raise ConfigError(
                    f"max_leverage of {name!r} is not known; {nearest(name, CLASS_CEILINGS)}"
                )
            if not 0 < value <= CLASS_CEILINGS[name]:
                raise ConfigError(
                    f"max_leverage of {name} is {value}, wanted above 0 to {CLASS_CEILINGS[name]:g}"
                )


def apply_limits(
    weights: Mapping[str, float],
    limits: PortfolioLimits,
    *,
    asset_classes: Mapping[str, str] | None = None,
) -> tuple[dict[str, float], tuple[str, ...]]:
    """Apply the limits of a portfolio to weights.

    Parameters
    ----------
    weights : mapping of str to float
        Signed fractions of equity.
    limits : PortfolioLimits
        In force.
    asset_classes : mapping of str to str, optional
        Class of each symbol; ``equity`` where none is given.

    Returns
    -------
    weights : dict of str to float
        Every symbol; small ones 0, the others scaled to the same sum, classes cut to their
        leverage and everything to 3 times equity.
    notes : tuple of str
        What was cut.

    Examples
    --------
    >>> apply_limits({"A": 0.995, "B": 0.005}, PortfolioLimits())[0]
    {'A': 1.0, 'B': 0.0}
    """
    notes = []
    kept = _without_small(weights, limits)
    gone = [name for name in weights if weights[name] and name not in kept]
    if gone:
        notes.append(
            f"{', '.join(gone)}: below {limits.min_position_size:.1%} or beyond "
            f"{limits.max_positions} positions, set to 0"
        )
    out = {name: kept.get(name, 0.0) for name in weights}
    classes = asset_classes or {}
    for kind, most in {**dict.fromkeys(CLASS_CEILINGS, 1.0), **limits.max_leverage}.items():
        members = [name for name in out if classes.get(name, "equity") == kind]
        gross = sum(abs(out[name]) for name in members)
        if gross > most * (1 + 1e-9):
            notes.append(f"{kind}: leverage {gross:.2f} cut to {most:g}")
            out |= {name: out[name] * most / gross for name in members}
    gross = sum(abs(value) for value in out.values())
    if gross > CEILING * (1 + 1e-9):
        notes.append(f"leverage {gross:.2f} cut to {CEILING:g}")
        out = {name: value * CEILING / gross for name, value in out.items()}
    return out, tuple(notes)


def _without_small(weights: Mapping[str, float], limits: PortfolioLimits) -> dict[str, float]:
    # Long and short sides keep their sums; scaling up can only help the rest to stay.
    ranked = sorted(
        (name for name in weights if abs(weights[name]) >= max(limits.min_position_size, 1e-12)),
        key=lambda name: -abs(weights[name]),
    )[: limits.max_positions]
    out: dict[str, float] = {}
    for sign in (1.0, -1.0):
        side = [name for name in ranked if sign * weights[name] > 0]
        total = sum(value for value in weights.values() if sign * value > 0)
        held = sum(weights[name] for name in side)
        out |= {name: weights[name] * total / held for name in side}
    return out

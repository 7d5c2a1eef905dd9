"""Sizers by name: how much, once it is known that and in which direction."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from importlib.metadata import entry_points
from typing import Any, Final, Protocol, runtime_checkable

from tradewright.domain.errors import ConfigError, ModelError, nearest
from tradewright.portfolio.sizing.factors import DEFAULT
from tradewright.portfolio.sizing.kelly import kelly_size
from tradewright.portfolio.sizing.params import FactorSettings, PositionSizingParams, between
from tradewright.portfolio.sizing.size import PositionSize, SizingInputs, adjust, position_size

GROUP: Final = "tradewright.sizers"
"""Entry-point group of sizers that other packages bring."""


@runtime_checkable
class Sizer(Protocol):
    """Finds the size of one position before the limits of its account.

    An own sizer is any object with `name`, `uses_factors` and `steps`; its class or a function
    that makes it is named in the entry-point group ``tradewright.sizers``.
    """

    @property
    def name(self) -> str:
        """How a study page names it."""
        ...

    @property
    def uses_factors(self) -> bool:
        """Whether the adjustment factors multiply its size."""
        ...

    def steps(
        self, inputs: SizingInputs, params: PositionSizingParams, equity: float
    ) -> Mapping[str, float]:
        """Return named sizes, fractions of equity; the smallest is taken."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """``standard``: the smallest of base, Kelly and risk, times every factor."""

    name: str = "standard"
    uses_factors: bool = True

    def steps(
        self, inputs: SizingInputs, params: PositionSizingParams, equity: float
    ) -> Mapping[str, float]:
        """Return the three sizes, see `size.position_size`."""
        return position_size(inputs, params).steps


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedFraction:
    """``fixed_fraction``: always the same fraction of equity.

    Parameters
    ----------
    fraction : float
        Weight, above 0 and at most 3.
    """

    fraction: float = 0.1
    name: str = "fixed_fraction"
    uses_factors: bool = False

    def __post_init__(self) -> None:
        between("sizer.fraction", self.fraction, 0.0, 3.0, open_low=True)

    def steps(
        self, inputs: SizingInputs, params: PositionSizingParams, equity: float
    ) -> Mapping[str, float]:
        """Return the fraction."""
        return {"fixed_fraction": self.fraction}


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedNotional:
    """``fixed_notional``: always the same amount of money.

    Parameters
    ----------
    notional : float
        Amount in the account's currency; > 0.
    """

    notional: float = 10_000.0
    name: str = "fixed_notional"
    uses_factors: bool = False

    def __post_init__(self) -> None:
        between("sizer.notional", self.notional, 0.0, 1e15, open_low=True)

    def steps(
        self, inputs: SizingInputs, params: PositionSizingParams, equity: float
    ) -> Mapping[str, float]:
        """Return the amount over equity; nothing without equity."""
        return {"fixed_notional": self.notional / equity if equity > 0 else 0.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class VolatilityTarget:
    """``volatility_target``: weight ``target / annualised volatility``.

    Parameters
    ----------
    target : float
        Annualised volatility that the position adds alone; above 0.
    """

    target: float = 0.02
    name: str = "volatility_target"
    uses_factors: bool = False

    def __post_init__(self) -> None:
        between("sizer.target", self.target, 0.0, 10.0, open_low=True)

    def steps(
        self, inputs: SizingInputs, params: PositionSizingParams, equity: float
    ) -> Mapping[str, float]:
        """Return the weight; nothing where the volatility is not known or 0."""
        known = inputs.volatility > 0
        return {"volatility_target": self.target / inputs.volatility if known else 0.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskPerTrade:
    """``risk_per_trade``: the loss at the stop is the same fraction of equity for every trade."""

    name: str = "risk_per_trade"
    uses_factors: bool = False

    def steps(
        self, inputs: SizingInputs, params: PositionSizingParams, equity: float
    ) -> Mapping[str, float]:
        """Return ``risk_per_trade / stop_distance``."""
        return {"risk": params.risk_per_trade / inputs.stop_distance}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kelly:
    """``kelly``: the chosen part of the growth-optimal weight."""

    name: str = "kelly"
    uses_factors: bool = False

    def steps(
        self, inputs: SizingInputs, params: PositionSizingParams, equity: float
    ) -> Mapping[str, float]:
        """Return the Kelly weight, see `kelly.kelly_size`."""
        size = kelly_size(
            inputs.mean_excess, inputs.horizon_volatility, fraction=params.kelly_fraction
        )
        return {"kelly": size}


@dataclass(frozen=True, slots=True, kw_only=True)
class EqualRisk:
    """``equal_risk``: every position brings the same share of a budget of volatility.

    Parameters
    ----------
    budget : float
        Annualised volatility of all positions together if they moved as one; above 0.
    positions : int
        Number of positions that share it.
    """

    budget: float = 0.2
    positions: int = 10
    name: str = "equal_risk"
    uses_factors: bool = False

    def __post_init__(self) -> None:
        between("sizer.budget", self.budget, 0.0, 10.0, open_low=True)
        between("sizer.positions", self.positions, 1, 10_000)

    def steps(
        self, inputs: SizingInputs, params: PositionSizingParams, equity: float
    ) -> Mapping[str, float]:
        """Return ``budget / positions / volatility``; nothing where volatility is not known."""
        known = inputs.volatility > 0
        return {"equal_risk": self.budget / self.positions / inputs.volatility if known else 0.0}


OWN: Final[dict[str, Callable[..., Sizer]]] = {
    "standard": Standard,
    "fixed_fraction": FixedFraction,
    "fixed_notional": FixedNotional,
    "volatility_target": VolatilityTarget,
    "risk_per_trade": RiskPerTrade,
    "kelly": Kelly,
    "equal_risk": EqualRisk,
}


def sizer_names() -> tuple[str, ...]:
    """Return the names of every sizer, those of other packages included."""
    return (*OWN, *(point.name for point in entry_points(group=GROUP) if point.name not in OWN))


def create_sizer(name: str, **parameters: Any) -> Sizer:
    """Make a sizer by its name.

    Parameters
    ----------
    name : str
        One of `sizer_names`.
    **parameters
        Its own parameters.

    Returns
    -------
    Sizer
        Ready to use.

    Raises
    ------
    ConfigError
        If there is no such sizer, or a parameter is not one of its own.

    Examples
    --------
    >>> create_sizer("fixed_fraction", fraction=0.05).fraction
    0.05
    """
    maker = OWN.get(name)
    if maker is None:
        found = [point for point in entry_points(group=GROUP) if point.name == name]
        if not found:
            raise ConfigError(f"sizer {name!r} is not known; {nearest(name, sizer_names())}")
        maker = found[0].load()
    else:
        own = [item.name for item in fields(maker)]  # type: ignore[arg-type]  # dataclasses
        known = [item for item in own if item not in ("name", "uses_factors")]
        for key in parameters:
            if key not in known:
                raise ConfigError(
                    f"sizer {name}: parameter {key!r} is not known; "
                    f"{nearest(key, known) if known else 'it has none'}"
                )
    try:
        made = maker(**parameters)
    except TypeError as error:
        raise ConfigError(f"sizer {name}: {error}") from error
    if not isinstance(made, Sizer):
        raise ConfigError(f"sizer {name}: it lacks name, uses_factors or steps(inputs, …)")
    return made


def apply_sizer(
    sizer: Sizer,
    inputs: SizingInputs,
    params: PositionSizingParams,
    settings: FactorSettings = DEFAULT,
    *,
    equity: float,
    limits: Mapping[str, float] | None = None,
) -> PositionSize:
    """Size a position by a sizer and keep every limit.

    Parameters
    ----------
    sizer : Sizer
        What proposes the size.
    inputs, params, settings, limits
        See `size.position_size`.
    equity : float
        Of the account, in its currency.

    Returns
    -------
    PositionSize
        The size and how it came about.

    Raises
    ------
    ModelError
        If the sizer gives no size, a negative or an infinite one.
    """
    steps = sizer.steps(inputs, params, equity)
    bad = {k: v for k, v in steps.items() if not (v >= 0 and math.isfinite(v))}
    if bad or not steps:
        raise ModelError(f"sizer {sizer.name}: sizes are {dict(steps)}, wanted finite and >= 0")
    return adjust(
        sizer.name,
        steps,
        inputs,
        params,
        settings,
        limits=limits,
        use_factors=sizer.uses_factors,
    )

"""The size of one position: base, Kelly and risk, times the factors, within every limit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tradewright.domain.errors import ModelError
from tradewright.portfolio.sizing import factors as f
from tradewright.portfolio.sizing.kelly import kelly_size
from tradewright.portfolio.sizing.limits import tightest
from tradewright.portfolio.sizing.params import FactorSettings, PositionSizingParams


@dataclass(frozen=True, slots=True, kw_only=True)
class SizingInputs:
    """What is known of one trade when its size is found.

    Parameters
    ----------
    confidence, uncertainty : float
        Of the decision, in [0, 1].
    mean_excess : float
        Expected simple return in the direction of the trade over the horizon, after costs.
    horizon_volatility : float
        Standard deviation of that return.
    stop_distance : float
        Loss at the stop as a fraction of the price; > 0.
    short : bool
        Whether the position is short.
    volatility : float
        Annualised volatility; NaN where unknown.
    var_95 : float
        One-day value at risk, a positive loss fraction; NaN where unknown.
    regime : str
        See `factors.regime_factor`.
    correlation : float
        Weighted mean correlation with the holdings; NaN where nothing is held.
    sector_headroom : float
        Weight left in the sector; infinite without a sector.
    liquidity : float
        Weight that `FactorSettings.participation` of the average daily notional makes; infinite
        where volume does not matter.
    held : float
        Weight of the position now, signed.
    """

    confidence: float
    uncertainty: float
    mean_excess: float
    horizon_volatility: float
    stop_distance: float
    short: bool = False
    volatility: float = math.nan
    var_95: float = math.nan
    regime: str = "mixed"
    correlation: float = math.nan
    sector_headroom: float = math.inf
    liquidity: float = math.inf
    held: float = 0.0

    def __post_init__(self) -> None:
        for name in ("confidence", "uncertainty"):
            if not 0 <= getattr(self, name) <= 1:
                raise ModelError(f"sizing: {name} is {getattr(self, name)}, wanted 0 to 1")
        if not self.stop_distance > 0:
            raise ModelError(f"sizing: stop_distance is {self.stop_distance}, wanted above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionSize:
    """A size and every step that led to it.

    Parameters
    ----------
    size : float
        Weight to hold, unsigned; 0 is nothing.
    sizer : str
        What made the size before factors and limits.
    steps : mapping of str to float
        The sizes that were compared (``base``, ``kelly``, ``risk``), before the factors.
    factors : mapping of str to float
        The adjustment factors by name, in the order of `factors.FACTORS`.
    product : float
        Product of the factors after its floor.
    limits : mapping of str to float
        Every limit the size had to keep.
    bound_by : str
        What decided: the step, factor or limit that is the tightest, in words a table can show.
    reason : str
        Why the size is 0; empty where it is not.
    """

    size: float
    sizer: str
    steps: Mapping[str, float]
    factors: Mapping[str, float]
    product: float
    limits: Mapping[str, float]
    bound_by: str
    reason: str = ""


def all_factors(
    inputs: SizingInputs,
    wanted: float,
    params: PositionSizingParams,
    settings: FactorSettings = f.DEFAULT,
) -> dict[str, float]:
    """Return every adjustment factor by name.

    Parameters
    ----------
    inputs : SizingInputs
        What is known.
    wanted : float
        Size before the factors.
    params : PositionSizingParams
        Gives the confidence threshold.
    settings : FactorSettings
        Floors, multiples and the table of regimes.

    Returns
    -------
    dict of str to float
        Each in [0, 1], in the order of `factors.FACTORS`.
    """
    return {
        "volatility": f.volatility_factor(inputs.volatility, settings),
        "var": f.var_factor(inputs.var_95, settings),
        "regime": f.regime_factor(inputs.regime, short=inputs.short, settings=settings),
        "uncertainty": f.uncertainty_factor(inputs.uncertainty, settings),
        "confidence": f.confidence_factor(inputs.confidence, params.confidence_threshold, settings),
        "concentration": f.headroom_factor(inputs.sector_headroom, wanted),
        "correlation": f.correlation_factor(inputs.correlation, settings),
        "liquidity": f.headroom_factor(inputs.liquidity, wanted),
    }


def position_size(
    inputs: SizingInputs,
    params: PositionSizingParams,
    settings: FactorSettings = f.DEFAULT,
    *,
    limits: Mapping[str, float] | None = None,
) -> PositionSize:
    r"""Return the size of a position with every step of its making.

    :math:`\min(c\,w_{max},\ \text{kelly},\ r/d) \times \prod_k \phi_k`, the product clipped to
    [0.05, 1], then the tightest limit; a size below ``min_position_size`` becomes 0.

    Parameters
    ----------
    inputs : SizingInputs
        What is known of the trade.
    params : PositionSizingParams
        Base size, Kelly fraction, risk per trade.
    settings : FactorSettings
        Of the factors.
    limits : mapping of str to float, optional
        Further limits by name, for example ``account`` or ``optimiser``; the size keeps these,
        ``max_position_size``, the sector's headroom and the liquidity.

    Returns
    -------
    PositionSize
        The size and how it came about.

    Notes
    -----
    Timing: known when its inputs are known.
    Missing data: an unknown volatility or value at risk takes the floor of its factor.

    Examples
    --------
    >>> inputs = SizingInputs(confidence=0.8, uncertainty=0.2, mean_excess=0.02,
    ...     horizon_volatility=0.1, stop_distance=0.05, volatility=0.2, var_95=0.02,
    ...     regime="bullish/stable")
    >>> found = position_size(inputs, PositionSizingParams())
    >>> round(found.size, 6), found.bound_by
    (0.066048, 'base')
    """
    steps = {
        "base": inputs.confidence * params.max_position_size,
        "kelly": kelly_size(
            inputs.mean_excess, inputs.horizon_volatility, fraction=params.kelly_fraction
        ),
        "risk": params.risk_per_trade / inputs.stop_distance,
    }
    return adjust("standard", steps, inputs, params, settings, limits=limits)


def adjust(
    sizer: str,
    steps: Mapping[str, float],
    inputs: SizingInputs,
    params: PositionSizingParams,
    settings: FactorSettings = f.DEFAULT,
    *,
    limits: Mapping[str, float] | None = None,
    use_factors: bool = True,
) -> PositionSize:
    """Take the smallest step, multiply the factors, keep every limit.

    Parameters
    ----------
    sizer : str
        Name of the sizer, for the record.
    steps : mapping of str to float
        Sizes to choose the smallest of.
    inputs, params, settings, limits
        See `position_size`.
    use_factors : bool
        Whether the factors are applied; the limits always are.

    Returns
    -------
    PositionSize
        The size and how it came about.
    """
    step, wanted = tightest(steps)
    factors = all_factors(inputs, wanted, params, settings) if use_factors else {}
    product = math.prod(factors.values())
    product = min(1.0, max(settings.product_floor, product))
    every = {
        "max_position_size": params.max_position_size,
        "sector": max(0.0, inputs.sector_headroom),
        "liquidity": max(0.0, inputs.liquidity),
        **(limits or {}),
    }
    limit, most = tightest(every)
    size, bound_by = (wanted * product, step) if wanted * product <= most else (most, limit)
    reason = ""
    if size < params.min_position_size or size <= 0:
        reason = _why_nothing(size, bound_by, params)
        size = 0.0
    return PositionSize(
        size=size,
        sizer=sizer,
        steps=MappingProxyType(dict(steps)),
        factors=MappingProxyType(factors),
        product=product,
        limits=MappingProxyType(every),
        bound_by=bound_by,
        reason=reason,
    )


def _why_nothing(size: float, bound_by: str, params: PositionSizingParams) -> str:
    if bound_by == "kelly" and size <= 0:
        return "the expected return does not exceed costs and the risk-free rate (kelly is 0)"
    return (
        f"size {size:.4f}, decided by {bound_by}, is below min_position_size "
        f"{params.min_position_size:g}"
    )

"""What single methods need beside moments and constraints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import ConfigError
from tradewright.portfolio.views.black_litterman import View

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MethodInputs:
    """Inputs of single methods.

    Parameters
    ----------
    symbols : sequence of str, optional
        Names of the instruments; taken from labelled moments, otherwise ``A0 A1 …``.
    returns : ndarray of shape (n_periods, n), optional
        Past returns without gaps: scenarios of ``minimum_cvar``, scores of ``factor_based``.
    periods_per_year : float
        Of `returns`.
    budgets : mapping of str to float, optional
        Shares of risk for ``risk_parity``; equal when left out.
    market_weights : mapping of str to float, optional
        Equilibrium of ``black_litterman``; equal when left out, with a warning.
    views : sequence of View
        Of ``black_litterman``.
    market_return : float, optional
        Expected return of the market a year; δ of ``black_litterman`` is then that of the market,
        its excess return over its variance, instead of `risk_aversion`.
    tau : float
        Of ``black_litterman``.
    risk_aversion : float
        λ of ``mean_variance`` without target, δ of ``black_litterman``.
    risk_tolerance : float, optional
        In [0, 1]: ``mean_variance`` maximises return with a volatility this far from that of
        minimum variance to that of maximum return.
    cvar_level : float
        Confidence of ``minimum_cvar``.
    kelly_fraction : float
        Share of the growth-optimal weights in ``kelly``.
    factor_mode : str
        ``maximum_sharpe`` or ``top_quantile`` of ``factor_based``.
    information_coefficient : float
        Of ``factor_based``.
    linkage : str
        Of ``hierarchical_risk_parity``.
    notes : sequence of str
        Warnings of the estimation, carried to the result.

    Raises
    ------
    ConfigError
        If a value is out of its range.
    """

    symbols: Sequence[str] | None = None
    returns: FloatArray | None = None
    periods_per_year: float = 252.0
    budgets: Mapping[str, float] | None = None
    market_weights: Mapping[str, float] | None = None
    views: Sequence[View] = ()
    market_return: float | None = None
    tau: float = 0.05
    risk_aversion: float = 2.5
    risk_tolerance: float | None = None
    cvar_level: float = 0.95
    kelly_fraction: float = 0.5
    factor_mode: str = "maximum_sharpe"
    information_coefficient: float = 0.05
    linkage: str = "ward"
    notes: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name in ("periods_per_year", "tau", "risk_aversion", "information_coefficient"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} is {getattr(self, name)}, wanted above 0")
        for name in ("cvar_level", "kelly_fraction"):
            value = getattr(self, name)
            if not 0 < value <= 1 or (name == "cvar_level" and value == 1):
                raise ConfigError(f"{name} is {value}, wanted between 0 and 1")
        if self.risk_tolerance is not None and not 0 <= self.risk_tolerance <= 1:
            raise ConfigError(f"risk_tolerance is {self.risk_tolerance}, wanted 0 to 1")
        if self.factor_mode not in {"maximum_sharpe", "top_quantile"}:
            raise ConfigError(
                f"factor_mode is {self.factor_mode!r}, wanted 'maximum_sharpe' or 'top_quantile'"
            )
        if self.budgets is not None and not all(b > 0 for b in self.budgets.values()):
            raise ConfigError("risk budgets must be above 0")

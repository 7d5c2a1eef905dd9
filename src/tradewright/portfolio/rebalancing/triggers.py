"""Whether weights have drifted far enough from their targets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import DataError
from tradewright.portfolio.rebalancing.config import RebalancingConfig

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trigger:
    """Why a rebalance is due.

    Parameters
    ----------
    method : str
        ``percentage``, ``absolute``, ``volatility``, ``calendar``, ``risk_limit`` or
        ``max_interval``.
    subject : str
        The instrument that drifted most, the limit that is breached, or ``portfolio``.
    value, limit : float
        What was found and what it exceeded.
    """

    method: str
    subject: str
    value: float
    limit: float

    def __str__(self) -> str:
        return f"{self.method}: {self.subject} at {self.value:.4g}, limit {self.limit:.4g}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drift:
    """Where a portfolio is and where it should be.

    Parameters
    ----------
    symbols : tuple of str
        Instruments.
    weights, targets : ndarray of shape (n,)
        Signed weights now and wanted.
    covariance : ndarray of shape (n, n), optional
        Of annualised simple returns; needed by the volatility trigger and the cost-benefit test.
    expected_returns : ndarray of shape (n,), optional
        Annualised simple returns; needed by the cost-benefit test.

    Raises
    ------
    DataError
        If shapes differ or a number is not finite; names the first symbol.
    """

    symbols: tuple[str, ...]
    weights: FloatArray
    targets: FloatArray
    covariance: FloatArray | None = None
    expected_returns: FloatArray | None = None

    def __post_init__(self) -> None:
        n = len(self.symbols)
        wanted = {
            "weights": (n,),
            "targets": (n,),
            "covariance": (n, n),
            "expected_returns": (n,),
        }
        for name, shape in wanted.items():
            array = getattr(self, name)
            if array is None:
                continue
            if array.shape != shape:
                raise DataError(f"rebalancing: {name} have shape {array.shape}, wanted {shape}")
            if not np.isfinite(array).all():
                at = int(np.argwhere(~np.isfinite(array))[0][0])
                raise DataError(f"rebalancing: {name} of {self.symbols[at]} are not finite")

    @classmethod
    def of(
        cls,
        weights: Mapping[str, float],
        targets: Mapping[str, float],
        *,
        covariance: FloatArray | None = None,
        expected_returns: FloatArray | None = None,
        symbols: tuple[str, ...] | None = None,
    ) -> Drift:
        """Build it from mappings; what one of them lacks has weight 0."""
        names = symbols or tuple(dict.fromkeys((*weights, *targets)))
        return cls(
            symbols=names,
            weights=np.array([weights.get(s, 0.0) for s in names], dtype=np.float64),
            targets=np.array([targets.get(s, 0.0) for s in names], dtype=np.float64),
            covariance=covariance,
            expected_returns=expected_returns,
        )

    @property
    def largest(self) -> float:
        """Largest absolute difference of a weight from its target."""
        return float(np.abs(self.weights - self.targets).max(initial=0.0))


def triggered(
    drift: Drift,
    config: RebalancingConfig,
    *,
    session: date | None = None,
    previous_session: date | None = None,
) -> Trigger | None:
    r"""Return why a rebalance is due, None where it is not.

    ``percentage``: :math:`|w - w^*| / |w^*|` above the threshold (a position without a target
    always is); ``absolute``: :math:`|w - w^*|`; ``volatility``:
    :math:`|\sigma(w)/\sigma(w^*) - 1|` above 0.10; ``calendar``: the session is the first of its
    month or quarter.

    Parameters
    ----------
    drift : Drift
        Where the portfolio is.
    config : RebalancingConfig
        Method and thresholds.
    session, previous_session : date, optional
        This session and the one before, for ``calendar``.

    Returns
    -------
    Trigger or None
        With the instrument that drifted most.

    Raises
    ------
    DataError
        If the method needs a covariance or sessions and none are given.

    Examples
    --------
    >>> drift = Drift.of({"A": 0.53, "B": 0.47}, {"A": 0.5, "B": 0.5})
    >>> str(triggered(drift, RebalancingConfig()))
    'percentage: A at 0.06, limit 0.05'
    """
    method = config.threshold_method
    if method == "calendar":
        return _calendar(config, session, previous_session)
    if method == "volatility":
        return _volatility(drift, config)
    distance = np.abs(drift.weights - drift.targets)
    if method == "percentage":
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = np.where(distance > 0, distance / np.abs(drift.targets), 0.0)
    if not len(distance):
        return None
    at = int(np.argmax(distance))
    # Weights carry rounding of 1e-16: a drift of exactly the threshold is not above it.
    if distance[at] <= config.rebalance_threshold + 1e-12:
        return None
    return Trigger(method, drift.symbols[at], float(distance[at]), config.rebalance_threshold)


def portfolio_volatility(weights: FloatArray, covariance: FloatArray) -> float:
    """Return the annualised volatility of weights."""
    return math.sqrt(max(0.0, float(weights @ covariance @ weights)))


def _volatility(drift: Drift, config: RebalancingConfig) -> Trigger | None:
    if drift.covariance is None:
        raise DataError("rebalancing: the volatility trigger needs a covariance")
    now = portfolio_volatility(drift.weights, drift.covariance)
    wanted = portfolio_volatility(drift.targets, drift.covariance)
    same = 0.0 if now == 0 else math.inf
    change = same if wanted == 0 else abs(now / wanted - 1.0)
    limit = config.volatility_threshold
    return Trigger("volatility", "portfolio", change, limit) if change > limit + 1e-12 else None


def _calendar(
    config: RebalancingConfig, session: date | None, previous: date | None
) -> Trigger | None:
    if session is None:
        raise DataError("rebalancing: the calendar trigger needs the date of the session")
    months = 1 if config.calendar_period == "monthly" else 3
    if previous is None or _period(previous, months) == _period(session, months):
        return None
    return Trigger("calendar", config.calendar_period, float(session.toordinal()), 0.0)


def _period(day: date, months: int) -> tuple[int, int]:
    return day.year, (day.month - 1) // months

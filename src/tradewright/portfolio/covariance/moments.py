"""A panel of returns becomes expected returns and a covariance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import ConfigError, DataError, nearest
from tradewright.portfolio.covariance.checking import check_covariance
from tradewright.portfolio.covariance.estimators import COVARIANCES, estimate_covariance
from tradewright.portfolio.covariance.means import MEANS, estimate_mean
from tradewright.portfolio.covariance.panel import cut_panel

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimationSettings:
    """How moments are estimated.

    Parameters
    ----------
    covariance : str
        See `estimate_covariance`.
    mean : str
        See `estimate_mean`.
    window : int
        Newest periods used.
    min_observations : int
        Fewest returns of an instrument.
    periods_per_year : float
        For annualising.
    halflife_periods : float
        Of the exponential covariance.

    Raises
    ------
    ConfigError
        Naming the field, the value found and the values wanted.
    """

    covariance: str = "ledoit_wolf"
    mean: str = "james_stein"
    window: int = 252
    min_observations: int = 60
    periods_per_year: float = 252.0
    halflife_periods: float = 63.0

    def __post_init__(self) -> None:
        for name, known in (("covariance", tuple(COVARIANCES)), ("mean", MEANS)):
            value = getattr(self, name)
            if value not in known:
                raise ConfigError(f"estimation.{name} is {value!r}; {nearest(str(value), known)}")
        if not 2 <= self.min_observations <= self.window:
            raise ConfigError(
                f"estimation.min_observations is {self.min_observations}, wanted 2 to window "
                f"{self.window}"
            )
        for name in ("periods_per_year", "halflife_periods"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"estimation.{name} is {getattr(self, name)}, wanted above 0")


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Expected returns and covariance a year, of the instruments that could be estimated.

    Parameters
    ----------
    symbols : tuple of str
        Instruments, in the order of the arrays.
    mean : ndarray of shape (n,)
        Expected simple returns a year.
    covariance : ndarray of shape (n, n)
        Covariance a year.
    returns : ndarray of shape (n_periods, n)
        The returns behind them, without gaps.
    left_out : mapping of str to str
        Instruments without estimate, with the reason.
    warnings : tuple of str
        Sentences for the result.
    """

    symbols: tuple[str, ...]
    mean: FloatArray
    covariance: FloatArray
    returns: FloatArray
    left_out: Mapping[str, str]
    warnings: tuple[str, ...] = ()


def estimate_moments(
    returns: FloatArray,
    symbols: Sequence[str],
    settings: EstimationSettings | None = None,
    *,
    prior: Any = None,
) -> Moments:
    """Estimate moments from a panel of returns.

    Parameters
    ----------
    returns : ndarray of shape (n_periods, n_instruments)
        Simple returns, oldest first; NaN where none was observed.
    symbols : sequence of str
        One a column.
    settings : EstimationSettings, optional
        How.
    prior : skfolio prior estimator, optional
        Fitted on the cut panel instead of the estimators of `settings`; its per-period moments
        are annualised.

    Returns
    -------
    Moments
        Of the instruments with enough returns.

    Raises
    ------
    DataError
        If nothing can be estimated; see `cut_panel` and `check_covariance`.

    Notes
    -----
    Timing: uses the rows given, the newest `window` of them.
    Missing data: see `cut_panel`.
    """
    chosen = settings or EstimationSettings()
    cut = cut_panel(
        returns, symbols, window=chosen.window, min_observations=chosen.min_observations
    )
    if prior is not None:
        mean, covariance = _from_prior(prior, cut.returns, chosen.periods_per_year)
        notes: tuple[str, ...] = ()
    else:
        mean, notes = estimate_mean(
            cut.returns, chosen.mean, periods_per_year=chosen.periods_per_year
        )
        covariance = estimate_covariance(
            cut.returns,
            chosen.covariance,
            periods_per_year=chosen.periods_per_year,
            halflife_periods=chosen.halflife_periods,
        )
    checked, repaired = check_covariance(covariance, cut.symbols)
    gone = tuple(f"{name} has weight 0: {why}" for name, why in cut.left_out.items())
    return Moments(
        cut.symbols, mean, checked, cut.returns, cut.left_out, (*gone, *notes, *repaired)
    )


def _from_prior(
    prior: Any, returns: FloatArray, periods_per_year: float
) -> tuple[FloatArray, FloatArray]:
    found = prior.fit(returns).return_distribution_
    mean = np.asarray(found.mu, dtype=np.float64) * periods_per_year
    covariance = np.asarray(found.covariance, dtype=np.float64) * periods_per_year
    if mean.shape != (returns.shape[1],):
        raise DataError(f"the prior gave {mean.shape} expected returns for {returns.shape[1]}")
    return mean, covariance

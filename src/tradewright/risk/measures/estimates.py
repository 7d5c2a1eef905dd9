"""What every risk measure answers, the settings it takes, and the rules of the sample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tradewright.domain.errors import ConfigError, DataError, nearest

FloatArray = NDArray[np.float64]

LEAST: Final = 30
"""Fewer observations than this give no number at all."""

ENOUGH: Final = 100
"""Fewer observations than this give a number that is marked `low_sample`."""

LEVELS: Final = (0.90, 0.999)
HORIZONS: Final = (1, 20)
WINDOW: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureSettings:
    """How value at risk and expected shortfall are measured.

    Parameters
    ----------
    level : float
        Confidence, 0.90 to 0.999.
    horizon : int
        Sessions ahead, 1 to 20.
    window : int or None
        Sessions looked back on, the newest of those given; None takes all.
    age_decay : float
        Weight of a session against the one after it, for ``age_weighted``; in (0, 1).
    ewma_decay : float
        The same for the variance of ``ewma``; in (0, 1).
    refit : int
        Sessions between two fits of a model when a measure's record is made; >= 1.
    paths : int
        Paths of the simulating methods; >= 100.
    seed : int
        Of the simulating methods.

    Raises
    ------
    ConfigError
        If a value is out of its range.
    """

    level: float = 0.95
    horizon: int = 1
    window: int | None = WINDOW
    age_decay: float = 0.98
    ewma_decay: float = 0.94
    refit: int = 20
    paths: int = 10_000
    seed: int = 0

    def __post_init__(self) -> None:
        if not LEVELS[0] <= self.level <= LEVELS[1]:
            raise ConfigError(f"level is {self.level}, wanted {LEVELS[0]} to {LEVELS[1]}")
        if not HORIZONS[0] <= self.horizon <= HORIZONS[1] or self.horizon != int(self.horizon):
            raise ConfigError(f"horizon is {self.horizon}, wanted {HORIZONS[0]} to {HORIZONS[1]}")
        if self.window is not None and self.window < LEAST:
            raise ConfigError(f"window is {self.window}, wanted at least {LEAST} sessions")
        for name in ("age_decay", "ewma_decay"):
            if not 0 < getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}, wanted above 0 and below 1")
        if self.refit < 1:
            raise ConfigError(f"refit is {self.refit}, wanted 1 or more sessions")
        if self.paths < 100:
            raise ConfigError(f"paths is {self.paths}, wanted at least 100")


@dataclass(frozen=True, slots=True)
class RiskEstimate:
    """Value at risk and expected shortfall, with what they were measured on.

    Parameters
    ----------
    method : str
        See `METHODS`.
    var, es : float
        Loss as a fraction, positive for a loss; `es` is never below `var`.
    level : float
        Confidence.
    horizon : int
        Sessions ahead.
    n_observations : int
        Sessions used.
    low_sample : bool
        Fewer than 100 sessions: the number is shown, and said to be weak.
    notes : tuple of str
        What else a reader must know, for example that an expansion left its domain.
    """

    method: str
    var: float
    es: float
    level: float
    horizon: int
    n_observations: int
    low_sample: bool
    notes: tuple[str, ...] = ()


Tail = tuple[float, float, tuple[str, ...]]
"""Value at risk, expected shortfall and notes."""

Method = Callable[[FloatArray, MeasureSettings], Tail]


def check_sample(returns: ArrayLike, *, window: int | None, name: str = "returns") -> FloatArray:
    """Return the newest `window` returns, or refuse them.

    Parameters
    ----------
    returns : array_like of shape (n,)
        Simple returns, oldest first.
    window : int or None
        How many of the newest to keep.
    name : str
        For messages.

    Returns
    -------
    ndarray of shape (min(n, window),)
        Finite numbers.

    Raises
    ------
    DataError
        If it is not one series, a value is not finite or below -1, or there are fewer than 30.
    """
    series = np.asarray(returns, dtype=np.float64)
    if series.ndim != 1:
        raise DataError(f"{name}: {series.ndim} dimensions, wanted one series")
    if window is not None:
        series = series[-window:]
    if not np.isfinite(series).all():
        row = int(np.argmin(np.isfinite(series)))
        raise DataError(f"{name}: row {row} of the last {len(series)} is not a finite number")
    if len(series) < LEAST:
        raise DataError(f"{name}: {len(series)} observations, wanted at least {LEAST}")
    if (series < -1).any():
        raise DataError(f"{name}: {series.min()} is below -1, more than everything cannot be lost")
    return series


def measure(
    returns: ArrayLike, method: str = "historical", settings: MeasureSettings | None = None
) -> RiskEstimate:
    """Measure value at risk and expected shortfall of one series of returns.

    Parameters
    ----------
    returns : array_like of shape (n,)
        Simple returns per session, oldest first.
    method : str
        ``historical age_weighted gaussian cornish_fisher student_t ewma garch`` .
    settings : MeasureSettings, optional
        Level, horizon, window; 95 %, one session and 500 sessions by default.

    Returns
    -------
    RiskEstimate
        Losses are positive.

    Raises
    ------
    ConfigError
        If there is no such method.
    DataError
        If a return is NaN or fewer than 30 are given: no number is better than a wrong one.

    Notes
    -----
    Timing: measured after the last return, for the sessions after it.
    Missing data: refused.

    Examples
    --------
    >>> found = measure(np.arange(-100, 101) / 1000.0, "historical")
    >>> round(found.var, 4), round(found.es, 4), found.low_sample
    (0.09, 0.095, False)
    """
    chosen = settings or MeasureSettings()
    estimate = method_named(method)
    sample = check_sample(returns, window=chosen.window)
    var, es, notes = estimate(sample, chosen)
    if not np.isfinite((var, es)).all():
        raise DataError(f"{method}: the returns give no finite measure; {'; '.join(notes)}")
    return RiskEstimate(
        method,
        float(var),
        float(max(es, var)),
        chosen.level,
        chosen.horizon,
        len(sample),
        len(sample) < ENOUGH,
        notes,
    )


def method_named(name: str) -> Method:
    """Return the function behind a method's name.

    Raises
    ------
    ConfigError
        With the nearest name.
    """
    from tradewright.risk.measures.historical import age_weighted, historical
    from tradewright.risk.measures.parametric import cornish_fisher, gaussian, student_t
    from tradewright.risk.measures.volatility import ewma, filtered_historical

    known: dict[str, Method] = {
        "historical": historical,
        "age_weighted": age_weighted,
        "gaussian": gaussian,
        "cornish_fisher": cornish_fisher,
        "student_t": student_t,
        "ewma": ewma,
        "garch": filtered_historical,
    }
    if name not in known:
        raise ConfigError(f"risk method {name!r} is not known; {nearest(name, known)}")
    return known[name]


METHODS: Final = (
    "historical",
    "age_weighted",
    "gaussian",
    "cornish_fisher",
    "student_t",
    "ewma",
    "garch",
)
"""Methods on one series; ``monte_carlo`` needs the instruments and is `simulate_portfolio`."""

"""The thresholds a result has to meet to be accepted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tradewright.domain.errors import ConfigError


@dataclass(frozen=True, slots=True)
class AcceptanceLimits:
    """Smallest and largest values that are accepted, out of sample.

    Parameters
    ----------
    min_sharpe_ratio : float
        Annualised.
    max_drawdown_threshold : float
        Largest drawdown as a positive fraction, in (0, 1].
    min_win_rate : float
        Share of round trips with a profit, in [0, 1].

    Raises
    ------
    ConfigError
        If a share or fraction is out of range.
    """

    min_sharpe_ratio: float = 0.5
    max_drawdown_threshold: float = 0.2
    min_win_rate: float = 0.45

    def __post_init__(self) -> None:
        if not 0 < self.max_drawdown_threshold <= 1:
            raise ConfigError(
                f"max_drawdown_threshold is {self.max_drawdown_threshold}, wanted in (0, 1]"
            )
        if not 0 <= self.min_win_rate <= 1:
            raise ConfigError(f"min_win_rate is {self.min_win_rate}, wanted in [0, 1]")


@dataclass(frozen=True, slots=True)
class AcceptanceCheck:
    """One threshold with the value found; `ok` is False where the value is undefined."""

    name: str
    metric: str
    value: float
    limit: float
    ok: bool


def accept(
    metrics: Mapping[str, float], limits: AcceptanceLimits | None = None
) -> tuple[AcceptanceCheck, ...]:
    """Compare a result with the thresholds.

    Parameters
    ----------
    metrics : mapping of str to float
        Holds ``sharpe``, ``max_drawdown`` (<= 0) and ``win_rate``.
    limits : AcceptanceLimits, optional
        The defaults unless given.

    Returns
    -------
    tuple of AcceptanceCheck
        One per threshold.

    Examples
    --------
    >>> [c.ok for c in accept({"sharpe": 0.6, "max_drawdown": -0.25, "win_rate": float("nan")})]
    [True, False, False]
    """
    wanted = limits or AcceptanceLimits()
    ratio, fall, wins = (metrics[name] for name in ("sharpe", "max_drawdown", "win_rate"))
    return (
        AcceptanceCheck(
            "min_sharpe_ratio",
            "sharpe",
            ratio,
            wanted.min_sharpe_ratio,
            ratio >= wanted.min_sharpe_ratio,
        ),
        AcceptanceCheck(
            "max_drawdown_threshold",
            "max_drawdown",
            fall,
            -wanted.max_drawdown_threshold,
            fall >= -wanted.max_drawdown_threshold,
        ),
        AcceptanceCheck(
            "min_win_rate", "win_rate", wins, wanted.min_win_rate, wins >= wanted.min_win_rate
        ),
    )

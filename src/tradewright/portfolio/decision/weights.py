"""One row of forecasts to one row of target weights: a pure function."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import ConfigError, ModelError, nearest
from tradewright.portfolio.decision.settings import SignalSettings
from tradewright.portfolio.rebalancing.config import RebalancingConfig

RULES: Final = ("top_k", "proportional", "signal")
DIRECTIONS: Final = ("long", "long_short")
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionSettings:
    """How forecasts become weights.

    Parameters
    ----------
    rule : str
        ``top_k``: the strongest `top_k` names get a slot each; ``proportional``: every name that
        passes the filters, weighted by the size of its forecast; ``signal``: each name is decided
        by itself as BUY, HOLD or SELL, see `signals`.
    top_k : int
        Slots; a long-short book has this many on each side together.
    direction : str
        ``long`` or ``long_short``.
    volatility_scaled : bool
        Whether weights are divided by each name's volatility.
    volatility_bars : int
        Bars of past returns behind that volatility.
    min_confidence : float
        Smallest confidence of an entry, in [0, 1]; 0 is off. See `confidence_of`.
    cost_hurdle : float
        Round-trip cost as a fraction; an entry needs a larger expected move.
    max_weight : float
        Largest absolute weight of one name.
    gross : float
        Largest sum of absolute weights.
    rebalance_bars : int
        Bars between decisions.
    no_trade_band : float
        Smallest change of a weight that is traded; leaving a position always is.
    stop_loss, take_profit : float or None
        Distances of the protective orders attached to each entry, as fractions of the close of
        the decision; None is off.
    signals : SignalSettings or None
        How ``signal`` decides; the defaults unless given.
    rebalancing : RebalancingConfig or None
        Trade towards the weights only when a trigger, the intervals and the costs allow it; None
        trades at every decision.

    Raises
    ------
    ConfigError
        Naming the field, the value found and the values wanted.
    """

    rule: str = "top_k"
    top_k: int = 5
    direction: str = "long"
    volatility_scaled: bool = False
    volatility_bars: int = 20
    min_confidence: float = 0.0
    cost_hurdle: float = 0.0
    max_weight: float = 0.25
    gross: float = 1.0
    rebalance_bars: int = 1
    no_trade_band: float = 0.0
    stop_loss: float | None = None
    take_profit: float | None = None
    signals: SignalSettings | None = None
    rebalancing: RebalancingConfig | None = None

    def __post_init__(self) -> None:
        for name, known in (("rule", RULES), ("direction", DIRECTIONS)):
            value = getattr(self, name)
            if value not in known:
                raise ConfigError(f"decision.{name} is {value!r}; {nearest(str(value), known)}")
        for name, low in (("top_k", 1), ("volatility_bars", 2), ("rebalance_bars", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < low:
                raise ConfigError(f"decision.{name} is {value!r}, wanted a whole number >= {low}")
        ranges = {
            "min_confidence": (0.0, 1.0),
            "cost_hurdle": (0.0, 1.0),
            "max_weight": (0.0, 3.0),
            "gross": (0.0, 3.0),
            "no_trade_band": (0.0, 1.0),
        }
        for name, (first, last) in ranges.items():
            if not first <= getattr(self, name) <= last:
                raise ConfigError(
                    f"decision.{name} is {getattr(self, name)}, wanted {first} to {last}"
                )
        for name in ("max_weight", "gross"):
            if not getattr(self, name):
                raise ConfigError(f"decision.{name} is 0: nothing could ever be held")
        for name in ("stop_loss", "take_profit"):
            distance = getattr(self, name)
            if distance is not None and not 0 < distance < 1:
                raise ConfigError(f"decision.{name} is {distance}, wanted between 0 and 1 or null")
        if self.signals is not None and self.rule != "signal":
            raise ConfigError(
                f"decision.signals is given, but decision.rule is {self.rule!r}, wanted 'signal'"
            )


def confidence_of(
    mean: FloatArray,
    *,
    sd: FloatArray | None = None,
    probability_up: FloatArray | None = None,
    cost: float = 0.0,
) -> FloatArray:
    r"""Return how sure a forecast is of its own direction.

    The probability of the forecast's side where a model gives one; otherwise
    :math:`\Phi(|\mu - c\,\mathrm{sign}\,\mu| / \sigma)`, the normal probability that the move
    exceeds its cost; 1 where the model gives neither.

    Parameters
    ----------
    mean : ndarray of shape (n_instruments,)
        Expected simple return.
    sd : ndarray of shape (n_instruments,), optional
        Its standard deviation.
    probability_up : ndarray of shape (n_instruments,), optional
        Probability of a positive return, in [0, 1].
    cost : float
        Round-trip cost as a fraction.

    Returns
    -------
    ndarray of shape (n_instruments,)
        In [0, 1]; NaN where the forecast is NaN.

    Notes
    -----
    Timing: uses the row given, nothing else.
    Missing data: a NaN probability or deviation makes the confidence NaN.

    Examples
    --------
    >>> confidence_of(np.array([0.01, -0.01]), probability_up=np.array([0.7, 0.4]))
    array([0.7, 0.6])
    """
    if probability_up is not None:
        sure = np.where(mean >= 0, probability_up, 1.0 - probability_up)
    elif sd is not None:
        with np.errstate(divide="ignore", invalid="ignore"):
            z = (np.abs(mean) - cost) / sd
        sure = np.array([0.5 * (1.0 + math.erf(v / math.sqrt(2.0))) for v in z])
    else:
        sure = np.ones_like(mean)
    return np.where(np.isnan(mean), np.nan, sure)


def decide(
    mean: FloatArray,
    settings: DecisionSettings,
    *,
    sd: FloatArray | None = None,
    probability_up: FloatArray | None = None,
    volatility: FloatArray | None = None,
    held: FloatArray | None = None,
) -> FloatArray:
    """Turn one row of forecasts into target weights.

    Filters: an entry needs an expected move beyond `cost_hurdle` and a confidence of at least
    `min_confidence`; a name already held stays while its forecast keeps its sign. The chosen
    names share `gross` (equally or by forecast, optionally by inverse volatility), each at most
    `max_weight`; a cut is kept as cash. Changes within `no_trade_band` are left alone.

    Parameters
    ----------
    mean : ndarray of shape (n_instruments,)
        Expected simple returns; NaN where there is no forecast.
    settings : DecisionSettings
        How forecasts become weights.
    sd, probability_up : ndarray of shape (n_instruments,), optional
        See `confidence_of`.
    volatility : ndarray of shape (n_instruments,), optional
        Volatility of each name, any one unit; needed with `volatility_scaled`.
    held : ndarray of shape (n_instruments,), optional
        Weights held now; none when left out.

    Returns
    -------
    ndarray of shape (n_instruments,)
        Signed target weights; NaN means leave the position as it is.

    Raises
    ------
    ModelError
        If a forecast is infinite, volatility is missing where it is needed, or the rule is
        ``signal``.

    Notes
    -----
    Timing: known when the row of forecasts is known.
    Missing data: a name without forecast, or without volatility where that scales, is left as
    it is, and what is held of it counts towards `gross`.

    Examples
    --------
    >>> decide(np.array([0.02, -0.01, 0.01]), DecisionSettings(top_k=2, max_weight=0.5))
    array([0.5, 0. , 0.5])
    """
    if settings.rule == "signal":
        raise ModelError("decision.rule is 'signal': names are decided one by one, not as a row")
    if np.isinf(mean).any():
        raise ModelError(f"forecast of column {int(np.argmax(np.isinf(mean)))} is infinite")
    now = np.zeros_like(mean) if held is None else held
    known = ~np.isnan(mean)
    strength = np.abs(mean)
    if settings.volatility_scaled:
        if volatility is None:
            raise ModelError("decision.volatility_scaled needs volatilities, and none were given")
        known &= volatility > 0
    chosen = _choose(mean, now, known, settings, (sd, probability_up))
    weights = np.where(known, 0.0, np.nan)
    free = max(settings.gross - float(np.abs(now[~known]).sum()), 0.0)
    if len(chosen):
        raw = np.ones(len(chosen)) if settings.rule == "top_k" else strength[chosen]
        if settings.volatility_scaled and volatility is not None:
            raw = raw / volatility[chosen]
        budget = free
        if settings.rule == "top_k":
            budget *= len(chosen) / settings.top_k
        sizes = np.minimum(budget * raw / raw.sum(), settings.max_weight)
        weights[chosen] = np.sign(mean[chosen]) * sizes
    small = np.abs(weights - now) < settings.no_trade_band
    leaving = (weights == 0) & (now != 0)
    return np.where(small & ~leaving, np.nan, weights)


def _choose(
    mean: FloatArray,
    now: FloatArray,
    known: NDArray[np.bool_],
    settings: DecisionSettings,
    beliefs: tuple[FloatArray | None, FloatArray | None],
) -> NDArray[np.intp]:
    # Columns that pass the filters, strongest first; ties by column, so that order is stable.
    sd, probability_up = beliefs
    strength = np.where(known, np.abs(mean), 0.0)
    allowed = known & (strength > 0)
    if settings.direction == "long":
        allowed &= mean > 0
    enters = allowed & (strength > settings.cost_hurdle)
    if settings.min_confidence:
        sure = confidence_of(mean, sd=sd, probability_up=probability_up, cost=settings.cost_hurdle)
        enters &= sure >= settings.min_confidence
    stays = allowed & (now * mean > 0)
    columns = np.flatnonzero(enters | stays)
    order = columns[np.argsort(-strength[columns], kind="stable")]
    return order[: settings.top_k] if settings.rule == "top_k" else order

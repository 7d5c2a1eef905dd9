"""One forecast as score, confidence and uncertainty, whatever made it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from tradewright.domain.forecasts import Forecast
from tradewright.portfolio.decision.weights import confidence_of


@dataclass(frozen=True, slots=True)
class SourceView:
    """What one source says.

    Parameters
    ----------
    name : str
        Model and version.
    kind : str
        ``model`` or ``agent``.
    score : float
        View in [-1, 1].
    confidence, uncertainty : float
        In [0, 1].
    skill : float
        Rolling skill in [0.5, 1.5].
    """

    name: str
    kind: str
    score: float
    confidence: float
    uncertainty: float
    skill: float = 1.0

    def to_dict(self, weight: float) -> dict[str, Any]:
        """Return the view with its weight in the combination."""
        return {
            "name": self.name,
            "kind": self.kind,
            "score": self.score,
            "confidence": self.confidence,
            "uncertainty": self.uncertainty,
            "skill": self.skill,
            "weight": weight,
        }


def view_of(
    forecast: Forecast, *, volatility: float, cost: float = 0.0, skill: float = 1.0
) -> SourceView:
    r"""Return score, confidence and uncertainty of a forecast.

    Score: an agent's exposure; :math:`p_{up} - p_{down}`; or :math:`\mu / 2\sigma_h` cut to
    [-1, 1]. Confidence: what the agent states (its absolute exposure unless it does); the larger
    of both probabilities; or :math:`\Phi((|\mu| - cost)/\sigma_h)`. Uncertainty: the spread of
    members where there is one; the entropy of the probabilities over :math:`\log 3`;
    :math:`\sigma_h / (|\mu| + \sigma_h)`; for an agent without spread what its confidence lacks.

    Parameters
    ----------
    forecast : Forecast
        What a source says.
    volatility : float
        Realised volatility over the horizon, used where the forecast has no deviation; NaN where
        unknown, then a mean alone gives a confidence of 0.5 and an uncertainty of 1.
    cost : float
        Round-trip cost as a fraction.
    skill : float
        Of the source.

    Returns
    -------
    SourceView
        On the one scale of all sources.

    Examples
    --------
    >>> told = Forecast(symbol="A", model="m", ts_known=1, horizon_ns=1, mean=0.01, sd=0.02)
    >>> view_of(told, volatility=0.02).score
    0.25
    """
    if forecast.exposure is not None:
        score = forecast.exposure
        sure = abs(score) if forecast.confidence is None else forecast.confidence
        doubt = 1.0 - sure
    elif forecast.probabilities is not None:
        down, _, up = forecast.probabilities
        score, sure = up - down, max(up, down)
        doubt = -sum(p * math.log(p) for p in forecast.probabilities if p > 0) / math.log(3)
    else:
        score, sure, doubt = _from_mean(forecast, volatility, cost)
    if forecast.spread is not None:
        doubt = forecast.spread
    kind = "agent" if forecast.is_agent else "model"
    return SourceView(
        forecast.name, kind, _cut(score, -1.0), _cut(sure, 0.0), _cut(doubt, 0.0), skill
    )


def deviation_of(forecast: Forecast, volatility: float) -> float:
    """Return the forecast's standard deviation, the realised one where it gives none."""
    return volatility if forecast.sd is None else forecast.sd


def _from_mean(forecast: Forecast, volatility: float, cost: float) -> tuple[float, float, float]:
    mean = float(forecast.mean or 0.0)
    sd = deviation_of(forecast, volatility)
    if not sd > 0:
        # Without any idea of the spread only the sign is known.
        return float(np.sign(mean)) if sd == 0 else 0.0, 0.5 if math.isnan(sd) else 1.0, 1.0
    sure = confidence_of(np.array([mean]), sd=np.array([sd]), cost=cost)
    return mean / (2.0 * sd), float(sure[0]), sd / (abs(mean) + sd)


def _cut(value: float, low: float) -> float:
    return float(min(1.0, max(low, value)))

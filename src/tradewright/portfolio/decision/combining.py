"""Several sources as one view: weights by confidence, regime and skill."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist

from tradewright.domain.forecasts import Forecast
from tradewright.portfolio.decision.settings import SignalSettings
from tradewright.portfolio.decision.sources import SourceView, deviation_of

LEVELS = (0.05, 0.10, 0.90, 0.95)


@dataclass(frozen=True, slots=True)
class Combined:
    """The view of all sources together.

    Parameters
    ----------
    weights : tuple of float
        Of the sources, in their order; they sum to 1.
    score : float
        In [-1, 1].
    confidence, uncertainty, agreement : float
        In [0, 1].
    """

    weights: tuple[float, ...]
    score: float
    confidence: float
    uncertainty: float
    agreement: float


def combine(views: Sequence[SourceView], settings: SignalSettings, regime: str) -> Combined:
    r"""Weigh the sources and combine them.

    :math:`w_k \propto b_k\,c_k\,r_k\,skill_k`; the base :math:`b` of all models together is 0.6
    and that of all agents 0.4, shared equally inside each group. Score
    :math:`s = \sum w_k s_k`, agreement :math:`a = |\sum w_k\,\mathrm{sign}\,s_k|`, uncertainty
    :math:`u = \sum w_k u_k + 0.5 (1 - a)` cut to 1, confidence
    :math:`\sum w_k c_k (0.5 + 0.5 a) - 0.25 u` cut to [0, 1].

    Parameters
    ----------
    views : sequence of SourceView
        At least one.
    settings : SignalSettings
        Base weights and factors by regime.
    regime : str
        Of the market.

    Returns
    -------
    Combined
        Weights and the combined view.

    Examples
    --------
    >>> model = SourceView("m", "model", 0.5, 0.8, 0.2)
    >>> agent = SourceView("a", "agent", 0.3, 0.6, 0.4)
    >>> found = combine([model, agent], SignalSettings(), "bullish/stable")
    >>> [round(w, 4) for w in found.weights], round(found.score, 4)
    ([0.6667, 0.3333], 0.4333)
    """
    count = {kind: sum(1 for v in views if v.kind == kind) for kind in ("model", "agent")}
    base = {"model": settings.model_base, "agent": settings.agent_base}
    bases = [base[v.kind] / count[v.kind] for v in views]
    if not sum(bases):
        bases = [1.0] * len(views)
    raw = [
        b * v.confidence * _regime_factor(v, settings, regime) * v.skill
        for b, v in zip(bases, views, strict=True)
    ]
    if not sum(raw):
        raw = bases
    total = sum(raw)
    weights = tuple(value / total for value in raw)
    pairs = list(zip(weights, views, strict=True))
    score = sum(w * v.score for w, v in pairs)
    agreement = min(1.0, abs(sum(w * _sign(v.score) for w, v in pairs)))
    doubt = min(1.0, sum(w * v.uncertainty for w, v in pairs) + 0.5 * (1.0 - agreement))
    sure = sum(w * v.confidence for w, v in pairs) * (0.5 + 0.5 * agreement) - 0.25 * doubt
    return Combined(
        weights,
        min(1.0, max(-1.0, score)),
        min(1.0, max(0.0, sure)),
        max(0.0, doubt),
        agreement,
    )


@dataclass(frozen=True, slots=True)
class Outlook:
    """The distribution of the return that the sources expect together.

    Parameters
    ----------
    mean, sd : float
        Over `horizon_ns`; the mean is NaN where no source gives one.
    quantiles : mapping of float to float
        By level; empty where no source gives a distribution.
    horizon_ns : int
        The shortest horizon of the sources.
    """

    mean: float
    sd: float
    quantiles: Mapping[float, float]
    horizon_ns: int


def outlook_of(
    forecasts: Sequence[Forecast],
    weights: Sequence[float],
    *,
    volatility_per_ns: float,
) -> Outlook:
    r"""Return the weighted distribution of several forecasts on one horizon.

    Means are scaled to the shortest horizon with time, deviations with its square root; the
    deviation is that of the mixture, :math:`\sum w (\sigma^2 + \mu^2) - \bar\mu^2`; quantiles are
    averaged level by level (given ones, or those of a normal distribution where a deviation is).

    Parameters
    ----------
    forecasts : sequence of Forecast
        At least one.
    weights : sequence of float
        Of the forecasts.
    volatility_per_ns : float
        Realised volatility times the square root of a nanosecond; used where no deviation is
        given.

    Returns
    -------
    Outlook
        On the shortest horizon.
    """
    horizon = min(f.horizon_ns for f in forecasts)
    means: list[tuple[float, float, float]] = []
    quantiles: list[tuple[float, dict[float, float]]] = []
    for forecast, weight in zip(forecasts, weights, strict=True):
        share = horizon / forecast.horizon_ns
        root = math.sqrt(share)
        sd = deviation_of(forecast, volatility_per_ns * math.sqrt(forecast.horizon_ns)) * root
        if forecast.mean is not None:
            means.append((weight, forecast.mean * share, sd))
        found = _quantiles(forecast, share, root)
        if found:
            quantiles.append((weight, found))
    sd = volatility_per_ns * math.sqrt(horizon)
    mean = math.nan
    if means and sum(w for w, _, _ in means) > 0:
        total = sum(w for w, _, _ in means)
        mean = sum(w * m for w, m, _ in means) / total
        square = sum(w * (s * s + m * m) for w, m, s in means) / total
        sd = math.sqrt(max(0.0, square - mean * mean))
    total = sum(w for w, _ in quantiles)
    averaged = {
        level: sum(w * q[level] for w, q in quantiles) / total for level in LEVELS if total > 0
    }
    return Outlook(mean, sd, averaged, horizon)


def _quantiles(forecast: Forecast, share: float, root: float) -> dict[float, float]:
    # Given quantiles are interpolated; around their middle they shrink like a deviation.
    if forecast.quantiles:
        levels = sorted(forecast.quantiles)
        if levels[0] > LEVELS[0] or levels[-1] < LEVELS[-1]:
            return {}
        middle = _interpolated(forecast.quantiles, levels, 0.5)
        return {
            level: middle * share
            + (_interpolated(forecast.quantiles, levels, level) - middle) * root
            for level in LEVELS
        }
    if forecast.mean is not None and forecast.sd:
        normal = NormalDist(forecast.mean * share, forecast.sd * root)
        return {level: normal.inv_cdf(level) for level in LEVELS}
    return {}


def _interpolated(values: Mapping[float, float], levels: list[float], level: float) -> float:
    for low, high in pairwise(levels):
        if low <= level <= high:
            part = (level - low) / (high - low)
            return values[low] + part * (values[high] - values[low])
    return values[levels[0]]


def _regime_factor(view: SourceView, settings: SignalSettings, regime: str) -> float:
    table = settings.source_regimes
    own = table.get(view.name) or table.get(view.name.partition("/")[0]) or table.get(view.kind)
    return 1.0 if own is None else own.get(regime, 1.0)


def _sign(value: float) -> float:
    return float((value > 0) - (value < 0))

"""Where the stop and the target of a signal lie."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tradewright.portfolio.decision.settings import SignalSettings

LEAST_GAIN: Final = 1e-6
"""A smaller quantile is no target: it would be the price itself."""


@dataclass(frozen=True, slots=True)
class Protection:
    """Distances of stop and target as fractions of the price, and what they come from.

    Parameters
    ----------
    stop, target : float
        Above 0.
    basis : str
        ``distribution``, ``atr`` or ``fixed``.
    """

    stop: float
    target: float
    basis: str

    def prices(self, price: float, *, short: bool) -> tuple[float, float]:
        """Return stop and target price.

        Parameters
        ----------
        price : float
            Last price; > 0.
        short : bool
            Whether the position is short: then the stop lies above.

        Examples
        --------
        >>> Protection(0.05, 0.25, "fixed").prices(100.0, short=False)
        (95.0, 125.0)
        """
        side = -1.0 if short else 1.0
        return price * (1.0 - side * self.stop), price * (1.0 + side * self.target)


def protect(
    settings: SignalSettings,
    *,
    short: bool,
    quantiles: Mapping[float, float],
    relative_range: float = math.nan,
) -> Protection:
    r"""Return the distances of stop and target.

    With a distribution the stop of a long position lies :math:`\mathrm{clip}(-q_{0.05}, 0.01,
    0.15)` below and its target :math:`q_{0.90}` above, where that is positive; a short position
    mirrors both (:math:`q_{0.95}`, :math:`-q_{0.10}`). In ``atr`` mode the stop is
    :math:`k \cdot ATR / price` within the same bounds. Otherwise the fixed distances hold.

    Parameters
    ----------
    settings : SignalSettings
        Mode, bounds and fixed distances.
    short : bool
        Whether the position is short.
    quantiles : mapping of float to float
        Of the expected return at 0.05, 0.10, 0.90 and 0.95; empty where there are none.
    relative_range : float
        Average true range over the price; NaN where unknown.

    Returns
    -------
    Protection
        Both distances above 0; below 1 for whatever lies under the price.
    """
    stop, target, basis = settings.stop_loss_pct, settings.take_profit_pct, "fixed"
    if settings.stop_mode != "fixed" and quantiles:
        gain = -quantiles[0.10] if short else quantiles[0.90]
        if gain > LEAST_GAIN:
            # The target of a short position lies under the price and cannot reach 0.
            target = min(gain, 0.99) if short else gain
    if settings.stop_mode == "distribution" and quantiles:
        loss = quantiles[0.95] if short else -quantiles[0.05]
        stop, basis = _clip(loss, settings), "distribution"
    elif settings.stop_mode == "atr" and relative_range > 0:
        stop, basis = _clip(settings.atr_multiple * relative_range, settings), "atr"
    return Protection(stop, target, basis)


def _clip(distance: float, settings: SignalSettings) -> float:
    return min(settings.max_stop, max(settings.min_stop, distance))

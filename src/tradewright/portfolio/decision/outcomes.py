"""What became of signals: returns after some sessions, by model, regime and confidence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import ConfigError, DataError, nearest
from tradewright.domain.signals import Action, Signal

SESSIONS: Final = (1, 5, 20)
GROUPS: Final = ("model", "regime", "confidence", "action")
_BANDS: Final = ((0.0, 0.6), (0.6, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 1.0))


@dataclass(frozen=True, slots=True)
class SignalOutcome:
    """A signal and the returns that followed it.

    Parameters
    ----------
    signal : Signal
        What was decided.
    returns : mapping of int to float
        Simple return of the price after so many sessions, in the direction of the signal (that of
        the price itself for HOLD); NaN where it is not known yet.
    """

    signal: Signal
    returns: Mapping[int, float]


def outcomes_of(
    signals: Sequence[Signal],
    ts: NDArray[np.int64],
    closes: Mapping[str, NDArray[np.float64]],
    *,
    sessions: Sequence[int] = SESSIONS,
) -> tuple[SignalOutcome, ...]:
    """Return what followed each signal, as far as it is known.

    Parameters
    ----------
    signals : sequence of Signal
        In any order.
    ts : ndarray of shape (n,), int64
        Closes of the sessions known so far, UTC nanoseconds.
    closes : mapping of str to ndarray of shape (n,)
        Prices by symbol.
    sessions : sequence of int
        Horizons in sessions, from the last session at or before the signal.

    Returns
    -------
    tuple of SignalOutcome
        In the order given.

    Raises
    ------
    DataError
        If an array has not the length of `ts`.

    Notes
    -----
    Timing: an outcome is NaN until the session that ends its horizon has closed.
    """
    found = []
    for signal in signals:
        price = closes.get(signal.symbol)
        if price is not None and len(price) != len(ts):
            raise DataError(
                f"signal outcomes: {len(price)} closes of {signal.symbol} beside {len(ts)} times"
            )
        at = int(np.searchsorted(ts, signal.ts_known, side="right")) - 1
        side = -1.0 if signal.action is Action.SELL else 1.0
        returns = {}
        for ahead in sessions:
            known = price is not None and at >= 0 and at + ahead < len(ts)
            returns[ahead] = (
                side * (float(price[at + ahead]) / float(price[at]) - 1.0)
                if known and price is not None
                else math.nan
            )
        found.append(SignalOutcome(signal, returns))
    return tuple(found)


def performance_of(
    outcomes: Sequence[SignalOutcome], *, by: str = "model"
) -> tuple[dict[str, Any], ...]:
    """Return how groups of signals did.

    Parameters
    ----------
    outcomes : sequence of SignalOutcome
        See `outcomes_of`; HOLD counts only in the group of its action.
    by : str
        ``model``, ``regime``, ``confidence`` (bands 0-0.6, then tenths) or ``action``.

    Returns
    -------
    tuple of dict
        ``group``, ``sessions``, ``count`` (known outcomes), ``hit_rate`` (share of positive ones)
        with its 95 % Wilson interval ``low`` and ``high``, ``mean_return``; sorted by group.

    Raises
    ------
    ConfigError
        If the grouping is not known.
    """
    if by not in GROUPS:
        raise ConfigError(f"signal performance: by is {by!r}; {nearest(by, GROUPS)}")
    gathered: dict[tuple[str, int], list[float]] = {}
    for outcome in outcomes:
        if outcome.signal.action is Action.HOLD and by != "action":
            continue
        for ahead, value in outcome.returns.items():
            cell = gathered.setdefault((_group(outcome.signal, by), ahead), [])
            if math.isfinite(value):
                cell.append(value)
    rows = []
    for (group, ahead), values in sorted(gathered.items()):
        hits = sum(1 for value in values if value > 0)
        low, high = wilson_interval(hits, len(values))
        rows.append(
            {
                "group": group,
                "sessions": ahead,
                "count": len(values),
                "hit_rate": hits / len(values) if values else math.nan,
                "low": low,
                "high": high,
                "mean_return": math.fsum(values) / len(values) if values else math.nan,
            }
        )
    return tuple(rows)


def wilson_interval(hits: int, count: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """Return the Wilson score interval of a share; (0, 1) without observations.

    References
    ----------
    .. [1] Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", Journal
       of the American Statistical Association 22, 1927.

    Examples
    --------
    >>> low, high = wilson_interval(8, 10)
    >>> round(low, 4), round(high, 4)
    (0.4902, 0.9433)
    """
    if not count:
        return 0.0, 1.0
    share, square = hits / count, z * z / count
    middle = (share + square / 2) / (1 + square)
    half = z * math.sqrt(share * (1 - share) / count + square / (4 * count)) / (1 + square)
    return max(0.0, middle - half), min(1.0, middle + half)


def _group(signal: Signal, by: str) -> str:
    if by == "model":
        return signal.model_version
    if by == "regime":
        return signal.regime
    if by == "action":
        return signal.action.name
    low, high = next(band for band in reversed(_BANDS) if signal.confidence >= band[0])
    return f"{low:.1f}-{high:.1f}"

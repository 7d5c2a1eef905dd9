"""Let a scenario happen to a panel of bars: same instruments, same days, other prices."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError
from tradewright.risk.scenarios.catalogue import StressTestScenario

FloatArray = NDArray[np.float64]

LOOKBACK: Final = 252
"""Sessions before the shock from which beta, volatility and correlation are taken."""
AFTERMATH: Final = 21
"""Sessions watched after a shock at least."""
_FEWEST: Final = 60
_OWN_MOMENTS: Final = 20
_HIGHEST_CORRELATION: Final = 0.95


@dataclass(frozen=True, slots=True)
class Onset:
    """Where a scenario starts, and how far the data let it go.

    Parameters
    ----------
    row : int
        First row of the shock.
    shock_end, recovery_end : int
        Rows after the last of the shock and of the recovery.
    is_cut : bool
        The data end before the shock and the recovery do.
    """

    row: int
    shock_end: int
    recovery_end: int
    is_cut: bool


def onsets(n_bars: int, scenario: StressTestScenario, *, count: int = 5) -> tuple[Onset, ...]:
    """Return evenly spaced starts that leave room to look back and, if possible, for all of it.

    Parameters
    ----------
    n_bars : int
        Rows of the panel.
    scenario : StressTestScenario
        Gives the lengths.
    count : int
        Starts wanted; fewer where the data leave no room for as many different ones.

    Returns
    -------
    tuple of Onset
        In order.

    Raises
    ------
    ConfigError
        If there are fewer than 62 rows.
    """
    if n_bars < _FEWEST + 2:
        raise ConfigError(f"stress needs at least {_FEWEST + 2} sessions, found {n_bars}")
    length = scenario.shock_duration_days + scenario.recovery_duration_days
    seen = scenario.shock_duration_days + max(scenario.recovery_duration_days, AFTERMATH)
    first = min(LOOKBACK, max(_FEWEST, n_bars // 4)) + 1
    last = max(n_bars - seen, first)
    rows = sorted({round(row) for row in np.linspace(first, min(last, n_bars - 1), count)})
    return tuple(
        Onset(
            row=row,
            shock_end=min(row + scenario.shock_duration_days, n_bars),
            recovery_end=min(row + length, n_bars),
            is_cut=row + length > n_bars,
        )
        for row in rows
    )


def shocked_bars(bars: Bars, scenario: StressTestScenario, onset: Onset) -> Bars:
    r"""Return the panel as it would be, had the scenario started at a row.

    Parameters
    ----------
    bars : Bars
        Real bars.
    scenario : StressTestScenario
        What happens.
    onset : Onset
        From `onsets`.

    Returns
    -------
    Bars
        Rows before the onset are as they were; source ``stress:NAME``, a version of its own, and
        a note. Missing bars stay missing; volume is as it was.

    Notes
    -----
    With beta :math:`\beta_i` to the equal-weight market and volatility :math:`\sigma_i` of the
    252 sessions before, standardised log returns :math:`z`, their standardised cross-section mean
    :math:`c` and standardised residuals :math:`e_i`:

    .. math:: z'_i = \sqrt{\rho^*}\, c + \sqrt{1 - \rho^*}\, e_i,
              \quad \rho^* = \min(0.95, \bar\rho + \text{increase})

    and the log return in the shock is :math:`\beta_i \ln(1 + shock) / days + m \sigma_i z'_i`.
    In the recovery the drift has the opposite sign over its own length, and both the multiplier
    and the correlation fade linearly to what they were. Each stretch of 20 sessions or more is
    standardised by its own moments, a shorter one by those of the sessions before. Open, high and
    low keep their log distance to the close times the multiplier. An intraday fall leaves the
    closes' drift alone and lengthens the lows.
    """
    moves = _log_returns(bars.close)
    before = moves[max(onset.row - LOOKBACK, 1) : onset.row]
    market = before.mean(axis=1)
    beta = _betas(before, market)
    sigma = before.std(axis=0, ddof=1)
    usual = _mean_correlation(before)
    fall = np.log1p(scenario.market_shock_magnitude)
    drift = 0.0 if scenario.intraday else fall / scenario.shock_duration_days
    multiplier = np.ones(bars.n_bars)
    changed = moves.copy()
    stretches = (
        (onset.row, onset.shock_end, drift, scenario.shock_duration_days, False),
        (
            onset.shock_end,
            onset.recovery_end,
            0.0 if scenario.intraday else -fall / max(scenario.recovery_duration_days, 1),
            scenario.recovery_duration_days,
            True,
        ),
    )
    for first, end, pull, length, fades in stretches:
        if end <= first:
            continue
        left = 1.0 - (np.arange(end - first) + 1.0) / length if fades else np.ones(end - first)
        multiplier[first:end] = 1.0 + (scenario.volatility_multiplier - 1.0) * left
        herding = np.clip(usual + scenario.correlation_increase * left, 0.0, _HIGHEST_CORRELATION)
        noise = _correlated(moves[first:end], before, herding)
        changed[first:end] = beta * pull + multiplier[first:end, None] * sigma * noise
    close = _closes(bars.close, changed, onset.row)
    open_, high, low = (
        _kept(bars.close, price, close, multiplier, onset.row)
        for price in (bars.open, bars.high, bars.low)
    )
    if scenario.intraday:
        span = slice(onset.row, onset.shock_end)
        depth = np.exp(np.maximum(beta, 0.0) * fall)
        low[span] = np.minimum(low[span], np.minimum(open_[span], close[span]) * depth)
    marks = f"{bars.data_version}|{scenario!r}|{onset!r}"
    return replace(
        bars,
        open=open_,
        high=high,
        low=low,
        close=close,
        source=f"stress:{scenario.name}",
        data_version=hashlib.sha256(marks.encode()).hexdigest()[:32],
        notes=(
            *bars.notes,
            f"stress: {scenario.description} ({scenario.name}) from bar {onset.row} of "
            f"{bars.n_bars}",
        ),
    )


def _log_returns(close: FloatArray) -> FloatArray:
    # Shape (n_bars, n_instruments); 0 where a bar or the one before is missing, and in row 0.
    filled = _carried(close)
    moves = np.zeros_like(filled)
    moves[1:] = np.nan_to_num(np.diff(np.log(filled), axis=0))
    return moves


def _carried(close: FloatArray) -> FloatArray:
    # The last known close where one is missing.
    rows = np.where(np.isnan(close), 0, np.arange(len(close))[:, None])
    filled: FloatArray = np.take_along_axis(close, np.maximum.accumulate(rows, axis=0), axis=0)
    return filled


def _betas(moves: FloatArray, market: FloatArray) -> FloatArray:
    spread = market - market.mean()
    size = float(spread @ spread)
    if size == 0.0:
        return np.ones(moves.shape[1])
    found: FloatArray = (moves - moves.mean(axis=0)).T @ spread / size
    return found


def _mean_correlation(moves: FloatArray) -> float:
    n = moves.shape[1]
    if n < 2:
        return 0.0
    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        table = np.atleast_2d(np.corrcoef(moves, rowvar=False))
    pairs = table[np.triu_indices(n, 1)]
    return float(np.nan_to_num(pairs).mean())


def _standardised(values: FloatArray, reference: FloatArray) -> FloatArray:
    # By its own moments where it is long enough to have some.
    moments = values if len(values) >= _OWN_MOMENTS else reference
    size = moments.std(axis=0, ddof=1)
    scaled: FloatArray = (values - moments.mean(axis=0)) / np.where(size > 0.0, size, 1.0)
    return scaled


def _correlated(moves: FloatArray, before: FloatArray, herding: FloatArray) -> FloatArray:
    # Standard noise (rows, instruments) of a mean correlation of `herding` (rows).
    z, z_before = _standardised(moves, before), _standardised(before, before)
    if moves.shape[1] < 2:
        return z
    common = _standardised(z.mean(axis=1), z_before.mean(axis=1))
    common_before = _standardised(z_before.mean(axis=1), z_before.mean(axis=1))
    loading = (z_before * common_before[:, None]).mean(axis=0)
    if len(moves) >= _OWN_MOMENTS:
        loading = (z * common[:, None]).mean(axis=0)
    own = _standardised(z - common[:, None] * loading, z_before - common_before[:, None] * loading)
    share = herding[:, None]
    mixed: FloatArray = np.sqrt(share) * common[:, None] + np.sqrt(1.0 - share) * own
    return mixed


def _closes(close: FloatArray, moves: FloatArray, row: int) -> FloatArray:
    # The path from the close before `row`; an instrument listed later is left as it really was.
    last = _carried(close[:row])[-1]
    path = np.exp(np.cumsum(moves[row:], axis=0)) * last
    changed = close.copy()
    changed[row:] = np.where(np.isnan(last), close[row:], path)
    changed[row:][np.isnan(close[row:])] = np.nan
    return changed


def _kept(
    old_close: FloatArray, price: FloatArray, close: FloatArray, multiplier: FloatArray, row: int
) -> FloatArray:
    # The price at its old log distance from the close, stretched.
    moved = price.copy()
    distance = np.log(price[row:] / old_close[row:])
    moved[row:] = close[row:] * np.exp(distance * multiplier[row:, None])
    return moved

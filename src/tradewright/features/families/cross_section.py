"""Comparison of the instruments with one another at one time."""

# The first line of a docstring is the description in the catalogue.
# ruff: noqa: D401

from __future__ import annotations

import numpy as np

from tradewright.features import rolling
from tradewright.features.own_bars import OwnBars
from tradewright.features.registry import INNER, About, feature
from tradewright.features.specs import Panel

_RULE = "instruments without a value at the time are left out; fewer than 2 give NaN"


def _about(name: str, formula: str, *, unit: str, role: str = "stationary") -> About:
    return About(
        name=name,
        family="transform",
        formula=formula,
        inputs=(),
        series=("x",),
        unit=unit,
        role=role,
        scope="cross",
        nan_rule=_RULE,
    )


@feature(_about("cs_rank", "share of the other instruments below, ties half", unit="share"))
def cs_rank(bars: OwnBars, x: Panel) -> Panel:
    """Rank among the instruments at the same time, 0 to 1."""
    return bars.gather(rank_rows(bars.spread(x)))


@feature(_about("cs_zscore", "(x - mean of all) / sample sd of all; 0 if all are equal", unit="sd"))
def cs_zscore(bars: OwnBars, x: Panel) -> Panel:
    """Distance from the mean of the instruments at the same time, in standard deviations."""
    panel = bars.spread(x)
    off, count = _off_mean(panel)
    total = np.nansum(off * off, axis=1, keepdims=True)
    sd = np.where(count > 1, np.sqrt(total / np.maximum(count - 1, 1)), np.nan)
    return bars.gather(rolling.ratio(off, np.broadcast_to(sd, off.shape), at_zero=0.0))


@feature(_about("cs_demean", "x - mean of all", unit=INNER, role=INNER))
def cs_demean(bars: OwnBars, x: Panel) -> Panel:
    """Distance from the mean of the instruments at the same time."""
    off, count = _off_mean(bars.spread(x))
    return bars.gather(np.where(count > 1, off, np.nan))


@feature(_about("cs_mean", "mean of all instruments", unit=INNER, role=INNER))
def cs_mean(bars: OwnBars, x: Panel) -> Panel:
    """Mean of the instruments at the same time: the market's own value."""
    panel = bars.spread(x)
    off, count = _off_mean(panel)
    return bars.gather(np.where(count > 1, panel - off, np.nan))


@feature(_about("cs_dispersion", "sample sd of all instruments", unit=INNER, role=INNER))
def cs_dispersion(bars: OwnBars, x: Panel) -> Panel:
    """Standard deviation of the instruments at the same time."""
    panel = bars.spread(x)
    off, count = _off_mean(panel)
    total = np.nansum(off * off, axis=1, keepdims=True)
    sd = np.where(count > 1, np.sqrt(total / np.maximum(count - 1, 1)), np.nan)
    return bars.gather(np.where(np.isnan(panel), np.nan, sd))


def _off_mean(panel: Panel) -> tuple[Panel, Panel]:
    known = ~np.isnan(panel)
    count = known.sum(axis=1, keepdims=True).astype(np.float64)
    mean = np.nansum(panel, axis=1, keepdims=True) / np.maximum(count, 1.0)
    return panel - mean, count


def rank_rows(panel: Panel) -> Panel:
    """Return the rank of every value within its row, 0 to 1, ties half.

    Parameters
    ----------
    panel : ndarray of shape (n_rows, n_columns)
        Values; NaN is left out.

    Returns
    -------
    ndarray
        Same shape; NaN where a row has fewer than 2 values.
    """
    rows, columns = panel.shape
    order = np.argsort(panel, axis=1, kind="stable")  # NaN last
    ordered = np.take_along_axis(panel, order, axis=1)
    place = np.broadcast_to(np.arange(columns), (rows, columns))
    starts = np.ones((rows, columns), dtype=np.bool_)
    starts[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    lowest = np.maximum.accumulate(np.where(starts, place, 0), axis=1)
    ends = np.ones((rows, columns), dtype=np.bool_)
    ends[:, :-1] = starts[:, 1:]
    flipped = np.where(ends, place, columns)[:, ::-1]
    highest = np.minimum.accumulate(flipped, axis=1)[:, ::-1]
    count = (~np.isnan(panel)).sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (lowest + highest) / 2.0 / (count - 1)
    share = np.where(np.isnan(ordered) | (count < 2), np.nan, share)
    out = np.empty(panel.shape)
    np.put_along_axis(out, order, share, axis=1)
    return out

"""Forecasts of a history that turned out otherwise from one row on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tradewright.domain.errors import ConfigError
from tradewright.domain.forecasts import ForecastPanel
from tradewright.training.labels import Labels
from tradewright.training.splits import newest_window
from tradewright.training.walk_forward import (
    FitSettings,
    Fold,
    Job,
    Table,
    WalkForwardResult,
    as_fold,
)
from tradewright.training.window_forecasts import window_forecasts


def forecasts_otherwise(
    table: Table,
    labels: Labels,
    result: WalkForwardResult,
    *,
    settings: FitSettings,
    embargo: int,
    rows: tuple[int, int],
    refit: bool,
) -> ForecastPanel:
    """Forecast rows of another history that is the known one before them.

    Parameters
    ----------
    table : Table
        Features of the other history, (n_bars, n_instruments, n_features).
    labels : Labels
        Its labels; where nothing is fitted anew, those of the known history do.
    result : WalkForwardResult
        What was fitted on the known history.
    settings : FitSettings
        As fitted.
    embargo : int
        As fitted, in sessions.
    rows : tuple of int
        Row from which the history is another, and the row after the last forecast.
    refit : bool
        False keeps the model in force at the first row to the end: nothing is learned from the
        other history, nor from what came to be known later in the known one. True fits each window
        that begins after the first row anew on the other history.

    Returns
    -------
    ForecastPanel
        One row a bar: the known forecasts before `rows`, NaN after them.

    Raises
    ------
    ConfigError
        If no window tests the first row.
    """
    first, last = rows
    windows = tuple(fold.window for fold in result.folds)
    owner = newest_window(windows, len(labels.ts))[first:last]
    if not len(owner) or owner[0] < 0:
        raise ConfigError(f"row {first} is in no test window, so no model is in force there")
    folds = {fold.window.index: fold for fold in result.folds}
    in_force = int(owner[0])
    if not refit:
        owner = np.full_like(owner, in_force)
    panel = _known_before(result.forecasts, first)
    for index in np.unique(owner[owner >= 0]).tolist():
        fold = folds[index]
        if index != in_force:
            fold = _fitted_anew(Job(table, labels, settings), fold, embargo)
        found = window_forecasts(
            table, labels, fold, settings=settings, embargo=embargo, rows=(first, last)
        )
        panel = _with_rows(panel, found, first + np.flatnonzero(owner == index))
    return panel


def _fitted_anew(job: Job, fold: Fold, embargo: int) -> Fold:
    return as_fold(job.fit(fold.window, embargo, 0), fold.window)


def _known_before(panel: ForecastPanel, row: int) -> ForecastPanel:
    def cut(values: np.ndarray | None) -> np.ndarray | None:
        if values is None:
            return None
        kept = values.copy()
        kept[row:] = np.nan
        return kept

    mean = cut(panel.mean)
    assert mean is not None
    return replace(panel, mean=mean, sd=cut(panel.sd), probability_up=cut(panel.probability_up))


def _with_rows(panel: ForecastPanel, found: ForecastPanel, rows: np.ndarray) -> ForecastPanel:
    for name in ("mean", "sd", "probability_up"):
        into, given = getattr(panel, name), getattr(found, name)
        if into is not None and given is not None:
            into[rows] = given[rows]
    return panel

"""What the model of one window says about its own rows, trained on or tested."""

from __future__ import annotations

import numpy as np

from tradewright.domain.errors import ConfigError
from tradewright.domain.forecasts import ForecastPanel
from tradewright.forecasts import Rows
from tradewright.training.labels import Labels
from tradewright.training.walk_forward import FitSettings, Fold, Job, Table, as_returns


def window_forecasts(
    table: Table,
    labels: Labels,
    fold: Fold,
    *,
    settings: FitSettings,
    embargo: int,
    rows: tuple[int, int],
) -> ForecastPanel:
    """Forecast some rows with the model of one window.

    Over the training rows that is the model's memory of what it learned from: only the measure
    that its forecasts out of sample are compared with.

    Parameters
    ----------
    table : Table
        The features it was fitted with.
    labels : Labels
        The labels it was fitted with.
    fold : Fold
        The window and its model.
    settings : FitSettings
        As fitted.
    embargo : int
        As fitted, in sessions.
    rows : tuple of int
        Rows to forecast, half-open.

    Returns
    -------
    ForecastPanel
        One row a bar; NaN outside `rows`, and where a feature is missing.

    Raises
    ------
    ConfigError
        If the rows are not among the bars.
    """
    first, last = rows
    if not 0 <= first < last <= len(labels.ts):
        raise ConfigError(f"rows {first} to {last} are not among {len(labels.ts)} bars")
    job = Job(table, labels, settings)
    _, _, value, classes = job.training_cells(fold.window, embargo, 0)
    kept = [job.names.index(name) for name in fold.features]
    given = job.values[first:last][:, :, kept].reshape(-1, len(kept))
    prediction = fold.model.predict(Rows(fold.features, given))
    mean, sd, up = as_returns(prediction, value, classes)
    shape = labels.value.shape

    def placed(found: np.ndarray | None) -> np.ndarray | None:
        if found is None:
            return None
        panel = np.full(shape, np.nan)
        panel[first:last] = found.reshape(last - first, shape[1])
        return panel

    whole = placed(mean)
    assert whole is not None
    return ForecastPanel(
        symbols=labels.symbols,
        ts_known=labels.ts,
        mean=whole,
        horizon_bars=labels.horizon_bars,
        model=settings.model,
        sd=placed(sd),
        probability_up=placed(up),
    )

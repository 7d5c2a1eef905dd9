"""Features, leak guard and walk-forward fit of a study."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError
from tradewright.features import FeatureTable, compute, parse_features
from tradewright.services.results.extras import Guard
from tradewright.services.study.stages import Progress
from tradewright.services.study_page import StudyPage

if TYPE_CHECKING:
    from tradewright.training import FitSettings, WalkForwardResult
    from tradewright.training.kept_fits import FitFolder

MAX_WORKERS: Final = 8
_SIZES: Final[dict[str, dict[str, Any]]] = {
    "random_forest": {"n_trees": 500},
    "gradient_boosting": {"rounds": 200},
    "lightgbm": {"rounds": 200},
    "xgboost": {"rounds": 200},
    "ensemble": {"rounds": 700},
}
_SECONDS_PER_CELL: Final = {
    "random_forest": 9e-8,
    "gradient_boosting": 9e-9,
    "lightgbm": 1e-8,
    "xgboost": 9e-9,
    "ensemble": 5e-8,
}
"""Seconds per training cell and round, measured on one core of 2024."""


@dataclass(frozen=True, slots=True)
class WarmUp:
    """What is left of the history once the features are known.

    Parameters
    ----------
    first_row : int
        First row with all features of some instrument.
    windows : int
        Walk-forward windows that fit after it.
    """

    first_row: int
    windows: int


def build_features(page: StudyPage, bars: Bars) -> FeatureTable:
    """Compute the features of a study on the bars of its universe."""
    return compute(parse_features(list(page.features)), bars)


def warm_up(page: StudyPage, bars: Bars, table: FeatureTable) -> WarmUp:
    """Return what the warm-up leaves, and check that a window fits into it.

    Raises
    ------
    ConfigError
        If no bar has all features, or the windows do not fit.
    """
    known = np.asarray(np.isfinite(table.values).all(axis=2))
    complete = known.any(axis=1)
    if not complete.any():
        missing = [
            name
            for name, panel in zip(table.names, table.panels, strict=True)
            if not np.isfinite(panel).any()
        ]
        longest = max(zip(table.min_rows, table.names, strict=True))
        raise ConfigError(
            f"features: no bar has all of them; {bars.n_bars} bars are given, "
            + (
                f"{', '.join(missing[:5])} have no value"
                if missing
                else f"{longest[1]} needs {longest[0]}"
            )
        )
    first = int(np.argmax(complete))
    try:
        windows = page.validation.windows().windows(bars.n_bars - first)
    except ConfigError as error:
        raise ConfigError(f"{error} (after {first} bars of warm-up)") from error
    return WarmUp(first, len(windows))


def leak_guard(
    page: StudyPage,
    bars: Bars,
    *,
    table: FeatureTable | None = None,
    quick: bool = False,
    progress: Progress | None = None,
) -> Guard:
    """Check features and labels at every decision date.

    Parameters
    ----------
    page : StudyPage
        The study.
    bars : Bars
        Of its universe.
    table : FeatureTable, optional
        The features, when they are computed already.
    quick : bool
        Sample dates instead; no result may rest on it.
    progress : callable, optional
        ``progress(fraction, message)``.

    Returns
    -------
    Guard
        With the reports of both checks as findings.
    """
    from tradewright.services.leaks import leak_check
    from tradewright.training.labelling import build_labels
    from tradewright.training.leak_guard import check_labels

    report = leak_check(list(page.features), bars, quick=quick, progress=progress)
    if not report.ok:
        return Guard(False, str(report), (_flat(report.to_dict()),))
    settings = page.labels.settings()

    def label(given: Bars) -> tuple[Any, Any]:
        labels = build_labels(given, settings)
        return labels.value, labels.end_row

    known = build_features(page, bars) if table is None else table
    labels = check_labels(label, bars, features=known, quick=quick)
    text = str(report) if labels.ok else str(labels)
    return Guard(labels.ok, text, (_flat(report.to_dict()), _flat(labels.to_dict())))


def fit_study(
    page: StudyPage,
    bars: Bars,
    table: FeatureTable,
    *,
    workers: int | None = None,
    with_controls: bool = True,
    progress: Progress | None = None,
    keeper: FitFolder | None = None,
) -> WalkForwardResult:
    """Walk forward over the history of a study, with its shuffled-label controls.

    Parameters
    ----------
    page : StudyPage
        The study.
    bars : Bars
        Of its universe.
    table : FeatureTable
        Its features.
    workers : int, optional
        Fits side by side; the processor's cores unless given.
    with_controls : bool
        Whether to fit on shuffled labels as well.
    progress : callable, optional
        ``progress(fraction, message)``.
    keeper : FitFolder, optional
        Where finished fits are kept.

    Returns
    -------
    WalkForwardResult
        Forecasts made out of sample only.
    """
    from tradewright.training import fit_predict
    from tradewright.training.labelling import build_labels

    settings = fit_settings(page, workers=workers)
    return fit_predict(
        table,
        build_labels(bars, page.labels.settings()),
        settings=settings if with_controls else replace(settings, controls=0),
        scheme=page.validation.windows(),
        progress=progress,
        keeper=keeper,
    )


def fit_settings(page: StudyPage, *, workers: int | None = None) -> FitSettings:
    """Return what a study fits, and how it is controlled."""
    from tradewright.training import FitSettings

    return FitSettings(
        model=page.model.type,
        parameters=page.model.params,
        keep_features=page.model.keep_features,
        controls=page.validation.controls,
        seed=page.seed,
        workers=workers or default_workers(),
    )


def estimate(page: StudyPage, table: FeatureTable, fits: int) -> tuple[float, float]:
    """Return rough seconds of all fits and megabytes at the peak, from sizes measured once."""
    rows = page.validation.training_days * len(table.symbols)
    cells = rows * max(1, len(table.names))
    settings = {**_SIZES.get(page.model.type, {}), **page.model.params}
    size = float(settings.get("rounds", settings.get("n_trees", 1)) or 1)
    each = 0.02 + cells * size * _SECONDS_PER_CELL.get(page.model.type, 3e-8)
    memory = 250.0 + 4 * table.values.nbytes / 1e6 + 3 * cells * 8 * default_workers() / 1e6
    return each * fits / default_workers(), memory


def default_workers() -> int:
    """Return the cores this process may use, at most 8."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(cores or 1, MAX_WORKERS))


def _flat(report: dict[str, Any]) -> dict[str, Any]:
    # Tables of a report hold text and numbers only.
    return {k: ", ".join(map(str, v)) if isinstance(v, list) else v for k, v in report.items()}

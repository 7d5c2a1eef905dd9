"""Walk-forward: fit inside each training window only, forecast its test window, stitch."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.random import default_rng
from numpy.typing import NDArray
from scipy.stats import rankdata

from tradewright.domain.errors import ConfigError, ModelError
from tradewright.domain.forecasts import ForecastPanel
from tradewright.forecasts import Model, Prediction, Rows, create_model, model_class
from tradewright.training.controls import control_p_value, shuffled_cells
from tradewright.training.fits import Fit, FitKeeper
from tradewright.training.labels import Labels
from tradewright.training.scores import forecast_scores
from tradewright.training.splits import WalkForward, Window, newest_window, purge

FloatArray = NDArray[np.float64]
Progress = Callable[[float, str], None]
REGRESSION, CLASSIFICATION = "regression", "classification"


class Table(Protocol):
    """What is needed of a table of features (see `features.FeatureTable`)."""

    @property
    def names(self) -> tuple[str, ...]:
        """Columns."""
        ...

    @property
    def values(self) -> FloatArray:
        """Array of shape (n_bars, n_instruments, n_features)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FitSettings:
    """What is fitted, and how it is controlled.

    Parameters
    ----------
    model : str
        Model type.
    parameters : mapping
        Its parameters.
    keep_features : int or None
        Features kept in each fold, by absolute rank correlation with the training labels; None
        keeps all.
    controls : int
        Fits on shuffled labels, K >= 0.
    seed : int
        Of models and controls.
    workers : int
        Folds and controls fitted side by side.
    """

    model: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    keep_features: int | None = None
    controls: int = 0
    seed: int = 0
    workers: int = 1

    def __post_init__(self) -> None:
        if self.keep_features is not None and self.keep_features < 1:
            raise ConfigError(f"model.keep_features is {self.keep_features}, wanted at least 1")
        if not 0 <= self.controls <= 1000:
            raise ConfigError(f"validation.controls is {self.controls}, wanted 0 to 1000")
        if self.workers < 1:
            raise ConfigError(f"workers is {self.workers}, wanted at least 1")


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """One window: where it lies, what was learned, how it scored out of sample.

    Parameters
    ----------
    window : Window
        Rows of training and test.
    train_last_row : int
        Last training row that was used, after purging.
    n_train, n_test : int
        Decisions fitted on and forecast.
    features : tuple of str
        Features used.
    scores : mapping of str to float
        See `scores.forecast_scores`, with ``accuracy``, ``accuracy_majority``.
    model : Model
        As fitted.
    seconds : float
        Time of the fit.
    """

    window: Window
    train_last_row: int
    n_train: int
    n_test: int
    features: tuple[str, ...]
    scores: Mapping[str, float]
    model: Model
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class WalkForwardResult:
    """Forecasts made out of sample only, with scores and controls.

    Parameters
    ----------
    forecasts : ForecastPanel
        One row a bar; NaN outside the test windows. A day shared by windows is forecast by the
        newest.
    folds : tuple of Fold
        In order of time.
    scores : mapping of str to float
        Over all out-of-sample decisions.
    controls : mapping of str to float
        ``majority_accuracy``, ``zero_mse``, ``shuffled_ic_mean``, ``shuffled_ic_max``,
        ``shuffled_p`` (share of shuffled fits with at least the real coefficient), ``k``.
    shuffled : tuple of ForecastPanel
        Forecasts of the K control fits.
    """

    forecasts: ForecastPanel
    folds: tuple[Fold, ...]
    scores: Mapping[str, float]
    controls: Mapping[str, float]
    shuffled: tuple[ForecastPanel, ...]


def fit_predict(
    table: Table,
    labels: Labels,
    *,
    settings: FitSettings,
    scheme: WalkForward,
    first_row: int | None = None,
    progress: Progress | None = None,
    keeper: FitKeeper | None = None,
) -> WalkForwardResult:
    """Fit and forecast window by window, with shuffled-label controls beside.

    Parameters
    ----------
    table : Table
        Causal features, (n_bars, n_instruments, n_features).
    labels : Labels
        What happened next, for the same bars.
    settings : FitSettings
        Model, selection, controls, seed, workers.
    scheme : WalkForward
        Windows, in bars.
    first_row : int, optional
        First row whose features have settled; the first complete row when left out.
    progress : callable, optional
        ``progress(fraction, message)``; raising `CancelledError` stops the work.
    keeper : FitKeeper, optional
        Fits that it holds are not made again; those that are made are given to it.

    Returns
    -------
    WalkForwardResult
        Nothing in it was seen by the model that forecast it.

    Raises
    ------
    ConfigError
        If not one window fits.
    ModelError
        If a fold has too little to learn from, naming it and its dates.

    Notes
    -----
    Timing: selection, standardisation and fit use training rows whose labels ended before the
    test window (and its embargo); test features are those known at each test bar's close.
    Missing data: a decision without all its features, or without label, is not learned from; one
    without all its features gets no forecast.
    """
    job = Job(table, labels, settings)
    start = job.first_complete_row() if first_row is None else first_row
    windows = tuple(
        _moved(window, start) for window in scheme.windows(max(0, len(labels.ts) - start))
    )
    tasks = [(w, k) for w in windows for k in range(settings.controls + 1)]
    done: dict[tuple[int, int], Fit] = {}

    def fit(window: Window, control: int) -> Fit:
        known = None if keeper is None else keeper.load(window.index, control)
        if known is not None:
            return known
        made = job.fit(window, scheme.embargo, control)
        if keeper is not None:
            keeper.keep(window.index, control, made)
        return made

    with ThreadPoolExecutor(max_workers=settings.workers) as pool:
        futures = {pool.submit(fit, w, k): (w.index, k) for w, k in tasks}
        try:
            for future in as_completed(futures):
                done[futures[future]] = future.result()
                if progress is not None:
                    progress(len(done) / len(tasks), f"{len(done)} of {len(tasks)} fits")
        except BaseException:
            _cancel(futures)
            raise
    owner = newest_window(windows, len(labels.ts))
    panels = [
        job.stitch([done[w.index, k] for w in windows], owner, k)
        for k in range(settings.controls + 1)
    ]
    folds = tuple(as_fold(done[w.index, 0], w) for w in windows)
    scores, controls = _summary(job, panels, folds)
    return WalkForwardResult(panels[0], folds, scores, controls, tuple(panels[1:]))


def as_fold(fit: Fit, window: Window) -> Fold:
    """Return what a fit of a window (no control) learned and how it scored."""
    assert fit.model is not None
    return Fold(
        window=window,
        train_last_row=fit.train_last_row,
        n_train=fit.n_train,
        n_test=int(np.isfinite(fit.mean).sum()),
        features=fit.features,
        scores=fit.scores,
        model=fit.model,
        seconds=fit.seconds,
    )


class Job:
    """The data of one walk-forward and the fit of one of its windows."""

    def __init__(self, table: Table, labels: Labels, settings: FitSettings) -> None:
        self.names = tuple(table.names)
        self.values = np.asarray(table.values, dtype=np.float64)
        wanted = (*labels.value.shape, len(self.names))
        if self.values.shape != wanted:
            raise ModelError(f"features have shape {self.values.shape}, wanted {wanted}")
        self.labels, self.settings = labels, settings
        self.complete: NDArray[np.bool_] = np.asarray(np.isfinite(self.values).all(axis=2))
        self.known = labels.is_known
        self.task = REGRESSION if labels.classes is None else CLASSIFICATION
        rows = np.arange(len(labels.ts))[:, None]
        self.reach = int((labels.end_row - rows).max(initial=0))
        tasks = model_class(settings.model).tasks
        if self.task not in tasks:
            raise ConfigError(
                f"model.type {settings.model} does {' and '.join(tasks)}, "
                f"but labels.kind {labels.kind} needs {self.task}"
            )

    def first_complete_row(self) -> int:
        """Return the first row at which some instrument has all features."""
        rows = np.flatnonzero(self.complete.any(axis=1))
        if not len(rows):
            raise ModelError(
                "no bar has all features: the history is shorter than their warm-up, "
                f"or one of them is never known ({', '.join(self.names)})"
            )
        return int(rows[0])

    def fit(self, window: Window, embargo: int, control: int) -> Fit:
        """Fit one window (control 0 is the real fit) and forecast its test rows."""
        started = time.perf_counter()
        rows, columns, value, classes = self.training_cells(window, embargo, control)
        x = self.values[rows, columns]
        kept = self.kept_features(x, value)
        names = tuple(self.names[i] for i in kept)
        seed = self.settings.seed + 1000 * control
        model = create_model(
            self.settings.model,
            **{"task": self.task, "seed": seed % 2**31, **self.settings.parameters},
        )
        target = value if classes is None else classes.astype(np.float64)
        try:
            model.fit(Rows(names, x[:, kept]), target, groups=rows)
        except ModelError as error:
            raise ModelError(f"{self._where(window)}: {error}") from error
        test = slice(window.test_first, window.test_last)
        tested = self.values[test][:, :, kept].reshape(-1, len(kept))
        prediction = model.predict(Rows(names, tested))
        shape = self.labels.value[test].shape
        mean, sd, up = as_returns(prediction, value, classes)
        mean = mean.reshape(shape)
        return Fit(
            model=model,
            rows=test,
            mean=mean,
            sd=sd.reshape(shape),
            probability_up=None if up is None else up.reshape(shape),
            train_last_row=int(rows.max()),
            n_train=len(rows),
            features=names,
            scores={} if control else self._scores(test, mean, prediction, value, classes),
            seconds=time.perf_counter() - started,
        )

    def stitch(self, fits: list[Fit], owner: NDArray[np.int64], control: int) -> ForecastPanel:
        """Join the test windows of all folds into one panel."""
        shape = self.labels.value.shape
        mean, sd = np.full(shape, np.nan), np.full(shape, np.nan)
        up = None if self.task == REGRESSION else np.full(shape, np.nan)
        for index, fit in enumerate(fits):
            own = np.arange(len(owner))[fit.rows][owner[fit.rows] == index]
            inside = own - fit.rows.start
            mean[own], sd[own] = fit.mean[inside], fit.sd[inside]
            if up is not None and fit.probability_up is not None:
                up[own] = fit.probability_up[inside]
        name = self.settings.model if not control else f"{self.settings.model} shuffled {control}"
        return ForecastPanel(
            symbols=self.labels.symbols,
            ts_known=self.labels.ts,
            mean=mean,
            horizon_bars=self.labels.horizon_bars,
            model=name,
            sd=sd,
            probability_up=up,
        )

    def training_cells(
        self, window: Window, embargo: int, control: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], FloatArray, NDArray[np.int8] | None]:
        """Return rows, columns, values and classes of the decisions a window may learn from."""
        span = slice(window.train_first, window.train_last)
        usable = purge(window, self.labels.end_row, embargo=embargo, reach=self.reach)
        usable &= self.known[span]
        value, classes = self.labels.value[span], self.labels.classes
        own = None if classes is None else classes[span]
        if control:
            # Only decisions whose labels had ended change places, so nothing later enters.
            last = int(np.flatnonzero(usable.any(axis=1)).max(initial=-1)) + 1
            random = default_rng([self.settings.seed, window.index, control])
            block = max(21, self.labels.horizon_bars)
            row, column = shuffled_cells(last, usable.shape[1], block=block, random=random)
            usable = usable[row, column]
            value = value[row, column]
            own = None if own is None else own[row, column]
        mask = usable & self.complete[span][: len(usable)]
        rows, columns = np.nonzero(mask)
        if len(rows) < 10:
            raise ModelError(
                f"{self._where(window)}: {len(rows)} decisions have features and a label that "
                "ended before the test, wanted at least 10"
            )
        first = window.train_first
        chosen = None if own is None else own[rows, columns]
        return rows + first, columns, value[rows, columns], chosen

    def kept_features(self, x: FloatArray, value: FloatArray) -> list[int]:
        """Return the features most related to the training labels, all unless told otherwise."""
        keep = self.settings.keep_features
        if keep is None or keep >= x.shape[1]:
            return list(range(x.shape[1]))
        ranks = rankdata(x, axis=0)
        ranks -= ranks.mean(axis=0)
        target = rankdata(value)
        target -= target.mean()
        norm = np.sqrt((ranks**2).sum(axis=0))
        strength = np.abs(target @ ranks) / np.where(norm > 0, norm, np.inf)
        return sorted(np.argsort(-strength, kind="stable")[:keep].tolist())

    def _scores(
        self,
        test: slice,
        mean: FloatArray,
        prediction: Prediction,
        value: FloatArray,
        classes: NDArray[np.int8] | None,
    ) -> dict[str, float]:
        truth = self.labels.value[test]
        scores = forecast_scores(mean, truth, horizon_bars=self.labels.horizon_bars)
        known = self.known[test] & np.isfinite(mean)
        if classes is None or prediction.probabilities is None or self.labels.classes is None:
            real, learned = np.sign(truth), np.sign(value)
            called = np.sign(mean)
        else:
            real, learned = self.labels.classes[test].astype(float), classes.astype(float)
            best = np.nan_to_num(prediction.probabilities).argmax(axis=1)
            called = np.array(prediction.classes, dtype=float)[best].reshape(mean.shape)
        kinds, counts = np.unique(learned, return_counts=True)
        majority = kinds[int(np.argmax(counts))]
        scores["n_scored"] = float(known.sum())
        scores["accuracy"] = _share((called == real)[known])
        scores["accuracy_majority"] = _share((real == majority)[known])
        return scores

    def _where(self, window: Window) -> str:
        days = self.labels.ts.view("datetime64[ns]").astype("datetime64[D]")
        return (
            f"fold {window.index} (training {days[window.train_first]} to "
            f"{days[window.train_last - 1]}, test to {days[window.test_last - 1]})"
        )


def as_returns(
    prediction: Prediction, value: FloatArray, classes: NDArray[np.int8] | None
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Turn a prediction into mean, deviation and probability of a rise.

    A class forecast becomes a return through what each class earned in the training rows.
    """
    if classes is None or prediction.probabilities is None:
        sd = np.full_like(prediction.mean, np.nan) if prediction.sd is None else prediction.sd
        return prediction.mean, sd, None
    members = [value[classes == label] for label in prediction.classes]
    earned = np.array([part.mean() for part in members])
    square = np.array([(part**2).mean() for part in members])
    rising = np.array([(part > 0).mean() for part in members])
    share = prediction.probabilities
    mean = share @ earned
    sd = np.sqrt(np.maximum(share @ square - mean**2, 0.0))
    return mean, sd, np.clip(share @ rising, 0.0, 1.0)


def _summary(
    job: Job, panels: list[ForecastPanel], folds: tuple[Fold, ...]
) -> tuple[dict[str, float], dict[str, float]]:
    horizon = job.labels.horizon_bars
    every = [forecast_scores(p.mean, job.labels.value, horizon_bars=horizon) for p in panels]
    scores = every[0]
    weight = np.array([fold.scores["n_scored"] for fold in folds])
    for name in ("accuracy", "accuracy_majority"):
        found = np.array([fold.scores[name] for fold in folds])
        usable = (weight > 0) & np.isfinite(found)
        scores[name] = (
            float(np.average(found[usable], weights=weight[usable])) if usable.any() else np.nan
        )
    shuffled = np.array([row["ic"] for row in every[1:]])
    controls = {
        "k": float(len(shuffled)),
        "majority_accuracy": scores["accuracy_majority"],
        "zero_mse": scores["mse_zero"],
    }
    if len(shuffled):
        controls["shuffled_ic_mean"] = float(np.nanmean(shuffled))
        controls["shuffled_ic_max"] = float(np.nanmax(shuffled))
        controls["shuffled_p"] = control_p_value(scores["ic"], shuffled)
    return scores, controls


def _moved(window: Window, rows: int) -> Window:
    return Window(
        window.index,
        window.train_first + rows,
        window.train_last + rows,
        window.test_first + rows,
        window.test_last + rows,
    )


def _cancel(futures: Mapping[Future[Fit], Any]) -> None:
    for future in futures:
        future.cancel()


def _share(flags: NDArray[np.bool_]) -> float:
    return float(flags.mean()) if flags.size else float("nan")

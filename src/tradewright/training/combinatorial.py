"""Combinatorial purged folds: many out-of-sample histories from one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import ConfigError, ModelError
from tradewright.domain.forecasts import ForecastPanel
from tradewright.forecasts import Rows, create_model
from tradewright.training.labels import Labels
from tradewright.training.splits import BoolArray, IntArray, default_embargo
from tradewright.training.walk_forward import FitSettings, Job, Progress, Table, as_returns


@dataclass(frozen=True, slots=True)
class Split:
    """One way to divide history.

    Parameters
    ----------
    index : int
        From 0.
    tested : tuple of int
        Groups that are tested.
    train, test : ndarray of shape (n_bars, n_instruments), bool
        Decisions learned from and tested.
    """

    index: int
    tested: tuple[int, ...]
    train: BoolArray
    test: BoolArray


@dataclass(frozen=True, slots=True)
class Combinatorial:
    r"""History cut into N groups of dates, of which every k are tested together.

    There are :math:`\binom{N}{k}` splits; each group is tested :math:`\binom{N-1}{k-1}` times, so
    that as many whole histories, the paths, can be put together [1]_.

    Parameters
    ----------
    groups : int
        N, >= 2.
    tested : int
        k, 1 <= k < N.
    embargo : int, optional
        Sessions after each test span without training rows; the larger of 5 and 1 % if None.

    Raises
    ------
    ConfigError
        For a value out of range.

    References
    ----------
    .. [1] M. López de Prado, "Advances in Financial Machine Learning", 2018, ch. 12.

    Examples
    --------
    >>> folds = Combinatorial()
    >>> folds.n_splits, folds.n_paths
    (15, 5)
    """

    groups: int = 6
    tested: int = 2
    embargo: int | None = None

    def __post_init__(self) -> None:
        if self.groups < 2:
            raise ConfigError(f"combinatorial: groups is {self.groups}, wanted at least 2")
        if not 1 <= self.tested < self.groups:
            raise ConfigError(
                f"combinatorial: tested is {self.tested}, wanted 1 to {self.groups - 1}"
            )
        if self.embargo is not None and self.embargo < 0:
            raise ConfigError(f"combinatorial: embargo is {self.embargo}, wanted 0 or more")

    @property
    def n_splits(self) -> int:
        """Ways to choose the tested groups."""
        return math.comb(self.groups, self.tested)

    @property
    def n_paths(self) -> int:
        """Whole histories that the tests make."""
        return math.comb(self.groups - 1, self.tested - 1)

    def edges(self, n_bars: int) -> IntArray:
        """Return the first row of each group, and the number of rows.

        Raises
        ------
        ConfigError
            If there are fewer rows than groups.
        """
        if n_bars < self.groups:
            raise ConfigError(
                f"combinatorial: {n_bars} sessions cannot be cut into {self.groups} groups"
            )
        return np.linspace(0, n_bars, self.groups + 1).astype(np.int64)

    def splits(self, end_row: IntArray) -> Iterator[Split]:
        """Yield the splits; training leaves out what meets a test span or its embargo.

        Parameters
        ----------
        end_row : ndarray of shape (n_bars, n_instruments), int64
            Last row each label uses.
        """
        n_bars = len(end_row)
        edges = self.edges(n_bars)
        gap = default_embargo(n_bars) if self.embargo is None else self.embargo
        rows = np.broadcast_to(np.arange(n_bars)[:, None], end_row.shape)
        for index, tested in enumerate(itertools.combinations(range(self.groups), self.tested)):
            train = np.ones(end_row.shape, dtype=bool)
            test = np.zeros(end_row.shape, dtype=bool)
            for group in tested:
                first, last = int(edges[group]), int(edges[group + 1])
                inside = (rows >= first) & (rows < last)
                reach = int(end_row[first:last].max()) + gap
                train &= (end_row < first) | (rows > reach)
                test |= inside
            yield Split(index, tested, train & ~test, test)

    def paths(self) -> tuple[tuple[int, ...], ...]:
        """Return, for each path, the split that forecasts each group.

        Examples
        --------
        >>> Combinatorial(groups=3, tested=2).paths()
        ((0, 0, 1), (1, 2, 2))
        """
        chosen = list(itertools.combinations(range(self.groups), self.tested))
        by_group = [
            [index for index, tested in enumerate(chosen) if group in tested]
            for group in range(self.groups)
        ]
        return tuple(zip(*by_group, strict=True))


def path_forecasts(
    table: Table,
    labels: Labels,
    *,
    settings: FitSettings,
    folds: Combinatorial,
    progress: Progress | None = None,
) -> tuple[ForecastPanel, ...]:
    """Fit every split and put the forecasts together into paths.

    Parameters
    ----------
    table : Table
        Causal features, (n_bars, n_instruments, n_features).
    labels : Labels
        What happened next.
    settings : FitSettings
        Model, parameters, selection, seed.
    folds : Combinatorial
        How history is divided, from the first row with all features on.
    progress : callable, optional
        ``progress(fraction, message)``.

    Returns
    -------
    tuple of ForecastPanel
        One a path, out of sample on every row after the warm-up.

    Raises
    ------
    ModelError
        If a split has too little to learn from.

    Notes
    -----
    Timing: a model may be trained on rows after those it tests; that makes many histories to judge
    a method by, and none of them could have been traded.
    """
    job = Job(table, labels, settings)
    start = job.first_complete_row()
    found: list[tuple[NDArray[np.float64], ...]] = []
    for split in folds.splits(labels.end_row[start:] - start):
        if progress is not None:
            progress(split.index / folds.n_splits, f"{split.index + 1} of {folds.n_splits} fits")
        found.append(_forecast(job, split, start))
    edges = folds.edges(len(labels.ts) - start) + start
    panels = []
    for path in folds.paths():
        arrays = [np.full(labels.value.shape, np.nan) for _ in range(3)]
        for group, split_index in enumerate(path):
            own = slice(int(edges[group]), int(edges[group + 1]))
            for panel, values in zip(arrays, found[split_index], strict=True):
                panel[own] = values[own]
        up = None if np.isnan(arrays[2]).all() else arrays[2]
        panels.append(
            ForecastPanel(
                symbols=labels.symbols,
                ts_known=labels.ts,
                mean=arrays[0],
                horizon_bars=labels.horizon_bars,
                model=settings.model,
                sd=arrays[1],
                probability_up=up,
            )
        )
    return tuple(panels)


def _forecast(job: Job, split: Split, start: int) -> tuple[NDArray[np.float64], ...]:
    labels, settings = job.labels, job.settings
    usable = split.train & (job.known & job.complete)[start:]
    rows, columns = np.nonzero(usable)
    rows = rows + start
    if len(rows) < 10:
        raise ModelError(
            f"split {split.index + 1} (groups {split.tested} tested): {len(rows)} decisions are "
            "left to learn from, wanted at least 10"
        )
    value = labels.value[rows, columns]
    classes = None if labels.classes is None else labels.classes[rows, columns]
    x = job.values[rows, columns]
    kept = job.kept_features(x, value)
    names = tuple(job.names[i] for i in kept)
    model = create_model(
        settings.model, **{"task": job.task, "seed": settings.seed, **settings.parameters}
    )
    target = value if classes is None else classes.astype(np.float64)
    model.fit(Rows(names, x[:, kept]), target, groups=rows)
    tested = np.flatnonzero(split.test.any(axis=1)) + start
    given = job.values[tested][:, :, kept].reshape(-1, len(kept))
    mean, sd, up = as_returns(model.predict(Rows(names, given)), value, classes)
    shape = (len(tested), labels.value.shape[1])
    placed = []
    for array in (mean, sd, up):
        panel = np.full(labels.value.shape, np.nan)
        if array is not None:
            panel[tested] = array.reshape(shape)
        placed.append(panel)
    return tuple(placed)

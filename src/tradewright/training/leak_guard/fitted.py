"""Fits and labels: what learns from the training rows, and what looks forward on purpose."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, DataError
from tradewright.features.specs import FeatureTable, Panel
from tradewright.training.leak_guard.report import Check, LeakReport
from tradewright.training.leak_guard.subjects import spoil

FitTransform = Callable[[Panel, NDArray[np.int64]], Panel]
LabelFunction = Callable[[Bars], tuple[Panel, NDArray[np.int64]]]
Fold = tuple[NDArray[np.int64], NDArray[np.int64]]

EXACT = 1e-12
_SPOILERS: tuple[Callable[[Panel], Panel], ...] = (
    lambda x: np.full_like(x, np.nan),
    lambda x: x * 1e6 + 1e6,
)


def check_fitted(
    fit_transform: FitTransform,
    values: Panel,
    folds: Sequence[Fold],
    *,
    name: str = "fitted transform",
    ts: NDArray[np.int64] | None = None,
) -> LeakReport:
    """Check that a fitted transform learns from its training rows only.

    Parameters
    ----------
    fit_transform : callable
        ``f(values, train_rows) -> transformed``, shape (n_rows, n_columns): fits on
        ``values[train_rows]`` and transforms every row.
    values : ndarray of shape (n_rows, n_columns)
        What is scaled, selected or reduced.
    folds : sequence of (train_rows, test_rows)
        The folds of the study; their row numbers.
    name : str
        How the report names it.
    ts : ndarray of shape (n_rows,), int64, optional
        Time of each row, for the report.

    Returns
    -------
    LeakReport

    Raises
    ------
    ConfigError
        If there is no fold.

    Notes
    -----
    Proved when ok, for every fold: the transformed training rows do not move when all other rows
    are erased or multiplied; no test row moves when any other test row is (every pair of test
    rows is separated by one of ``2 log2(n)`` spoiled subsets).
    """
    if not folds:
        raise ConfigError("leak guard: no fold to check the fitted transform on")
    began = time.perf_counter()
    rows_checked = 0
    leak: tuple[int, float, float] | None = None
    for train, test in folds:
        reference = fit_transform(values.copy(), train)
        spoil_sets = [(np.setdiff1d(np.arange(len(values)), train), train)]
        for bit in range(max(1, len(test).bit_length())):
            one = (np.arange(len(test)) >> bit & 1).astype(np.bool_)
            spoil_sets += [(test[one], test[~one]), (test[~one], test[one])]
        for changed, kept in spoil_sets:
            leak = leak or _moved(fit_transform, values, train, reference, (changed, kept))
        rows_checked += len(train) + len(test)
        if leak is not None:
            break
    seconds = time.perf_counter() - began
    report = LeakReport(leak is None, (name,), rows_checked, len(values), seconds)
    if leak is None:
        return report
    row, seen, allowed = leak
    date = "" if ts is None else f"{str(ts[row : row + 1].view('datetime64[ns]')[0])[:19]}Z"
    return LeakReport(
        False,
        (name,),
        rows_checked,
        len(values),
        seconds,
        column=name,
        date=date,
        check=Check.FIT.value,
        value_seen=seen,
        value_allowed=allowed,
    )


def _moved(
    fit_transform: FitTransform,
    values: Panel,
    train: NDArray[np.int64],
    reference: Panel,
    rows: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> tuple[int, float, float] | None:
    changed, kept = rows
    for spoiler in _SPOILERS if len(changed) and len(kept) else ():
        other = values.copy()
        other[changed] = spoiler(values[changed])
        result = fit_transform(other, train)
        if result.shape != reference.shape:
            return int(kept[0]), float(reference.shape[1]), float(result.shape[1])
        differs = _differs(reference[kept], result[kept])
        if differs.any():
            row, column = (int(i) for i in np.argwhere(differs)[0])
            place = int(kept[row])
            return place, float(reference[place, column]), float(result[place, column])
    return None


def check_labels(
    label: LabelFunction,
    bars: Bars,
    *,
    features: FeatureTable | None = None,
    quick: bool = False,
    seed: int = 20_240,
) -> LeakReport:
    """Check that labels end where they say, after their row, and feed no feature.

    Parameters
    ----------
    label : callable
        ``f(bars) -> (values, end_rows)``, both (n_bars, n_instruments); `end_rows` is the last
        row of bars that a label uses, where the label is not NaN.
    bars : Bars
        Market data.
    features : FeatureTable, optional
        Columns that must not repeat the label.
    quick : bool
        Sample 64 dates instead of all.
    seed : int
        Of the sample and the shuffles.

    Returns
    -------
    LeakReport

    Raises
    ------
    DataError
        If the shapes are wrong.

    Notes
    -----
    Proved when ok: every label ends after its row, and for every date (`quick`: sampled) the
    labels that end by it do not change when all later bars are erased, multiplied or shuffled. A
    feature that equals the label on more than half of its rows is refused.
    """
    began = time.perf_counter()
    values, ends = label(bars)
    if values.shape != bars.close.shape or ends.shape != bars.close.shape:
        raise DataError(
            f"labels have shapes {values.shape} and {ends.shape}, wanted {bars.close.shape}"
        )
    defined = ~np.isnan(values)
    rows = np.arange(1, bars.n_bars - 1)
    rng = np.random.default_rng(seed)
    if quick and len(rows) > 64:
        rows = np.sort(rng.choice(rows, 64, replace=False))
    found = _label_ends(values, ends, defined)
    if found is None and features is not None:
        found = _label_copied(values, defined, features)
    if found is None:
        found = _label_moves(label, bars, (values, ends), rows, rng)
    seconds = time.perf_counter() - began
    names = ("label",) if features is None else ("label", *features.names)
    if found is None:
        return LeakReport(True, names, len(rows), bars.n_bars, seconds, quick)
    column, check, row, instrument, seen, allowed = found
    return LeakReport(
        False,
        names,
        len(rows),
        bars.n_bars,
        seconds,
        quick,
        column=column,
        date=f"{str(bars.times[row])[:19]}Z",
        symbol=bars.symbols[instrument],
        check=check.value,
        value_seen=seen,
        value_allowed=allowed,
    )


_Finding = tuple[str, Check, int, int, float, float]


def _label_ends(
    values: Panel, ends: NDArray[np.int64], defined: NDArray[np.bool_]
) -> _Finding | None:
    rows = np.arange(len(values))[:, None]
    bad = defined & ((ends <= rows) | (ends >= len(values)))
    if not bad.any():
        return None
    row, column = (int(i) for i in np.argwhere(bad)[0])
    return "label", Check.LABEL_END, row, column, float(ends[row, column]), float(row + 1)


def _label_copied(
    values: Panel, defined: NDArray[np.bool_], features: FeatureTable
) -> _Finding | None:
    varies = np.array([len(np.unique(v[d])) > 3 for v, d in zip(values.T, defined.T, strict=True)])
    for name, panel in zip(features.names, features.panels, strict=True):
        same = defined & (np.abs(panel - values) <= EXACT * np.maximum(1e-300, np.abs(values)))
        share = same.sum(axis=0) / np.maximum(defined.sum(axis=0), 1)
        hits = np.flatnonzero((share > 0.5) & varies)
        if len(hits):
            column = int(hits[0])
            row = int(np.argmax(same[:, column]))
            seen = float(panel[row, column])
            return name, Check.LABEL_COPY, row, column, seen, float("nan")
    return None


def _label_moves(
    label: LabelFunction,
    bars: Bars,
    reference: tuple[Panel, NDArray[np.int64]],
    rows: NDArray[np.int64],
    rng: np.random.Generator,
) -> _Finding | None:
    values, ends = reference
    kinds = (Check.POISON_NAN, Check.POISON_LARGE, Check.POISON_SHUFFLED)
    for row in rows.tolist():
        over = ~np.isnan(values[: row + 1]) & (ends[: row + 1] <= row)
        for kind in kinds:
            other, _ = label(spoil(bars, row, kind, rng))
            differs = _differs(values[: row + 1], other[: row + 1]) & over
            if differs.any():
                at, column = (int(i) for i in np.argwhere(differs)[0])
                pair = float(values[at, column]), float(other[at, column])
                return "label", Check.LABEL_END, at, column, *pair
    return None


def _differs(a: Panel, b: Panel) -> NDArray[np.bool_]:
    size = np.maximum(np.abs(a), np.abs(b))
    with np.errstate(invalid="ignore"):
        moved = np.abs(a - b) > EXACT * size
    result: NDArray[np.bool_] = moved | (np.isnan(a) != np.isnan(b))
    return result

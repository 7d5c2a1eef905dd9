"""What is checked: anything that turns bars into columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.bars import FIELDS, Bars
from tradewright.domain.errors import ConfigError, DataError
from tradewright.features.evaluate import check_inputs, table_of
from tradewright.features.parsing import parse_features
from tradewright.features.specs import FeatureSpec, FeatureTable, Panel
from tradewright.training.leak_guard.report import Check
from tradewright.training.leak_guard.windows import can_stack

UserFunction = Callable[..., Any]
Features = str | UserFunction | Iterable[str | FeatureSpec] | Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class SideTable:
    """Data beside the bars, every row with the time at which it became known.

    Parameters
    ----------
    ts_known : ndarray of shape (n_rows,), int64
        UTC nanoseconds; higher-timeframe bars: their close, fundamentals: their publication,
        revisions: a row of their own.
    columns : mapping of str to ndarray of shape (n_rows, ...)
        Values and further times, for example ``ts_event``.
    """

    ts_known: NDArray[np.int64]
    columns: Mapping[str, NDArray[Any]]

    def known_at(self, ts: int) -> SideTable:
        """Return the rows known at a time."""
        return self._rows(self.ts_known <= ts)

    def spoiled_after(self, ts: int) -> SideTable:
        """Return the table with the numbers that became known later multiplied by a million."""
        late = self.ts_known > ts
        columns = {}
        for name, values in self.columns.items():
            if np.issubdtype(values.dtype, np.floating):
                spoiled = values.copy()
                spoiled[late] *= 1e6
                columns[name] = spoiled
            else:
                columns[name] = values
        return SideTable(self.ts_known, columns)

    def _rows(self, keep: NDArray[np.bool_]) -> SideTable:
        return SideTable(self.ts_known[keep], {k: v[keep] for k, v in self.columns.items()})


Tables = Mapping[str, SideTable]


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """Columns computed together.

    Parameters
    ----------
    label : str
        How an error names it.
    evaluate : callable
        ``(bars, tables) -> {column: panel}``.
    specs : tuple of FeatureSpec
        The columns as specs; empty for a user's function.
    settle_rows : int or None
        Rows after which the start of the data no longer matters; None if not declared.
    """

    label: str
    evaluate: Callable[[Bars, Tables], dict[str, Panel]]
    specs: tuple[FeatureSpec, ...] = ()
    settle_rows: int | None = None


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """How the leak guard works.

    Parameters
    ----------
    quick : bool
        Sample 64 rows plus the first and last 5 instead of all; for writing, not for results.
    settle_rows : int, mapping of str to int, or None
        For users' functions: rows after which the start of the data no longer matters.
    tables : mapping of str to SideTable
        Side data, handed to users' functions as second argument where there are any.
    seed : int
        Of the shuffles and samples.
    progress : callable or None
        Told ``(fraction, message)``.
    """

    quick: bool = False
    settle_rows: int | Mapping[str, int] | None = None
    tables: Tables = field(default_factory=dict)
    seed: int = 20_240
    progress: Callable[[float, str], None] | None = None


def build_subjects(features: Features, bars: Bars, settings: GuardSettings) -> list[Subject]:
    """Return what is to be checked: specs together, every function alone.

    Raises
    ------
    ConfigError
        If there is nothing to check or a feature cannot be read.
    """
    if callable(features):
        features = {getattr(features, "__name__", type(features).__name__): features}
    if not isinstance(features, Iterable):
        raise ConfigError(
            f"features is {type(features).__name__}, wanted names such as 'rsi(14)', a function of "
            "bars, or several of them"
        )
    if isinstance(features, Mapping):
        parts: list[tuple[str, Any]] = list(features.items())
    else:
        given = [features] if isinstance(features, str) else list(features)
        parts = [(getattr(f, "__name__", str(f)) if callable(f) else "", f) for f in given]
    texts: list[Any] = []
    subjects: list[Subject] = []
    for name, part in parts:
        if callable(part):
            subjects.append(_of_function(name, part, settings))
        elif isinstance(part, str | FeatureSpec):
            texts.append(part)
        else:
            texts.extend(part)
    specs = parse_features(texts)
    if specs:
        check_inputs(specs, bars)
        stacked = tuple(spec for spec in specs if can_stack(spec))
        single = tuple(spec for spec in specs if not can_stack(spec))
        subjects = [_of_specs(group) for group in (stacked, single) if group] + subjects
    if not subjects:
        raise ConfigError("leak guard: there is no feature to check")
    return subjects


def _of_specs(specs: tuple[FeatureSpec, ...]) -> Subject:
    def evaluate(bars: Bars, tables: Tables) -> dict[str, Panel]:
        table = table_of(specs, bars)
        return dict(zip(table.names, table.panels, strict=True))

    settle = [spec.settle_rows for spec in specs]
    known = [rows for rows in settle if rows is not None]
    return Subject("features", evaluate, specs, max(known) if len(known) == len(settle) else None)


def _of_function(name: str, function: UserFunction, settings: GuardSettings) -> Subject:
    declared = settings.settle_rows
    settle = declared.get(name) if isinstance(declared, Mapping) else declared

    def evaluate(bars: Bars, tables: Tables) -> dict[str, Panel]:
        try:
            result = function(bars, tables) if settings.tables else function(bars)
        except Exception as error:
            raise DataError(f"feature {name} raised {type(error).__name__}: {error}") from error
        return _panels(name, result, bars)

    return Subject(name, evaluate, settle_rows=settle)


def _panels(name: str, result: Any, bars: Bars) -> dict[str, Panel]:
    if isinstance(result, FeatureTable):
        return dict(zip(result.names, result.panels, strict=True))
    values = np.asarray(result, dtype=np.float64)
    if values.ndim == 1 and bars.n_instruments == 1:
        values = values[:, None]
    if values.ndim not in (2, 3) or values.shape[:2] != (bars.n_bars, bars.n_instruments):
        raise DataError(
            f"feature {name} returned shape {values.shape}, wanted "
            f"{(bars.n_bars, bars.n_instruments)} or with a last axis of columns"
        )
    if values.ndim == 2:
        return {name: values}
    return {f"{name}[{k}]": values[:, :, k] for k in range(values.shape[2])}


def spoil(bars: Bars, row: int, check: Check, rng: np.random.Generator) -> Bars:
    """Return the bars with every row after `row` replaced.

    Parameters
    ----------
    bars : Bars
        Market data.
    row : int
        Last row that stays.
    check : Check
        One of the poison checks.
    rng : numpy.random.Generator
        For the shuffle.
    """
    fields: dict[str, Any] = {}
    order = row + 1 + rng.permutation(bars.n_bars - row - 1)
    for name in FIELDS:
        array = getattr(bars, name).copy()
        if check == Check.POISON_NAN:
            array[row + 1 :] = np.nan
        elif check == Check.POISON_LARGE:
            array[row + 1 :] *= 1e6
        else:
            array[row + 1 :] = array[order]
        fields[name] = array
    return Bars(bars.instruments, bars.ts, **fields, interval=bars.interval, source=bars.source)

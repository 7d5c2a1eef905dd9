"""The leak guard: no value may need the future."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.bars import Bars
from tradewright.domain.errors import DataError
from tradewright.features.own_bars import own_bars
from tradewright.features.specs import FeatureSpec, Panel
from tradewright.training.leak_guard.report import Check, LeakReport
from tradewright.training.leak_guard.subjects import (
    Features,
    GuardSettings,
    SideTable,
    Subject,
    build_subjects,
    spoil,
)
from tradewright.training.leak_guard.windows import (
    POISONED,
    POISONED_ROWS,
    can_stack,
    window_values,
)

EXACT = 1e-12
START = 1e-9
POISONS = (Check.POISON_NAN, Check.POISON_LARGE, Check.POISON_SHUFFLED)
SAMPLED, EDGE = 64, 5
BOUNDARIES, QUICK_BOUNDARIES = 8, 2


@dataclass(frozen=True, slots=True)
class _Leak:
    """A value that differs without the future."""

    column: str
    row: int
    instrument: int
    check: Check
    seen: float
    allowed: float


class _Found(Exception):
    """Ends the search at the first leak."""

    def __init__(self, leak: _Leak) -> None:
        super().__init__(leak.column)
        self.leak = leak


def check(features: Features, bars: Bars, settings: GuardSettings | None = None) -> LeakReport:
    """Recompute features without the future at every decision date, and compare.

    Parameters
    ----------
    features : str, iterable of str or FeatureSpec, callable, or mapping of name to these
        Features by name, or a user's function ``f(bars) -> (n_bars, n_instruments[, k])`` or
        `FeatureTable`, with ``f(bars, tables)`` where side tables are given. Functions that fit
        something inside, and functions that return membership of a universe, are checked alike.
    bars : Bars
        The data the study uses.
    settings : GuardSettings, optional
        Quick or full, side tables, memory of users' functions.

    Returns
    -------
    LeakReport
        Of the first leak, or that there is none.

    Raises
    ------
    ConfigError
        If a feature cannot be read.
    DataError
        If a user's function raises or returns another shape.

    Notes
    -----
    Proved when the report is ok (`docs/concepts/leak-guard.md`): for every row, the value equals
    the one computed from a window that ends at the row (1e-9); the value of a window that ends at
    the row does not change when the 8 rows after it are erased, multiplied by a million or
    replaced by other later rows (1e-12); at 8 boundaries all rows before them stay equal (1e-12)
    when all rows after them are cut off, erased, multiplied or shuffled. Differences count
    relative to the larger of the two values and the mean absolute value of the column.
    """
    settings = settings or GuardSettings()
    began = time.perf_counter()
    subjects = build_subjects(features, bars, settings)
    rows = _rows(bars.n_bars, settings)
    columns: list[str] = []
    notes: list[str] = []
    leak: _Leak | None = None
    for i, subject in enumerate(subjects):
        search = _Search(subject, bars, settings, rows, (i / len(subjects), 1 / len(subjects)))
        columns.extend(search.reference)
        try:
            search.run()
        except _Found as found:
            leak = found.leak
            break
        notes.extend(search.notes)
    seconds = time.perf_counter() - began
    common = LeakReport(
        leak is None,
        tuple(columns),
        len(rows),
        bars.n_bars,
        seconds,
        settings.quick,
        notes=tuple(notes),
    )
    return common if leak is None else _with_leak(common, leak, bars)


def _with_leak(report: LeakReport, leak: _Leak, bars: Bars) -> LeakReport:
    return LeakReport(
        ok=False,
        columns=report.columns,
        rows_checked=report.rows_checked,
        n_bars=report.n_bars,
        seconds=report.seconds,
        quick=report.quick,
        column=leak.column,
        date=f"{str(bars.times[leak.row])[:19]}Z",
        symbol=bars.symbols[leak.instrument],
        check=leak.check.value,
        value_seen=leak.seen,
        value_allowed=leak.allowed,
        notes=report.notes,
    )


def _rows(n_bars: int, settings: GuardSettings) -> NDArray[np.int64]:
    rows = np.arange(1, n_bars)  # one row alone is too little for any feature
    if not settings.quick or len(rows) <= SAMPLED + 2 * EDGE:
        return rows
    middle = np.random.default_rng(settings.seed).choice(rows[EDGE:-EDGE], SAMPLED, replace=False)
    return np.unique(np.concatenate([rows[:EDGE], middle, rows[-EDGE:]]))


class _Search:
    """The checks of one subject."""

    def __init__(
        self,
        subject: Subject,
        bars: Bars,
        settings: GuardSettings,
        rows: NDArray[np.int64],
        share: tuple[float, float],
    ) -> None:
        self.subject, self.bars, self.settings, self.rows = subject, bars, settings, rows
        self.share = share
        self.rng = np.random.default_rng(settings.seed)
        self.reference = subject.evaluate(bars, settings.tables)
        self.scale = {name: _scale(panel) for name, panel in self.reference.items()}
        self.notes: list[str] = []

    def run(self) -> None:
        again = self.subject.evaluate(self.bars, self.settings.tables)
        self.compare(again, 0, self.bars.n_bars, Check.REPEAT, 0.0)
        for spec in self.subject.specs:
            if spec.settle_rows is None:
                self.refuse_start(spec)
        self.boundaries()
        if self.subject.specs and all(can_stack(spec) for spec in self.subject.specs):
            self.by_windows(list(self.subject.specs))
        else:
            self.by_rows()

    def tell(self, fraction: float, message: str) -> None:
        if self.settings.progress is not None:
            self.settings.progress(self.share[0] + self.share[1] * fraction, message)

    def refuse_start(self, spec: FeatureSpec) -> None:
        """Refuse a level that never forgets where the data began."""
        half = self.bars.n_bars // 2
        cut = self.subject.evaluate(self.bars.rows(half, self.bars.n_bars), {})[spec.name]
        seen = self.reference[spec.name][half:]
        settled = np.where(np.isnan(cut), np.nan, seen)
        leak = _difference(spec.name, settled, cut, self.scale[spec.name], Check.START, START)
        if leak is not None:
            raise _Found(replace(leak, row=half + leak.row))
        self.notes.append(f"{spec.name}: nothing is declared about the start of the data")

    def boundaries(self) -> None:
        """Cut or spoil everything after a few rows: all rows before must stay."""
        count = QUICK_BOUNDARIES if self.settings.quick else BOUNDARIES
        last = self.bars.n_bars - 2
        spots = np.unique(np.linspace(1, max(last, 1), count + 1).astype(np.int64)[1:])
        for i, row in enumerate(spots.tolist()):
            if row > last:
                continue
            late = (Check.LATE_ARRIVAL,) if self.settings.tables else ()
            for kind in (*late, Check.TRUNCATE, *POISONS):
                self.at_boundary(row, kind)
            self.tell(0.3 * (i + 1) / len(spots), "leak guard: everything after a date spoiled")

    def at_boundary(self, row: int, kind: Check) -> None:
        try:
            self.compare(self.altered(row, kind), 0, row + 1, kind, EXACT)
        except _Found as found:
            raise _Found(self.earliest(found.leak)) from None
        except DataError:
            if not self._is_empty(slice(0, row + 1)):
                raise

    def altered(self, row: int, kind: Check) -> dict[str, Panel]:
        ts = int(self.bars.ts[row])
        tables = self.settings.tables
        known = {name: table.known_at(ts) for name, table in tables.items()}
        if kind == Check.TRUNCATE:
            return self.subject.evaluate(self.bars.rows(0, row + 1), known)
        if kind == Check.LATE_ARRIVAL:
            return self.subject.evaluate(self.bars, known)
        spoiled = {name: table.spoiled_after(ts) for name, table in tables.items()}
        return self.subject.evaluate(spoil(self.bars, row, kind, self.rng), spoiled)

    def earliest(self, leak: _Leak) -> _Leak:
        """Return the leak at its first date; `leak` is known to exist."""
        for row in range(1, leak.row + 1):
            try:
                self.compare(self.altered(row, leak.check), row, row + 1, leak.check, EXACT)
            except _Found as found:
                return found.leak
            except DataError:
                continue
        return leak

    def by_windows(self, specs: list[FeatureSpec]) -> None:
        """Our own features: every row from its own window, all checks, all rows."""

        def progress(done: float) -> None:
            self.tell(0.3 + 0.6 * done, "leak guard: every date from its own past")

        first: _Leak | None = None
        for spec, panels in window_values(
            specs, own_bars(self.bars), self.rows, self.rng, progress
        ):
            reference = self.reference[spec.name]
            for variant in (Check.START, *POISONED):
                whole = variant == Check.START
                leak = _difference(
                    spec.name,
                    (reference if whole else panels[Check.TRUNCATE])[self.rows],
                    panels[variant][self.rows],
                    self.scale[spec.name],
                    Check.TRUNCATE if whole else variant,
                    START if whole else EXACT,
                )
                if leak is not None:
                    row = int(self.rows[leak.row])
                    if first is None or row < first.row:
                        first = replace(leak, row=row)
        if first is not None:
            raise _Found(first)

    def by_rows(self) -> None:
        """Users' functions: row by row, on a bounded window where its length is declared."""
        settle = self.subject.settle_rows
        if settle is None and not self.subject.specs:
            self.notes.append(
                f"{self.subject.label}: settle_rows is not declared, so the start of the data was "
                f"not varied"
            )
        starts = _window_starts(self.bars, settle)
        for i, row in enumerate(self.rows.tolist()):
            try:
                self.one_row(row, int(starts[row]))
            except _Found as found:
                raise _Found(self.classified(found.leak)) from None
            if i % 64 == 0:
                self.tell(0.3 + 0.7 * i / len(self.rows), f"leak guard: {self.subject.label}")

    def classified(self, leak: _Leak) -> _Leak:
        """Return the leak, named after the side data if they are its cause."""
        if self.settings.tables and leak.check == Check.TRUNCATE:
            try:
                self._compare_row(
                    self.altered(leak.row, Check.LATE_ARRIVAL),
                    leak.row,
                    0,
                    Check.LATE_ARRIVAL,
                    EXACT,
                )
            except _Found as found:
                return found.leak
        return leak

    def one_row(self, row: int, start: int) -> None:
        ts = int(self.bars.ts[row])
        known = {name: table.known_at(ts) for name, table in self.settings.tables.items()}
        past = self._guarded(self.bars.rows(start, row + 1), known, row)
        if past is None:
            return
        try:
            kind = Check.TRUNCATE if start == 0 else Check.START
            self._compare_row(past, row, start, kind, EXACT if start == 0 else START)
        except _Found:
            if start > 0:  # is it the future, or only the start of the data?
                full = self._guarded(self.bars.rows(0, row + 1), known, row)
                self._compare_row(full or {}, row, 0, Check.TRUNCATE, EXACT)
            raise
        last = min(self.bars.n_bars, row + 1 + POISONED_ROWS)
        window = self.bars.rows(start, last)
        for poison in POISONS if last > row + 1 else ():
            spoiled = self._guarded(spoil(window, row - start, poison, self.rng), known, row)
            for name, panel in (spoiled or {}).items():
                seen = past[name][row - start : row - start + 1]
                allowed = panel[row - start : row - start + 1]
                leak = _difference(name, seen, allowed, self.scale[name], poison, EXACT)
                if leak is not None:
                    raise _Found(replace(leak, row=row))

    def _compare_row(
        self, past: dict[str, Panel], row: int, start: int, kind: Check, tolerance: float
    ) -> None:
        for name, panel in past.items():
            seen = self.reference[name][row : row + 1]
            allowed = panel[row - start : row - start + 1]
            leak = _difference(name, seen, allowed, self.scale[name], kind, tolerance)
            if leak is not None:
                raise _Found(replace(leak, row=row))

    def _guarded(
        self, bars: Bars, tables: dict[str, SideTable], row: int
    ) -> dict[str, Panel] | None:
        """Evaluate; a function may refuse too little data where it has no value anyway."""
        try:
            return self.subject.evaluate(bars, tables)
        except DataError:
            if self._is_empty(slice(row, row + 1)):
                return None
            raise

    def _is_empty(self, rows: slice) -> bool:
        return all(np.isnan(panel[rows]).all() for panel in self.reference.values())

    def compare(
        self, values: dict[str, Panel], first: int, last: int, kind: Check, tolerance: float
    ) -> None:
        """Raise `_Found` at the earliest row in which any column differs."""
        earliest: _Leak | None = None
        for name, seen in self.reference.items():
            leak = _difference(
                name, seen[first:last], values[name][first:last], self.scale[name], kind, tolerance
            )
            if leak is not None and (earliest is None or leak.row + first < earliest.row):
                earliest = replace(leak, row=leak.row + first)
        if earliest is not None:
            raise _Found(earliest)


def _scale(panel: Panel) -> Panel:
    size = np.abs(panel)
    finite = np.isfinite(size)
    total = np.where(finite, size, 0.0).sum(axis=0)
    return np.asarray(total / np.maximum(finite.sum(axis=0), 1))


def _difference(  # noqa: PLR0917
    name: str, seen: Panel, allowed: Panel, scale: Panel, kind: Check, tolerance: float
) -> _Leak | None:
    with np.errstate(invalid="ignore"):
        size = np.maximum(np.maximum(np.abs(seen), np.abs(allowed)), scale[None, :])
        differs = np.abs(seen - allowed) > tolerance * size
    differs |= np.isnan(seen) != np.isnan(allowed)
    if not differs.any():
        return None
    row, column = (int(i) for i in np.argwhere(differs)[0])
    return _Leak(name, row, column, kind, float(seen[row, column]), float(allowed[row, column]))


def _window_starts(bars: Bars, settle: int | None) -> NDArray[np.int64]:
    """Return for each row the first row of a window with `settle` own bars of all that trade."""
    starts = np.zeros(bars.n_bars, dtype=np.int64)
    if settle is None:
        return starts
    exists = ~np.isnan(bars.close)
    reach = np.full(bars.n_bars, bars.n_bars, dtype=np.int64)
    for column in range(bars.n_instruments):
        rows = np.flatnonzero(exists[:, column])
        if len(rows):
            first = rows[np.maximum(np.arange(len(rows)) - settle + 1, 0)]
            reach[rows] = np.minimum(reach[rows], first)
    before = np.maximum(np.arange(bars.n_bars) - 1, 0)  # at least two rows
    return np.minimum(reach, before)

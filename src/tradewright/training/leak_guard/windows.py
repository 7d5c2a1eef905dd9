"""Every row of our own features recomputed from its own window, many windows at a time.

A window of a row is a column of its own, so that one call of a compiled feature handles thousands
of decision dates. The window ends at the row: nothing later exists in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.bars import FIELDS
from tradewright.features.evaluate import values_on
from tradewright.features.own_bars import OwnBars
from tradewright.features.specs import FeatureSpec, Panel
from tradewright.training.leak_guard.report import Check

POISONED_ROWS = 8
POISONED = (Check.POISON_LARGE, Check.POISON_SHUFFLED)
VARIANTS = (Check.START, Check.TRUNCATE, *POISONED)
_BEYOND_SEED = 4  # rows after the first value, so that recursions have taken some steps
_CELLS = 600_000  # per field and chunk; bounds the memory


def can_stack(spec: FeatureSpec) -> bool:
    """Return whether a feature can be recomputed window by window, all windows at once."""
    if not spec.built_in or spec.settle_rows is None:
        return False
    return all(_is_own(inner) for inner in spec.series) and (spec.scope == "cross" or _is_own(spec))


def _is_own(spec: FeatureSpec) -> bool:
    return spec.scope == "own" and all(_is_own(inner) for inner in spec.series)


def window_values(
    specs: Iterable[FeatureSpec],
    own: OwnBars,
    rows: NDArray[np.int64],
    rng: np.random.Generator,
    progress: Callable[[float], None],
) -> Iterator[tuple[FeatureSpec, dict[Check, Panel]]]:
    """Yield each feature's values at rows, each computed from the row's own window.

    Parameters
    ----------
    specs : iterable of FeatureSpec
        Features for which `can_stack` holds.
    own : OwnBars
        The instruments' own bars.
    rows : ndarray of int
        Rows of the bars panel to recompute.
    rng : numpy.random.Generator
        For the shuffles.
    progress : callable
        Told the finished fraction.

    Yields
    ------
    spec, panels
        For each of `VARIANTS` a panel (n_bars, n_instruments), NaN at rows not asked for: from
        the last `settle_rows` bars (start), and from the bars needed for a value, without and
        with later rows (truncate, poison).
    """
    wanted = list(specs)
    bases = {
        base.name: base
        for spec in wanted
        for base in (spec.series if spec.scope == "cross" else (spec,))
    }
    asked = np.zeros(own.shape[0], dtype=np.bool_)
    asked[rows] = True
    done: dict[str, dict[Check, Panel]] = {base: {} for base in bases}
    jobs = _jobs(list(bases.values()))
    for i, (length, variants, group) in enumerate(jobs):
        for name, panels in _group(group, own, asked, rng, (length, variants)).items():
            done[name] |= panels
        progress((i + 1) / len(jobs))
    for panels in done.values():
        panels.setdefault(Check.START, panels[Check.TRUNCATE])
    for spec in wanted:
        if spec.scope != "cross":
            yield spec, done[spec.name]
            continue
        yield (
            spec,
            {
                variant: _across(spec, own, [done[s.name][variant] for s in spec.series])
                for variant in VARIANTS
            },
        )


def _jobs(
    specs: list[FeatureSpec],
) -> list[tuple[int, tuple[Check, ...], list[FeatureSpec]]]:
    """Return lengths of windows, what is computed on them, and for which features.

    Whether later rows matter shows on windows just long enough for a value; whether the value is
    the one of the whole series shows on windows of `settle_rows`. Features of similar length share
    their windows, so that parts computed once serve several.
    """
    poisoned: dict[int, list[FeatureSpec]] = {}
    settled: dict[int, list[FeatureSpec]] = {}
    for spec in specs:
        settle = spec.settle_rows or 1
        short = min(settle, spec.min_rows + _BEYOND_SEED)
        poisoned.setdefault(_bucket(short), []).append(spec)
        if settle > short:
            settled.setdefault(_bucket(settle), []).append(spec)
    jobs: list[tuple[int, tuple[Check, ...], list[FeatureSpec]]] = []
    for _, group in sorted(poisoned.items()):
        length = max(min(s.settle_rows or 1, s.min_rows + _BEYOND_SEED) for s in group)
        jobs.append((length, (Check.TRUNCATE, *POISONED), group))
    for _, group in sorted(settled.items()):
        jobs.append((max(s.settle_rows or 1 for s in group), (Check.START,), group))
    return jobs


def _bucket(rows: int) -> int:
    size = 4
    while size < rows:
        size = size * 3 // 2
    return size


def _group(
    specs: list[FeatureSpec],
    own: OwnBars,
    asked: NDArray[np.bool_],
    rng: np.random.Generator,
    work: tuple[int, tuple[Check, ...]],
) -> dict[str, dict[Check, Panel]]:
    length, variants = work
    n_rows, n_columns = own.shape
    index = np.arange(n_rows)[:, None]
    place = np.broadcast_to(index, own.shape) if own.place is None else own.place
    chosen = asked[place] & (index < own.counts[None, :])
    at, column = (part.astype(np.int64) for part in np.nonzero(chosen))
    out = {s.name: {v: np.full((n_rows, n_columns), np.nan) for v in variants} for s in specs}
    fields = {name for spec in specs for name in spec.inputs}
    step = max(1, _CELLS // (length + POISONED_ROWS))
    for begin in range(0, len(at), step):
        part = slice(begin, begin + step)
        windows = _Windows(own, at[part], column[part], length, fields)
        target = place[at[part], column[part]]
        for variant in variants:
            stacked = windows.bars(variant, rng)
            for spec in specs:
                values = values_on(stacked, spec)
                ends = values[windows.last_row, np.arange(len(target))]
                out[spec.name][variant][target, column[part]] = ends
    return out


class _Windows:
    """The windows of some decision dates, side by side, with some later rows below them."""

    def __init__(
        self,
        own: OwnBars,
        at: NDArray[np.int64],
        column: NDArray[np.int64],
        length: int,
        fields: set[str],
    ) -> None:
        self.own, self.column, self.length = own, column, length
        first = np.maximum(at - length + 1, 0)
        self.last_row = at - first
        self.left = own.counts[column] - 1 - at  # later bars there are
        height = length + POISONED_ROWS
        rows = first[None, :] + np.arange(height)[:, None]
        np.minimum(rows, (own.counts[column] - 1)[None, :], out=rows)
        flat = rows * own.shape[1] + column[None, :]
        self.base = {
            name: np.take(getattr(own, name).ravel(), flat) for name in FIELDS if name in fields
        }
        self.ts = np.broadcast_to(np.int64(0), flat.shape)
        if "ts" in fields:
            self.ts = np.take(np.ascontiguousarray(own.ts).ravel(), flat)
        below = np.arange(height)[:, None] - self.last_row[None, :]
        # Most windows are full, so the later rows are few: they are handled as a list of cells.
        self.later = np.nonzero(below > 0)
        self.gone = np.nonzero(below > self.left[None, :])
        self.at = at

    def bars(self, variant: Check, rng: np.random.Generator) -> OwnBars:
        """Return the windows as own bars, the later rows cut off or spoiled."""
        rows, windows = self.later
        panels: dict[str, Any] = {}
        source = np.empty(0, dtype=np.int64)
        if variant == Check.POISON_SHUFFLED:
            ahead = np.maximum(self.left[windows], 1)
            picked = self.at[windows] + 1 + rng.integers(0, 2**40, size=len(windows)) % ahead
            picked = np.minimum(picked, self.own.counts[self.column[windows]] - 1)
            source = picked * self.own.shape[1] + self.column[windows]
        poisoned = variant in POISONED
        height = self.length + POISONED_ROWS if poisoned else self.length
        empty = np.broadcast_to(np.nan, (height, len(self.at)))
        for name in FIELDS:
            if name not in self.base:
                panels[name] = empty
                continue
            values = self.base[name].copy()
            if not poisoned:
                values[rows, windows] = np.nan
            elif variant == Check.POISON_LARGE:
                values[rows, windows] *= 1e6
            else:
                values[rows, windows] = np.take(getattr(self.own, name).ravel(), source)
            values[self.gone] = np.nan
            panels[name] = values[:height]
            panels[name].flags.writeable = False
        counts = np.full(len(self.at), height, dtype=np.int64)
        return OwnBars(
            **panels, ts=self.ts[:height], place=None, counts=counts, interval=self.own.interval
        )


def _across(spec: FeatureSpec, own: OwnBars, inner: list[Panel]) -> Panel:
    shape = own.shape
    empty = np.broadcast_to(np.nan, shape)
    aligned = OwnBars(
        **cast(dict[str, Any], dict.fromkeys(FIELDS, empty)),
        ts=np.broadcast_to(np.int64(0), shape),
        place=None,
        counts=np.full(shape[1], shape[0], dtype=np.int64),
        interval=own.interval,
    )
    for series, values in zip(spec.series, inner, strict=True):
        aligned.memo[series.name] = values
    return values_on(aligned, spec)

"""What windows and recursions remember of a panel that grows row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
from numpy.typing import NDArray

Panel = NDArray[np.float64]

_IN_USE: ContextVar[Memory | None] = ContextVar("features_memory", default=None)


def in_use() -> Memory | None:
    """Return the memory that functions on panels read now; None where they get whole panels."""
    return _IN_USE.get()


class Window:
    """The last rows of a growing panel, each column on its own bars.

    Parameters
    ----------
    rows : int
        Rows to keep.
    width : int
        Columns.
    """

    __slots__ = ("_end", "_kept", "_table")

    def __init__(self, rows: int, width: int) -> None:
        self._kept, self._end = rows, rows
        # Rows before the first are missing. Room for more saves moving the window every time.
        self._table = np.full((2 * rows + 64, width), np.nan)

    @property
    def past(self) -> Panel:
        """The rows that later ones may need, oldest first."""
        return self._table[self._end - self._kept : self._end].copy()

    @classmethod
    def of(cls, past: Panel) -> Window:
        """Return a window that goes on after its `past`."""
        made = cls(*past.shape)
        made._table[: len(past)] = past
        return made

    def push(self, row: NDArray[np.float64], gone: NDArray[np.int64]) -> Panel:
        """Append a row and return the last rows; columns in `gone` stay as they were."""
        kept, table = self._kept, self._table
        if self._end == len(table):
            table[:kept] = table[-kept:]
            self._end = kept
        table[self._end] = row
        self._end = end = self._end + 1
        if len(gone):
            table[end - kept : end, gone] = table[end - kept - 1 : end - 1, gone]
        return table[end - kept : end]


class Memory:
    """What the functions of `rolling` remember between two rows.

    A function is known by its place in the order of calls, which is the same at every row.

    Parameters
    ----------
    width : int
        Columns of the panel.
    """

    def __init__(self, width: int) -> None:
        self.counts = np.zeros(width, dtype=np.int64)
        """Own bars of each column, the present one included."""
        self._gone: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._slots: list[Any] = []
        self._at = 0

    @contextmanager
    def row(self, exists: NDArray[np.bool_]) -> Iterator[None]:
        """Serve one row; columns that have no bar in it keep what they remember."""
        self.counts += exists
        self._gone = np.flatnonzero(~exists)
        self._at = 0
        token = _IN_USE.set(self)
        try:
            yield
        finally:
            _IN_USE.reset(token)

    def over(
        self,
        work: Callable[..., tuple[Panel, ...]],
        rows: int,
        panels: tuple[Panel, ...],
        *,
        in_blocks: bool,
    ) -> tuple[Panel, ...]:
        """Return what a windowed function gives in its newest row.

        Parameters
        ----------
        work : callable
            Takes and gives panels; its newest row depends on the last `rows` rows.
        rows : int
            Rows of the window.
        panels : tuple of ndarray of shape (1, n_columns)
            The newest row of each of its panels.
        in_blocks : bool
            Whether it sums in blocks of `rows` rows from the first bar on. It is then given the
            same blocks, so that rounding is the same to the last bit.

        Returns
        -------
        tuple of ndarray of shape (1, n_columns)
            The newest row of each panel that it gives.
        """
        kept, width = 2 * rows if in_blocks else rows, len(self.counts)
        pasts = []
        for panel in panels:
            window = self._slot(lambda: Window(kept, width))
            pasts.append(window.push(panel[0], self._gone))
        if not in_blocks:
            return tuple(out[-1:] for out in work(*pasts))
        phases = np.maximum(self.counts - 1, 0) % rows
        first = int(phases[0])
        if (phases == first).all():
            return tuple(out[-1:] for out in work(*(p[rows - 1 - first :] for p in pasts)))
        found: list[Panel] = []
        for phase in np.unique(phases):
            own = np.flatnonzero(phases == phase)
            parts = work(*(np.ascontiguousarray(p[rows - 1 - phase :, own]) for p in pasts))
            found = found or [np.empty(panels[0].shape) for _ in parts]
            for out, part in zip(found, parts, strict=True):
                out[0, own] = part[-1]
        return tuple(found)

    def recur(self, work: Callable[[Panel], Panel], start: tuple[float, ...]) -> Panel:
        """Return what a recursion gives for its newest row, and keep what it remembers.

        Parameters
        ----------
        work : callable
            Takes what is remembered, one row a quantity, changes it, and gives the new row.
        start : tuple of float
            What it remembers before the first row.
        """
        state = self._slot(lambda: np.repeat(np.array(start)[:, None], len(self.counts), axis=1))
        kept = state[:, self._gone]
        out = work(state)
        state[:, self._gone] = kept
        return out

    def saved(self) -> dict[str, NDArray[Any]]:
        """Return what is remembered as named arrays; `restored` goes on from them."""
        found: dict[str, NDArray[Any]] = {"counts": self.counts.copy()}
        for at, slot in enumerate(self._slots):
            if isinstance(slot, Window):
                found[f"window {at}"] = slot.past
            else:
                found[f"state {at}"] = slot.copy()
        return found

    @classmethod
    def restored(cls, saved: Mapping[str, NDArray[Any]]) -> Memory:
        """Return a memory from what `saved` gave."""
        made = cls(len(saved["counts"]))
        made.counts[:] = saved["counts"]
        slots = [name.split() for name in saved if name != "counts"]
        for kind, at in sorted(slots, key=lambda slot: int(slot[1])):
            past = np.array(saved[f"{kind} {at}"], dtype=np.float64)
            made._slots.append(Window.of(past) if kind == "window" else past)
        return made

    def _slot(self, make: Callable[[], Any]) -> Any:
        if self._at == len(self._slots):
            self._slots.append(make())
        self._at += 1
        return self._slots[self._at - 1]

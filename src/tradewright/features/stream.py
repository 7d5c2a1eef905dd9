"""Features of bars that arrive one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.bars import FIELDS, Bars
from tradewright.domain.errors import ConfigError, DataError
from tradewright.features.evaluate import check_numbers, values_on
from tradewright.features.own_bars import OwnBars
from tradewright.features.parsing import parse_features
from tradewright.features.registry import find
from tradewright.features.remembering import Memory
from tradewright.features.specs import FeatureSpec


def is_bar_by_bar(spec: FeatureSpec) -> bool:
    """Whether a feature, and all it is computed from, can be updated bar by bar."""
    return find(spec.definition).is_bar_by_bar and all(map(is_bar_by_bar, spec.series))


class FeatureStream:
    """Features updated with each new bar, equal to `compute` on all bars seen so far.

    Parameters
    ----------
    specs : str, or iterable of str or FeatureSpec
        What to compute; text is read by `parse_features`.
    symbols : sequence of str
        Instruments, in the order of the columns of the bars that will come.
    interval : str
        Interval of the bars.

    Raises
    ------
    ConfigError
        If a feature cannot be read, or cannot be updated bar by bar; it is named.

    Notes
    -----
    Timing: what `update` returns for a row uses that row and rows given before it.
    Missing data: an instrument without a bar in a row has NaN there and its windows do not move.
    Accuracy: windows and recursions are those of `compute`, in the same blocks, so that a stream
    which begins where the bars begin gives the same numbers to the last bit. One that begins
    later agrees with them within 1e-12 of the input's scale from the row on that
    `FeatureSpec.warm_up_rows` declares. Where that is None (on-balance volume, for example) give
    it all bars. An input that rests keeps what an index of relative strength began with.

    Examples
    --------
    >>> import tradewright as tw
    >>> bars = tw.sample_bars(["AAPL"], start="2016-01-01", end="2017-01-01")
    >>> stream = FeatureStream(["sma(20)", "rsi(14)"], bars.symbols)
    >>> history = stream.update(bars.rows(0, 200))
    >>> newest = stream.update(bars.rows(200, 201))
    >>> history.shape, newest.shape
    ((200, 1, 2), (1, 1, 2))
    """

    def __init__(
        self,
        specs: str | Iterable[str | FeatureSpec],
        symbols: Sequence[str],
        *,
        interval: str = "1d",
    ) -> None:
        self.specs = parse_features(specs)
        fixed = [spec.name for spec in self.specs if not is_bar_by_bar(spec)]
        if fixed:
            raise ConfigError(
                f"{', '.join(fixed)} cannot be updated bar by bar; compute it on all bars instead"
            )
        self.symbols, self.interval = tuple(symbols), interval
        self._memory = Memory(len(self.symbols))
        self._ones = np.ones(len(self.symbols), dtype=np.int64)
        self._last_ns = -1

    def update(self, bars: Bars) -> NDArray[np.float64]:
        """Take new bars and return their features.

        Parameters
        ----------
        bars : Bars
            One row or more, after those given before.

        Returns
        -------
        ndarray of shape (n_rows, n_instruments, n_features)
            NaN where a feature has no value yet, or the instrument no bar.

        Raises
        ------
        DataError
            If the instruments or the interval differ, rows are not after those given before, a
            value is infinite, or a price is not above zero where a logarithm needs one. Nothing
            was taken then.
        """
        if bars.symbols != self.symbols or bars.interval != self.interval:
            raise DataError(
                f"bars of {len(bars.symbols)} instruments in {bars.interval}, wanted the "
                f"{len(self.symbols)} of the stream in {self.interval}, in its order"
            )
        if bars.ts[0] <= self._last_ns:
            raise DataError(
                f"bars begin at {str(bars.times[0])[:19]}Z, which the stream already has"
            )
        check_numbers(self.specs, bars)
        out = np.empty((bars.n_bars, len(self.symbols), len(self.specs)))
        for row in range(bars.n_bars):
            self._take(bars, row, out[row])
        self._last_ns = int(bars.ts[-1])
        return out

    def save(self) -> dict[str, NDArray[Any]]:
        """Return what the stream remembers, as named arrays (``numpy.savez`` keeps them)."""
        names = "\n".join((self.interval, *self.symbols, *(spec.name for spec in self.specs)))
        last = np.array(self._last_ns)
        return {**self._memory.saved(), "last_ns": last, "made_for": np.array(names)}

    def restore(self, saved: Mapping[str, NDArray[Any]]) -> None:
        """Go on where a stream of the same features and instruments was saved.

        Parameters
        ----------
        saved : mapping of str to ndarray
            From `save`.

        Raises
        ------
        DataError
            If it was saved for other features, instruments or another interval.
        """
        found = dict(saved)
        last, made_for = int(found.pop("last_ns")), str(found.pop("made_for"))
        if made_for != str(self.save()["made_for"]):
            raise DataError(
                "this state was saved for other features, instruments or another interval"
            )
        self._memory, self._last_ns = Memory.restored(found), last

    def _take(self, bars: Bars, row: int, out: NDArray[np.float64]) -> None:
        exists = ~np.isnan(bars.close[row])
        gone = np.flatnonzero(~exists)
        fields = {name: getattr(bars, name)[row : row + 1] for name in FIELDS}
        if len(gone):
            fields = {name: np.where(exists, values, np.nan) for name, values in fields.items()}
        ts = np.broadcast_to(bars.ts[row : row + 1, None], (1, len(exists)))
        own = OwnBars(**fields, ts=ts, place=None, counts=self._ones, interval=bars.interval)
        with self._memory.row(exists):
            for at, spec in enumerate(self.specs):
                out[:, at] = values_on(own, spec)[0]
        out[gone] = np.nan

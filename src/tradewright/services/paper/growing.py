"""Indicators of a tape that grows: each new bar updates them, none before it is looked at again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError
from tradewright.services.backtest import feature_source, frame_source

if TYPE_CHECKING:
    from tradewright.engine.frames import IndicatorValues
    from tradewright.features import FeatureSpec

Source = Callable[[str], "IndicatorValues"]


def growing_source(bars: Bars) -> Source:
    """Return what answers ``ctx.indicator`` where the tape grows bar by bar.

    Parameters
    ----------
    bars : Bars
        The tape; rows after the one asked for are not read, but by the few features that cannot
        be updated bar by bar: those are causal and come from the whole tape.

    Returns
    -------
    callable
        Gives the values of one feature by name, the same numbers as from the whole tape.
    """
    if bars.actions:  # a value is told in prices of its own row, which a stream does not know
        return feature_source(bars)

    def values_of(name: str) -> IndicatorValues:
        from tradewright.features import is_bar_by_bar, parse_features

        specs = parse_features([name])
        if len(specs) != 1:
            raise ConfigError(f"indicator {name!r} is {len(specs)} columns, name one of them")
        if is_bar_by_bar(specs[0]):
            return GrowingValues(bars, specs[0])
        return feature_source(bars)(name)

    return values_of


def growing_parts(bars: Bars) -> dict[str, Any]:
    """Return indicators and coarser frames of a growing tape, as fields of a loop's setup."""
    return {
        "indicators": growing_source(bars),
        "frames": frame_source(bars, growing_source),
    }


class GrowingValues:
    """One feature at the newest row of a growing tape.

    Parameters
    ----------
    bars : Bars
        The tape.
    spec : FeatureSpec
        The feature.
    """

    __slots__ = ("_bars", "_next", "_now", "_stream")

    def __init__(self, bars: Bars, spec: FeatureSpec) -> None:
        from tradewright.features import FeatureStream

        self._bars, self._next = bars, 0
        self._stream = FeatureStream([spec], bars.symbols, interval=bars.interval)
        self._now: NDArray[np.float64] = np.full(bars.n_instruments, np.nan)

    def __getitem__(self, place: tuple[int, int], /) -> float:
        row, column = place
        if row >= self._next:
            self._now = self._stream.update(self._bars.rows(self._next, row + 1))[-1, :, 0]
            self._next = row + 1
        assert row + 1 == self._next, "a growing tape is asked for its newest row"
        return float(self._now[column])

"""Prices of the past as they stand now, where the tape holds prices as traded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import ConfigError, nearest

ADJUSTMENTS: Final = ("splits", "total_return", "none")
FactorSource = Callable[[str], NDArray[np.float64]]
"""Gives, by mode, what each price is multiplied by to compare with the first bar, (n_bars,
n_instruments); a row is made of the corporate actions up to it."""


class Comparable:
    """Restates the past of a tape for splits and dividends up to the present row.

    Parameters
    ----------
    factors : callable
        The factors of a mode.

    Notes
    -----
    Timing: the factor between two rows knows the actions between them and no later one, so what
    is shown at a row never changes when later actions become known.
    """

    __slots__ = ("_factors", "_known")

    def __init__(self, factors: FactorSource) -> None:
        self._factors = factors
        self._known: dict[str, NDArray[np.float64]] = {}

    def restated(
        self, past: NDArray[np.float64], place: tuple[int, int], field: str, mode: str
    ) -> NDArray[np.float64]:
        """Return values that end at a row as they stand there.

        Parameters
        ----------
        past : ndarray of shape (n,)
            Values of one instrument, newest last.
        place : (end, column)
            Row after the newest value, and the instrument.
        field : str
            Prices are restated by the mode, volume by splits alone.
        mode : str
            ``splits``, ``total_return`` or ``none``.

        Raises
        ------
        ConfigError
            If the mode is not known.
        """
        if mode not in ADJUSTMENTS:
            raise ConfigError(f"history adjust is {mode!r}; {nearest(mode, ADJUSTMENTS)}")
        if mode == "none" or not len(past):
            return past
        end, column = place
        factor = self.of("splits" if field == "volume" else mode)[end - len(past) : end, column]
        if factor[0] == factor[-1]:
            return past
        shares = factor / factor[-1]
        found: NDArray[np.float64] = past / shares if field == "volume" else past * shares
        found.flags.writeable = False
        return found

    def now(self, row: int, column: int) -> float:
        """Return how many shares of the first bar one share of a row came from, as a ratio."""
        return float(self.of("splits")[row, column])

    def of(self, mode: str) -> NDArray[np.float64]:
        """Return the factors of a mode, made once."""
        if mode not in self._known:
            self._known[mode] = self._factors(mode)
        return self._known[mode]

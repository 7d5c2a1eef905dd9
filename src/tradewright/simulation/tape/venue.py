"""The simulated venue on finer bars than those its orders are decided on."""

from __future__ import annotations

from typing import Any

from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError
from tradewright.domain.outcome import Outcome
from tradewright.domain.rules import FillRules
from tradewright.simulation.tape.finer import fold, lay, rules_on
from tradewright.simulation.venue import SimulatedVenue


class FinerVenue(SimulatedVenue):
    """A venue that walks through the finer bars of each bar.

    Parameters
    ----------
    bars : Bars
        The bars that orders are decided on; rows, times and the record are theirs.
    finer : Bars
        See `tradewright.simulation.tape.finer.lay`.
    rules : FillRules
        With ``intrabar: finer``.
    **account
        As for `SimulatedVenue`.

    Raises
    ------
    ConfigError
        As `SimulatedVenue`, and if `finer` is not finer or the rules do not ask for it.
    """

    def __init__(self, bars: Bars, finer: Bars, *, rules: FillRules, **account: Any) -> None:
        if rules.intrabar != "finer":
            raise ConfigError(f"finer bars are given, but rules.intrabar is {rules.intrabar!r}")
        laid = lay(bars, finer)
        super().__init__(laid, rules=rules_on(laid, rules), **account)
        self._laid, self._decided_on = laid, bars
        self._ends: list[int] = laid.ends.tolist()
        # What happens inside a bar is told with its close, when it is known.
        self._times = memoryview(bars.ts[laid.coarse].data).cast("B").cast("q")

    def advance(self, row: int) -> bool:
        """Process the finer bars of bar `row`, and any before it that were skipped.

        Raises
        ------
        ConfigError, DataError
            As `SimulatedVenue.advance`.
        """
        if not 0 <= row < len(self._ends):
            raise ConfigError(f"venue has rows 0 to {len(self._ends) - 1}, asked for {row}")
        return super().advance(self._ends[row])

    def outcome(self) -> Outcome:
        """Return the record of the account up to the last bar processed."""
        return fold(super().outcome(), self._laid, self._decided_on)

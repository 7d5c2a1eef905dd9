"""Evaluates the sets of a sweep in order, wherever they run, and remembers what they gave."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.bars import Bars
from tradewright.domain.decisions import Signals, TargetWeights
from tradewright.domain.errors import ConfigError
from tradewright.domain.money import to_minor
from tradewright.metrics.benchmark import buy_and_hold
from tradewright.metrics.returns import RISK_FREE, returns_of
from tradewright.ports.crew import Crew, Lost
from tradewright.services.backtest_plan import settling_of
from tradewright.services.luck.trial_sessions import session_closes
from tradewright.services.sweeping import journal as journals
from tradewright.services.sweeping.crews import cores
from tradewright.services.sweeping.pool import ProcessCrew, run_here
from tradewright.services.sweeping.units import FIGURES, LevelWork, Row, Scored, SetWork

FloatArray = NDArray[np.float64]
MOST_CELLS: Final = 25_000_000
"""Sessions times sets whose returns are held at once, 200 MB."""
POOL_AFTER_S: Final = 1.0
"""Seconds of work after which a sweep that nobody gave workers looks how much is left."""
POOL_FROM_S: Final = 8.0
"""Seconds left from which starting processes, about two seconds each, pays."""


class Tester:
    """Makes, runs and scores sets.

    Parameters
    ----------
    work : SetWork
        What is done to a set.
    workers : int or None
        Threads for arrays, processes for strategies; all cores unless given.
    crew : Crew, optional
        Who runs strategies; decided by how long they take unless given. A cluster runs arrays
        too; on this machine they run in one compiled pass.
    """

    def __init__(self, work: SetWork, *, workers: int | None = None, crew: Crew | None = None):
        self.work, self.workers, self._crew = work, workers, crew
        self._is_spread = crew is not None and not isinstance(crew, ProcessCrew)
        self.currency = work.bars.instruments[0].currency
        self.sets: list[dict[str, Any]] = []
        self.rows: list[Row | None] = []
        self.lost: dict[int, str] = {}
        self.levels: dict[int, FloatArray] = {}
        self.total = 0
        self.journal: journals.SweepJournal | None = None
        self.progress: Callable[[float, str], None] | None = None
        self._noted = 0

    @property
    def bars(self) -> Bars:
        """The tape."""
        return self.work.bars

    @property
    def finished(self) -> list[int]:
        """Numbers of the sets that have figures."""
        return [number for number, row in enumerate(self.rows) if row is not None]

    def test(self, sets: Iterable[dict[str, Any]]) -> list[float]:
        """Run sets; return the Sharpe ratio of each, NaN where undefined, left out or failed."""
        before = len(self.rows)
        source = self._numbered(sets)
        for number, chosen in source:
            try:
                what = self.work.make(**chosen)
            except MemoryError:
                what = ...  # fails again below, as one set among others
            if isinstance(what, Signals | TargetWeights) and not self._is_spread:
                self._test_arrays(number, what, source)
            elif what is None:
                self._note(number, None)
            else:
                self._test_strategies(itertools.chain([(number, chosen)], source))
        return [math.nan if row is None else row[1] for row in self.rows[before:]]

    def uncounted(self) -> list[float]:
        """Return the annual Sharpe ratios of the sets that are not counted as trials yet."""
        known = frozenset() if self.journal is None else self.journal.counted
        return [row[1] for number, row in enumerate(self.rows)
                if row is not None and number not in known]  # fmt: skip

    def end(self) -> None:
        """Forget the journal; where sets failed it stays, and knows what was counted."""
        if self.journal is None:
            return
        if self.lost:
            self.journal.count(self.finished)
        else:
            self.journal.finish()

    @cached_property
    def returns(self) -> FloatArray:
        """Session returns, one column a set that finished."""
        closes, numbers = session_closes(self.bars), self.finished
        if len(closes) * len(numbers) > MOST_CELLS:
            raise ConfigError(
                f"sweep: the returns of {len(numbers)} sets over {len(closes)} sessions are too "
                f"many to hold at once, wanted at most {MOST_CELLS // len(closes)} sets"
            )
        missing = [number for number in numbers if number not in self.levels]
        again = self._runs(LevelWork(self.work), ((at, self.sets[at]) for at in missing))
        levels = {**self.levels, **dict(again)}
        found = np.zeros((len(closes) - 1, len(numbers)))
        for column, number in enumerate(numbers):
            own = levels[number]
            if isinstance(own, Lost):
                raise ConfigError(f"sweep: set {self.sets[number]} did not run again: {own.cause}")
            found[: len(own) - 1, column] = returns_of(own)
        return found

    @cached_property
    def held_returns(self) -> FloatArray:
        """Session returns of the universe bought at the first close and held, without costs."""
        from tradewright.marketdata import adjust

        closes = session_closes(self.bars)
        bars = adjust(self.bars, mode="total_return") if self.bars.actions else self.bars
        return returns_of(np.nan_to_num(buy_and_hold(bars.close[closes]), nan=1.0))

    def _numbered(self, sets: Iterable[dict[str, Any]]) -> Iterator[tuple[int, dict[str, Any]]]:
        known = {} if self.journal is None else self.journal.known
        for chosen in sets:
            number = len(self.sets)
            self.sets.append(chosen)
            self.rows.append(known.get(number))
            if number in known:
                self._tell(1)
            else:
                yield number, chosen

    def _test_arrays(
        self, number: int, what: Any, source: Iterator[tuple[int, dict[str, Any]]]
    ) -> None:
        from tradewright.marketdata import schedule_actions
        from tradewright.simulation import sweep_signals

        taken: list[int] = []
        rest = source if self.journal is None else itertools.islice(source, journals.BLOCK - 1)

        def decisions() -> Iterator[Signals | TargetWeights]:
            taken.append(number)
            yield what
            for other, chosen in rest:
                made = self.work.make(**chosen)
                if made is None:
                    self._note(other, None)
                else:
                    taken.append(other)
                    yield made

        told = 0

        def tell(done: int) -> None:
            nonlocal told
            self._tell(done - told)
            told = done

        found = sweep_signals(
            self.bars,
            decisions(),
            cash_minor=to_minor(self.work.cash, self.currency),
            costs=self.work.costs,
            rules=self.work.rules,
            currency=self.currency,
            actions=schedule_actions(self.bars),
            settling=settling_of(self.work.rules),
            risk_free=RISK_FREE,
            workers=self.workers,
            on_done=tell,
        )
        columns = [getattr(found, name).tolist() for name in FIGURES]
        for at, row in zip(taken, zip(*columns, strict=True), strict=True):
            self.rows[at] = row
        if self.journal is not None:
            for first, last in _spans(taken):
                self.journal.append(first, self.rows[first:last])

    def _test_strategies(self, source: Iterator[tuple[int, dict[str, Any]]]) -> None:
        for number, found in self._runs(self.work, source):
            self._note(number, found)

    def _runs(
        self, work: Callable[[Any], Any], source: Iterable[tuple[int, dict[str, Any]]]
    ) -> Iterator[tuple[int, Any]]:
        numbers: list[int] = []

        def units() -> Iterator[dict[str, Any]]:
            for number, chosen in source:
                numbers.append(number)
                yield chosen

        waiting = units()
        crew = self._crew
        if crew is None:
            started = time.perf_counter()
            for at, found in run_here(work, waiting):
                yield numbers[at], found
                if self._pays(time.perf_counter() - started, at + 1):
                    break
            else:
                return
            numbers.clear()
            crew = ProcessCrew(cores(), else_here=True)
        results = crew.run(work, waiting)
        with closing(results):  # type: ignore[type-var]
            for at, found in results:
                yield numbers[at], found

    def _pays(self, spent_s: float, done: int) -> bool:
        left = self.total - self._noted
        slow = spent_s > POOL_AFTER_S and spent_s / done * left > POOL_FROM_S
        return slow and self.workers is None and cores() > 1

    def _note(self, number: int, found: Scored | Lost | None) -> None:
        if isinstance(found, Lost):
            self.lost[number] = found.cause
        else:
            if found is not None:
                self.rows[number] = found.figures
                if found.levels is not None:
                    self._remember(number, found.levels)
            if self.journal is not None:
                self.journal.append(number, [self.rows[number]])
        self._tell(1)

    def _remember(self, number: int, levels: FloatArray) -> None:
        if len(levels) * len(self.levels) <= MOST_CELLS:
            self.levels[number] = levels

    def _tell(self, more: int) -> None:
        self._noted += more
        if self.progress is not None and self.total:
            failed = f", {len(self.lost)} failed" if self.lost else ""
            text = f"sets: {self._noted:,} of {self.total:,}{failed}"
            self.progress(min(self._noted / self.total, 1.0), text)


def _spans(numbers: list[int]) -> Iterator[tuple[int, int]]:
    first = 0
    for at in range(1, len(numbers) + 1):
        if at == len(numbers) or numbers[at] != numbers[at - 1] + 1:
            yield numbers[first], numbers[at - 1] + 1
            first = at

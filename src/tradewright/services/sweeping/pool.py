"""A crew of processes on this machine, each started afresh and told once what to do."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from typing import Any, Final

from tradewright.domain.errors import ConfigError, EdgeError
from tradewright.ports.crew import Lost
from tradewright.services.sweeping.sharing import pack
from tradewright.services.sweeping.worker import DONE, NO_MEMORY, RAISED, READY

TRIES: Final = 2
START: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from tradewright.services.sweeping.worker import serve; "
    "serve(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])"
)
ONE_THREAD: Final = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)
"""Workers share the cores; and a sum over two threads is not the sum over one to the last bit."""


class ProcessCrew:
    """Processes of this machine.

    Parameters
    ----------
    workers : int
        How many; >= 1.
    else_here : bool
        Whether work that cannot be sent is done in this process instead of refused.

    Notes
    -----
    A worker is a new interpreter, not a fork and not a second run of the user's script: a script
    needs no ``if __name__ == "__main__"``. It ends when this process ends, also when that is
    killed. A unit whose worker dies, or finds no memory, is given to another once more.
    """

    def __init__(self, workers: int, *, else_here: bool = False) -> None:
        if workers < 1:
            raise ConfigError(f"workers is {workers}, wanted at least 1")
        self.workers, self._else_here = workers, else_here

    def run(self, work: Callable[[Any], Any], units: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        """See `ports.crew.Crew.run`."""
        with tempfile.TemporaryDirectory(prefix="tradewright-") as name:
            try:
                pack(work, Path(name))
            except ConfigError:
                if not self._else_here:
                    raise
                yield from run_here(work, units)
                return
            shift = _Shift(Path(name), units)
            try:
                yield from shift.results(self.workers)
            finally:
                shift.stop()


def run_here(work: Callable[[Any], Any], units: Iterable[Any]) -> Iterator[tuple[int, Any]]:
    """Do the work in this process, one unit after the other, as a worker would."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    for number, unit in enumerate(units):
        for trial in range(TRIES):
            try:
                with threadpool_limits(1):
                    found = work(unit)
                break
            except MemoryError as error:
                if trial == TRIES - 1:
                    found = Lost(f"{error or 'out of memory'} ({TRIES} tries)")
        yield number, found


class _Worker:
    def __init__(self, folder: Path) -> None:
        self.line, other = Pipe()
        ends, self._life = os.pipe()
        words = (json.dumps(sys.path), str(other.fileno()), str(ends), str(folder))
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-c", START, *words],
                pass_fds=(other.fileno(), ends),
                stdin=subprocess.DEVNULL,
                stdout=2,  # results of a command line are its own; what a strategy prints is not
                env={**os.environ, **ONE_THREAD},
                start_new_session=True,  # Ctrl-C is for the process that reads the results
            )
        finally:
            other.close()
            os.close(ends)
        self.unit: tuple[int, Any, int] | None = None
        self.is_ready = False

    def give(self, number: int, unit: Any, trial: int) -> None:
        self.unit = (number, unit, trial)
        with suppress(BrokenPipeError):  # it died; reading from it will tell
            self.line.send(unit)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self.line.close()
        os.close(self._life)

    def cause_of_death(self) -> str:
        code = self.process.wait()
        if code >= 0:
            return f"its process ended with {code}"
        name = signal.Signals(-code).name
        hint = "; out of memory is the usual reason" if name == "SIGKILL" else ""
        return f"its process was ended by {name}{hint}"


class _Shift:
    """The workers of one run, and what each is doing."""

    def __init__(self, folder: Path, units: Iterable[Any]) -> None:
        self._folder = folder
        self._units = enumerate(units)
        self._again: deque[tuple[int, Any, int]] = deque()
        self._workers: dict[Connection, _Worker] = {}

    def results(self, most: int) -> Iterator[tuple[int, Any]]:
        while True:
            while len(self._workers) < most and (unit := self._next()) is not None:
                worker = _Worker(self._folder)
                self._workers[worker.line] = worker
                worker.give(*unit)
            if not self._workers:
                return
            for line in wait(list(self._workers)):
                yield from self._heard(self._workers[line])  # type: ignore[index]

    def stop(self) -> None:
        for worker in self._workers.values():
            worker.stop()
        self._workers.clear()

    def _next(self) -> tuple[int, Any, int] | None:
        if self._again:
            return self._again.popleft()
        found = next(self._units, None)
        return None if found is None else (*found, 1)

    def _heard(self, worker: _Worker) -> Iterator[tuple[int, Any]]:
        try:
            word, value = worker.line.recv()
        except (EOFError, OSError):
            yield from self._died(worker)
            return
        if word == READY:
            worker.is_ready = True
            return
        if word == RAISED:
            raise value
        if word not in (DONE, NO_MEMORY):
            raise ConfigError(
                f"sweep: a worker cannot read what it shall do; can it import what make uses?\n"
                f"{value}"
            )
        assert worker.unit is not None
        number, unit, trial = worker.unit
        worker.unit = None
        if word == NO_MEMORY:
            yield from self._once_more(number, unit, trial, str(value))
        else:
            yield number, value
        if (following := self._next()) is not None:
            worker.give(*following)
        else:
            del self._workers[worker.line]
            worker.stop()

    def _died(self, worker: _Worker) -> Iterator[tuple[int, Any]]:
        del self._workers[worker.line]
        cause, begun = worker.cause_of_death(), worker.is_ready
        worker.stop()
        if not begun:
            raise EdgeError(f"sweep: a worker could not start: {cause}")
        assert worker.unit is not None
        yield from self._once_more(*worker.unit, cause)

    def _once_more(
        self, number: int, unit: Any, trial: int, cause: str
    ) -> Iterator[tuple[int, Any]]:
        if trial < TRIES:
            self._again.append((number, unit, trial + 1))
        else:
            yield number, Lost(f"{cause} ({TRIES} tries)")

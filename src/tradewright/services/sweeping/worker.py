"""The other side of the pool: one process that works on one unit after the other."""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tradewright.domain.errors import TradewrightError

READY, DONE, RAISED, NO_MEMORY, UNFIT = "ready", "done", "raised", "no memory", "unfit"


def serve(talk: int, life: int, folder: str) -> None:
    """Answer units until the pool closes the line.

    Parameters
    ----------
    talk : int
        Descriptor over which units come and results go.
    life : int
        Descriptor that ends when the pool's process ends, however that ends: then this one does.
    folder : str
        From `sharing.pack`.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the pool's process says when to stop
    threading.Thread(target=_end_with, args=(life,), daemon=True).start()
    line: Connection = Connection(talk)
    try:
        from tradewright.services.sweeping.sharing import unpack

        work = unpack(Path(folder))
    except Exception:
        line.send((UNFIT, traceback.format_exc(limit=-3)))
        return
    line.send((READY, None))
    while True:
        try:
            unit = line.recv()
        except EOFError:
            return
        _send(line, _answer(work, unit))


def _answer(work: Callable[[Any], Any], unit: Any) -> tuple[str, Any]:
    try:
        return DONE, work(unit)
    except MemoryError as error:
        return NO_MEMORY, str(error) or "out of memory"
    except TradewrightError as error:
        return RAISED, error
    except Exception as error:  # the user's own code; told, and the sweep stops
        return RAISED, TradewrightError(f"{type(error).__name__}: {error}")


def _send(line: Connection, answer: tuple[str, Any]) -> None:
    try:
        line.send(answer)
    except BrokenPipeError:
        os._exit(0)


def _end_with(life: int) -> None:
    # Nothing is ever written to it.
    os.read(life, 1)
    os._exit(1)

"""Small matrices are fastest, and bit-for-bit the same, on one thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

_lock = threading.Lock()
_inside = 0
_limit: Any = None


@cache
def _controller() -> Any:
    # The linear algebra libraries of numpy and scipy must be there to be found.
    import scipy.linalg  # noqa: F401
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """Use one thread for linear algebra while inside.

    A few hundred rows gain nothing from more, lose much when the cores are busy, and sums in
    another order would make a result depend on the machine. Contexts may overlap in several
    threads: the first one limits, the last one puts back what was.
    """
    global _inside, _limit  # noqa: PLW0603
    with _lock:
        _inside += 1
        if _inside == 1:
            _limit = _controller().limit(limits=1)
            _release()
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                _limit.restore_original_limits()
                _release()


def _release() -> None:
    # Newer versions let only the thread that set a limit change it; ours is put back by the last.
    import threadpoolctl

    clear = getattr(threadpoolctl.OpenBLASController, "clear_controlling_thread", None)
    if clear is not None:
        clear()

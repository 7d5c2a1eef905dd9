"""Small matrices are fastest, and bit-for-bit the same, on one thread."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from typing import Any


@cache
def _controller() -> Any:
    # The linear algebra libraries of numpy and scipy must be there to be found.
    import scipy.linalg  # noqa: F401
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    return ThreadpoolController()


def one_thread() -> AbstractContextManager[Any]:
    """Return a context in which linear algebra uses one thread.

    A few hundred rows gain nothing from more, lose much when the cores are busy, and sums in
    another order would make a result depend on the machine.
    """
    context: AbstractContextManager[Any] = _controller().limit(limits=1)
    return context

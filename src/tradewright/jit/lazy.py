"""Functions that become numba's when somebody needs them compiled."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final

LEAN: Final[ContextVar[bool]] = ContextVar("lean", default=False)
"""Whether what is compiled now is a lean whole, without its rare parts."""

_LOCK = threading.RLock()


class Lazy:
    """Something numba will know, made on first use.

    Compiled code may name it as a global: numba asks `made` for what it stands for.

    Parameters
    ----------
    make : callable
        Makes numba's object; called once.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._made: Any = None

    @property
    def made(self) -> Any:
        """What numba works with."""
        if self._made is None:
            with _LOCK:
                if self._made is None:
                    from tradewright.jit import compiling

                    compiling.teach_numba()
                    self._made = self._make()
        return self._made


class LazyFunction(Lazy):
    """A function that is compiled when it is first called.

    Parameters
    ----------
    function : callable
        The function as written.
    make : callable
        Makes numba's object; called once.
    """

    def __init__(self, function: Callable[..., Any], make: Callable[[], Any]) -> None:
        super().__init__(make)
        self.py_func = function
        functools.update_wrapper(self, function)

    def __call__(self, *args: Any, **named: Any) -> Any:
        """Run it, compiled."""
        return (self._made or self.made)(*args, **named)


class Part(LazyFunction):
    """A part of compiled code; Python cannot call it.

    Parameters
    ----------
    function : callable
        The function as written.
    left_out : callable or None
        What stands in its place in a lean whole; None where that has the function too.
    """

    def __init__(
        self, function: Callable[..., Any], left_out: Callable[..., Any] | None = None
    ) -> None:
        super().__init__(function, functools.partial(_made_part, function))
        # A lean whole has parts of its own: what they call may be left out.
        self._lean = Lazy(functools.partial(_made_part, left_out or function))

    @property
    def made(self) -> Any:
        """What numba works with in the form that is being compiled."""
        return self._lean.made if LEAN.get() else super().made

    def __call__(self, *args: Any, **named: Any) -> Any:
        """Refuse."""
        raise TypeError(f"{self.__name__} is a part of compiled code, Python cannot call it")

    __name__: str


def jit(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Compile a function with numba on its first call, caching its code between processes.

    A read-only package folder without a writable cache folder makes numba raise; the function is
    then compiled without a cache. Set ``NUMBA_CACHE_DIR`` to choose the folder.

    Parameters
    ----------
    function : callable, optional
        The function; left out when options are given.
    **options
        Passed to `numba.njit`, for example ``parallel=True`` or ``inline="always"``.

    Returns
    -------
    callable
        The function; numba is imported when it is first called.
    """

    def wrap(target: Callable[..., Any]) -> LazyFunction:
        def make() -> Any:
            from tradewright.jit.compiling import cached_dispatcher

            return cached_dispatcher(target, options)

        return LazyFunction(target, make)

    return wrap if function is None else wrap(function)


def part(
    function: Callable[..., Any] | None = None, /, *, left_out: Callable[..., Any] | None = None
) -> Any:
    """Compile a part of a larger compiled function; Python cannot call it.

    It has no wrapper and no cache of its own, keeps no reference counts and divides like C, so
    that it compiles quickly into its callers, which are kept with it.

    Parameters
    ----------
    function : callable, optional
        The function; it allocates and raises nothing. Left out when an option is given.
    left_out : callable, optional
        For a part that is rarely needed: a plain function of the same arguments that a lean whole
        has in its place, so that nobody waits for the compilation of what he does not use.

    Returns
    -------
    callable
        The compiled function.
    """
    if function is None:
        return functools.partial(Part, left_out=left_out)
    return Part(function)


def _made_part(function: Callable[..., Any]) -> Any:
    from tradewright.jit.compiling import part_dispatcher

    return part_dispatcher(function)

"""The entry to compiled parts: machine code from a file, or from the compiler once."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

from tradewright.jit import code_files
from tradewright.jit.lazy import LEAN, LazyFunction

_COMPILES = threading.Lock()


class Whole(LazyFunction):
    """A compiled function of numbers that Python calls; see `whole`."""

    def __init__(
        self, function: Callable[..., Any], make: Callable[[], Any], *, is_lean: bool = False
    ) -> None:
        super().__init__(function, make)
        self.is_lean = is_lean
        self._make_lean = functools.partial(Whole, function, make, is_lean=True)
        self._entry: Any = None

    @functools.cached_property
    def lean(self) -> Whole:
        """The same function without its rare parts: it compiles in less time."""
        return self._make_lean()

    def __call__(self, *args: Any) -> Any:
        """Run the machine code."""
        return (self._entry or self.entry)(*args)

    @property
    def entry(self) -> Any:
        """The builtin function around the machine code."""
        if self._entry is None:
            with _COMPILES:
                if self._entry is None:
                    self._entry = _ready(self)
        return self._entry


def whole(function: Callable[..., Any]) -> Any:
    """Compile a function made of parts, and keep its code for as long as no source file changes.

    Its machine code lies in a file of its own: reading it takes no compiler, so that a program
    whose code was compiled before does not import numba at all.

    Parameters
    ----------
    function : callable
        The function that Python calls; its arguments are annotated ``int`` or ``float``, and it
        returns an ``int`` or a tuple of them.

    Returns
    -------
    callable
        The compiled function; it takes positional arguments and releases the interpreter lock.

    Raises
    ------
    TypeError
        At once, if an argument is annotated otherwise; when called, if one is not a number.
    """

    def make() -> Any:
        from tradewright.jit.compiling import part_dispatcher

        return part_dispatcher(function)

    code_files.kinds_of(function)
    return Whole(function, make)


def _ready(function: Whole) -> Any:
    place = code_files.CodeFile(function.py_func, form="lean" if function.is_lean else "whole")
    code = place.read()
    if code is not None:
        return code_files.load(function.py_func, code)
    from tradewright.jit.machine_code import object_code

    form = LEAN.set(function.is_lean)
    try:
        code = object_code(function)
    finally:
        LEAN.reset(form)
    place.write(code)
    return code_files.load(function.py_func, code)

"""One way to compile: numba, loaded when it is needed, and machine code kept between processes.

Three kinds of compiled functions, each a decorator:

- `jit`: a function over arrays, compiled and cached by numba on its first call.
- `part`: a piece of a larger function; only compiled code calls it.
- `whole`: the entry to parts, with numbers as arguments. Its machine code is kept in a file and
  loaded again without numba, so that a first run does not wait for the compiler to be imported.

Nothing here imports numba by itself: decorating costs nothing.
"""

from __future__ import annotations

from tradewright.jit.access import (
    fetch_soon,
    load_byte,
    load_float,
    load_int,
    record_reader,
    store_byte,
    store_float,
    store_int,
)
from tradewright.jit.lazy import jit, part
from tradewright.jit.whole import Whole, whole

__all__ = [
    "Whole",
    "fetch_soon",
    "jit",
    "load_byte",
    "load_float",
    "load_int",
    "part",
    "record_reader",
    "store_byte",
    "store_float",
    "store_int",
    "whole",
]

"""Reading and writing memory by address in compiled code."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from tradewright.jit.lazy import Lazy


def record_reader(dtype: np.dtype[Any]) -> Any:
    """Return a compiled function that reads a table of records by address.

    Passing one address instead of many arrays keeps compiling and calling cheap.

    Parameters
    ----------
    dtype : numpy.dtype
        Structured type of a row.

    Returns
    -------
    callable
        ``reader(address, index)`` gives the record, by reference; only compiled code can call it.
        The caller keeps the array alive and the index within it.
    """

    def make() -> Any:
        from tradewright.jit.compiling import record_intrinsic

        return record_intrinsic(dtype)

    return Lazy(make)


def _loader(kind: str) -> Any:
    def make() -> Any:
        from tradewright.jit.compiling import load_intrinsic

        return load_intrinsic(kind)

    return Lazy(make)


def _storer(kind: str) -> Any:
    def make() -> Any:
        from tradewright.jit.compiling import store_intrinsic

        return store_intrinsic(kind)

    return Lazy(make)


load_float: Final = _loader("float64")
"""``load_float(address, index)``: a float64 of an array, in compiled code."""
load_int: Final = _loader("int64")
load_byte: Final = _loader("uint8")
store_float: Final = _storer("float64")
"""``store_float(address, index, value)`` writes a float64 of an array, in compiled code."""
store_int: Final = _storer("int64")
store_byte: Final = _storer("uint8")


def _fetcher() -> Any:
    from tradewright.jit.compiling import fetch_intrinsic

    return fetch_intrinsic()


fetch_soon: Final[Any] = Lazy(_fetcher)
"""``fetch_soon(address, index)`` asks the processor for a float that will be read before long."""

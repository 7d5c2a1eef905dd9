"""One way to compile: numba with a cache where one can be written."""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.compiler_machinery import PassManager
from numba.core.typed_passes import (
    AnnotateTypes,
    IRLegalization,
    NativeLowering,
    NoPythonBackend,
    NopythonTypeInference,
    PreLowerStripPhis,
)
from numba.core.untyped_passes import FixupArgs, IRProcessing, ReconstructSSA, TranslateByteCode
from numba.extending import intrinsic

_REFUSES_CALLS: Final = ctypes.cast(ctypes.pythonapi.PyErr_BadArgument, ctypes.c_void_p).value or 0
"""What Python finds where a part has no wrapper: it raises TypeError."""

_PASSES: Final = (
    TranslateByteCode,
    FixupArgs,
    IRProcessing,
    ReconstructSSA,
    NopythonTypeInference,
    PreLowerStripPhis,
    IRLegalization,
    AnnotateTypes,
    NativeLowering,
    NoPythonBackend,
)

F = TypeVar("F", bound=Callable[..., Any])


def jit(function: F | None = None, /, **options: Any) -> Any:
    """Compile a function with numba, caching the machine code between processes.

    A read-only package folder without a writable cache folder makes numba raise at decoration;
    the function is then compiled without a cache. Set ``NUMBA_CACHE_DIR`` to choose the folder.

    Parameters
    ----------
    function : callable, optional
        The function; left out when options are given.
    **options
        Passed to `numba.njit`, for example ``parallel=True`` or ``inline="always"``.

    Returns
    -------
    callable
        The compiled function.
    """

    def compile_it(target: F) -> Any:
        try:
            return numba.njit(cache=True, **options)(target)
        except RuntimeError:  # numba: no locator available for the cache
            return numba.njit(**options)(target)

    return compile_it if function is None else compile_it(function)


def part(function: F) -> Any:
    """Compile a part of a larger compiled function; Python cannot call it.

    It has no wrapper and no cache of its own, keeps no reference counts and divides like C, so
    that it compiles quickly into its callers, which are cached with it.

    Parameters
    ----------
    function : callable
        The function; it allocates nothing.

    Returns
    -------
    callable
        The compiled function.
    """
    options: dict[str, Any] = {
        "nogil": True,
        "_nrt": False,
        "error_model": "numpy",
        "no_cpython_wrapper": True,
        "no_cfunc_wrapper": True,
        "pipeline_class": _PartCompiler,
    }
    return numba.njit(**options)(function)


def whole(function: F) -> Any:
    """Compile a function made of parts, and cache it for as long as no source file changes.

    Numba by itself looks at the function's own file only; the parts of another file could change
    behind its back.

    Parameters
    ----------
    function : callable
        The function that Python calls.

    Returns
    -------
    callable
        The compiled function; it releases the interpreter lock.
    """
    compiled = jit(nogil=True, _nrt=False, error_model="numpy")(function)
    cache_file = getattr(compiled._cache, "_cache_file", None)
    if cache_file is not None:
        cache_file._source_stamp = _sources_digest()
    return compiled


@cache
def _sources_digest() -> str:
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for folder in ("costs", "simulation"):
        for path in sorted((here / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    digest.update(Path(__file__).read_bytes())
    digest.update((here / "domain" / "outcome.py").read_bytes())
    return digest.hexdigest()


class _PartLibrary(JITCodeLibrary):
    # Code that is only linked into its callers: they optimise it and make machine code of it, once.

    def _optimize_final_module(self) -> None:
        return

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()  # type: ignore[no-untyped-call]
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        self._ensure_finalized()  # type: ignore[no-untyped-call]
        return _REFUSES_CALLS

    @property
    def codegen(self) -> Any:
        return self

    def set_env(self, name: str, env: Any) -> None:
        return


class _PartCompiler(Compiler):
    def __init__(self, typingctx: Any, targetctx: Any, library: Any, *rest: Any) -> None:
        make: Any = _PartLibrary
        start: Any = super().__init__
        start(typingctx, targetctx, make(targetctx.codegen(), "part"), *rest)

    def define_pipelines(self) -> list[Any]:
        # Of numba's passes only those that plain arithmetic on records needs.
        manager: Any = PassManager
        manager = manager("part")
        for kind in _PASSES:
            manager.add_pass(kind, kind.__name__)
        manager.finalize()
        return [manager]


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
    record = numba.from_dtype(dtype)
    size = dtype.itemsize

    @intrinsic
    def reader(typing_context: Any, address: Any, index: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            offset = builder.mul(args[1], ir.Constant(args[1].type, size))
            place = builder.add(args[0], offset)
            return builder.inttoptr(place, context.get_value_type(record))

        return record(types.int64, types.int64), code

    return reader


def _scalar_access(kind: Any, llvm: Any) -> tuple[Any, Any]:
    @intrinsic
    def load(typing_context: Any, address: Any, index: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            start = builder.inttoptr(args[0], llvm.as_pointer())
            return builder.load(builder.gep(start, [args[1]], source_etype=llvm))

        return kind(types.int64, types.int64), code

    @intrinsic
    def store(typing_context: Any, address: Any, index: Any, value: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            start = builder.inttoptr(args[0], llvm.as_pointer())
            builder.store(args[2], builder.gep(start, [args[1]], source_etype=llvm))
            return context.get_dummy_value()

        return types.none(types.int64, types.int64, kind), code

    return load, store


load_float, store_float = _scalar_access(types.float64, ir.DoubleType())
load_int, store_int = _scalar_access(types.int64, ir.IntType(64))
load_byte, store_byte = _scalar_access(types.uint8, ir.IntType(8))


@intrinsic
def _fetch_soon(typing_context: Any, address: Any, index: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        word, number = ir.DoubleType(), ir.IntType(32)
        start = builder.inttoptr(args[0], word.as_pointer())
        place = builder.gep(start, [args[1]], source_etype=word)
        ask = ir.FunctionType(ir.VoidType(), [place.type, number, number, number])
        declared = builder.module.declare_intrinsic("llvm.prefetch", [place.type], ask)
        builder.call(declared, [place, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.none(types.int64, types.int64), code


fetch_soon: Any = _fetch_soon
"""``fetch_soon(address, index)`` asks the processor for a float that will be read before long."""

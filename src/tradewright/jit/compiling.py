"""What numba is asked for: dispatchers, a short pipeline for parts, intrinsics."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Any, Final

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import errors as numba_errors
from numba.core import ir as numba_ir
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.compiler_machinery import AnalysisPass, PassManager, register_pass
from numba.core.registry import cpu_target
from numba.core.typed_passes import (
    NativeLowering,
    NoPythonBackend,
    NopythonTypeInference,
)
from numba.core.types.functions import BaseFunction
from numba.core.typing.typeof import typeof_impl
from numba.core.untyped_passes import FixupArgs, IRProcessing, TranslateByteCode
from numba.extending import intrinsic
from numba.np import linalg

from tradewright.jit.lazy import Lazy

_REFUSES_CALLS: Final = ctypes.cast(ctypes.pythonapi.PyErr_BadArgument, ctypes.c_void_p).value or 0
"""What Python finds where a part has no wrapper: it raises TypeError."""


_register: Any = register_pass


@_register(mutates_CFG=False, analysis_only=True)
class KeptTypes(AnalysisPass):
    """Refuse a variable that holds an integer here and a float there.

    It would be a float everywhere, and large integers, such as money, would lose digits.
    """

    _name = "kept_types"

    def __init__(self) -> None:
        start: Any = super().__init__
        start()

    def run_pass(self, state: Any) -> bool:
        """Look at every assignment of a typed function."""
        for block in state.func_ir.blocks.values():
            for found in block.find_insts(numba_ir.Assign):
                given = _type_of(found.value, state)
                kept = state.typemap[found.target.name]
                if isinstance(kept, types.Float) and isinstance(given, types.Integer):
                    raise numba_errors.TypingError(
                        f"{found.target.name} holds int here and float elsewhere, wanted one of"
                        " them: write float(...)",
                        loc=found.loc,
                    )
        return False


def _type_of(value: Any, state: Any) -> Any:
    if isinstance(value, numba_ir.Var):
        found = state.typemap[value.name]
    elif value in state.calltypes:
        found = getattr(state.calltypes[value], "return_type", None)
    else:
        found = None
    return None if isinstance(found, types.Literal) else found


PASSES: Final = (
    TranslateByteCode,
    FixupArgs,
    IRProcessing,
    NopythonTypeInference,
    KeptTypes,
    NativeLowering,
    NoPythonBackend,
)
"""Of numba's passes only those that plain arithmetic on records needs.

Variables that keep one type need no static single assignment: LLVM makes it, far quicker.
"""


@cache
def teach_numba() -> None:
    """Tell numba that a lazy function stands for what it makes."""
    _leave_scipy_for_later()
    typing: Any = cpu_target.typing_context
    register: Any = typeof_impl.register

    @register(Lazy)
    def _(value: Lazy, context: Any) -> Any:
        made = value.made
        try:
            return typing.resolve_value_type(made)
        except ValueError:  # an intrinsic made a moment ago
            typing.refresh()
            return typing.resolve_value_type(made)


def _leave_scipy_for_later() -> None:
    # Numba looks for scipy's linear algebra, 0.2 s of imports, as soon as it compiles anything;
    # whoever compiles some finds it then.
    find = linalg.ensure_blas
    linalg.ensure_blas = lambda: None
    try:
        arraymath: Any = import_module("numba.np.arraymath")
    finally:
        linalg.ensure_blas = find
    arraymath.ensure_blas = find


def cached_dispatcher(function: Callable[..., Any], options: dict[str, Any]) -> Any:
    """Return numba's function, with a cache where one can be written."""
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # numba: no locator available for the cache
        return numba.njit(**options)(function)


def part_dispatcher(function: Callable[..., Any]) -> Any:
    """Return numba's function for a part: without wrappers, cache and reference counts."""
    options: dict[str, Any] = {
        "nogil": True,
        "_nrt": False,
        "error_model": "numpy",
        "no_cpython_wrapper": True,
        "no_cfunc_wrapper": True,
        "pipeline_class": _PartCompiler,
    }
    return numba.njit(**options)(function)


class _Plain:
    def __getattr__(self, name: str) -> Callable[[str], str]:
        return str


@contextmanager
def remembered_types() -> Iterator[None]:
    """Let numba find the type of an operation on numbers once, not at each place it occurs.

    The caller holds numba's compiler lock.
    """
    kind: Any = BaseFunction
    ask = kind.get_call_type
    known: dict[Any, Any] = {}

    def remember(self: Any, context: Any, args: Any, named: Any) -> Any:
        if named or not all(isinstance(one, types.Number | types.Boolean) for one in args):
            return ask(self, context, args, named)
        key = self, args
        if key not in known:
            known[key] = ask(self, context, args, named)
        return known[key]

    # Messages of what may go wrong are made before it does, by the thousand: without colours.
    messages: Any = numba_errors
    colours = messages._termcolor_inst
    kind.get_call_type, messages._termcolor_inst = remember, _Plain()
    try:
        yield
    finally:
        kind.get_call_type, messages._termcolor_inst = ask, colours


class PartLibrary(JITCodeLibrary):
    """Code that is only linked into its callers: they make machine code of it, once."""

    def finalize(self) -> None:
        """Leave everything to the whole."""
        self._finalized = True

    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout

    def get_pointer_to_function(self, name: str) -> int:
        """Give Python something to call that refuses."""
        return _REFUSES_CALLS

    @property
    def codegen(self) -> Any:
        """Stand in for the code generator where numba sets an environment."""
        return self

    def set_env(self, name: str, env: Any) -> None:
        """Set nothing: a part raises nothing."""
        return


class _PartCompiler(Compiler):
    def __init__(self, typingctx: Any, targetctx: Any, library: Any, *rest: Any) -> None:
        make: Any = PartLibrary
        start: Any = super().__init__
        start(typingctx, targetctx, make(targetctx.codegen(), "part"), *rest)

    def define_pipelines(self) -> list[Any]:
        manager: Any = PassManager
        manager = manager("part")
        for kind in PASSES:
            manager.add_pass(kind, kind.__name__)
        manager.finalize()
        return [manager]


def record_intrinsic(dtype: np.dtype[Any]) -> Any:
    """Return the intrinsic behind `record_reader`."""
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


_LLVM: Final = {"float64": ir.DoubleType(), "int64": ir.IntType(64), "uint8": ir.IntType(8)}


def load_intrinsic(kind: str) -> Any:
    """Return the intrinsic that reads a number of a kind."""
    number, llvm = getattr(types, kind), _LLVM[kind]

    @intrinsic
    def load(typing_context: Any, address: Any, index: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            start = builder.inttoptr(args[0], llvm.as_pointer())
            return builder.load(builder.gep(start, [args[1]], source_etype=llvm))

        return number(types.int64, types.int64), code

    return load


def store_intrinsic(kind: str) -> Any:
    """Return the intrinsic that writes a number of a kind."""
    number, llvm = getattr(types, kind), _LLVM[kind]

    @intrinsic
    def store(typing_context: Any, address: Any, index: Any, value: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            start = builder.inttoptr(args[0], llvm.as_pointer())
            builder.store(args[2], builder.gep(start, [args[1]], source_etype=llvm))
            return context.get_dummy_value()

        return types.none(types.int64, types.int64, number), code

    return store


def fetch_intrinsic() -> Any:
    """Return the intrinsic behind `fetch_soon`."""

    @intrinsic
    def fetch(typing_context: Any, address: Any, index: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            word, number = ir.DoubleType(), ir.IntType(32)
            start = builder.inttoptr(args[0], word.as_pointer())
            place = builder.gep(start, [args[1]], source_etype=word)
            ask = ir.FunctionType(ir.VoidType(), [place.type, number, number, number])
            declared = builder.module.declare_intrinsic("llvm.prefetch", [place.type], ask)
            builder.call(declared, [place, number(0), number(3), number(1)])
            return context.get_dummy_value()

        return types.none(types.int64, types.int64), code

    return fetch

"""From a whole and its parts to one object file, through LLVM once."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import llvmlite.binding as llvm  # type: ignore[import-untyped]
from numba import types
from numba.core.compiler_lock import global_compiler_lock

from tradewright.jit.code_files import kinds_of, target_machine
from tradewright.jit.compiling import PartLibrary, remembered_types
from tradewright.jit.entry import ENTRY, entry_text


def object_code(function: Any) -> bytes:
    """Compile a whole with its parts to an object file.

    Parameters
    ----------
    function : Whole
        The function.

    Returns
    -------
    bytes
        Code for this machine; its one visible symbol is `ENTRY`, a METH_FASTCALL function.

    Raises
    ------
    TypeError
        If it does not return what it is annotated with, or needs code that only numba links.
    """
    with _quiet_collector(), global_compiler_lock:
        kinds, result = kinds_of(function.py_func)
        numbers = tuple(types.int64 if kind == "int" else types.float64 for kind in kinds)
        dispatcher = function.made
        with remembered_types():
            dispatcher.compile(numbers)
        compiled = dispatcher.overloads[numbers]
        several: Any = types.UniTuple
        wanted = several(types.int64, result) if result > 1 else types.int64
        if compiled.signature.return_type != wanted:
            raise TypeError(
                f"{function.py_func.__name__}: returns {compiled.signature.return_type},"
                f" annotated as {wanted}"
            )
        machine = target_machine()
        module = _linked(compiled.library, entry_text(compiled.fndesc.mangled_name, kinds, result))
        _optimise(module, machine)
        _check_symbols(module)
        return bytes(machine.emit_object(module))


def _check_symbols(module: Any) -> None:
    # Loading code that names something this interpreter does not have would end the process.
    if sys.platform == "win32":
        return
    here = ctypes.CDLL(None)
    for found in module.functions:
        is_built_in = found.name.startswith("llvm.")
        if found.is_declaration and not is_built_in and not hasattr(here, found.name):
            raise TypeError(f"compiled code needs {found.name}, which only numba links")


@contextmanager
def _quiet_collector() -> Iterator[None]:
    # The compiler makes millions of objects and no garbage worth looking for.
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _linked(library: Any, entry: str) -> Any:
    module = llvm.parse_assembly(entry)
    seen: set[int] = set()
    waiting = [library]
    while waiting:
        at = waiting.pop()
        if id(at) in seen:
            continue
        seen.add(id(at))
        if isinstance(at, PartLibrary):
            module.link_in(at._final_module, preserve=True)
            waiting += at._linking_libraries
        else:
            module.link_in(at._get_module_for_linking(), preserve=True)
    for found in (*module.functions, *module.global_variables):
        if not found.is_declaration and found.name != ENTRY:
            found.linkage = "internal"
    return module


def _optimise(module: Any, machine: Any) -> None:
    options = llvm.create_pipeline_tuning_options()
    # The kernel's loops neither vectorise nor unroll, and calls of its parts cost little beside
    # their work: more effort here was measured to lengthen the first run and nothing else.
    options.speed_level = 2
    options.loop_vectorization = False
    options.slp_vectorization = False
    options.loop_unrolling = False
    options.inlining_threshold = 50
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)

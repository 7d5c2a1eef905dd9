"""Machine code in files: where it lies, what it depends on, how it becomes a function."""

from __future__ import annotations

import ctypes
import hashlib
import os
import sys
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from tradewright.jit.entry import ENTRY

SOURCES: Final = ("jit", "domain", "costs", "simulation")
"""Files that compiled code is made of."""

KEPT: Final = 4
"""Files of one function that stay: other interpreters, machines or versions may share a folder."""

_FASTCALL: Final = 0x80
_DIGEST: Final = 32


class _Method(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


def kinds_of(function: Callable[..., Any]) -> tuple[tuple[str, ...], int]:
    """Return the kinds of a whole's arguments and how many integers it returns.

    Raises
    ------
    TypeError
        If it is annotated otherwise than with int, float and tuples of int to return.
    """
    named = {name: _written(kind) for name, kind in function.__annotations__.items()}
    result = named.pop("return", "nothing")
    kinds = tuple(named.values())
    parts = [part.strip() for part in result.removeprefix("tuple[").removesuffix("]").split(",")]
    if set(kinds) - {"int", "float"} or set(parts) != {"int"}:
        raise TypeError(
            f"{function.__name__}: takes {kinds} and returns {result}, wanted int and float in and"
            " int or a tuple of int out"
        )
    return kinds, len(parts)


def _written(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) else str(kind)


class CodeFile:
    """The file that holds the machine code of one function for this machine and these sources.

    Parameters
    ----------
    function : callable
        The function as written.
    form : str
        ``whole``, or ``lean`` for the code without rare parts.
    """

    def __init__(self, function: Callable[..., Any], *, form: str = "whole") -> None:
        self.stem = f"{function.__module__}.{function.__qualname__}-{form}"
        own = Path(function.__code__.co_filename)
        self.name = f"{self.stem}-{_key(own)}.machine"

    def read(self) -> bytes | None:
        """Return the code, or None where there is none that is whole."""
        for folder in _folders():
            try:
                content = (folder / self.name).read_bytes()
            except OSError:
                continue
            digest, code = content[:_DIGEST], content[_DIGEST:]
            if hashlib.sha256(code).digest() == digest:
                return code
        return None

    def write(self, code: bytes) -> None:
        """Keep the code in the first folder that takes it; without one it is compiled again."""
        for folder in _folders():
            try:
                folder.mkdir(parents=True, exist_ok=True)
                draft = folder / f"{self.name}.{os.getpid()}.draft"
                try:
                    draft.write_bytes(hashlib.sha256(code).digest() + code)
                    draft.replace(folder / self.name)
                finally:
                    draft.unlink(missing_ok=True)
                self._tidy(folder)
            except OSError:
                continue
            return

    def _tidy(self, folder: Path) -> None:
        mine = sorted(folder.glob(f"{self.stem}-*.machine"), key=lambda path: path.stat().st_mtime)
        for path in mine[:-KEPT]:
            path.unlink(missing_ok=True)


def load(function: Callable[..., Any], code: bytes) -> Any:
    """Return the builtin function of an object file.

    Parameters
    ----------
    function : callable
        The function as written, for its name.
    code : bytes
        Object file with `ENTRY`.

    Returns
    -------
    builtin_function_or_method
        Takes positional arguments.
    """
    import llvmlite.binding as llvm  # type: ignore[import-untyped]

    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target_machine())
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    method = _Method(
        function.__name__.encode(), engine.get_function_address(ENTRY), _FASTCALL, None
    )
    _ALIVE.append((engine, method))
    make = ctypes.pythonapi.PyCFunction_NewEx
    make.restype = ctypes.py_object
    make.argtypes = (ctypes.POINTER(_Method), ctypes.c_void_p, ctypes.c_void_p)
    return make(ctypes.byref(method), None, None)


_ALIVE: Final[list[tuple[Any, _Method]]] = []


def target_machine() -> Any:
    """Return LLVM's description of this machine."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple()
    cpu, features = _processor()
    return target.create_target_machine(
        cpu=cpu, features=features, opt=1, reloc="default", codemodel="jitdefault", jit=True
    )


@cache
def _processor() -> tuple[str, str]:
    import llvmlite.binding as llvm

    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


@cache
def _key(own: Path) -> str:
    digest = hashlib.sha256(own.read_bytes() if own.is_file() else b"")
    home = Path(__file__).parents[1]
    for source in SOURCES:
        path = home / source
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(file.read_bytes())
    versions = [version(name) for name in ("numba", "llvmlite", "numpy")]
    facts = (*_processor(), sys.implementation.cache_tag, sys.platform, *versions)
    digest.update(repr(facts).encode())
    return digest.hexdigest()[:24]


def _folders() -> list[Path]:
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen:
        return [Path(chosen)]
    own = Path(__file__).parents[1] / "__pycache__"
    shared = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return [own, Path(shared) / "tradewright"]

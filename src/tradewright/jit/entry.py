"""The door between Python and machine code, as LLVM text."""

from __future__ import annotations

from typing import Final

ENTRY: Final = "tradewright_entry"
"""Name of the one function of an object file."""

_LLVM_TYPE: Final = {"int": "i64", "float": "double"}
_CONVERT: Final = {"int": "PyLong_AsLongLong", "float": "PyFloat_AsDouble"}

_HEAD: Final = """
declare i64 @PyLong_AsLongLong(ptr)
declare double @PyFloat_AsDouble(ptr)
declare ptr @PyLong_FromLongLong(i64)
declare ptr @PyErr_Occurred()
declare i32 @PyErr_BadArgument()
declare ptr @PyEval_SaveThread()
declare void @PyEval_RestoreThread(ptr)
declare ptr @PyTuple_New(i64)
declare i32 @PyTuple_SetItem(ptr, i64, ptr)
declare i32 @"{name}"({types})
define ptr @{entry}(ptr %self, ptr %args, i64 %count) {{
start:
  %result = alloca [{width} x i64]
  %error = alloca ptr
  %fits = icmp eq i64 %count, {count}
  br i1 %fits, label %convert, label %refuse
refuse:
  %ignored = call i32 @PyErr_BadArgument()
  ret ptr null
convert:"""

_CALL: Final = """
  %wrong = call ptr @PyErr_Occurred()
  %good = icmp eq ptr %wrong, null
  br i1 %good, label %work, label %fail
fail:
  ret ptr null
work:
  %thread = call ptr @PyEval_SaveThread()
  %status = call i32 @"{name}"({given})
  call void @PyEval_RestoreThread(ptr %thread)"""


def entry_text(name: str, kinds: tuple[str, ...], width: int) -> str:
    """Return a METH_FASTCALL function that takes numbers, works unlocked and returns integers.

    Parameters
    ----------
    name : str
        Symbol of the compiled function; numba's convention: where the result goes, where an error
        goes (parts raise none), then the numbers.
    kinds : tuple of str
        ``int`` or ``float`` of each argument.
    width : int
        Integers returned; 1 is an int, more are a tuple.

    Returns
    -------
    str
        LLVM assembly that defines `ENTRY`.
    """
    numbers = [_LLVM_TYPE[kind] for kind in kinds]
    text = _HEAD.format(
        name=name,
        entry=ENTRY,
        types=", ".join(["ptr", "ptr", *numbers]),
        width=width,
        count=len(kinds),
    )
    for at, kind in enumerate(kinds):
        text += f"""
  %p{at} = getelementptr ptr, ptr %args, i64 {at}
  %o{at} = load ptr, ptr %p{at}
  %a{at} = call {numbers[at]} @{_CONVERT[kind]}(ptr %o{at})"""
    given = [f"{number} %a{at}" for at, number in enumerate(numbers)]
    text += _CALL.format(name=name, given=", ".join(["ptr %result", "ptr %error", *given]))
    for at in range(width):
        text += f"""
  %r{at} = getelementptr i64, ptr %result, i64 {at}
  %v{at} = load i64, ptr %r{at}
  %n{at} = call ptr @PyLong_FromLongLong(i64 %v{at})"""
    if width == 1:
        return text + "\n  ret ptr %n0\n}\n"
    text += f"\n  %tuple = call ptr @PyTuple_New(i64 {width})"
    for at in range(width):
        text += f"\n  %s{at} = call i32 @PyTuple_SetItem(ptr %tuple, i64 {at}, ptr %n{at})"
    return text + "\n  ret ptr %tuple\n}\n"

"""Compiled functions: what they take, where their code is kept, what they do not import."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tradewright.jit import code_files, jit, load_float, part, whole
from tradewright.jit.code_files import CodeFile, kinds_of


@part
def _weighted(address: int, at: int, weight: float) -> float:
    return load_float(address, at) * weight


@whole
def total_of(address: int, count: int, weight: float) -> int:
    total = 0.0
    for at in range(count):
        total += _weighted(address, at, weight)
    return int(total)


@whole
def turned(first: int, second: int) -> tuple[int, int]:
    return second, first


@whole
def mixed(whole_number: int, fraction: float) -> int:
    kept = whole_number * 3
    if whole_number > 2:
        kept = fraction * 2
    return int(kept)


@whole
def raising(number: int) -> int:
    if number > 3:
        raise ValueError("too large")
    return number


def left_out(address: int, number: int) -> int:
    return -1


@part(left_out=left_out)
def rarely(address: int, number: int) -> int:
    return number + 100


@part
def between(address: int, number: int) -> int:
    return rarely(address, number) if number > 3 else number


@whole
def with_a_rare_part(number: int) -> int:
    return between(0, number)


@jit
def doubled(values):
    return values * 2


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "code"))
    return tmp_path / "code"


def again(function):
    return whole(function.py_func)


def test_a_whole_runs_its_parts() -> None:
    values = np.array([1.0, 2.0, 3.5])
    assert total_of(values.ctypes.data, 3, 2.0) == 13
    assert total_of(values.ctypes.data, 3, 2) == 13  # an int will do for a float


def test_a_whole_may_return_several_numbers() -> None:
    assert turned(1, -(2**62)) == (-(2**62), 1)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((1,), TypeError),
        ((1, 2, 3), TypeError),
        (("1", 2), TypeError),
        ((1.5, 2), TypeError),
        ((2**63, 2), OverflowError),
    ],
)
def test_wrong_arguments_of_a_whole_are_refused(arguments: tuple, error: type) -> None:
    with pytest.raises(error):
        turned(*arguments)


def test_a_whole_that_is_annotated_with_something_else_is_refused_at_once() -> None:
    def of_text(name: str) -> int:
        return len(name)

    with pytest.raises(TypeError, match=r"of_text: takes \('str',\) and returns int"):
        whole(of_text)
    assert kinds_of(turned.py_func) == (("int", "int"), 2)


def test_a_lean_whole_has_something_else_in_place_of_rare_parts(own_folder: Path) -> None:
    lean = with_a_rare_part.lean
    assert [lean(2), lean(9), with_a_rare_part(2), with_a_rare_part(9)] == [2, -1, 2, 109]
    assert [lean(9), with_a_rare_part.lean(9)] == [-1, -1]
    kept = sorted(file.name.split("-")[1] for file in own_folder.iterdir())
    assert kept == ["lean", "whole"]


def test_a_lean_whole_is_read_back_from_its_own_file(own_folder: Path) -> None:
    lean, full = again(with_a_rare_part).lean, again(with_a_rare_part)
    assert [full(9), lean(9)] == [109, -1]
    assert [again(with_a_rare_part).lean(9), again(with_a_rare_part)(9)] == [-1, 109]


def test_python_cannot_call_a_part() -> None:
    with pytest.raises(TypeError, match="_weighted is a part of compiled code"):
        _weighted(1, 2, 3.0)


def test_a_variable_of_two_kinds_and_an_exception_are_refused(own_folder: Path) -> None:
    from numba.core.errors import TypingError, UnsupportedError

    with pytest.raises(TypingError, match="kept holds int here and float elsewhere"):
        mixed(1, 2.0)
    with pytest.raises(UnsupportedError, match="raise"):
        raising(1)
    assert not list(own_folder.glob("*"))


def test_code_is_read_back_from_its_file(own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert again(turned)(1, 2) == (2, 1)
    [kept] = own_folder.glob("*.machine")
    assert kept.name.startswith(f"{__name__}.turned-")
    monkeypatch.setitem(sys.modules, "tradewright.jit.machine_code", None)  # no compiler
    assert again(turned)(3, 4) == (4, 3)


@pytest.mark.parametrize(
    "damage", [lambda code: code[:-40], lambda code: b"", lambda code: b"x" * 99]
)
def test_a_damaged_file_is_compiled_again(own_folder: Path, damage) -> None:
    again(turned)(1, 2)
    [kept] = own_folder.glob("*.machine")
    good = kept.read_bytes()
    kept.write_bytes(damage(good))
    assert again(turned)(1, 2) == (2, 1)
    code = kept.read_bytes()
    assert hashlib.sha256(code[32:]).digest() == code[:32]


def test_without_a_place_to_write_code_it_still_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(in_the_way))
    assert again(turned)(1, 2) == (2, 1)
    assert in_the_way.read_bytes() == b""


def test_changed_sources_need_new_code_and_old_files_go(
    own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {CodeFile(turned.py_func).name}
    everything = code_files.SOURCES
    for count in range(1, 4):
        monkeypatch.setattr(code_files, "SOURCES", everything[:count])
        code_files._key.cache_clear()
        names.add(CodeFile(turned.py_func).name)
    monkeypatch.undo()
    code_files._key.cache_clear()
    assert len(names) == 4
    place = CodeFile(turned.py_func)
    for at in range(9):
        place.name = f"{place.stem}-{at}.machine"
        place.write(b"code")
    assert len(list(own_folder.glob("*"))) <= code_files.KEPT


def test_an_array_function_is_compiled_when_called() -> None:
    assert doubled.__name__ == "doubled"
    np.testing.assert_array_equal(doubled(np.arange(3)), [0, 2, 4])


FIRST_RUN = """
import sys
import tradewright as tw
bars = tw.sample_bars(["AAPL"], start="2016-01-01")
close = bars.close
run = tw.backtest(tw.Signals(close > 100, close < 100), bars)
run.metrics["sharpe"], run.equity
assert tw.backtest("buy_and_hold", bars).is_complete
heavy = {"numba", "scipy", "sklearn", "pandas"}
print(sorted({name.split(".")[0] for name in sys.modules} & heavy))
"""


def test_a_first_backtest_imports_no_compiler_once_code_is_kept() -> None:
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", FIRST_RUN],
            capture_output=True,
            text=True,
            check=True,
            env=dict(os.environ),
        )
    assert done.stdout.strip() == "[]"

"""The limits of the house style hold for every module."""

import ast
from pathlib import Path

import tradewright

ROOT = Path(tradewright.__file__).parent
FILES = sorted(path for path in ROOT.rglob("*.py") if "ui" not in path.parts)
BANNED_NAMES = {"utils", "common", "helpers", "misc", "base", "manager"}


def functions_of(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_no_file_is_longer_than_500_lines():
    long = {str(p.relative_to(ROOT)): n for p in FILES if (n := p.read_text().count("\n")) > 500}
    assert long == {}


def test_no_function_is_longer_than_60_lines_of_code():
    long = {}
    for path in FILES:
        for function in functions_of(path):
            first = function.body[0]
            documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
            start = first.end_lineno if documented else function.lineno
            if (length := function.end_lineno - start) > 60:
                long[f"{path.relative_to(ROOT)}:{function.lineno} {function.name}"] = length
    assert long == {}


def test_no_public_function_takes_more_than_six_positional_parameters():
    many = {}
    for path in FILES:
        for function in functions_of(path):
            if not function.name.startswith("_") and "kernel" not in path.name:
                count = len([a for a in function.args.args if a.arg not in {"self", "cls"}])
                if count > 6 and not compiled(function):
                    many[f"{path.relative_to(ROOT)}:{function.lineno} {function.name}"] = count
    assert many == {}


def compiled(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether numba compiles it: such functions take arrays one by one."""
    return any("jit" in ast.unparse(decorator) for decorator in function.decorator_list)


def test_no_class_has_more_than_15_public_methods():
    wide = {}
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                methods = [
                    n
                    for n in node.body
                    if isinstance(n, ast.FunctionDef)
                    and not n.name.startswith("_")
                    and not any("property" in ast.unparse(d) for d in n.decorator_list)
                ]
                if len(methods) > 15:
                    wide[f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"] = len(methods)
    assert wide == {}


def test_no_room_has_more_than_15_modules():
    rooms = {p.parent for p in FILES}
    large = {
        str(room.relative_to(ROOT)): count
        for room in rooms
        if (count := len([p for p in FILES if p.parent == room and p.name != "__init__.py"])) > 15
    }
    assert large == {}


def test_no_module_has_a_name_that_says_nothing():
    assert [str(p) for p in FILES if p.stem in BANNED_NAMES] == []

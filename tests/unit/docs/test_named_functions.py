"""The concept pages name functions that exist, and the loop calls them in the order told."""

import importlib
import re
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[3] / "docs" / "concepts"


def names_in(page):
    text = (PAGES / page).read_text(encoding="utf-8")
    return sorted(set(re.findall(r"`(tradewright(?:\.\w+)+)`", text)))


def resolve(name):
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            found = getattr(found, part)
        return found
    raise AssertionError(name)


@pytest.mark.parametrize("page", ["life-of-a-bar.md", "life-of-an-order.md"])
def test_every_function_a_page_names_exists(page):
    names = names_in(page)
    assert len(names) > 12
    missing = []
    for name in names:
        try:
            assert resolve(name) is not None
        except AttributeError as error:
            missing.append(f"{name}: {error}")
    assert missing == []


def test_the_loop_works_in_the_order_the_page_tells():
    import inspect

    from tradewright.engine import run_loop

    source = inspect.getsource(run_loop)
    steps = ["feed.rows(", " advance(", "desk.receive(", "desk.ring(", "on_bar(ctx",
             "desk.watch(", "desk.send(", "recorder.bar_done("]  # fmt: skip
    places = [source.index(step) for step in steps]
    assert places == sorted(places)

"""Sweeps in Chromium: begun from the page, told while they run, looked at, one set run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from browsing import need
from playwright.sync_api import expect
from served_page import AXE, PAGE, Served, open_tab, serve

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Served:
    need(PAGE.is_file(), "the web page is not built: make ui")
    server = serve(tmp_path_factory.mktemp("sweeps"))
    yield server
    assert server.end() == 0


def begin(page, url: str, grid: str) -> None:
    page.goto(f"{url}/sweeps")
    page.get_by_label("Values, one parameter a line").fill(grid)
    page.get_by_label("Symbols").fill("KO, AAPL")
    page.get_by_role("button", name="Start the sweep").click()


def test_a_sweep_from_the_form_to_the_run_of_one_set(place, tab) -> None:
    page = tab.page
    begin(page, place.url, "fast=5:20:5\nslow=40:80:20")
    expect(page.locator("#grid-hint")).to_contain_text("12 sets")
    page.get_by_role("link", name="Look at it").click(timeout=60_000)
    expect(page).to_have_url(re.compile(r"/sweeps/[0-9a-f]{16}$"))
    expect(page.get_by_role("heading", name="sma_cross sweep")).to_be_visible()
    table = page.get_by_role("table", name="Sets, highest Sharpe ratio first")
    expect(table.get_by_role("row")).to_have_count(13)
    heat = page.get_by_role("img", name="Sharpe ratio over fast and slow")
    lines = page.get_by_role("img", name="Parallel coordinates of the sets")
    for drawing in (heat, lines):
        expect(drawing.locator("canvas").first).to_be_visible()
        assert drawing.bounding_box()["height"] > 300
    row = table.get_by_role("row").nth(4)
    fast, slow = (row.get_by_role("cell").nth(at).inner_text() for at in (0, 1))
    row.click()
    chosen = page.get_by_role("region", name=f"fast {fast}, slow {slow}")
    expect(chosen).to_contain_text("Plateau")
    chosen.get_by_role("button", name="See its run").click()
    expect(page).to_have_url(re.compile(r"/runs/[0-9a-f]{16}$"), timeout=60_000)
    expect(page.get_by_role("heading", level=1)).to_contain_text("sma_cross")
    assert not tab.faults


def test_a_cell_of_the_heat_map_chooses_its_set(place, tab) -> None:
    page = tab.page
    page.goto(f"{place.url}/sweeps")
    page.get_by_role("link", name="sma_cross sweep").first.click()
    heat = page.get_by_role("img", name="Sharpe ratio over fast and slow")
    expect(heat.locator("canvas").first).to_be_visible()
    box = heat.bounding_box()
    heat.click(position={"x": box["width"] - 30, "y": 45})  # the last column, the top row
    expect(page.get_by_role("region", name="fast 20, slow 80")).to_be_visible()


def test_a_wrong_grid_is_said_before_it_is_sent(place, tab) -> None:
    page = tab.page
    page.goto(f"{place.url}/sweeps")
    page.get_by_label("Values, one parameter a line").fill("fast=20:5:1")
    expect(page.locator("#grid-hint")).to_contain_text("wanted NAME=A:B:STEP")
    expect(page.get_by_role("button", name="Start the sweep")).to_be_disabled()
    page.get_by_label("Values, one parameter a line").fill("fastt=5,10")
    page.get_by_role("button", name="Start the sweep").click()
    expect(page.get_by_role("alert")).to_contain_text("did you mean 'fast'")


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (360, "dark")])
def test_the_pages_fit_and_are_accessible(place, browser, width, theme) -> None:
    need(AXE.is_file(), "axe-core is not installed: npm ci in web/")
    tab = open_tab(browser, width=width, theme=theme)
    tab.page.goto(f"{place.url}/sweeps")
    paths = ["/sweeps", tab.page.get_by_role("link", name="sma_cross sweep").first.get_attribute(
        "href")]  # fmt: skip
    for path in paths:
        tab.page.goto(place.url + path)
        expect(tab.page.locator(".skeleton")).to_have_count(0)
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= width
        tab.page.evaluate(Path(AXE).read_text(encoding="utf-8"))
        tags = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
        found = tab.page.evaluate("tags => axe.run({runOnly: tags})", tags)["violations"]
        assert [(each["id"], [n["target"] for n in each["nodes"]]) for each in found] == []
    assert not tab.faults
    tab.page.context.close()

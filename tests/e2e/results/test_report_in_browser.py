"""The tear sheet in a real browser, offline: it draws, answers the pointer, and asks nobody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tradewright.marketdata import sample_bars
from tradewright.services.backtest import backtest
from tradewright.strategies import create_strategy

AXE = Path(__file__).parents[3] / "web" / "node_modules" / "axe-core" / "axe.min.js"

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten years of two instruments, daily."""
    bars = sample_bars(["AAPL", "SPY"], start="2007-01-01", end="2017-01-01")
    run = backtest(create_strategy("sma_cross"), bars)
    return run.to_html(tmp_path_factory.mktemp("page") / "report.html")


def opened(
    browser: Any, file: Path, *, width: int = 1280, scheme: str = "light"
) -> tuple[Any, list[str]]:
    """Open the file offline; return the tab and what went wrong or was asked for."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True
    )
    tab, faults = context.new_page(), []
    tab.on("console", lambda message: faults.append(message.text))
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.on("request", lambda asked: faults.append(asked.url) if "file:" not in asked.url else None)
    tab.goto(file.as_uri())
    return tab, faults


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_page_draws_without_fault_request_or_sideways_scroll(
    browser: Any, page_file: Path, width: int, scheme: str
) -> None:
    tab, faults = opened(browser, page_file, width=width, scheme=scheme)
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    assert tab.locator("#growth-chart path.s1").first.is_visible()
    assert tab.locator("#candles path.body").count() == 2
    assert faults == []


def test_pointer_and_choices_are_answered(browser: Any, page_file: Path) -> None:
    tab, faults = opened(browser, page_file)
    assert not tab.locator(".scale-log svg").is_visible()
    tab.click("button[data-scale=log]")
    assert tab.locator(".scale-log svg").is_visible()
    tab.hover("#growth-chart .scale-log svg", position={"x": 400, "y": 120})
    assert "Strategy" in tab.inner_text("#note")
    tab.focus("section#headline .def")
    assert "prod(1 + r) - 1" in tab.inner_text("#note")
    tab.keyboard.press("Escape")
    assert not tab.locator("#note").is_visible()
    tab.select_option("#pick", label="SPY")
    assert "trades" in tab.inner_text("#pick-note")
    before = tab.inner_text("#pick-note")
    tab.click("#trade-table tbody tr[data-trade] >> nth=3")
    assert tab.inner_text("#pick-note") != before
    assert faults == []


def test_page_is_accessible(browser: Any, page_file: Path) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: make ui")
    for scheme in ("light", "dark"):
        tab, _ = opened(browser, page_file, scheme=scheme)
        tab.evaluate(AXE.read_text("utf-8"))
        found = tab.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa']})")
        assert [f"{v['id']}: {v['nodes'][0]['html'][:120]}" for v in found["violations"]] == []


def test_paper_holds_every_table_and_nothing_sticks_out(browser: Any, page_file: Path) -> None:
    tab, faults = opened(browser, page_file, width=703, scheme="dark")
    tab.emulate_media(media="print")
    tab.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert tab.evaluate("document.documentElement.scrollWidth") == 703
    wide = "[...document.querySelectorAll('table')].filter(t => t.offsetWidth > 703).length"
    assert tab.evaluate(wide) == 0
    assert tab.evaluate("getComputedStyle(document.body).color") == "rgb(27, 36, 48)"
    table = tab.get_by_text("From gross to net by instrument").locator("xpath=..")
    assert table.locator("tbody tr").last.is_visible()
    assert not tab.locator("nav").is_visible()
    tab.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert table.get_attribute("open") is None
    assert faults == []

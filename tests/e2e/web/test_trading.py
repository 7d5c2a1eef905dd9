"""The paper account in Chromium: start, watch, steer, and a server that goes away."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import pytest
from playwright.sync_api import expect
from served_page import open_tab

pytestmark = pytest.mark.browser


@pytest.fixture
def trading(studied, start_server, needs_page, tmp_path):
    """A server over its own copy of the studied data directory."""
    folder = tmp_path / "data"
    shutil.copytree(studied, folder)
    return start_server(folder), folder


def begin(page, url: str, *, speed: str = "20") -> None:
    """Start a session through the form."""
    page.goto(f"{url}/trade")
    page.get_by_label("Speed").select_option(speed)
    page.get_by_role("button", name="Start PAPER session").click()
    expect(page.locator(".state")).to_have_text(re.compile("RUNNING"), timeout=20_000)


def positions(page):
    return page.get_by_role("table", name="Positions").locator("tbody tr")


def test_session_from_start_to_flat(trading, tab):
    server, _folder = trading
    page = tab.page
    begin(page, server.url)
    expect(page.locator(".banner")).to_contain_text("PAPER · REPLAY")
    expect(page).to_have_title(re.compile("^PAPER · "))
    expect(positions(page).first).to_be_visible(timeout=30_000)
    expect(page.get_by_role("table", name="Fills").locator("tbody tr").first).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("^Equity of the paper"))).to_be_visible()

    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".state")).to_have_text("PAUSED")
    expect(page.locator(".banner")).to_contain_text("Paused")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator(".state")).to_have_text("RUNNING")

    page.get_by_role("button", name="Flatten", exact=True).click()
    dialog = page.get_by_role("dialog", name="Flatten the PAPER account?")
    expect(dialog).to_contain_text(re.compile(r"closes \d+ positions? worth"))
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(positions(page).first).to_be_visible()
    page.get_by_role("button", name="Flatten", exact=True).click()
    dialog.get_by_role("button", name=re.compile("^Flatten PAPER: close")).click()
    expect(page.get_by_text("No position is open")).to_be_visible(timeout=20_000)
    expect(page.locator(".state")).to_have_text("PAUSED")

    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Stop PAPER session").click()
    expect(page.locator(".state")).to_have_text("STOPPED")
    expect(page.get_by_role("button", name="New session")).to_be_visible()
    page.goto(server.url)
    expect(page.get_by_role("table", name="Runs, newest first")).to_contain_text("paper")
    assert not tab.faults
    assert server.end() == 0


def test_limits_breaches_and_halts_are_told_live(trading, tab):
    server, folder = trading
    page = tab.page
    order(folder, "limits", "--set", "max_gross=0.95", "--set", "account.drawdown=0.002")
    begin(page, server.url, speed="20")
    risk = page.get_by_role("region", name="Risk", exact=True)
    row = risk.get_by_role("table", name="Limits").locator("tr", has_text="max gross").first
    expect(row).to_contain_text("95.0", timeout=30_000)
    # The account falls below its limit: told by the stream, without asking again.
    expect(risk.get_by_role("status")).to_contain_text("Halted", timeout=60_000)
    expect(risk.get_by_role("alert")).to_contain_text("drawdown of account:paper")
    expect(risk.get_by_role("list", name="Risk events")).to_contain_text("limit broken")
    page.reload()
    expect(risk.get_by_role("list", name="Risk events")).to_contain_text("halted", timeout=20_000)
    assert not tab.faults
    assert server.end() == 0


def test_halt_ordered_elsewhere_is_seen_and_its_release_too(trading, tab):
    server, folder = trading
    page = tab.page
    begin(page, server.url, speed="5")
    risk = page.get_by_role("region", name="Risk", exact=True)
    expect(risk.get_by_role("status")).to_contain_text("Normal")
    expect(risk).to_contain_text("Nothing was refused, broken or halted.")
    order(folder, "halt", "account:paper", "--actor", "Ann")
    expect(risk.get_by_role("status")).to_contain_text("Halted", timeout=20_000)
    expect(risk.get_by_role("alert")).to_contain_text("Ann: news")
    order(folder, "rearm", "account:paper", "--actor", "Ann")
    expect(risk.get_by_role("status")).to_contain_text("Normal", timeout=20_000)
    assert server.end() == 0


def order(folder, *words: str) -> None:
    """Give an order of risk on the command line of another process."""
    command = [sys.executable, "-m", "tradewright", "--yes", "--data-dir", str(folder), "risk"]
    done = subprocess.run(
        [*command, *words, "--reason", "news"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_phone_can_pause_and_flatten(trading, browser):
    server, _folder = trading
    tab = open_tab(browser, width=360, height=740, theme="dark")
    page = tab.page
    begin(page, server.url)
    expect(positions(page).first).to_be_visible(timeout=30_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for name in ("Pause", "Flatten", "Stop"):
        box = page.get_by_role("button", name=name, exact=True).bounding_box()
        assert box["height"] >= 44
    page.get_by_role("button", name="Flatten", exact=True).click()
    page.get_by_role("button", name=re.compile("^Flatten PAPER: close")).click()
    expect(page.get_by_text("No position is open")).to_be_visible(timeout=20_000)
    page.context.close()
    assert server.end() == 0


def test_without_the_stream_the_page_asks_instead(trading, tab):
    server, _folder = trading
    page = tab.page
    page.route_web_socket(re.compile("/ws/live"), lambda socket: socket.close())
    begin(page, server.url)
    expect(positions(page).first).to_be_visible(timeout=30_000)
    expect(page.locator(".foot")).to_contain_text("reconnecting")
    assert server.end() == 0


def test_server_that_dies_is_shown_and_comes_back(trading, tab, start_server):
    server, folder = trading
    page = tab.page
    begin(page, server.url, speed="5")
    server.process.kill()
    server.process.wait()
    expect(page.get_by_role("status").filter(has_text="Reconnecting")).to_be_visible()
    expect(page.locator(".banner")).to_contain_text("UNKNOWN MODE", timeout=20_000)
    expect(page.get_by_role("alert").first).to_contain_text("The server does not answer")
    expect(page.get_by_role("button", name="Flatten", exact=True)).to_be_disabled()
    expect(page.locator(".state")).to_be_visible()

    again = start_server(folder, int(server.url.rpartition(":")[2]))
    go_on = page.get_by_role("button", name="Go on where it stopped")
    expect(go_on).to_be_visible(timeout=40_000)
    go_on.click()
    expect(page.locator(".state")).to_have_text("RUNNING", timeout=20_000)
    assert again.end() == 0


def test_bad_cash_is_refused_in_the_form_and_by_the_server(trading, tab):
    server, _folder = trading
    page = tab.page
    page.goto(f"{server.url}/trade")
    page.get_by_label("Cash, USD").fill("ten")
    page.get_by_role("button", name="Start PAPER session").click()
    assert page.evaluate("document.querySelector('input:invalid') !== null")
    page.get_by_label("Cash, USD").fill("0")
    page.get_by_role("button", name="Start PAPER session").click()
    expect(page.get_by_role("alert")).to_contain_text("body.cash")
    expect(page.get_by_label("Cash, USD")).to_have_value("0")
    assert server.end() == 0

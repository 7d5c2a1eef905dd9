"""The three pages in Chromium, against the real server with real data."""

from __future__ import annotations

import gzip
import json
import re

import pytest
from browsing import need
from playwright.sync_api import expect
from served_page import AXE, PAGE, open_tab

pytestmark = pytest.mark.browser

PAGES = ["/", "/runs/latest", "/runs/latest?view=trades", "/runs/latest?view=validation",
         "/runs/latest?view=costs", "/runs/latest?view=stress", "/runs/latest?view=attribution",
         "/runs/latest?view=manifest", "/trade"]  # fmt: skip


def api(served, path: str):
    import urllib.request

    with urllib.request.urlopen(f"{served.url}/api/v1/{path}", timeout=30) as reply:
        return json.load(reply)


def has_settled(page) -> None:
    """Wait until nothing of the page is a skeleton any more."""
    expect(page.locator(".skeleton")).to_have_count(0, timeout=20_000)


def test_home_shows_runs_data_and_paper(served, tab):
    page = tab.page
    page.goto(served.url)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    row = page.get_by_role("table", name="Runs, newest first").get_by_role("row").nth(1)
    expect(row).to_contain_text("ridge")
    run = api(served, "runs")["items"][0]
    words = {"no evidence": "No evidence", "weak": "Weak", "supported": "Supported"}
    expect(row).to_contain_text(words[run["verdict"]])
    expect(page.get_by_role("region", name="Market data")).to_contain_text("32")
    expect(page.get_by_role("region", name="Paper account")).to_contain_text("Start on paper")
    expect(page.locator(".banner")).to_contain_text("SIMULATION")
    has_settled(page)
    row.click()
    expect(page).to_have_url(re.compile(r"/runs/[0-9a-f]{16}$"))
    assert not tab.faults


def test_result_gives_the_verdict_first_and_figures_beside_the_benchmark(served, tab):
    page = tab.page
    run = api(served, "runs/latest")
    page.goto(f"{served.url}/runs/{run['run_id']}")
    verdict = page.get_by_role("region", name="Verdict")
    expect(verdict).to_contain_text(run["judgement"]["sentence"])
    for check in run["judgement"]["checks"]:
        expect(verdict).to_contain_text(check["label"])
    headline = page.get_by_role("region", name="Headline figures")
    assert verdict.bounding_box()["y"] < headline.bounding_box()["y"]
    sharpe = next(item for item in run["figures"] if item["name"] == "sharpe")
    card = headline.locator(".figure", has_text=sharpe["label"])
    expect(card).to_contain_text(f"{abs(sharpe['value']):.2f}")
    expect(card).to_contain_text(f"{abs(sharpe['benchmark']):.2f}")
    has_settled(page)
    chart = page.get_by_role("img", name=re.compile("^Equity from"))
    assert chart.locator("canvas").first.bounding_box()["height"] > 200
    assert not tab.faults


def test_definition_of_a_figure_appears_on_focus_and_on_hover(served, tab):
    page = tab.page
    page.goto(f"{served.url}/runs/latest")
    term = page.get_by_role("region", name="Headline figures").get_by_role("button").first
    card = page.locator("#headline-total_return")
    expect(card).to_be_hidden()
    term.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    expect(card).to_be_visible()
    expect(card).to_contain_text("Growth of equity")
    page.keyboard.press("Tab")
    expect(card).to_be_hidden()
    term.hover()
    expect(card).to_be_visible()


def test_a_click_on_a_trade_jumps_to_it_on_the_candles(served, tab):
    page = tab.page
    page.goto(f"{served.url}/runs/latest?view=trades&sort=-profit")
    has_settled(page)
    rows = page.get_by_role("table", name="Trades").locator("tbody tr")
    best, other = rows.nth(0), rows.nth(5)
    expect(best).to_have_attribute("aria-current", "true")
    number = other.get_attribute("data-row")
    other.click()
    expect(page).to_have_url(re.compile(rf"[?&]trade={number}(&|$)"))
    expect(page.locator(f'[data-trade="{number}"] .chart-candles canvas').first).to_be_visible()
    trade = next(
        item
        for item in api(served, "runs/latest/trades?limit=500")["items"]
        if str(item["number"]) == number
    )
    chart = page.locator(".chart-candles")
    label = chart.get_attribute("aria-label")
    assert f"Candles of {trade['symbol']}" in label
    assert f"entry {trade['entry_at'][:10]}" in label
    page.reload()
    has_settled(page)
    expect(page.locator(f'tr[data-row="{number}"]')).to_have_attribute("aria-current", "true")
    assert not tab.faults


def test_costs_lead_from_gross_to_net_on_the_page(served, tab):
    page = tab.page
    page.goto(f"{served.url}/runs/latest?view=costs")
    has_settled(page)
    found = api(served, "runs/latest/analysis")
    panel = page.get_by_role("region", name="From gross to net", exact=True)
    shown = [digits(text) for text in panel.locator("td.right").all_inner_texts()]
    assert sum(shown[1:-1]) + shown[0] == pytest.approx(shown[-1], abs=0.005)
    assert shown[-1] == pytest.approx(found["costs"]["net"], abs=0.005)
    expect(page.get_by_text("Break-even, of what was traded")).to_be_visible()
    for title in ("If costs were different", "By instrument", "By window"):
        rows = page.get_by_role("region", name=title, exact=True).locator("tbody tr")
        assert rows.count() >= 3
    assert not tab.faults


def digits(text: str) -> float:
    return float(re.sub(r"[^0-9.\-]", "", text.replace("\u2212", "-")))


def test_stress_and_attribution_are_shown(served, tab):
    page = tab.page
    page.goto(f"{served.url}/runs/latest?view=stress")
    has_settled(page)
    worst = page.get_by_role("region", name="Worst starts", exact=True)
    expect(worst.locator("tbody tr")).to_have_count(2)
    expect(worst).to_contain_text("COVID-19 Shock")
    scenarios = api(served, "runs/latest/analysis")["stress"]["scenarios"]
    score = scenarios[0]["worst"]["score"]
    assert f"{score:.0f}" in worst.locator("tbody tr").first.inner_text()
    every = page.get_by_role("region", name="Every start", exact=True).locator("tbody tr")
    expect(every).to_have_count(sum(len(row["starts"]) for row in scenarios))
    page.get_by_role("tab", name="Attribution").click()
    by_name = page.get_by_role("region", name="By instrument", exact=True)
    expect(by_name.locator("tbody tr.total")).to_have_count(1)
    page.get_by_role("tab", name="Foundations").click()
    expect(page.get_by_role("region", name="Data health and leaks")).to_contain_text("passed")
    expect(page.get_by_role("region", name="Assumptions")).to_contain_text("next open")
    assert not tab.faults


def test_trades_sort_on_the_server_and_filter_by_symbol(served, tab):
    page = tab.page
    page.goto(f"{served.url}/runs/latest?view=trades")
    has_settled(page)
    table = page.get_by_role("table", name="Trades")
    table.get_by_role("button", name="Profit").click()
    expect(table.get_by_role("columnheader", name="Profit")).to_have_attribute(
        "aria-sort", "descending"
    )
    trades = api(served, "runs/latest/trades?limit=1&sort=-profit")["items"]
    expect(table.locator("tbody tr").first).to_have_attribute("data-row", str(trades[0]["number"]))
    page.get_by_label("Symbol").select_option("AAPL")
    expect(
        table.locator("tbody tr td:first-child", has_text=re.compile("^(?!AAPL)"))
    ).to_have_count(0)


@pytest.mark.parametrize("width", [360, 768, 1280])
@pytest.mark.parametrize("path", PAGES)
def test_no_page_scrolls_sideways(served, browser, width, path):
    tab = open_tab(browser, width=width, height=740)
    tab.page.goto(served.url + path)
    has_settled(tab.page)
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= width
    assert not tab.faults
    tab.page.context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("path", PAGES)
def test_accessibility_checker_finds_nothing(served, browser, theme, width, path):
    need(AXE.is_file(), "axe-core is not installed: npm ci in web/")
    tab = open_tab(browser, width=width, theme=theme)
    tab.page.goto(served.url + path)
    has_settled(tab.page)
    tab.page.evaluate(AXE.read_text(encoding="utf-8"))
    tags = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
    found = tab.page.evaluate("tags => axe.run({runOnly: tags})", tags)["violations"]
    shown = [(item["id"], [node["html"][:120] for node in item["nodes"][:3]]) for item in found]
    assert not shown
    tab.page.context.close()


def test_theme_changes_by_key_and_is_remembered(served, tab):
    page = tab.page
    page.goto(served.url)
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    assert background(page) == "rgb(245, 247, 249)"
    page.keyboard.press("Shift+T")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert background(page) == "rgb(13, 18, 24)"
    page.get_by_role("button", name="Theme: dark").click()
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.emulate_media(color_scheme="light")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")


def background(page) -> str:
    page.evaluate("Promise.all(document.body.getAnimations().map(a => a.finished))")
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_pages_are_reached_and_read_by_keyboard_alone(served, tab):
    page = tab.page
    page.goto(served.url)
    has_settled(page)
    for keys, address in (("gt", "/trade"), ("gb", "/runs/latest"), ("gh", "/")):
        for key in keys:
            page.keyboard.press(key)
        expect(page).to_have_url(served.url + address)
    has_settled(page)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/runs/[0-9a-f]{16}$"))


def test_keys_stay_in_text_fields(served, tab):
    page = tab.page
    page.goto(f"{served.url}/trade")
    field = page.get_by_label("Cash, USD")
    field.fill("")
    field.press_sequentially("gh5000")
    expect(field).to_have_value("gh5000")
    expect(page).to_have_url(f"{served.url}/trade")


def test_nothing_outside_is_asked_and_the_policy_is_kept(served, tab):
    for path in [*PAGES, "/docs"]:
        tab.page.goto(served.url + path)
        if path != "/docs":
            has_settled(tab.page)
    expect(tab.page.get_by_text("/api/v1/runs/{run_id}", exact=True).first).to_be_visible()
    assert tab.hosts == {served.url.removeprefix("http://")}
    assert not tab.faults


def test_report_opens_in_its_own_tab(served, tab):
    page = tab.page
    page.goto(f"{served.url}/runs/latest")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Report").click()
    report = opened.value
    report.wait_for_load_state()
    assert "ridge" in report.content()


def test_unknown_run_and_address_say_so(served, tab):
    page = tab.page
    page.goto(f"{served.url}/runs/nosuchrun")
    expect(page.get_by_role("alert")).to_contain_text("nosuchrun")
    expect(page.get_by_role("alert")).to_contain_text("request")
    page.goto(f"{served.url}/nowhere")
    expect(page.get_by_role("heading")).to_contain_text("nothing at this address")


def test_initial_script_is_small(served, needs_page):
    text = PAGE.read_text(encoding="utf-8")
    scripts = re.findall(r'src="/(assets/[^"]+\.js)"', text)
    preloads = re.findall(r'modulepreload"[^>]*href="/(assets/[^"]+\.js)"', text)
    folder = PAGE.parent
    size = sum(len(gzip.compress((folder / name).read_bytes())) for name in {*scripts, *preloads})
    assert scripts
    assert size <= 350_000


def test_empty_installation_teaches_the_first_steps(start_server, needs_page, browser, tmp_path):
    server = start_server(tmp_path)
    tab = open_tab(browser)
    page = tab.page
    page.goto(server.url)
    for step in ("Run the demo", "Load your own data", "Trade on paper"):
        expect(page.get_by_role("heading", name=step)).to_be_visible()
    page.goto(f"{server.url}/runs/latest")
    expect(page.get_by_role("alert")).to_contain_text("no run is stored yet")
    page.context.close()
    assert server.end() == 0

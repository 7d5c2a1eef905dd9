"""The page of a run: honest, complete, self-contained, safe."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from tradewright.domain.errors import ConfigError
from tradewright.domain.outcome import RunStatus
from tradewright.reports import render_comparison, render_report
from tradewright.services.results.report import comparison_content, report_of
from tradewright.services.runs import Guard, Run, RunExtras, Window, compare

HOSTILE = "<img src=x onerror=alert(1)>"


class Page(HTMLParser):
    """Collects headings, tags and everything that could make a request."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self.in_heading = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.in_heading = tag == "h2"
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "action")]

    def handle_data(self, data: str) -> None:
        if self.in_heading:
            self.headings.append(data)
            self.in_heading = False


def windows_of(run: Run, k: int = 3) -> tuple[Window, ...]:
    ts = run.outcome.ts
    size = (len(ts) - 100) // k
    return tuple(
        Window(
            number=i + 1,
            train_start_ns=int(ts[0]),
            train_end_ns=int(ts[99]),
            test_start_ns=int(ts[100 + i * size]),
            test_end_ns=int(ts[100 + (i + 1) * size - 1]),
            scores={"ic": 0.1},
        )
        for i in range(k)
    )


def test_page_has_every_section_in_order(run: Run, make_run: Callable[..., Run]) -> None:
    extras = RunExtras(
        windows=windows_of(run),
        leak=Guard(True, "nothing moved"),
        health=Guard(True, "covered"),
        scores=({"model": "m", "metric": "ic", "value": 0.1},),
        controls=({"control": "shuffled", "p_value": 0.03},),
        start_sensitivity=({"offset": 0, "total_return": 0.1},),
        features=("rsi(14)",),
        assumptions=("next open",),
        trials=(0.01, 0.02),
    )
    page = Page(make_run(extras=extras).html())
    assert page.headings == [
        "Growth of 1", "Monthly returns", "Metrics", "Luck", "Walk-forward windows",
        "Trades on price", "Trades", "Exposure", "Costs and sensitivity", "Start date", "Stress",
        "Attribution", "Models", "Controls and trials", "Data health and leaks", "Assumptions",
        "Manifest",
    ]  # fmt: skip


def test_page_makes_no_request(run: Run) -> None:
    text = run.html()
    page = Page(text)
    assert all(link.startswith("#") for link in page.links)
    assert not {"link", "iframe", "object", "img"} & set(page.tags)
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)
    assert "default-src 'none'" in text


def test_verdict_comes_before_any_figure(run: Run) -> None:
    text = run.html()
    assert text.index(run.verdict.sentence[:40]) < text.index('class="figure"')


def test_hostile_names_and_notes_are_text(make_run: Callable[..., Run]) -> None:
    extras = RunExtras(
        leak=Guard(True, HOSTILE),
        notes=(HOSTILE,),
        features=(HOSTILE,),
        controls=({HOSTILE: HOSTILE},),
    )
    run = make_run(name=HOSTILE, config={HOSTILE: HOSTILE}, extras=extras)
    text = run.html()
    assert "img" not in Page(text).tags
    assert HOSTILE not in text


def test_arrays_say_that_no_guard_ran(run: Run) -> None:
    content = report_of(run)
    assert content.leak.ok is None
    assert "Not run: the decisions were made by the user" in content.leak.summary
    assert "arrays decided by the user" in run.html()


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"costs": None}, "costs"),
        ({"curve": None}, "benchmark"),
        ({"luck": {}}, "deflated Sharpe"),
        ({"intervals": {}}, "bootstrap"),
        ({"leak": Guard(None, "")}, "leak verdict"),
    ],
)
def test_report_without_what_every_report_must_say_is_refused(
    run: Run, changes: dict[str, object], missing: str
) -> None:
    content = replace(report_of(run), **changes)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=missing):
        render_report(content)


def test_leak_shows_no_performance(make_run: Callable[..., Run]) -> None:
    leaky = make_run(extras=RunExtras(leak=Guard(False, "column sma sees tomorrow")))
    text = leaky.html()
    assert "column sma sees tomorrow" in text
    assert 'class="figure"' not in text
    assert "Growth of 1" not in text
    assert leaky.summary.metrics == {}
    with pytest.raises(ConfigError, match="no performance may be shown"):
        render_report(replace(report_of(leaky), figures={"sharpe": 1.0}))


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.CANCELLED])
def test_unfinished_run_is_marked_and_shows_no_figure(
    make_run: Callable[..., Run], status: RunStatus
) -> None:
    stopped = make_run(status=status, message="bar 9: division by zero")
    assert stopped.verdict.word == "incomplete"
    assert "division by zero" in stopped.html()
    assert 'class="figure"' not in stopped.html()
    assert stopped.summary.metrics == {}


def test_free_run_says_so_in_red(
    make_outcome: Callable[..., object], make_bars: Callable[..., object]
) -> None:
    import numpy as np

    bars = make_bars(60)
    outcome = make_outcome(bars, np.full((60, 3), 50), fee_bps=0, slip_bps=0)
    free = Run(outcome, bars)  # type: ignore[arg-type]
    assert "No costs were charged" in free.html()
    assert any("gross" in caution for caution in free.verdict.cautions)


def test_costs_lead_from_gross_to_net_in_every_report(
    run: Run, make_run: Callable[..., Run]
) -> None:
    walked = make_run(extras=RunExtras(windows=windows_of(run), leak=Guard(True, "nothing moved")))
    for given in (run, walked):
        costs = report_of(given).costs
        assert costs is not None
        for row in (costs.total, *costs.by_instrument, *costs.by_window):
            parts = sum(row[name] for name in ("spread", "slippage", "impact", "fee", "financing"))
            assert row["gross"] - parts == pytest.approx(row["net"], abs=1e-6)
        assert costs.by_instrument[-1]["net"] == costs.total["net"]
        assert [row["multiple"] for row in costs.sensitivity] == [0.0, 0.5, 1.0, 2.0, 3.0]
        text = given.html()
        assert "Break-even: " in text
        assert "From gross to net by instrument" in text
        assert ("From gross to net by window" in text) == bool(given.extras.windows)


def test_fill_rules_and_costs_are_said_of_every_backtest() -> None:
    import tradewright as tw

    bars = tw.sample_bars(["AAPL"], start="2016-01-01")
    costs = tw.Costs(fee_bps=10, spread_bps=4, impact="almgren2005", borrow_rate=0.03,
                     shares_outstanding={"AAPL": 5e9})  # fmt: skip
    rules = {"max_participation": 0.1, "limit_touch": "through", "allow_short": False}
    run = tw.backtest("buy_and_hold", bars, costs=costs, config={"rules": rules})
    lines = report_of(run).assumptions
    assert any("fills at the next open" in line for line in lines)
    assert any("at most 10% of a bar's volume" in line for line in lines)
    assert any("a tick through" in line for line in lines)
    assert any("long only" in line for line in lines)
    (charged,) = (line for line in lines if line.startswith("costs a side"))
    for words in ("fees 10 bps", "spread of 4 bps", "Almgren", "borrowing 3.00% a year"):
        assert words in charged
    free = tw.backtest("buy_and_hold", bars, costs=None)
    assert "no costs are charged" in report_of(free).assumptions


def test_windows_say_what_was_kept_of_the_past(run: Run, make_run: Callable[..., Run]) -> None:
    plain = windows_of(run)
    measured = tuple(replace(w, scores={"in_sample_return": 0.2}) for w in plain)
    leak = Guard(True, "nothing moved")
    walked = make_run(extras=RunExtras(windows=measured, leak=leak))
    kept = walked.metrics["annual_return"] / 0.2
    assert f"efficiency {kept:.2f}".replace("-", "\u2212") in walked.html()
    assert "efficiency" not in make_run(extras=RunExtras(windows=plain, leak=leak)).html()


def test_run_without_trades_has_a_page(
    make_outcome: Callable[..., object], make_bars: Callable[..., object]
) -> None:
    import numpy as np

    bars = make_bars(60)
    idle = Run(make_outcome(bars, np.zeros((60, 3), int)), bars)  # type: ignore[arg-type]
    assert "No position was opened" in idle.html()
    assert idle.verdict.word == "no evidence"


def test_every_metric_shown_has_its_definition(run: Run) -> None:
    text = run.html()
    shown = re.findall(r'data-note="([^"]+)"', text)
    assert len(shown) >= 60
    assert all(len(note) > 25 for note in shown)


def test_comparison_page_names_what_differs(make_run: Callable[..., Run]) -> None:
    one = make_run(name="one", config={"fast": 5, "deep": {"x": 1}})
    two = make_run(name="two", seed=3, config={"fast": 9, "deep": {"x": 1}})
    content = comparison_content(compare(one, two))
    assert [row["key"] for row in content.differences] == ["fast"]
    page = Page(render_comparison(content))
    assert page.headings == ["Growth of 1", "Metrics", "What differs"]
    assert all(link.startswith("#") for link in page.links)


def test_page_shows_luck_and_origin(run: Run) -> None:
    text = run.html()
    entries, found = run.chance.entries, run.attribution
    assert f"{entries.pass_share * 100:.1f}%" in text
    assert "Random entries" in text
    for name in ("min sharpe ratio", "max drawdown threshold", "min win rate", "Half lost"):
        assert name in text
    best = found.instruments[0]
    assert f"{best['contribution'] * 100:+.2f}%".replace("-", "−") in text
    low, high = run.statistics.closed_form["sharpe"]
    assert f"{low:.2f} to {high:.2f}".replace("-", "−") in text
    assert f"Excess return of {found.excess_return * 100:+.1f}%".replace("-", "−") in text
    for title in ("Long and short", "By weekday", "By factor", "allocation".capitalize()):
        assert title in text

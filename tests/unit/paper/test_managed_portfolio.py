"""A portfolio on paper against its own record: what it held, when it traded, what it told."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from tests.unit.paper.test_paper_sessions import (  # noqa: F401 (a fixture)
    CrashingJournal,
    entries,
    workspace,
)

from tradewright.domain.errors import ConfigError, NoDataError, RefusedError
from tradewright.marketdata import sample_bars
from tradewright.services.paper import PaperTrading
from tradewright.services.paper.parity import parity
from tradewright.services.portfolio import (
    create_portfolio,
    list_portfolios,
    monitor_and_rebalance,
    show_managed,
    stop_portfolio,
)

SYMBOLS = ["AAPL", "JNJ", "KO", "MSFT", "PG", "XOM"]
WINDOW = "2015-06-01:2016-12-30"
SHORT = {"window": 60}


def made(space, method="equal_weight", **more):
    given = {"name": "core", **SHORT, **more}
    return create_portfolio(space, SYMBOLS, 100_000.0, method, **given)


def ran(space, *, replay=WINDOW):
    paper = PaperTrading(space)
    session_id = monitor_and_rebalance(space, paper, "core", replay=replay)
    assert paper.wait(120)
    assert paper.status()["state"] == "FINISHED", paper.status()["message"]
    return paper, entries(space, session_id)


def of_kind(rows, kind):
    return [r.payload for r in rows if r.kind == kind]


def held_after(rows, n_bars):
    """Lots in units by row and instrument, and cash, from fills and deposit alone."""
    qty = np.zeros((n_bars, len(SYMBOLS)))
    cash = np.full(n_bars, 100_000.0)
    for fill in of_kind(rows, "fill"):
        f, row = fill["fill"], fill["row"]
        at = SYMBOLS.index(f["symbol"])
        qty[row:, at] += f["side"] * f["qty"] / 1e8
        costs = f["fee_minor"] + f["spread_minor"] + f["slippage_minor"] + f["impact_minor"]
        cash[row:] -= (f["side"] * f["notional_minor"] + costs) / 100
    return qty, cash


def tape():
    bars = sample_bars(SYMBOLS)
    first = datetime(2015, 6, 1, tzinfo=UTC).timestamp() * 1e9
    last = datetime(2016, 12, 31, tzinfo=UTC).timestamp() * 1e9
    return bars.between(int(first), int(last))


def test_each_trigger_is_one_of_the_rules_and_none_is_missed(workspace):  # noqa: F811
    made(workspace, rebalancing={"consider_tax_implications": False})
    _, rows = ran(workspace)
    bars = tape()
    qty, cash = held_after(rows, bars.n_bars)
    value = qty * bars.close
    weights = value / (value.sum(axis=1) + cash)[:, None]
    target = 1 / len(SYMBOLS)
    days = bars.ts.astype("datetime64[ns]").astype("datetime64[D]").astype(int)
    told = of_kind(rows, "alert")
    triggers = {a["row"]: a["method"] for a in told if a["kind"] == "trigger"}
    done = [a["row"] for a in told if a["kind"] == "completion"]
    assert triggers[60] == "first_allocation"  # the first bar with 60 returns before it
    underway, last = True, None
    seen = {60}
    for row in range(61, bars.n_bars):
        if row in done:
            underway, last = False, days[row]
        if underway:
            assert row not in triggers
            continue
        since = days[row] - last
        drift = np.abs(weights[row] - target).max() / target
        if since < 7 or (row in done and since == 0):
            assert row not in triggers
        elif since >= 30:
            assert triggers[row] == "max_interval"
        elif weights[row].max() > 0.2 * 1.05:
            assert triggers[row] == "risk_limit"
        else:
            assert (row in triggers) == (drift > 0.05)
        if row in triggers:
            seen.add(row)
            planned = any(a["kind"] == "plan" and a["row"] == row for a in told)
            underway = planned
    assert seen == set(triggers)
    assert len(done) > 5


def test_sells_fill_before_buys_are_sent_and_cash_stays(workspace):  # noqa: F811
    made(workspace)
    _, rows = ran(workspace)
    orders = [(p["row"], p["order"]["side"], p["order"]["symbol"]) for p in of_kind(rows, "intent")]
    alerts = [(a["row"], a["kind"]) for a in of_kind(rows, "alert")]
    starts = [row for row, kind in alerts if kind == "plan"]
    ends = [row for row, kind in alerts if kind == "completion"]
    assert len(starts) >= len(ends) > 5
    staged = 0
    plans = [a["trades"] for a in of_kind(rows, "alert") if a["kind"] == "plan"]
    for start, end, trades in zip(starts, ends, plans, strict=False):
        sold = {t["symbol"] for t in trades if t["side"] == "SELL"}
        sells = {}
        for row, side, symbol in orders:
            if start <= row < end and side == "SELL" and symbol in sold:
                sells.setdefault(symbol, row)
        buys = [row for row, side, _ in orders if start <= row < end and side == "BUY"]
        assert not sells or not buys or max(sells.values()) < min(buys)
        staged += bool(sells and buys)
    for row in {row for row, _, _ in orders}:
        assert len({side for at, side, _ in orders if at == row}) == 1
    assert staged > 5
    assert min(m["cash_minor"] for m in of_kind(rows, "mark")) >= 0


def test_no_order_is_above_the_limit_of_one_order(workspace):  # noqa: F811
    made(workspace)
    _, rows = ran(workspace, replay="2015-06-01:2015-12-31")
    equity = {m["row"]: m["equity_minor"] for m in of_kind(rows, "mark")}
    bars = tape()
    for intent in of_kind(rows, "intent"):
        order, row = intent["order"], intent["row"]
        px = bars.close[row, SYMBOLS.index(order["symbol"])]
        assert order["qty"] / 1e8 * px * 100 <= 0.05 * equity[row] * (1 + 1e-9)


def test_what_the_portfolio_tells_is_heard_in_order_and_on_the_record(workspace):  # noqa: F811
    heard = []
    workspace.bus.subscribe("portfolio.rebalance", lambda _, p: heard.append(dict(p)))
    made(workspace)
    _, rows = ran(workspace, replay="2015-06-01:2015-12-31")
    told = of_kind(rows, "alert")
    assert [h["kind"] for h in heard] == [a["kind"] for a in told]
    assert [h["kind"] for h in heard[:3]] == ["trigger", "plan", "completion"]
    assert heard[0]["reason"] == "the first allocation"
    assert heard[2]["status"] == "done"
    assert heard[1]["plan_id"] == heard[2]["plan_id"]


def test_a_plan_that_costs_too_much_is_deferred_each_day(workspace):  # noqa: F811
    made(
        workspace,
        rebalancing={"transaction_cost_threshold": 1e-6, "consider_tax_implications": False},
    )
    _, rows = ran(workspace, replay="2015-06-01:2015-12-31")
    told = of_kind(rows, "alert")
    completed = [a for a in told if a["kind"] == "completion"]
    deferred = [a["row"] for a in told if a["kind"] == "deferral"]
    assert len(completed) == 1  # the first allocation is bought whatever it costs
    assert len(deferred) > 20
    assert deferred == sorted(set(deferred))
    assert "at most 0.0001% wanted" in next(a for a in told if a["kind"] == "deferral")["reason"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("appends", [3, 5, 9, 15, 40])
def test_a_session_cut_anywhere_goes_on_as_if_it_had_not_been(workspace, appends):  # noqa: F811
    replay = "2015-06-01:2016-03-31"
    made(workspace, "minimum_variance")
    whole = replace(workspace, journal=CrashingJournal(workspace.journal, 10**9))
    _, wanted = ran(whole, replay=replay)
    create_portfolio(workspace, SYMBOLS, 100_000.0, "minimum_variance", name="twin", **SHORT)
    broken = replace(workspace, journal=CrashingJournal(workspace.journal, appends))
    paper = PaperTrading(broken)
    monitor_and_rebalance(broken, paper, "twin", replay=replay)
    paper.wait(60)
    again = PaperTrading(workspace)
    assert list_portfolios(workspace, again)[1]["state"] == "INTERRUPTED"
    session_id = monitor_and_rebalance(workspace, again, "twin")
    assert again.wait(60)
    assert again.status()["state"] == "FINISHED"
    rows = entries(workspace, session_id)

    def essence(found):
        fills = [
            (p["row"], p["fill"]["symbol"], p["fill"]["side"], p["fill"]["qty"])
            for p in of_kind(found, "fill")
        ]
        return fills, of_kind(found, "alert")

    for found, there in zip(essence(rows), essence(wanted), strict=True):
        for at, (a, b) in enumerate(zip(found, there, strict=False)):
            assert a == b, at
        assert len(found) == len(there)


def short_gains(rows):
    """Gains on lots younger than 366 days, first in first out, by hand."""
    bars, lots, gains = tape(), {}, 0.0
    for fill in of_kind(rows, "fill"):
        f, day = fill["fill"], bars.ts[fill["row"]] // 86_400_000_000_000
        px, own = f["notional_minor"] / f["qty"], lots.setdefault(f["symbol"], [])
        if f["side"] > 0:
            own.append([day, f["qty"], px])
            continue
        left = f["qty"]
        while left:
            part = min(left, own[0][1])
            if day - own[0][0] < 366:
                gains += max(0.0, part * (px - own[0][2]))
            own[0][1] -= part
            left -= part
            if not own[0][1]:
                own.pop(0)
    return gains / 100


def test_with_taxes_young_gains_wait_and_it_is_told_once(workspace):  # noqa: F811
    def run(name, taxed):
        rules = {"consider_tax_implications": taxed, "min_rebalance_interval": 0}
        create_portfolio(workspace, SYMBOLS, name=name, rebalancing=rules, **SHORT)
        paper = PaperTrading(workspace)
        session_id = monitor_and_rebalance(workspace, paper, name, replay="2015-06-01:2016-05-31")
        assert paper.wait(120)
        return entries(workspace, session_id)

    free, taxed = run("free", taxed=False), run("taxed", taxed=True)
    assert 0 < 4 * short_gains(taxed) < short_gains(free)
    idle = [a for a in of_kind(taxed, "alert") if a.get("outcome")]
    assert idle
    days = [a["row"] for a in idle]
    assert not any(b - a == 1 and x["reason"] == y["reason"] for a, b, x, y in zip(
        days, days[1:], idle, idle[1:], strict=False))  # fmt: skip


def test_a_breached_limit_is_looked_at_at_once(workspace, monkeypatch):  # noqa: F811
    from tradewright.services.backtest_config import BacktestConfig
    from tradewright.services.paper import sources

    made(workspace, rebalancing={"min_rebalance_interval": 20, "max_rebalance_interval": 60})
    config = replace(BacktestConfig.neutral(), limits={"account.daily_loss": 0.005})
    monkeypatch.setattr(sources.BacktestConfig, "neutral", classmethod(lambda cls: config))
    _, rows = ran(workspace, replay="2015-06-01:2015-12-31")
    told = of_kind(rows, "alert")
    breaches = [a for a in told if a["kind"] == "trigger" and a["method"] == "risk_limit"]
    assert breaches
    assert any("daily_loss of account:paper" in a["reason"] for a in breaches)


def test_the_session_is_a_backtest_of_its_window(workspace):  # noqa: F811
    made(workspace, "risk_parity")
    ran(workspace, replay="2015-06-01:2015-12-31")
    found = parity("latest", workspace)
    assert found.differences == ()


def test_shown_with_attribution_that_sums_to_its_return(workspace):  # noqa: F811
    made(workspace)
    paper, rows = ran(workspace)
    document = show_managed(workspace, paper, "core")
    assert document["state"] == "FINISHED"
    assert document["rebalances"] == sum(a["kind"] == "completion" for a in of_kind(rows, "alert"))
    split = document["attribution"]
    total = of_kind(rows, "mark")[-1]["equity_minor"] / 10_000_000 - 1
    assert sum(r["contribution"] for r in split["instruments"]) == pytest.approx(total, abs=1e-9)
    assert split["total_return"] == pytest.approx(total, abs=1e-9)
    excess = sum(r["total"] for r in split["sectors"])
    assert excess == pytest.approx(split["excess_return"], abs=1e-9)
    assert {r["symbol"] for r in document["account"]["holdings"]} == set(SYMBOLS)
    account = document["account"]
    held = {r["symbol"]: float(r["quantity"]) for r in account["holdings"]}
    for symbol in SYMBOLS:
        own = [lot for lot in account["lots"] if lot["symbol"] == symbol]
        assert sum(float(lot["quantity"]) for lot in own) == pytest.approx(held[symbol])
        assert [lot["acquired_at"] for lot in own] == sorted(lot["acquired_at"] for lot in own)
    gains = {term: float(value) for term, value in account["realised"].items()}
    assert gains["short_term"] > 0
    assert gains["long_term"] != 0
    before = show_managed(workspace, paper, "core", as_of="2015-12-31")
    assert before["account"]["as_of"].startswith("2015-12-31")
    assert len(before["alerts"]) < len(document["alerts"])


def test_created_once_run_once(workspace):  # noqa: F811
    paper = PaperTrading(workspace)
    with pytest.raises(NoDataError, match="no portfolio was created yet"):
        show_managed(workspace, paper)
    assert list_portfolios(workspace, paper) == []
    first = create_portfolio(workspace, SYMBOLS, **SHORT)
    assert (first.name, first.optimization_method) == ("portfolio-1", "risk_parity")
    assert show_managed(workspace, paper)["state"] == "CREATED"
    with pytest.raises(RefusedError, match="portfolio-1 is not watched now"):
        stop_portfolio(workspace, paper)
    made(workspace)
    with pytest.raises(ConfigError, match="'core' exists already"):
        made(workspace)
    ran(workspace, replay="2015-06-01:2015-07-31")
    with pytest.raises(RefusedError, match="portfolio core is not watched now"):
        stop_portfolio(workspace, paper, "core")
    with pytest.raises(RefusedError, match="portfolio core has ended with session"):
        monitor_and_rebalance(workspace, paper, "core")
    with pytest.raises(NoDataError, match="portfolio 'cor' is not known; did you mean 'core'"):
        show_managed(workspace, paper, "cor")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"symbols": []}, "0 named, wanted 1 to 100"),
        ({"symbols": ["AAPL", "aapl"]}, "AAPL is named twice"),
        ({"symbols": ["AAPL", "NOPE"]}, "NOPE"),
        ({"symbols": ["A" * 400]}, "portfolio symbols"),
        ({"initial_balance": 0}, "initial_balance is 0, wanted above 0"),
        ({"initial_balance": float("nan")}, "initial_balance is nan"),
        ({"optimization_method": "sharpest"}, "sharpest"),
        ({"name": "../etc"}, "wanted 1 to 64 letters"),
        ({"name": "latest"}, "exists already"),
        ({"max_weight": 0.5}, "above the account's limit of a holding 0.2"),
        ({"max_weight": float("nan")}, "max_weight is nan"),
        ({"max_weight": 0}, "max_weight is 0"),
        ({"window": 5}, "window is 5, wanted 20 or more"),
        ({"estimate_bars": 0}, "estimate_bars is 0"),
        ({"lot_method": "specific"}, "lot_method is 'specific'"),
        ({"rebalancing": {"threshold": 1}}, "rebalancing.threshold is not known"),
        ({"rebalancing": {"rebalance_threshold": -1}}, "rebalance_threshold is -1"),
        ({"rebalancing": {"rebalance_threshold": "much"}}, "rebalance_threshold is 'much'"),
        ({"rebalancing": {"min_rebalance_interval": 40}}, "is above"),
        ({"colour": "red"}, "'colour' is not known"),
    ],
)
def test_bad_terms_are_refused_and_nothing_is_kept(workspace, given, message):  # noqa: F811
    with pytest.raises(ConfigError, match=message):
        create_portfolio(workspace, **{"symbols": SYMBOLS, **given})
    assert list_portfolios(workspace, PaperTrading(workspace)) == []

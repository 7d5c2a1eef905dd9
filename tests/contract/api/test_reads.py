"""Every read: what it says agrees with the run and the stores behind it."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import httpx2
import numpy as np
import pytest

from tradewright.api.reference import openapi_document
from tradewright.services.runs import Run

API = "/api/v1"
REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def run(stocked) -> Run:
    workspace, run_id = stocked
    return Run.load(run_id, workspace)


def walk(client, path: str, **query) -> list[dict]:
    """Return all rows of a paged list."""
    rows, cursor = [], None
    while True:
        asked = {**query, **({"cursor": cursor} if cursor else {})}
        reply = client.get(f"{API}/{path}", params=asked)
        assert reply.status_code == 200, reply.text
        rows += reply.json()["items"]
        cursor = reply.json()["next_cursor"]
        if cursor is None:
            return rows


def test_health_names_each_part(client):
    body = client.get(f"{API}/health").json()
    assert body["status"] == "ok"
    assert body["mode"] == "SIMULATION"
    assert body["sign_in"] is False
    assert body["components"]["bars"] == {"status": "ok", "detail": "4 series stored"}
    assert body["components"]["runs"]["detail"] == "1 runs stored"


def test_health_of_an_empty_installation_is_ok(empty_server):
    import httpx2

    body = httpx2.get(f"{empty_server.url}{API}/health").json()
    assert body["status"] == "ok"
    assert body["components"]["runs"]["status"] == "empty"


def test_runs_list_has_the_run(client, run_id, run):
    (row,) = client.get(f"{API}/runs").json()["items"]
    assert row["run_id"] == run_id
    assert row["kind"] == "backtest"
    assert row["verdict"] == run.verdict.word
    assert row["metrics"]["sharpe"] == pytest.approx(run.metrics["sharpe"])
    assert client.get(f"{API}/runs?kind=study").json() == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("name", ["latest", "by id"])
def test_run_says_what_was_found(client, run_id, run, name):
    body = client.get(f"{API}/runs/{run_id if name == 'by id' else name}").json()
    assert body["run_id"] == run_id
    assert body["judgement"]["sentence"] == run.verdict.sentence
    assert Decimal(body["initial_cash"]) == Decimal("100000")
    assert Decimal(body["final_equity"]) * 100 == int(run.outcome.equity[-1])
    assert body["symbols"] == list(run.bars.symbols)
    figures = {item["name"]: item for item in body["figures"]}
    for metric in ("total_return", "sharpe", "max_drawdown", "win_rate"):
        assert figures[metric]["value"] == pytest.approx(run.metrics[metric])
        assert figures[metric]["definition"]
        assert figures[metric]["formula"]
    assert figures["max_drawdown"]["value"] <= 0
    assert {check["name"] for check in body["judgement"]["checks"]} >= {"leak", "health", "luck"}


def test_benchmark_figures_follow_from_its_levels(client, run_id, run):
    figures = {item["name"]: item for item in client.get(f"{API}/runs/{run_id}").json()["figures"]}
    levels = run.benchmarks[0].levels
    assert figures["total_return"]["benchmark"] == pytest.approx(levels[-1] / levels[0] - 1)
    falls = [level / levels[: i + 1].max() - 1 for i, level in enumerate(levels)]
    assert figures["max_drawdown"]["benchmark"] == pytest.approx(min(falls))


def test_cost_parts_sum_to_the_total(client, run_id, run):
    cost = client.get(f"{API}/runs/{run_id}").json()["cost"]
    parts = {part["name"]: Decimal(part["amount"]) for part in cost["parts"]}
    assert sum(parts.values()) == Decimal(cost["total"])
    fills = run.outcome.fills
    assert parts["fee"] * 100 == int(fills["fee"].sum())
    assert sum(part["share"] for part in cost["parts"]) == pytest.approx(1.0)


def test_months_compound_to_the_total_return(client, run_id, run):
    months = client.get(f"{API}/runs/{run_id}").json()["monthly"]
    total = np.prod([1 + month["value"] for month in months]) - 1
    assert total == pytest.approx(run.metrics["total_return"], rel=1e-9)
    assert [(m["year"], m["month"]) for m in months] == sorted(
        (m["year"], m["month"]) for m in months
    )


def test_equity_columns_agree_with_the_outcome(client, run_id, run):
    body = client.get(f"{API}/runs/{run_id}/equity").json()
    assert len({len(body[name]) for name in ("times", "equity", "drawdown", "benchmark")}) == 1
    assert body["equity"][-1] * 100 == pytest.approx(int(run.outcome.equity[-1]))
    assert body["benchmark"][0] == body["equity"][0]
    assert max(body["drawdown"]) == 0.0
    assert min(body["drawdown"]) == pytest.approx(run.metrics["max_drawdown"], abs=1e-6)
    assert body["times"] == sorted(body["times"])
    assert body["times"][0].endswith("Z")


def test_trades_in_pages_are_the_round_trips(client, run_id, run):
    rows = walk(client, f"runs/{run_id}/trades", limit=7)
    assert [row["number"] for row in rows] == list(range(len(run.trips)))
    for row, trip in zip(rows, run.trips, strict=True):
        assert Decimal(row["profit"]) * 100 == int(trip["pnl"])
        assert Decimal(row["quantity"]) * 10**8 == int(trip["qty"])
        assert row["return"] == pytest.approx(float(trip["return_"]))
        assert (row["exit_at"] is None) == bool(trip["is_open"])


def test_trades_sort_and_filter(client, run_id):
    by_profit = walk(client, f"runs/{run_id}/trades", limit=5, sort="-profit")
    profits = [Decimal(row["profit"]) for row in by_profit]
    assert profits == sorted(profits, reverse=True)
    only = walk(client, f"runs/{run_id}/trades", symbol="aapl")
    assert {row["symbol"] for row in only} == {"AAPL"}
    assert len(only) < len(by_profit)


def test_cursor_of_another_list_is_refused(client, run_id):
    cursor = client.get(f"{API}/runs/{run_id}/trades?limit=1").json()["next_cursor"]
    for path in ("fills", "trades?sort=profit"):
        joint = "&" if "?" in path else "?"
        reply = client.get(f"{API}/runs/{run_id}/{path}{joint}cursor={cursor}")
        assert reply.status_code == 422
        assert "cursor" in reply.json()["detail"]
    assert client.get(f"{API}/runs/{run_id}/fills?cursor=AAAA").status_code == 422


def test_fills_carry_every_component_of_cost(client, run_id, run):
    rows = walk(client, f"runs/{run_id}/fills", limit=500)
    assert len(rows) == len(run.outcome.fills)
    for row, fill in zip(rows, run.outcome.fills, strict=True):
        assert Decimal(row["price"]) * 10**8 == int(fill["px"])
        for name in ("fee", "spread", "slippage", "impact"):
            assert Decimal(row[name]) * 100 == int(fill[name])


def test_candles_around_a_trade_show_its_entry_and_exit(client, run_id, run):
    number = next(i for i, trip in enumerate(run.trips) if not trip["is_open"])
    trip = run.trips[number]
    symbol = run.outcome.instruments[int(trip["instrument"])].symbol
    body = client.get(
        f"{API}/runs/{run_id}/bars", params={"symbol": symbol, "trade": number, "margin": 10}
    ).json()
    held = int(trip["exit_bar"] - trip["entry_bar"])
    assert len(body["times"]) <= held + 21
    mine = [mark for mark in body["marks"] if mark["trade"] == number]
    assert mine[0]["kind"] == "entry"
    assert mine[-1]["kind"] in ("exit", "stop", "target")
    assert all(mark["at"] in body["times"] for mark in mine)
    for mark in mine:
        row = body["times"].index(mark["at"])
        assert body["low"][row] <= mark["price"] * 1.0001
        assert body["high"][row] >= mark["price"] * 0.9999
    lines = {line["kind"]: line["price"] for line in body["lines"]}
    assert lines["entry"] == pytest.approx(float(trip["entry_px"]))
    assert lines["exit"] == pytest.approx(float(trip["exit_px"]))


def test_candles_of_another_symbol_or_trade_are_not_found(client, run_id):
    for query in ({"symbol": "TSLA"}, {"symbol": "AAPL", "trade": 10**6}):
        reply = client.get(f"{API}/runs/{run_id}/bars", params=query)
        assert reply.status_code == 404, reply.text


def test_report_is_one_file_that_may_reach_nothing(client, run_id):
    reply = client.get(f"{API}/runs/{run_id}/report")
    assert reply.status_code == 200
    assert reply.headers["Content-Type"].startswith("text/html")
    policy = reply.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "<html" in reply.text


@pytest.mark.parametrize(
    "run_id",
    ["..%2F..%2Fetc%2Fpasswd", "..", "%2e%2e", "a/../../b", "nosuch", "x" * 65, "a%00b", "-lead"],
)
@pytest.mark.parametrize("part", ["", "/equity", "/trades", "/fills", "/report"])
def test_hostile_run_ids_reach_no_file(client, run_id, part):
    reply = client.get(f"{API}/runs/{run_id}{part}")
    assert reply.status_code in (404, 405, 422)
    assert "root:" not in reply.text


def test_instruments_and_bars_come_from_the_store(client, stocked):
    rows = walk(client, "instruments", limit=3)
    assert [row["symbol"] for row in rows] == ["AAPL", "MSFT", "SPY", "XOM"]
    body = client.get(f"{API}/market-data/aapl/bars?from=2014-01-01&to=2014-02-01").json()
    stored = stocked[0].bars.read(["AAPL"])
    january = [
        float(close)
        for time, close in zip(stored.times, stored.close[:, 0], strict=True)
        if str(time).startswith("2014-01")
    ]
    assert body["close"] == pytest.approx(january)
    assert body["times"][0].startswith("2014-01-02")
    assert body["truncated"] is False
    few = client.get(f"{API}/market-data/AAPL/bars?limit=5").json()
    assert len(few["times"]) == 5
    assert few["truncated"] is True


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("market-data/NOPE/bars", 404),
        ("market-data/%2e%2e/bars", 422),
        ("market-data/a b/bars", 422),
        ("market-data/AAPL/bars?from=2014-02-30", 422),
        ("market-data/AAPL/bars?from=2014-02-02&to=2014-02-01", 422),
        ("market-data/AAPL/bars?interval=7d", 422),
        ("market-data/AAPL/bars?limit=0", 422),
        ("market-data/AAPL/bars?from=0001-01-01", 422),
    ],
)
def test_bad_questions_about_bars_are_refused(client, path, status):
    reply = client.get(f"{API}/{path}")
    assert reply.status_code == status, reply.text
    assert reply.json()["status_code"] == status


def test_data_overview_counts_what_is_stored(client):
    body = client.get(f"{API}/data/overview").json()
    assert body["symbols"] == 4
    assert body["is_sample"] is False
    assert sum(item["symbols"] for item in body["sectors"]) == 4
    assert body["first"] < body["last"]


def test_empty_installation_answers_every_list(empty_server):
    import httpx2

    with httpx2.Client(base_url=empty_server.url) as client:
        for path in ("runs", "jobs", "paper/orders", "paper/fills"):
            assert client.get(f"{API}/{path}").json()["items"] == []
        assert client.get(f"{API}/paper/positions").json() == []
        assert client.get(f"{API}/paper").json()["state"] == "IDLE"
        assert client.get(f"{API}/paper/equity").json()["times"] == []
        overview = client.get(f"{API}/data/overview").json()
        assert (overview["symbols"], overview["is_sample"]) == (32, True)
        bars = client.get(f"{API}/market-data/SPY/bars?from=2017-11-01").json()
        assert bars["source"] == "sample"
        assert bars["times"][-1].startswith("2017-11-10")
        reply = client.get(f"{API}/runs/latest")
        assert reply.status_code == 404
        assert "no run is stored yet" in reply.json()["detail"]


def test_written_document_is_that_of_the_application():
    path = REPOSITORY / "docs" / "reference" / "openapi.json"
    assert json.loads(path.read_text(encoding="utf-8")) == openapi_document(), (
        "docs/reference/openapi.json is old; write it with: python -m tradewright.api.reference"
    )


def test_analysis_says_what_the_report_says(client, stocked):
    workspace, run_id = stocked
    body = client.get(f"{API}/runs/{run_id}/analysis").json()
    run = Run.load(run_id, workspace)
    costs = body["costs"]
    parts = sum(costs[name] for name in ("spread", "slippage", "impact", "fee", "financing"))
    assert costs["gross"] - parts == pytest.approx(costs["net"], abs=1e-6)
    assert costs["net"] == pytest.approx(run.metrics["net_profit"])
    table = body["costs_by_instrument"]
    at = table["columns"].index("Net")
    assert [row[0] for row in table["rows"][:-1]] == run.costs["symbol"].to_list()
    assert sum(row[at] for row in table["rows"][:-1]) == pytest.approx(table["rows"][-1][at])
    assert body["costs_by_window"] is None
    assert body["stress"] is None
    splits = {item["name"]: item["table"] for item in body["attribution"]}
    assert {"instruments", "sides", "weekdays", "regimes", "factors"} <= set(splits)
    total = splits["instruments"]["rows"][-1]
    assert total[2] == pytest.approx(run.metrics["total_return"])
    assert {item["name"] for item in body["luck"]} >= {"acceptance", "intervals_ratio"}
    assert [guard["name"] for guard in body["guards"]] == ["Leak guard", "Data health"]


def test_stress_that_came_later_is_shown_at_once(new_servers):
    from tradewright.services.results.named import DataChoice, NamedRun, open_bars, run_named
    from tradewright.services.stress import scenarios_of
    from tradewright.services.stressing.kept import stress_stored

    workspace, new_server = new_servers
    choice = DataChoice(symbols=("AAPL", "XOM"), start="2014-01-01", end="2016-12-31")
    bars = open_bars(workspace, choice)
    made = run_named(workspace, NamedRun("buy_and_hold"), bars, choice=choice)
    with new_server().running() as server:
        page = f"{server.url}{API}/runs/{made.run_id}/analysis"
        assert httpx2.get(page, timeout=20).json()["stress"] is None
        _, found = stress_stored(made.run_id, workspace, scenarios_of(["covid_shock"]), starts=2)
        shown = httpx2.get(page, timeout=20).json()["stress"]
    (row,) = shown["scenarios"]
    score = found["covid_shock"].worst.stress_resilience_score
    assert row["worst"]["score"] == pytest.approx(score)
    assert len(row["starts"]) == 2
    assert row["shock"] == -0.25

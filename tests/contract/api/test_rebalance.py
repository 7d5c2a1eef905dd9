"""Rebalancing the paper account to a target allocation over the API: plan, order, refusal."""

from __future__ import annotations

import threading
import time

import httpx2
import pytest
from tests.contract.api.conftest import Server, make_workspace

from tradewright.api import ApiSettings

API = "/api/v1"


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """A server with a paper session that holds the whole sample."""
    server = Server(make_workspace(tmp_path_factory.mktemp("rebalance")), ApiSettings())
    with server.running() as running, httpx2.Client(base_url=running.url + API, timeout=20) as http:
        begun = http.post(
            "/paper/start",
            json={"source": "buy_and_hold", "cash": "100000", "speed": 40,
                  "replay_from": "2016-01-04"},
        )  # fmt: skip
        assert begun.status_code == 200, begun.text
        held = wait(lambda: http.get("/paper/positions").json(), lambda rows: len(rows) == 32)
        told = []
        running.workspace.bus.subscribe("portfolio.rebalance", lambda _, p: told.append(p["kind"]))
        yield http, held, told
        http.post("/paper/stop")


def wait(ask, is_done):
    end, changed = time.monotonic() + 20, threading.Event()
    while not is_done(answer := ask()):
        assert time.monotonic() < end, answer
        changed.wait(0.05)
    return answer


def rebalance(http, target, **more):
    return http.post("/trading/portfolio/rebalance", json={"target_allocation": target, **more})


def test_sum_above_one_is_refused_with_the_sum(session):
    reply = rebalance(session[0], {"AAPL": 0.7, "CASH": 0.6})
    assert reply.status_code == 422
    assert "weights sum to 1.300000, wanted 1" in reply.json()["detail"]
    assert rebalance(session[0], {"AAPL": 1.0000005}).status_code == 200


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"target_allocation": {"APPL": 0.5}}, "did you mean 'AAPL'"),
        ({"target_allocation": {"AAPL": 0.5, "CASH": -0.2}}, "CASH is -0.2"),
        ({"target_allocation": {}}, ""),
        ({"target_allocation": {"AAPL": "much"}}, ""),
        ({"target_allocation": {"AAPL": 0.5}, "threshold": 0}, ""),
        ({"target_allocation": {"AAPL": 0.5}, "account": "live"}, ""),
        ({"target": {"AAPL": 0.5}}, ""),
    ],
)
def test_wrong_allocation_is_refused(session, body, says):
    reply = session[0].post("/trading/portfolio/rebalance", json=body)
    assert reply.status_code == 422
    assert says in reply.text


def test_plan_is_made_without_orders_and_a_dear_one_is_deferred(session):
    http, held, told = session
    told.clear()
    before = len(http.get("/paper/orders").json()["items"])
    halves = {row["symbol"]: row["weight"] / 2 for row in held}
    plan = rebalance(http, halves).json()
    assert plan["status"] == "planned"
    assert {trade["side"] for trade in plan["trades"]} == {"SELL"}
    assert plan["turnover"] == pytest.approx(0.25, abs=0.03)
    assert plan["target"]["CASH"] == pytest.approx(1 - sum(halves.values()), abs=1e-6)
    assert plan["costs"] == pytest.approx(2 * plan["turnover"] * plan["equity"] * 0.0015, rel=0.01)
    dear = rebalance(http, {"AAPL": 1.0}, dry_run=False).json()
    assert (dear["status"], dear["trades"][0]["side"]) == ("deferred", "SELL")
    assert "transaction_cost_threshold allows 0.200%" in dear["message"]
    within = rebalance(http, {row["symbol"]: row["weight"] for row in held}, threshold=0.9).json()
    assert (within["status"], within["message"][:9]) == ("within", "no weight")
    assert len(http.get("/paper/orders").json()["items"]) == before
    assert told == ["trigger", "plan", "deferral"]


def test_plan_that_is_ordered_reaches_its_weights(session):
    http, held, told = session
    told.clear()
    target = {row["symbol"]: row["weight"] / 2 for row in held}
    target["AAPL"] = 0.2
    done = rebalance(http, target, dry_run=False).json()
    assert done["status"] == "ordered"
    assert told == ["trigger", "plan", "order"]

    def near(rows):
        weights = {row["symbol"]: row["weight"] for row in rows}
        return all(abs(weights.get(name, 0.0) - target[name]) < 0.01 for name in target)

    rows = wait(lambda: http.get("/paper/positions").json(), near)
    wait(lambda: told, lambda kinds: kinds[-1] == "completion")
    assert sum(row["weight"] for row in rows) < 0.8

"""Portfolios over HTTP: created, run, shown, stopped; hostile terms are refused."""

import time

import pytest

API = "/api/v1"
TERMS = {
    "name": "core",
    "symbols": ["AAPL", "MSFT", "KO", "XOM", "JNJ", "PG"],
    "optimization_method": "equal_weight",
    "window": 60,
    "rebalancing": {"rebalance_threshold": 0.04, "consider_tax_implications": False},
}


@pytest.fixture
def http(empty_server):
    import httpx2

    with httpx2.Client(base_url=empty_server.url + API, timeout=30) as client:
        client.server = empty_server
        yield client


def test_from_creation_to_the_end(http):
    assert http.get("/portfolios").json() == []
    made = http.post("/portfolios", json=TERMS).json()
    assert (made["state"], made["account"], made["attribution"]) == ("CREATED", None, None)
    assert made["rebalancing"]["rebalance_threshold"] == 0.04
    assert made["rebalancing"]["min_rebalance_interval"] == 7  # of the settings in force
    ran = http.post("/portfolios/core/run", json={"replay": "2015-06-01:2016-03-31"})
    assert ran.status_code == 200, ran.text
    assert http.server.app.state.context.paper.wait(60)
    shown = http.get("/portfolios/core").json()
    assert shown["state"] == "FINISHED"
    assert {row["symbol"] for row in shown["account"]["holdings"]} == set(TERMS["symbols"])
    assert [row["kind"] for row in shown["alerts"][:3]] == ["trigger", "plan", "completion"]
    assert shown["rebalances"] == sum(row["kind"] == "completion" for row in shown["alerts"])
    total = sum(row["contribution"] for row in shown["attribution"]["instruments"])
    assert total == pytest.approx(shown["attribution"]["total_return"], abs=1e-9)
    (row,) = http.get("/portfolios").json()
    assert (row["name"], row["state"]) == ("core", "FINISHED")
    again = http.post("/portfolios/core/run")
    assert again.status_code == 409
    assert "has ended with session" in again.json()["detail"]
    early = http.get("/portfolios/core", params={"as_of": "2015-12-31"}).json()
    assert early["account"]["as_of"].startswith("2015-12-31")


def test_stopped_over_http(http):
    http.post("/portfolios", json=TERMS)
    assert http.post("/portfolios/core/stop").status_code == 409
    http.post("/portfolios/core/run", json={"replay": "2015-06-01:2016-03-31", "speed": 5})
    deadline = time.monotonic() + 30
    while http.get("/portfolios/core").json()["state"] != "RUNNING":
        assert time.monotonic() < deadline
    done = http.post("/portfolios/core/stop", json={"reason": "enough"}).json()
    assert (done["state"], done["message"]) == ("STOPPED", "enough")


@pytest.mark.parametrize(
    "wrong",
    [
        {"symbols": []},
        {"symbols": ["AAPL", "AAPL"]},
        {"symbols": ["NOPE"]},
        {"symbols": ["A" * 33]},
        {"symbols": [f"S{n}" for n in range(101)]},
        {"initial_balance": 0},
        {"initial_balance": "much"},
        {"optimization_method": "sharpest"},
        {"name": "../x"},
        {"max_weight": 0.9},
        {"max_weight": -1},
        {"window": 3},
        {"lot_method": "specific"},
        {"rebalancing": {"threshold": 1}},
        {"rebalancing": {"rebalance_threshold": -1}},
        {"rebalancing": {"min_rebalance_interval": 99}},
        {"colour": "red"},
    ],
)
def test_hostile_terms_are_422_and_nothing_is_kept(http, wrong):
    answer = http.post("/portfolios", json={**TERMS, **wrong})
    assert answer.status_code == 422, answer.text
    assert http.get("/portfolios").json() == []


@pytest.mark.parametrize("call", ["get", "run", "stop"])
def test_a_portfolio_that_is_not_there_is_404(http, call):
    if call == "get":
        answer = http.get("/portfolios/nobody")
    else:
        answer = http.post(f"/portfolios/nobody/{call}")
    assert answer.status_code == 404


def test_numbers_that_are_none_are_refused(http):
    body = '{"symbols": ["AAPL"], "initial_balance": NaN}'
    answer = http.post("/portfolios", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert http.get("/portfolios").json() == []

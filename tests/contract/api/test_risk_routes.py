"""Risk over HTTP: status, report, and the switch."""

import pytest

API = "/api/v1"
ANN = {"actor": "Ann", "reason": "news"}


def test_status_is_normal_where_nothing_happened(client):
    body = client.get(f"{API}/risk").json()
    assert (body["state"], body["scopes"], body["paper"]) == ("NORMAL", [], None)


def test_report_of_a_stored_run_is_that_of_the_service(client, stocked):
    from tradewright.services.risk.report import report_by_id

    workspace, run_id = stocked
    reply = client.get(f"{API}/risk/report?run={run_id}&window=250&to=2015-12-31")
    assert reply.status_code == 200, reply.text
    body = reply.json()
    wanted = report_by_id(workspace, run_id, last="2015-12-31", window=250)
    assert body["measures"] == wanted["measures"]
    assert body["record"] == wanted["record"]
    assert body["stress"] == wanted["stress"]
    assert {row["symbol"] for row in body["positions"]} <= {"AAPL", "MSFT", "SPY", "XOM"}
    assert body["to"] < "2016"


@pytest.mark.parametrize(
    ("query", "status"),
    [("run=nothing", 404), ("level=0.5", 422), ("horizon=21", 422), ("windw=3", 422),
     ("from=2013-13-01", 422), ("from=2099-01-01", 404)],
)  # fmt: skip
def test_wrong_report_is_refused(client, query, status):
    assert client.get(f"{API}/risk/report?{query}").status_code == status


def test_halt_and_release_by_a_named_person(client, server):
    made = client.post(f"{API}/risk/halt", json={"scope": "account:paper", **ANN})
    assert made.status_code == 200, made.text
    assert (made.json()["before"], made.json()["after"]) == ("NORMAL", "HALTED")
    body = client.get(f"{API}/risk").json()
    assert body["state"] == "HALTED"
    assert body["scopes"][0]["causes"][0]["actor"] == "Ann"
    for wrong in ({"scope": "account:paper", "actor": "Ann"}, {"scope": "desk:x", **ANN},
                  {"scope": "account:paper", "actor": "", "reason": "x"}):  # fmt: skip
        assert client.post(f"{API}/risk/rearm", json=wrong).status_code == 422
    assert client.get(f"{API}/risk").json()["state"] == "HALTED"
    freed = client.post(f"{API}/risk/rearm", json={"scope": "account:paper", **ANN})
    assert freed.json()["after"] == "NORMAL"
    again = client.post(f"{API}/risk/rearm", json={"scope": "account:paper", **ANN})
    assert again.status_code == 409
    assert "it is NORMAL" in again.json()["detail"]


@pytest.mark.parametrize(("verb", "state"), [("reduce", "REDUCE_ONLY"), ("flatten", "HALTED")])
def test_reduce_and_flatten_without_a_session(client, verb, state):
    made = client.post(f"{API}/risk/{verb}", json={"scope": "strategy:x", **ANN})
    assert made.json()["after"] == state
    client.post(f"{API}/risk/rearm", json={"scope": "strategy:x", **ANN})


def test_page_of_another_site_cannot_release(client):
    reply = client.post(
        f"{API}/risk/rearm", json={"scope": "all", **ANN}, headers={"Origin": "http://evil.test"}
    )
    assert reply.status_code == 403

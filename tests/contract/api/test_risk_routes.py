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
    for part in ("stress", "contributions", "correlation", "liquidity", "concentration",
                 "limits", "switch", "positions"):  # fmt: skip
        assert body[part] == wanted[part], part
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


def test_limits_are_changed_with_author_and_reason_and_two_persons_loosen(empty_server):
    import httpx2

    from tradewright.services.workspace import Workspace

    object.__setattr__(empty_server.workspace, "four_eyes", True)
    assert isinstance(empty_server.workspace, Workspace)
    with httpx2.Client(base_url=empty_server.url + API, timeout=20) as http:
        path = "/risk/limits"
        assert http.get(path).json() == {"limits": {}, "four_eyes": True, "versions": []}
        tight = http.post(path, json={"limits": {"account.drawdown": 0.1}, **ANN})
        assert tight.json()["limits"] == {"account.drawdown": 0.1}
        for second in ("", "Ann", " Ann "):
            body = {"limits": {"account.drawdown": 0.2}, **ANN, "second": second}
            refused = http.post(path, json=body)
            assert refused.status_code == 409
            assert "a second person must agree (risk.four_eyes)" in refused.json()["detail"]
        both = http.post(path, json={"limits": {"account.drawdown": None}, **ANN, "second": "Bo"})
        assert both.json()["limits"] == {}
        assert [(v["author"], v["second"]) for v in both.json()["versions"]] == [
            ("Ann", ""), ("Ann", "Bo"),
        ]  # fmt: skip
        for wrong in ({"nothing": 1}, {"account.drawdown": -1}, {"account.drawdown": 9}, {}):
            answer = http.post(path, json={"limits": wrong, **ANN})
            assert answer.status_code == 422, wrong
        assert len(http.get(path).json()["versions"]) == 2


def test_alerts_over_http_are_shown_with_their_cause_and_ended(empty_server):
    import httpx2

    body = {"scope": "account:paper", "source": "drift", **ANN}
    with httpx2.Client(base_url=empty_server.url + API, timeout=20) as http:
        made = http.post("/risk/alerts", json={**body, "factor": 0.4})
        assert made.status_code == 200, made.text
        (shown,) = http.get("/risk").json()["alerts"]
        assert shown == made.json()
        assert (shown["factor"], shown["reason"], shown["actor"]) == (0.4, "news", "Ann")
        for wrong in (
            {"factor": 1},
            {"source": "x"},
            {"scope": "x"},
            {"action": "x"},
            {"reason": ""},
        ):
            assert http.post("/risk/alerts", json={**body, **wrong}).status_code == 422
        assert http.post("/risk/alerts/clear", json=body).status_code == 200
        assert http.post("/risk/alerts/clear", json=body).status_code == 404
        assert http.get("/risk").json()["alerts"] == []

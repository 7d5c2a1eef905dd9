"""What every request passes first, and the one error body."""

from __future__ import annotations

import json
import re

import httpx2
import pytest

API = "/api/v1"


def check_error_body(reply, status: int, code: str) -> dict:
    assert reply.status_code == status, reply.text
    body = reply.json()
    assert body["status_code"] == status
    assert body["code"] == code
    assert body["request_id"] == reply.headers["X-Request-ID"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["timestamp"])
    assert body["detail"]
    assert "Traceback" not in reply.text
    assert "/tmp" not in reply.text
    return body


def test_unknown_path_has_the_error_body(client):
    check_error_body(client.get(f"{API}/nothing"), 404, "not_found")


def test_wrong_method_has_the_error_body(client):
    check_error_body(client.delete(f"{API}/runs"), 405, "method_not_allowed")


def test_unknown_field_is_refused_by_name(client):
    body = check_error_body(
        client.post(f"{API}/paper/start", json={"source": "demo", "leverage": 3}),
        422,
        "invalid_request",
    )
    assert body["errors"] == [
        {"field": "body.leverage", "message": "unknown field", "code": "extra_forbidden"}
    ]


def test_unknown_query_parameter_is_refused(client):
    body = check_error_body(client.get(f"{API}/runs?limt=3"), 422, "invalid_request")
    assert body["errors"][0]["field"] == "query.limt"


def test_every_wrong_field_is_named_at_once(client):
    body = check_error_body(
        client.post(f"{API}/paper/start", json={"cash": "-1", "speed": 0}), 422, "invalid_request"
    )
    assert {item["field"] for item in body["errors"]} == {
        "body.source", "body.cash", "body.speed",
    }  # fmt: skip


@pytest.mark.parametrize("text", ["{", "", "[]", '"x"', '{"source": NaN}', "\ud83d"])
def test_broken_json_is_refused(client, text):
    reply = client.post(
        f"{API}/paper/start",
        content=text.encode("utf-8", "surrogatepass"),
        headers={"Content-Type": "application/json"},
    )
    check_error_body(reply, 422, "invalid_request")


@pytest.mark.parametrize("chunked", [False, True])
def test_too_large_body_is_refused(client, chunked):
    block = b'{"source": "' + b"a" * (1 << 20) + b'"}'
    content = iter([block[: 1 << 19], block[1 << 19 :]]) if chunked else block
    try:
        reply = client.post(
            f"{API}/paper/start", content=content, headers={"Content-Type": "application/json"}
        )
    except httpx2.WriteError:  # the server may close while the rest is still being sent
        return
    check_error_body(reply, 413, "payload_too_large")


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", ""])
def test_other_host_names_are_refused(client, host):
    reply = client.get(f"{API}/health", headers={"Host": host})
    if host:
        check_error_body(reply, 421, "wrong_host")
    else:
        assert reply.status_code in (400, 421)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", ["paper/stop", "jobs/job-1/cancel", "studies/demo/run"])
def test_post_from_another_site_is_refused(client, headers, path):
    check_error_body(client.post(f"{API}/{path}", headers=headers), 403, "cross_site")


def test_post_from_the_own_page_passes_the_gate(client, server):
    reply = client.post(
        f"{API}/jobs/job-99/cancel",
        headers={"Origin": server.url, "Sec-Fetch-Site": "same-origin"},
    )
    check_error_body(reply, 404, "not_found")


def test_no_other_origin_may_read(client):
    reply = client.get(f"{API}/health", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in reply.headers
    preflight = client.options(
        f"{API}/paper/start",
        headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"},
    )
    assert preflight.status_code == 405
    assert "access-control-allow-origin" not in preflight.headers


def test_request_id_is_echoed_only_when_it_is_plain(client):
    good = client.get(f"{API}/health", headers={"X-Request-ID": "abcd-1234"})
    assert good.headers["X-Request-ID"] == "abcd-1234"
    for bad in ("short", "x" * 65, "with space in it", "semi;colon;here"):
        made = client.get(f"{API}/health", headers={"X-Request-ID": bad}).headers["X-Request-ID"]
        assert re.fullmatch(r"[0-9a-f]{16}", made)


@pytest.mark.parametrize("path", [f"{API}/health", f"{API}/nothing", "/openapi.json"])
def test_security_headers_are_on_every_reply(client, path):
    headers = client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self'")
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-API-Version"] == "1"
    if path.startswith(API):
        assert headers["Cache-Control"] == "no-store"


def test_unexpected_error_leaves_nothing_but_the_error_body(client, server, monkeypatch):
    def explode(**_kwargs):
        raise ZeroDivisionError("SELECT secret FROM /srv/canary.py")

    monkeypatch.setattr(server.jobs, "list_jobs", explode)
    reply = client.get(f"{API}/jobs")
    check_error_body(reply, 500, "internal")
    assert "canary" not in reply.text
    assert "SELECT" not in reply.text
    assert "default-src" in reply.headers["Content-Security-Policy"]


def test_document_is_openapi_with_named_operations(client):
    document = json.loads(client.get("/openapi.json").text)
    assert document["openapi"].startswith("3.1")
    names = [
        operation["operationId"]
        for path in document["paths"].values()
        for operation in path.values()
    ]
    assert len(names) == len(set(names)) >= 22
    for path in document["paths"].values():
        for operation in path.values():
            assert operation["summary"]
            assert operation["tags"]
            assert "422" in operation["responses"]
            error = operation["responses"]["422"]["content"]["application/json"]["schema"]
            assert error == {"$ref": "#/components/schemas/ErrorBody"}

"""Whatever is sent, the answer is a refusal or a reply, never a fault of the server."""

from __future__ import annotations

import json
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

API = "/api/v1"
FEW = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)  # fmt: skip
VALID = {"source": "no_such_source", "cash": "1000.00", "speed": 5, "replay_from": "2016-01-04"}


@pytest.fixture(scope="module")
def http(server):
    with httpx2.Client(base_url=server.url, timeout=20) as client:
        yield client


def check_answered(reply) -> None:
    assert reply.status_code < 500, reply.text
    if reply.status_code >= 400 and reply.request.url.path.startswith(API):
        body = reply.json()
        assert body["status_code"] == reply.status_code
        assert body["request_id"]
        assert "Traceback" not in reply.text


@FEW
@given(field=st.sampled_from([*VALID, "extra"]), value=JSON)
def test_a_changed_field_of_a_valid_body(http, field, value):
    body = json.dumps({**VALID, field: value}).encode("utf-8", "surrogatepass")
    headers = {"Content-Type": "application/json"}
    reply = http.post(f"{API}/paper/start", content=body, headers=headers)
    check_answered(reply)
    # No start can succeed here: the only valid source does not exist.
    assert reply.status_code >= 400 or value in ("buy_and_hold", "sma_cross")


@FEW
@given(
    path=st.sampled_from(["paper/start", "paper/stop", "studies/demo/run"]),
    body=st.binary(max_size=200),
)
def test_bytes_that_are_no_document(http, path, body):
    headers = {"Content-Type": "application/json"}
    reply = http.post(f"{API}/{path}", content=b"\xff" + body, headers=headers)
    check_answered(reply)
    assert reply.status_code in (400, 422)


@FEW
@given(
    path=st.sampled_from(
        ["runs", "runs/latest/trades", "runs/latest/fills", "runs/latest/bars", "instruments",
         "jobs", "paper/orders", "market-data/AAPL/bars"]
    ),
    query=st.dictionaries(
        st.sampled_from(
            ["limit", "cursor", "kind", "sort", "symbol", "trade", "from", "to", "q", "x"]
        ),
        st.text(max_size=40) | st.integers().map(str),
        max_size=4,
    ),
)  # fmt: skip
def test_any_query(http, path, query):
    text = "&".join(
        f"{name}={quote(value.encode('utf-8', 'surrogatepass'))}" for name, value in query.items()
    )
    check_answered(http.get(f"{API}/{path}?{text}"))


@FEW
@given(name=st.text(min_size=1, max_size=40))
@pytest.mark.parametrize("route", ["runs/{}", "runs/{}/report", "jobs/{}", "market-data/{}/bars"])
def test_any_name_in_a_path(http, route, name):
    part = quote(name.encode("utf-8", "surrogatepass"), safe="")
    reply = http.get(f"{API}/{route.format(part)}")
    check_answered(reply)

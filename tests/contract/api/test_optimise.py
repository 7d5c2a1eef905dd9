"""Optimising over the API: weights, frontier, and refusals with one body."""

from __future__ import annotations

import pytest

pytest.importorskip("clarabel")
OPTIMIZE = "/api/v1/trading/portfolio/optimize"
FRONTIER = "/api/v1/trading/portfolio/frontier"


def symbols_of(client) -> list[str]:
    rows = client.get("/api/v1/instruments").json()["items"]
    return sorted({row["symbol"] for row in rows})


def test_weights_come_with_their_reasons(client):
    names = symbols_of(client)
    body = {
        "optimization_method": "MINIMUM_VARIANCE",
        "constraints": ["max_weight=0.6"],
        "current_weights": {names[0]: 1.0},
    }
    reply = client.post(OPTIMIZE, json=body)
    assert reply.status_code == 200, reply.text
    found = reply.json()
    assert found["success"] is True
    assert set(found["weights"]) == set(names)
    assert sum(found["weights"].values()) == pytest.approx(1.0)
    assert max(found["weights"].values()) <= 0.6 + 1e-6
    assert found["optimization_method"] == "minimum_variance"
    assert found["volatility"] > 0
    assert found["turnover"] > 0
    assert found["fallbacks_used"] == []
    assert found["diagnostics"]["periods"] > 60


def test_fallback_is_an_answer_and_contradiction_a_refusal(client):
    name = symbols_of(client)[0]
    reply = client.post(OPTIMIZE, json={"constraints": [f"{name} >= 0.6", f"{name} <= 0.2"]})
    assert reply.status_code == 200
    assert reply.json()["fallbacks_used"] == ["cash"]
    assert "cannot be met together" in reply.json()["message"]
    reply = client.post(OPTIMIZE, json={"constraints": ["max_weight=0.01"]})
    assert reply.status_code == 422
    assert "max_weight and min_net contradict" in reply.text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"optimization_method": "markowitz"}, 422),
        ({"risk_tolerance": 2}, 422),
        ({"symbols": ["NOPE"]}, 404),
        ({"unknown": 1}, 422),
        ({"views": ["NOPE = 0.1"]}, 422),
        ({"current_weights": {"NOPE": 1.0}, "constraints": ["max_turnover=0.1"]}, 422),
    ],
)
def test_wrong_body_is_refused(client, body, status):
    assert client.post(OPTIMIZE, json=body).status_code == status


def test_frontier_is_drawn_under_the_constraints(client):
    reply = client.get(FRONTIER, params={"points": 12, "constraints": ["max_weight=0.7"]})
    assert reply.status_code == 200, reply.text
    found = reply.json()
    assert len(found["points"]) == 12
    returns = [point["expected_return"] for point in found["points"]]
    assert returns == sorted(returns)
    assert {"minimum_variance", "maximum_return"} <= set(found["marks"])
    assert set(found["assets"]) == set(symbols_of(client))
    assert client.get(FRONTIER, params={"points": 1}).status_code == 422

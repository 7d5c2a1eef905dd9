"""Decisions over the API: the same object that is stored, in pages, with filters and outcomes."""

from __future__ import annotations

import httpx2
import numpy as np
import pytest
from tests.contract.api.conftest import Server, make_workspace

from tradewright.api import ApiSettings
from tradewright.domain.signals import Action, Blocked, Signal
from tradewright.marketdata import sample_bars
from tradewright.services.backtest import backtest
from tradewright.services.decisions import DECISIONS, decision_bytes
from tradewright.services.results.documents import write_documents
from tradewright.services.runs import Run

API = "/api/v1/trading/signals"


def decided(ts, symbol, price, at):
    action = (Action.BUY, Action.HOLD, Action.SELL)[at % 3]
    opens = action is not Action.HOLD
    side = 1 if action is Action.BUY else -1
    return Signal(
        symbol=symbol, action=action, confidence=0.5 + (at % 5) / 10, uncertainty=0.2,
        position_size=0.1 if opens else 0.0, price=price, ts_known=int(ts), expires_at=int(ts) + 1,
        stop_loss=price * (1 - 0.05 * side) if opens else None,
        target_price=price * (1 + 0.1 * side) if opens else None,
        model_version="ridge/3", regime="bullish/stable", score=0.3, agreement=1.0,
        reasons=("because",), factors={"volatility": 0.8}, sizing={"limit_sector": float("inf")},
        sources=({"name": "ridge/3", "kind": "model", "score": 0.3, "confidence": 0.7,
                  "uncertainty": 0.2, "skill": 1.0, "weight": 1.0},),
        risk={"sharpe": float("nan")}, blocked=None if opens else Blocked("edge", 0.1, 0.2),
    )  # fmt: skip


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return make_workspace(tmp_path_factory.mktemp("signals"))


@pytest.fixture(scope="module")
def client(workspace):
    """An HTTP client of a server over a workspace of its own."""
    with (
        Server(workspace, ApiSettings()).running() as running,
        httpx2.Client(base_url=running.url, timeout=20) as http,
    ):
        yield http


@pytest.fixture(scope="module")
def signals(workspace):
    """Decisions stored with a run that counts as a study's."""
    bars = sample_bars(["AAPL", "MSFT"], start="2014-01-01", end="2014-07-01")
    made = backtest("buy_and_hold", bars)
    run = Run(made.outcome, bars, name="told", kind="study")
    rows = np.arange(5, 100, 5)
    found = [
        decided(bars.ts[row], symbol, float(bars.close[row, column]), int(row // 5 + column))
        for row in rows
        for column, symbol in enumerate(bars.symbols)
    ]
    documents = {**write_documents(run), DECISIONS: decision_bytes(found)}
    workspace.runs.save(run.summary, documents)
    return found


def test_history_is_the_stored_object_page_by_page(client, signals):
    rows, cursor, pages = [], None, 0
    while True:
        more = {} if cursor is None else {"cursor": cursor}
        reply = client.get(f"{API}/history", params={"run": "told", "limit": 15, **more})
        assert reply.status_code == 200, reply.text
        body = reply.json()
        rows += body["items"]
        pages, cursor = pages + 1, body["next_cursor"]
        if cursor is None:
            break
    assert (pages, len(rows)) == (3, len(signals))
    by_id = {signal.id: signal.to_dict() for signal in signals}
    for row in rows:
        assert row == by_id[row["id"]]
    stamps = [row["ts_known"] for row in rows]
    assert stamps == sorted(stamps, reverse=True)


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ({"symbol": "aapl"}, lambda s: s.symbol == "AAPL"),
        ({"action": "sell"}, lambda s: s.action is Action.SELL),
        ({"min_confidence": 0.8}, lambda s: s.confidence >= 0.8),
        ({"model": "ridge", "regime": "bullish/stable"}, lambda s: True),
        ({"model": "trees"}, lambda s: False),
    ],
)
def test_history_is_filtered(client, signals, query, fits):
    reply = client.get(f"{API}/history", params={"run": "told", "limit": 500, **query})
    assert {row["id"] for row in reply.json()["items"]} == {s.id for s in signals if fits(s)}


def test_performance_counts_what_is_known(client, signals):
    rows = client.get(f"{API}/performance", params={"run": "told", "days": 3650}).json()
    acted = [s for s in signals if s.action is not Action.HOLD]
    assert [(r["group"], r["sessions"], r["count"]) for r in rows] == [
        ("ridge/3", 1, len(acted)), ("ridge/3", 5, len(acted)), ("ridge/3", 20, len(acted)),
    ]  # fmt: skip
    few = client.get(
        f"{API}/performance", params={"run": "told", "days": 60, "by": "action"}
    ).json()
    assert {row["group"] for row in few} == {"BUY", "HOLD", "SELL"}
    assert few[0]["count"] < len(signals) / 3
    assert all(row["low"] <= row["hit_rate"] <= row["high"] for row in few)


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("history", {"run": "nothing"}, 404),
        ("history", {"run": "told", "action": "by"}, 422),
        ("history", {"run": "told", "symbol": "A B"}, 422),
        ("history", {"run": "told", "limit": 0}, 422),
        ("history", {"run": "told", "cursor": "x"}, 422),
        ("history", {"run": "told", "colour": "red"}, 422),
        ("performance", {"run": "told", "by": "moon"}, 422),
        ("performance", {"run": "told", "days": 0}, 422),
        ("performance", {"run": "../../etc"}, 404),
    ],
)
def test_wrong_question_is_refused(client, signals, path, query, status):
    assert client.get(f"{API}/{path}", params=query).status_code == status

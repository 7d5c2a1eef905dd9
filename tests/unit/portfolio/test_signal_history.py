"""Signals looked at later: may they be acted on, how were they found again, how did they do."""

import math

import numpy as np
import pytest

from tradewright.domain.errors import ConfigError, DataError
from tradewright.domain.signals import Action, Signal
from tradewright.portfolio.decision import (
    SignalHistory,
    SignalQuery,
    check_signal,
    outcomes_of,
    performance_of,
    score_of,
)

DAY = 86_400_000_000_000


def signal(day=1, symbol="AAPL", action=Action.BUY, **given):
    told = {"confidence": 0.7, "uncertainty": 0.2, "price": 100.0, "regime": "bullish/stable",
            "position_size": 0.0 if action is Action.HOLD else 0.1,
            "model_version": "ridge/3"}  # fmt: skip
    return Signal(
        symbol=symbol, action=action, ts_known=day * DAY, expires_at=(day + 5) * DAY,
        **{**told, **given},
    )  # fmt: skip


def test_signal_may_be_acted_on_while_it_is_fresh():
    check_signal(signal(), symbols=["AAPL"], now_ns=6 * DAY)
    with pytest.raises(DataError, match=r"expired at 1970-01-07.*now is 1970-01-08"):
        check_signal(signal(), symbols=["AAPL"], now_ns=7 * DAY)
    with pytest.raises(DataError, match="after now 1970-01-01"):
        check_signal(signal(), symbols=["AAPL"], now_ns=0)
    with pytest.raises(DataError, match=r"'APPL' is not known; did you mean 'AAPL'"):
        check_signal(signal(symbol="APPL"), symbols=["AAPL"], now_ns=2 * DAY)


def test_score_is_the_expected_gain_in_units_of_the_loss():
    # (0.7·0.1 − 0.3·0.05)/0.05
    assert score_of(signal(stop_loss=95.0, target_price=110.0)) == pytest.approx(1.1)
    short = signal(action=Action.SELL, stop_loss=105.0, target_price=90.0)
    assert score_of(short) == pytest.approx(1.1)
    assert score_of(signal(action=Action.HOLD)) == 0.0
    assert score_of(signal(action=Action.SELL, position_size=0.0)) == 0.0
    assert math.isnan(score_of(signal()))


HISTORY = SignalHistory(
    [
        signal(3, confidence=0.9),
        signal(1),
        signal(1),
        signal(2, "MSFT", Action.SELL, regime="mixed", model_version="ridge/3, trees/1"),
        signal(2, action=Action.HOLD, mode="paper"),
    ]
)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [("AAPL", 3), ("MSFT", 2), ("AAPL", 2), ("AAPL", 1)]),
        ({"symbol": "AAPL"}, [("AAPL", 3), ("AAPL", 2), ("AAPL", 1)]),
        ({"limit": 1}, [("AAPL", 3)]),
        ({"action": "sell"}, [("MSFT", 2)]),
        ({"action": 1}, [("AAPL", 2)]),
        ({"regime": "mixed"}, [("MSFT", 2)]),
        ({"mode": "paper"}, [("AAPL", 2)]),
        ({"model": "trees"}, [("MSFT", 2)]),
        ({"model": "trees/1"}, [("MSFT", 2)]),
        ({"model": "tree"}, []),
        ({"min_confidence": 0.8}, [("AAPL", 3)]),
        ({"since_ns": 2 * DAY}, [("AAPL", 3), ("MSFT", 2), ("AAPL", 2)]),
        ({"until_ns": 2 * DAY - 1}, [("AAPL", 1)]),
    ],
)
def test_history_is_asked_with_filters(query, expected):
    found = HISTORY.find(SignalQuery(**query))
    assert [(s.symbol, s.ts_known // DAY) for s in found] == expected


def test_history_counts_a_signal_once_and_refuses_nonsense():
    assert len(HISTORY) == len(HISTORY.signals) == 4
    with pytest.raises(ConfigError, match="limit is 0"):
        SignalQuery(limit=0)
    with pytest.raises(DataError, match="action is 'by'"):
        SignalQuery(action="by")


TS = np.arange(1, 31) * DAY
PRICE = 100.0 * 1.01 ** np.arange(30)


def test_outcomes_wait_until_their_horizon_has_passed():
    signals = [signal(1), signal(10, action=Action.SELL), signal(26)]
    found = outcomes_of(signals, TS, {"AAPL": PRICE})
    assert found[0].returns == pytest.approx({1: 0.01, 5: 1.01**5 - 1, 20: 1.01**20 - 1})
    assert found[1].returns[1] == pytest.approx(-0.01)
    assert found[2].returns[1] == pytest.approx(0.01)
    assert math.isnan(found[2].returns[5])
    # Nothing later than what is known is looked at.
    early = outcomes_of(signals[:1], TS[:4], {"AAPL": PRICE[:4]})
    assert early[0].returns[1] == pytest.approx(0.01)
    assert math.isnan(early[0].returns[5])
    assert all(math.isnan(v) for v in outcomes_of([signal(1)], TS, {})[0].returns.values())
    with pytest.raises(DataError, match="3 closes of AAPL beside 30 times"):
        outcomes_of([signal(1)], TS, {"AAPL": PRICE[:3]})


def test_performance_by_model_regime_and_confidence():
    down = 100.0 * 0.99 ** np.arange(30)
    signals = [
        signal(1), signal(2, confidence=0.95), signal(1, "MSFT", model_version="trees/1"),
        signal(3, "MSFT", Action.SELL, regime="mixed"), signal(4, action=Action.HOLD),
    ]  # fmt: skip
    found = outcomes_of(signals, TS, {"AAPL": PRICE, "MSFT": down})
    rows = {(r["group"], r["sessions"]): r for r in performance_of(found, by="model")}
    assert rows["ridge/3", 1]["count"] == 3
    assert rows["ridge/3", 1]["hit_rate"] == 1.0
    assert rows["trees/1", 5]["mean_return"] == pytest.approx(0.99**5 - 1)
    assert rows["trees/1", 5]["hit_rate"] == 0.0
    assert rows["ridge/3", 1]["low"] < 1.0 == rows["ridge/3", 1]["high"]
    groups = {r["group"] for r in performance_of(found, by="confidence")}
    assert groups == {"0.7-0.8", "0.9-1.0"}
    assert {r["group"] for r in performance_of(found, by="regime")} == {"bullish/stable", "mixed"}
    actions = {(r["group"], r["count"]) for r in performance_of(found, by="action")}
    assert actions == {("BUY", 3), ("HOLD", 1), ("SELL", 1)}
    with pytest.raises(ConfigError, match="did you mean 'model'"):
        performance_of(found, by="modell")

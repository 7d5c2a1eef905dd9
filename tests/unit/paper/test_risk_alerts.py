"""Alerts of drift, anomalies and bad data: what they do to a running session, with their cause."""

from dataclasses import replace

import pytest
from tests.unit.paper.test_paper_risk import at_wait, under_limits
from tests.unit.paper.test_paper_sessions import (  # noqa: F401 (a fixture)
    CrashingJournal,
    begin,
    entries,
    workspace,
)

from tradewright.domain.errors import ConfigError, NoDataError
from tradewright.services.paper import PaperTrading
from tradewright.services.risk.account import risk_status
from tradewright.services.risk.alerts import RiskAlerts

WHO = {"reason": "mean of the forecasts moved", "actor": "drift monitor"}
DRIFT = {"scope": "account:paper", **WHO}


def alerts_of(space):
    return RiskAlerts(space.journal, space.clock)


def denied(space, paper):
    rows = entries(space, paper.status()["session_id"])
    return [
        r.payload["event"]["message"]
        for r in rows
        if r.kind == "order" and r.payload["event"]["status"] == "DENIED"
    ]


def commands(space, paper):
    rows = entries(space, paper.status()["session_id"])
    return [r.payload["name"] for r in rows if r.kind == "command"]


def test_a_drift_event_scales_the_limits_of_the_running_session(workspace, monkeypatch):  # noqa: F811
    # Two names at half of equity each pass a limit of 0.6; half of that is too little for them.
    under_limits(monkeypatch, {"account.max_position_size": 0.6})
    heard = []
    workspace.bus.subscribe("risk.event", lambda _, p: heard.append(dict(p)))
    at_wait(workspace, 40, lambda: workspace.bus.publish("alert.drift", DRIFT))
    paper = begin(workspace, speed=10.0)
    assert paper.wait(60)
    assert any(
        "max_position_size of account:paper would be" in text for text in denied(workspace, paper)
    )
    assert all("allowed 0.3" in text for text in denied(workspace, paper))
    (scaled,) = [e for e in heard if e["kind"] == "LimitsScaled"]
    assert scaled["message"] == (
        "limits of account:paper are scaled by 0.5: drift: mean of the forecasts moved"
    )
    status = risk_status(workspace, paper)
    (shown,) = status["alerts"]
    assert (shown["source"], shown["action"], shown["reason"]) == (
        "drift", "size_down", WHO["reason"],
    )  # fmt: skip
    assert {row["allowed"] for row in status["paper"]["limits"]} == {0.3}


def test_a_data_quality_alert_lets_the_account_only_shrink_until_it_is_cleared(workspace):  # noqa: F811
    count = 0

    def step():
        nonlocal count
        count += 1
        if count == 30:
            workspace.bus.publish("alert.data_quality", {**DRIFT, "action": "reduce"})
        if count == 100:
            workspace.bus.publish("alert.data_quality", {**DRIFT, "cleared": True})

    workspace.clock.on_wait = step
    paper = begin(workspace, speed=10.0)
    assert paper.wait(60)
    rows = entries(workspace, paper.status()["session_id"])
    begun, ended = (r.payload["row"] for r in rows if r.kind == "command")
    entered = [
        r.payload["row"] for r in rows if r.kind == "intent" and r.payload["order"]["side"] == "BUY"
    ]
    # Released on the first bar that is 60 s later, the next one.
    assert not [row for row in entered if begun <= row <= ended]
    assert any(row < begun for row in entered)
    assert any(row > ended for row in entered)
    first, second = commands(workspace, paper)
    assert first.startswith("risk|alert|account:paper|data_quality|")
    assert second.startswith("risk|well|account:paper|data_quality|")
    assert risk_status(workspace, paper)["alerts"] == []


def test_an_alert_that_stands_holds_for_the_next_session_too(workspace, monkeypatch):  # noqa: F811
    under_limits(monkeypatch, {"account.max_position_size": 0.6})
    alerts_of(workspace).raise_("all", "anomaly", factor=0.1, **WHO)
    paper = begin(workspace)
    assert paper.wait(60)
    assert paper.fills() == []
    assert all("allowed 0.06" in text for text in denied(workspace, paper))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_session_cut_under_an_alert_goes_on_under_it(workspace, monkeypatch):  # noqa: F811
    under_limits(monkeypatch, {"account.max_position_size": 0.6})

    def fills_of(cut):
        space = workspace if cut is None else replace(workspace, journal=cut)
        at_wait(workspace, 40, lambda: alerts_of(workspace).raise_("account:paper", "drift", **WHO))
        begin(space, speed=10.0).wait(60)
        workspace.clock.on_wait = None
        paper = PaperTrading(workspace)
        if paper.status()["is_interrupted"]:
            paper.resume()
            assert paper.wait(60)
        assert paper.status()["state"] == "FINISHED"
        found = [(f["symbol"], f["side"], f["quantity"], f["at"]) for f in paper.fills()]
        alerts_of(workspace).clear("account:paper", "drift", **WHO)
        return found

    class CutLater(CrashingJournal):
        def append(self, stream, events):
            if any(kind == "command" for kind, _, _ in events):
                self._left = 6
            return super().append(stream, events)

    assert fills_of(CutLater(workspace.journal, 10**9)) == fills_of(None)


def test_of_two_alerts_the_smaller_factor_holds_and_each_ends_alone(workspace):  # noqa: F811
    alerts = alerts_of(workspace)
    alerts.raise_("all", "drift", factor=0.5, **WHO)
    alerts.raise_("all", "anomaly", factor=0.25, **WHO)
    alerts.raise_("all", "drift", factor=0.4, **WHO)
    assert [(a.source, a.factor) for a in alerts.active()] == [("anomaly", 0.25), ("drift", 0.4)]
    alerts.clear("all", "anomaly", **WHO)
    assert [(a.source, a.factor) for a in alerts.active()] == [("drift", 0.4)]
    with pytest.raises(NoDataError, match="no anomaly alert of all is in force"):
        alerts.clear("all", "anomaly", **WHO)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"scope": "nothing"}, "scope 'nothing' is not known"),
        ({"source": "mood"}, "source 'mood'"),
        ({"action": "stop"}, "action 'stop'"),
        ({"factor": 1.5}, "factor is 1.5"),
        ({"factor": float("nan")}, "factor is nan"),
        ({"reason": " "}, "a reason and who raises it"),
        ({"actor": ""}, "a reason and who raises it"),
    ],
)
def test_wrong_alerts_are_refused_and_change_nothing(workspace, wrong, message):  # noqa: F811
    given = {"scope": "all", "source": "drift", **WHO, **wrong}
    with pytest.raises(ConfigError, match=message):
        alerts_of(workspace).raise_(given.pop("scope"), given.pop("source"), **given)
    assert alerts_of(workspace).active() == []

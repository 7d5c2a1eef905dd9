"""Limits of everything that runs: versions, and their effect on a session at once."""

import pytest
from tests.unit.paper.test_paper_risk import at_wait, control_of
from tests.unit.paper.test_paper_sessions import begin, entries, finished, workspace

from tradewright.domain.errors import ConfigError, RefusedError
from tradewright.services.paper import PaperTrading
from tradewright.services.risk.account import risk_status
from tradewright.services.risk.limits import StoredLimits, parse_settings
from tradewright.services.risk.watching import Heartbeat, watch

__all__ = ["workspace"]
ANN = {"author": "Ann", "reason": "calmer"}


def stored(workspace, **how):
    return StoredLimits(workspace.journal, workspace.clock, **how)


def test_versions_keep_author_reason_and_time_and_lay_over_each_other(workspace):
    limits = stored(workspace)
    assert (limits.current().number, dict(limits.current().settings)) == (0, {})
    limits.change({"account.drawdown": 0.2, "max_gross": 0.8}, **ANN)
    limits.change({"account.drawdown": 0.1, "portfolio.max_gross": None}, **ANN)
    current = limits.current()
    assert dict(current.settings) == {
        "account.drawdown": 0.1, "account.max_gross": 0.8, "strategy.max_gross": 0.8,
    }  # fmt: skip
    assert [(v.number, v.author, v.reason) for v in limits.versions()] == [
        (1, "Ann", "calmer"), (2, "Ann", "calmer"),
    ]  # fmt: skip
    assert current.valid_from_ns > limits.versions()[0].valid_from_ns


@pytest.mark.parametrize(
    ("settings", "how", "error", "said"),
    [
        ({"max_leverage": 4}, ANN, ConfigError, "above its ceiling 3"),
        ({"drawdwn": 0.1}, ANN, ConfigError, "did you mean 'drawdown'"),
        ({"account.drawdown": 0.1}, {**ANN, "reason": " "}, RefusedError, "a reason"),
        ({"account.drawdown": 0.1}, {**ANN, "author": ""}, RefusedError, "an author"),
        ({"account.drawdown": 0.3}, {**ANN, "may_write": False}, RefusedError, "risk:write"),
        ({"account.drawdown": None}, {**ANN, "may_write": False}, RefusedError, "risk:write"),
    ],
)
def test_refused_change_leaves_the_version_in_force(workspace, settings, how, error, said):
    limits = stored(workspace)
    limits.change({"account.drawdown": 0.2}, **ANN)
    with pytest.raises(error, match=said):
        limits.change(settings, **how)
    assert limits.current().number == 1


def test_loosening_with_four_eyes_needs_a_second_person_and_tightening_does_not(workspace):
    limits = stored(workspace, four_eyes=True)
    limits.change({"account.drawdown": 0.2}, **ANN)
    limits.change({"account.drawdown": 0.1}, **ANN, may_write=False)
    for second in ("", "Ann"):
        with pytest.raises(RefusedError, match=r"account\.drawdown would be looser; a second"):
            limits.change({"account.drawdown": 0.15}, **ANN, second=second)
    assert limits.change({"account.drawdown": 0.15}, **ANN, second="Bob").second == "Bob"


def test_session_takes_the_limits_that_hold_and_tightening_acts_at_once(workspace):
    whole = finished(workspace)._session.outcome
    at_wait(workspace, 30, lambda: stored(workspace).change({"account.max_gross": 0.0}, **ANN))
    part = finished(workspace, speed=10.0)._session.outcome
    late = part.orders[part.orders["bar"] > 40]
    assert (late["side"] < 0).all()
    assert max(whole.orders["bar"][whole.orders["side"] > 0]) > 60
    begun_under_it = finished(workspace)._session.outcome
    assert len(begun_under_it.orders) == 0
    status = risk_status(workspace, PaperTrading(workspace))
    rows = [r for r in status["paper"]["limits"] if r["limit"] == "max_gross"]
    assert [(r["scope"], r["allowed"]) for r in rows] == [("account:paper", 0.0)]


def test_events_of_the_layer_are_told_on_the_bus(workspace):
    told = []
    workspace.bus.subscribe("risk.event", lambda topic, payload: told.append(payload))
    stored(workspace).change({"account.max_gross": 0.0}, **ANN)
    finished(workspace)
    assert {event["kind"] for event in told} == {"OrderDenied"}
    assert {event["rule"] for event in told} == {"max_gross"}


def test_limits_taken_on_the_way_are_on_the_record_of_the_session(workspace):
    stored(workspace).change({"account.max_gross": 0.5}, **ANN)
    paper = begin(workspace)
    assert paper.wait(60)
    names = [e.payload["name"] for e in entries(workspace, paper.status()["session_id"])
             if e.kind == "command"]  # fmt: skip
    assert len(names) == 1
    assert names[0].startswith("risk|limits|1|")


@pytest.mark.parametrize("word", ["max_gross", "max_gross=much"])
def test_wrong_pair_is_refused(word):
    with pytest.raises(ConfigError, match="--set"):
        parse_settings([word])


def test_watcher_gives_one_alarm_for_a_silent_engine_and_one_when_it_is_heard(workspace):
    class Paper:
        state = "RUNNING"

        def status(self):
            return {"state": self.state, "session_id": "s", "is_interrupted": False}

    second = 1_000_000_000
    heartbeat, waits = Heartbeat(workspace.data_dir), 0
    heartbeat.beat(workspace.clock.now_ns())

    def step():
        nonlocal waits
        waits += 1
        if waits >= 200:
            heartbeat.beat(workspace.clock.ns)
        return waits < 300

    workspace.clock.on_wait = step
    found = list(watch(workspace, Paper(), after_s=60.0, cancel_all=True))
    assert [(a.is_silent, a.is_halted) for a in found] == [(True, True), (False, False)]
    assert 60 < found[0].silent_s < 62
    (change,) = control_of(workspace).entries()
    assert (change.payload["verb"], change.payload["scope"]) == ("halt", "account:paper")
    assert change.payload["actor"] == "dead-man watcher"
    assert waits == 300
    assert workspace.clock.ns > second


def test_session_gives_signs_of_life_and_an_ended_one_needs_none(workspace):
    finished(workspace, speed=10.0)
    assert Heartbeat(workspace.data_dir).last_ns() is not None
    count = 0

    def step():
        nonlocal count
        count += 1
        return count < 200

    workspace.clock.on_wait = step
    assert list(watch(workspace, PaperTrading(workspace), after_s=1.0)) == []
    with pytest.raises(ConfigError, match="--after is 0"):
        next(watch(workspace, PaperTrading(workspace), after_s=0))

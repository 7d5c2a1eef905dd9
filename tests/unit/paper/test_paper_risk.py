"""The risk layer on paper: the same as in a backtest, durable, and stronger than a restart."""

from dataclasses import replace

import pytest
from tests.unit.paper.test_paper_sessions import (
    FAST,
    SYMBOLS,
    WINDOW,
    CrashingJournal,
    Cut,
    begin,
    entries,
    finished,
    workspace,
)

from tradewright.domain.errors import EdgeError, RefusedError
from tradewright.marketdata import sample_bars
from tradewright.risk.control import State
from tradewright.services.backtest import backtest
from tradewright.services.paper import PaperTrading, session
from tradewright.services.paper.sources import parse_range
from tradewright.services.results.manifest import digest_of
from tradewright.services.risk.control import RiskControl, chain_heads

__all__ = ["workspace"]
LIMITS = {"account.drawdown": 0.02, "max_position_size": 0.9}


def control_of(workspace):
    return RiskControl(workspace.journal, workspace.data_dir, workspace.clock)


def at_wait(workspace, n_waits, act):
    count = 0

    def step():
        nonlocal count
        count += 1
        if count == n_waits:
            act()

    workspace.clock.on_wait = step


def fills_after(paper, ns):
    return [f for f in paper._session.outcome.fills if paper._session.outcome.ts[f["bar"]] > ns]


def under_limits(monkeypatch, limits=None):
    """Let every paper session have limits, as the page of a study would give them."""
    plain = session.plan_backtest

    def with_limits(*what, config, **more):
        return plain(*what, config=replace_config(config, limits or LIMITS), **more)

    monkeypatch.setattr(session, "plan_backtest", with_limits)


def replace_config(config, limits):
    values = {name: getattr(config, name) for name in config.given} | {"limits": limits}
    return type(config)(**values)


def test_paper_and_backtest_have_the_same_orders_under_the_same_limits(workspace, monkeypatch):
    under_limits(monkeypatch)
    paper = finished(workspace)
    first, last = parse_range(WINDOW)
    config = {"start_date": first, "end_date": last, "limits": LIMITS, "max_position_size": None,
              "max_drawdown_limit": None, "stop_loss_threshold": None}  # fmt: skip
    from tradewright.strategies import create_strategy

    run = backtest(create_strategy("sma_cross", **FAST), sample_bars(SYMBOLS), config=config)
    assert digest_of(paper._session.outcome) == digest_of(run.outcome)
    free = backtest(create_strategy("sma_cross", **FAST), sample_bars(SYMBOLS),
                    config={**config, "limits": None})  # fmt: skip
    assert digest_of(free.outcome) != digest_of(run.outcome)
    # The halt is on the record, once, with its rule.
    halts = [e.payload for e in control_of(workspace).entries()]
    assert [(h["verb"], h["scope"], h["rule"]) for h in halts] == [
        ("halt", "account:paper", "drawdown")
    ]
    assert control_of(workspace).switch().state("account:paper") is State.HALTED


def test_halt_from_elsewhere_stops_the_session_before_its_next_order(workspace):
    at_wait(workspace, 30, lambda: control_of(workspace).order(
        "halt", "all", actor="Ann", reason="news"))  # fmt: skip
    paper = finished(workspace, speed=10.0)
    whole = finished_backtest()
    part = paper._session.outcome
    assert paper.status()["state"] == "FINISHED"
    row = next(e.payload["row"] for e in entries(workspace, paper.status()["session_id"])
               if e.kind == "command")  # fmt: skip
    assert 20 < row < 40
    # An order of the bar before may still fill on this one; nothing decided later may.
    assert max(part.orders["bar"]) < row < max(whole.orders["bar"])


def finished_backtest():
    from tests.unit.paper.test_paper_sessions import backtest_plan

    from tradewright.services.backtest import run_outcome

    return run_outcome(backtest_plan())


def test_session_started_while_halted_sends_nothing_until_it_is_released(workspace):
    control = control_of(workspace)
    control.order("halt", "account:paper", actor="Ann", reason="weekend")
    paper = finished(workspace)
    assert len(paper._session.outcome.orders) == 0
    control.rearm("account:paper", actor="Ann", reason="monday")
    assert len(finished(workspace)._session.outcome.orders) > 20


def test_release_in_the_middle_lets_the_session_trade_again(workspace):
    control = control_of(workspace)
    control.order("halt", "strategy:sma_cross", actor="Ann", reason="look")
    at_wait(workspace, 40, lambda: control.rearm(
        "strategy:sma_cross", actor="Bob", reason="fine"))  # fmt: skip
    paper = finished(workspace, speed=10.0)
    bars = paper._session.outcome.orders["bar"]
    assert len(bars) > 5
    assert bars.min() > 30


def test_reduce_lets_exits_through_alone(workspace):
    at_wait(workspace, 30, lambda: control_of(workspace).order(
        "reduce", "all", actor="Ann", reason="x"))  # fmt: skip
    paper = finished(workspace, speed=10.0)
    part = paper._session.outcome
    late = part.orders[part.orders["bar"] > 40]
    assert (late["side"] < 0).all()
    assert paper.positions() == []


def test_flatten_closes_everything_and_ends_halted(workspace):
    at_wait(workspace, 30, lambda: control_of(workspace).order(
        "flatten", "all", actor="Ann", reason="out"))  # fmt: skip
    paper = finished(workspace, speed=10.0)
    assert paper.positions() == []
    switch = control_of(workspace).switch()
    assert switch.state("portfolio") is State.HALTED
    assert [e.payload["verb"] for e in control_of(workspace).entries()] == ["flatten", "flattened"]


def test_halt_file_halts_and_is_remembered_when_it_is_gone(workspace):
    at_wait(workspace, 30, lambda: control_of(workspace).halt_file.touch())
    paper = finished(workspace, speed=10.0)
    assert max(paper._session.outcome.orders["bar"]) < 40
    control = control_of(workspace)
    with pytest.raises(RefusedError, match="remove it first"):
        control.rearm("all", actor="Ann", reason="x")
    control.halt_file.unlink()
    assert control.switch().state("portfolio") is State.HALTED
    control.rearm("all", actor="Ann", reason="x")
    assert control.switch().scopes() == {}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("appends", [8, 14, 20, 26])
def test_halted_session_that_is_cut_stays_halted_after_its_recovery(
    workspace, monkeypatch, appends
):
    under_limits(monkeypatch)
    wanted = finished(workspace)._session.outcome
    kept = [e.payload for e in control_of(workspace).entries()]
    control_of(workspace).rearm("account:paper", actor="Ann", reason="again")
    broken = replace(workspace, journal=CrashingJournal(workspace.journal, appends))
    paper = begin(broken)
    paper.wait(60)
    again = PaperTrading(workspace)
    assert again.status()["is_interrupted"]
    again.resume()
    assert again.wait(60)
    assert again.status()["state"] == "FINISHED"
    assert digest_of(again._session.outcome) == digest_of(wanted)
    now = [e.payload for e in control_of(workspace).entries()]
    assert [c["verb"] for c in now] == ["halt", "rearm", "halt"]  # nothing twice
    assert now[2]["rule"] == kept[0]["rule"] == "drawdown"
    assert control_of(workspace).switch().state("account:paper") is State.HALTED


def test_halt_ordered_while_the_session_was_down_holds_after_its_recovery(workspace):
    broken = replace(workspace, journal=CrashingJournal(workspace.journal, 12))
    try:
        begin(broken).wait(60)
    except Cut:
        pytest.fail("cut before the session was on the record")
    known = entries(workspace, PaperTrading(workspace).sessions()[-1])
    reached = max((e.payload["row"] for e in known if "row" in e.payload), default=-1)
    control_of(workspace).order("halt", "all", actor="Ann", reason="crash")
    again = PaperTrading(workspace)
    again.resume()
    assert again.wait(60)
    assert again.status()["state"] == "FINISHED"
    assert max(again._session.outcome.orders["bar"]) <= reached + 1


def test_record_that_does_not_answer_lets_reductions_through_alone(workspace):
    class Deaf:
        """The record of risk cannot be read; the session's own stream can."""

        def __init__(self, inner):
            self._inner, self.streams, self.is_deaf = inner, inner.streams, False
            self.append = inner.append

        def read(self, stream, *, after_seq=0):
            if stream == "risk" and self.is_deaf:
                raise EdgeError("database is locked")
            return self._inner.read(stream, after_seq=after_seq)

    deaf = Deaf(workspace.journal)
    at_wait(workspace, 30, lambda: setattr(deaf, "is_deaf", True))
    paper = finished(replace(workspace, journal=deaf), speed=10.0)
    part = paper._session.outcome
    late = part.orders[part.orders["bar"] > 40]
    assert (late["side"] < 0).all()
    assert paper.status()["state"] == "FINISHED"


def test_rearm_without_a_name_or_on_differences_is_refused_and_changes_nothing(workspace):
    control = control_of(workspace)
    control.order("halt", "all", actor="Ann", reason="x")
    before = list(control.entries())
    for wrong in ({"actor": "", "reason": "x"}, {"actor": "Ann", "reason": ""},
                  {"actor": "Ann", "reason": "x", "differences": ["AAPL"]},
                  {"actor": "Ann", "reason": "x", "may_write": False}):  # fmt: skip
        with pytest.raises(RefusedError):
            control.rearm("all", **wrong)
    assert list(control.entries()) == before


def test_chain_tells_a_changed_missing_or_moved_entry(workspace):
    control = control_of(workspace)
    for reason in ("one", "two", "three"):
        control.order("halt", "all", actor="Ann", reason=reason)
    payloads = [dict(e.payload) for e in control.entries()]
    start, end = chain_heads(payloads)
    assert chain_heads(payloads[1:], chain_heads(payloads[:1])[1])[1] == end
    changed = [{**payloads[0], "actor": "Eve"}, *payloads[1:]]
    for wrong in (changed, payloads[1:], payloads[::-1]):
        assert chain_heads(wrong, start)[1] != end

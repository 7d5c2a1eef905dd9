"""Wanted weights sent to a running session: traded at the next bar, and again after a crash."""

from dataclasses import replace

import pytest
from tests.unit.paper.test_paper_sessions import (  # noqa: F401 (a fixture)
    CrashingJournal,
    begin,
    entries,
    workspace,
)

from tradewright.domain.errors import RefusedError
from tradewright.services.beside.parity import Cause
from tradewright.services.paper import PaperTrading
from tradewright.services.paper.parity import parity

TARGET = {"AAPL": 0.3, "MSFT": 0.2}


def steered(space, at_row=30):
    """Send the target once the session has reached a row; returns what is sent."""
    sent = []

    def on_wait():
        paper = PaperTrading(space)
        if not sent and len(paper.equity()) >= at_row:
            sent.append(paper.rebalance(TARGET, "by hand"))

    space.clock.on_wait = on_wait
    return sent


def traded(space, paper):
    rows = entries(space, paper.status()["session_id"])
    return [
        (r.payload["row"], r.payload["fill"]["symbol"], r.payload["fill"]["side"],
         r.payload["fill"]["qty"])
        for r in rows if r.kind == "fill"
    ]  # fmt: skip


def test_targets_trade_at_the_next_bar_and_are_told_complete(workspace):  # noqa: F811
    told = []
    workspace.bus.subscribe(
        "portfolio.rebalance", lambda _, p: told.append((p["kind"], p["orders"]))
    )
    sent = steered(workspace)
    paper = begin(workspace, speed=10.0)
    assert paper.wait(60)
    assert len(sent) == 1
    rows = entries(workspace, paper.status()["session_id"])
    (command,) = [r.payload for r in rows if r.kind == "command"]
    assert command["name"].startswith('rebalance:{"AAPL": 0.3')
    assert command["reason"] == "by hand"
    moved = [t for t in traded(workspace, paper) if t[0] == command["row"] + 1]
    assert {symbol for _, symbol, _, _ in moved} == set(TARGET)
    assert told == [("completion", 2)]
    assert {d.cause for d in parity("latest", workspace).differences} == {Cause.MANUAL}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("more", [1, 3, 10])
def test_session_cut_after_the_command_goes_on_with_it(workspace, more):  # noqa: F811
    steered(workspace)
    whole = begin(workspace, speed=10.0)
    assert whole.wait(60)
    wanted, rows = traded(workspace, whole), entries(workspace, whole.status()["session_id"])
    at = next(r.payload["row"] for r in rows if r.kind == "command")

    steered(workspace)

    class CutLater(CrashingJournal):
        def append(self, stream, events):
            if any(kind == "command" for kind, _, _ in events):
                self._left = more
            return super().append(stream, events)

    cut = replace(workspace, journal=CutLater(workspace.journal, 10**9))
    begin(cut, speed=10.0).wait(60)
    workspace.clock.on_wait = None
    again = PaperTrading(workspace)
    assert again.status()["is_interrupted"]
    again.resume()
    assert again.wait(60)
    rows = entries(workspace, again.status()["session_id"])
    assert [r.payload["row"] for r in rows if r.kind == "command"] == [at]
    assert traded(workspace, again) == wanted


def test_without_a_session_nothing_is_sent(workspace):  # noqa: F811
    with pytest.raises(RefusedError, match="paper rebalance: no session runs"):
        PaperTrading(workspace).rebalance(TARGET)

"""A portfolio in real processes: created, watched, killed, continued, shown, stopped."""

import os
import signal

from tests.e2e.paper.test_paper_process import at, journal_of, marks_of, until  # noqa: F401

from tradewright.services.paper.session import session_stream

CREATE = ["portfolio", "create", "--symbols", "AAPL,JNJ,KO,MSFT,PG,XOM", "--window", "60",
          "--method", "minimum_variance"]  # fmt: skip
REPLAY = ["--replay", "2015-06-01:2016-03-31"]


def essence(rows):
    fills = [
        (e.payload["row"], e.payload["fill"]["symbol"], e.payload["fill"]["qty"])
        for e in rows
        if e.kind == "fill"
    ]
    return fills, [e.payload for e in rows if e.kind == "alert"]


def test_a_portfolio_killed_in_the_middle_loses_nothing(at):  # noqa: F811
    at(*CREATE, "whole")
    at(*CREATE, "cut")
    whole = at("portfolio", "run", "whole", *REPLAY)
    assert whole["state"] == "FINISHED"
    assert whole["rebalances"] > 3
    child = at.begin("portfolio", "run", "cut", *REPLAY, "--speed", "60", "--quiet")
    journal = journal_of(at.folder)

    def placed():
        names = [s for s in journal.streams() if s.startswith("paper:")]
        rows = list(journal.read(names[-1])) if len(names) == 2 else []
        return sum(e.kind == "mark" for e in rows) > 70 and rows

    kept = until(placed)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait(30)
    rows = {row["name"]: row for row in at("portfolio", "list")}
    assert (rows["whole"]["state"], rows["cut"]["state"]) == ("FINISHED", "INTERRUPTED")
    end = at("portfolio", "run", "cut", "--speed", "max")
    assert end["state"] == "FINISHED"
    assert end["account"]["equity"] == whole["account"]["equity"]
    found = list(journal.read(session_stream(end["session_id"])))
    assert found[: len(kept)] == kept
    assert essence(found) == essence(list(journal.read(session_stream(whole["session_id"]))))
    again = at("portfolio", "run", "cut", code=3)
    assert "portfolio cut has ended with session" in again


def test_a_detached_portfolio_is_listed_shown_and_stopped_from_other_processes(at):  # noqa: F811
    made = at(*CREATE, "core", "--rule", "rebalance_threshold=0.1", "--max-weight", "0.18")
    assert (made["name"], made["max_weight"]) == ("core", 0.18)
    assert made["rebalancing"]["rebalance_threshold"] == 0.1
    assert at("portfolio", "show", "core")["account"] is None
    at("portfolio", "run", "core", *REPLAY, "--speed", "3", "--detach")
    until(lambda: len(marks_of(at.folder)) > 2)
    assert at("portfolio", "list")[0]["state"] == "RUNNING"
    assert "is watched already" in at("portfolio", "run", "core", code=3)
    shown = at("portfolio", "show", "core")
    assert shown["account"]["cash"] == "100000.00"
    assert at("portfolio", "stop", "core", "--reason", "enough")["message"] == "enough"
    assert at("portfolio", "show", "core")["state"] == "STOPPED"
    assert "is not known" in at("portfolio", "show", "cor", code=1)


def test_bad_words_end_with_code_2_and_nothing_is_created(at):  # noqa: F811
    assert "wanted KEY=VALUE" in at(*CREATE, "--rule", "rebalance_threshold", code=2)
    assert "cannot be read" in at(*CREATE, "--rule", "rebalance_threshold=[1", code=2)
    assert "wanted a number" in at(*CREATE, "--rule", "rebalance_threshold=much", code=2)
    assert "is not known" in at(*CREATE, "--rule", "colour=1", code=2)
    assert "wanted above 0" in at(*CREATE, "--cash", "-5", code=2)
    assert "above the account's limit" in at(*CREATE, "--max-weight", "0.9", code=2)
    assert "wanted 1 to 64 letters" in at(*CREATE, "a b", code=2)
    assert at("portfolio", "list") == []

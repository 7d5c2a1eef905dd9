"""Signals of a session: stored first, told after it, shown in Redis, lost by nobody."""

from dataclasses import replace

import numpy as np
import pytest
from tests.redis_server import RedisServer
from tests.unit.paper.test_paper_sessions import (  # noqa: F401 (a fixture)
    CrashingJournal,
    entries,
    workspace,
)

from tradewright.adapters.boards.memory_board import MemoryBoard
from tradewright.adapters.boards.redis_board import RedisBoard
from tradewright.domain.errors import TransientEdgeError
from tradewright.domain.forecasts import ForecastPanel
from tradewright.marketdata import sample_bars
from tradewright.portfolio import DecisionSettings
from tradewright.services.backtest_config import BacktestConfig
from tradewright.services.paper import PaperTrading, session, trading
from tradewright.services.paper.outbox import SignalOutbox, cursor_stream
from tradewright.services.paper.sources import PaperSource
from tradewright.strategies import ForecastStrategy

SYMBOLS = ["AAPL", "KO", "MSFT", "XOM"]
WINDOW = "2016-01-04:2016-03-31"


@pytest.fixture
def source(monkeypatch):
    """Forecasts that change their mind, so that signals begin and end."""
    bars = sample_bars(SYMBOLS)
    mean = np.random.default_rng(7).normal(0, 0.02, bars.close.shape)
    panel = ForecastPanel(tuple(SYMBOLS), bars.ts, mean, horizon_bars=1, model="dice")

    def resolve(*_, **__):
        decision = DecisionSettings(rule="top_k", top_k=2, rebalance_bars=1)
        return PaperSource(
            "dice", {"kind": "run", "source": "dice"},
            ForecastStrategy(panel, decision, journal=[]), bars, None, BacktestConfig.neutral(),
        )  # fmt: skip

    for module in (trading, session):
        monkeypatch.setattr(module, "resolve_source", resolve)


class Broken:
    """A board that does not answer until it is told to; then it keeps what it gets."""

    def __init__(self, silent=10**9):
        self.silent, self.got, self.tries = silent, [], 0

    def put(self, signal, *, ttl_s):
        self.tries += 1
        if self.tries <= self.silent:
            raise TransientEdgeError("redis does not answer: ConnectionError")
        self.got.append(signal)

    def active(self):
        return {}


def ran(space, **how):
    paper = PaperTrading(space)
    paper.start("dice", speed=None, replay=WINDOW, **how)
    assert paper.wait(60)
    assert paper.status()["state"] == "FINISHED", paper.status()["message"]
    return paper.status()["session_id"]


def stored(space, session_id):
    return [e.payload["signal"] for e in entries(space, session_id) if e.kind == "signal"]


def test_each_signal_is_stored_before_its_order_and_before_it_is_told(workspace, source):  # noqa: F811
    heard = []

    def hear(_, payload):
        names = [s for s in workspace.journal.streams() if s.startswith("paper:")]
        kept = stored(workspace, names[-1].removeprefix("paper:"))
        heard.append((payload["id"], payload["id"] in [s["id"] for s in kept]))

    workspace.bus.subscribe("signals", hear)
    session_id = ran(workspace)
    rows = entries(workspace, session_id)
    kept = stored(workspace, session_id)
    assert len(kept) > 50
    assert [name for name, _ in heard] == [s["id"] for s in kept]
    assert all(was_stored for _, was_stored in heard)
    first = {}
    for number, row in enumerate(rows):
        if row.kind == "signal":
            first.setdefault(row.payload["row"], number)
        elif row.kind == "intent":
            assert first[row.payload["row"]] < number
    # A HOLD is stored where it ends something, and only there.
    standing = {}
    for signal in kept:
        assert signal["action"] != "HOLD" or standing[signal["symbol"]] != "HOLD"
        standing[signal["symbol"]] = signal["action"]
    assert PaperTrading(workspace).told()["signals"] == kept[-20:]


def test_the_board_shows_the_newest_of_each_instrument(workspace, source):  # noqa: F811
    board = MemoryBoard(workspace.clock)
    session_id = ran(replace(workspace, board=board))
    last = {s["symbol"]: s for s in stored(workspace, session_id)}
    assert board.active() == {k: v for k, v in sorted(last.items()) if v["action"] != "HOLD"}


def test_what_was_stored_while_the_board_was_silent_is_shown_afterwards(workspace, source):  # noqa: F811
    board = Broken(silent=1)
    session_id = ran(replace(workspace, board=board))
    assert [s["id"] for s in board.got] == [s["id"] for s in stored(workspace, session_id)]


def test_a_board_that_never_answers_costs_nothing_but_freshness(workspace, source):  # noqa: F811
    board = Broken()
    session_id = ran(replace(workspace, board=board))
    kept = stored(workspace, session_id)
    outbox = SignalOutbox(workspace.journal, session_id, board, workspace.clock)
    assert outbox.pending == len(kept) > 50
    # It is asked again with growing pauses, not for every bar.
    assert 1 < board.tries < 20
    board.silent = 0
    assert outbox.deliver(at_once=True) == len(kept)
    assert (outbox.pending, outbox.deliver()) == (0, 0)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("appends", [3, 6, 10, 25])
def test_a_crash_loses_no_signal_and_stores_none_twice(workspace, source, appends):  # noqa: F811
    whole = stored(workspace, ran(workspace))
    board = Broken(silent=0)
    journal = CrashingJournal(workspace.journal, appends)
    paper = PaperTrading(replace(workspace, journal=journal, board=board))
    paper.start("dice", speed=None, replay=WINDOW)
    paper.wait(60)
    again = PaperTrading(replace(workspace, board=board))
    again.resume()
    assert again.wait(60)
    session_id = again.status()["session_id"]
    kept = stored(workspace, session_id)
    assert [s["id"] for s in kept] == [s["id"] for s in whole]
    assert {s["id"] for s in board.got} == {s["id"] for s in kept}  # at least once each
    assert list(workspace.journal.read(cursor_stream(session_id)))


def test_a_real_redis_that_is_killed_and_comes_back(workspace, source, tmp_path):  # noqa: F811
    server = RedisServer(tmp_path)
    server.start()
    board = RedisBoard(server.url)
    try:
        server.kill()
        session_id = ran(replace(workspace, board=board))
        kept = stored(workspace, session_id)
        outbox = SignalOutbox(workspace.journal, session_id, board, workspace.clock)
        assert outbox.pending == len(kept) > 50
        assert outbox.deliver(at_once=True) == 0
        server.start()
        assert outbox.deliver(at_once=True) == len(kept)
        last = {s["symbol"]: s for s in kept if s["action"] != "HOLD"}
        held = {s["symbol"]: s["action"] for s in kept}
        assert board.active() == {k: v for k, v in last.items() if held[k] != "HOLD"}
    finally:
        board.close()
        server.kill()

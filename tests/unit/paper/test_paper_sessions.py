"""Paper sessions: the same orders as a backtest, written down first, recovered after a crash."""

import json
import threading
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from tradewright.adapters.stores.database import open_database
from tradewright.adapters.stores.journal import MemoryJournal, SqliteJournal
from tradewright.adapters.stores.runs import FileRunStore
from tradewright.app.bus import InProcessBus
from tradewright.domain.errors import ConfigError, DataError, LedgerError, RefusedError
from tradewright.ledger import Ledger, reconcile
from tradewright.marketdata import sample_bars
from tradewright.services.backtest import plan_backtest, run_backtest, run_outcome
from tradewright.services.paper import PaperTrading, sources
from tradewright.services.paper.parity import parity
from tradewright.services.paper.recorder import JournalRecorder
from tradewright.services.paper.session import session_stream
from tradewright.services.paper.sources import panel_from_parquet, parse_range
from tradewright.services.paper.state import SessionState
from tradewright.services.results.manifest import digest_of
from tradewright.services.runs import Run
from tradewright.services.workspace import Workspace

SYMBOLS = ["AAPL", "MSFT"]
WINDOW = "2016-01-04:2016-06-30"
FAST = {"fast": 3, "slow": 8}


class JumpingClock:
    """Time moves only when somebody waits; a hook may act at each wait."""

    def __init__(self):
        self.ns = 1_700_000_000_000_000_000
        self.on_wait = None

    def now_ns(self):
        self.ns += 1000
        return self.ns

    def sleep_until(self, ts_ns):
        self.ns = max(self.ns, ts_ns)
        return self.on_wait() is not False if self.on_wait else True


@pytest.fixture
def workspace(tmp_path):
    engine = open_database(tmp_path / "tradewright.db")
    yield Workspace(
        data_dir=tmp_path,
        bars=SimpleNamespace(list_series=list),
        runs=FileRunStore(tmp_path / "runs", engine),
        journal=SqliteJournal(engine),
        models=None,
        bus=InProcessBus(),
        clock=JumpingClock(),
        feed=None,
    )
    engine.dispose()


def backtest_plan(bars=None):
    from tradewright.strategies import create_strategy

    first, last = parse_range(WINDOW)
    return plan_backtest(
        create_strategy("sma_cross", **FAST), bars or sample_bars(SYMBOLS),
        config={"start_date": first, "end_date": last, "max_position_size": None,
                "max_drawdown_limit": None, "stop_loss_threshold": None},
    )  # fmt: skip


def begin(workspace, **more):
    paper = PaperTrading(workspace)
    options = {"speed": None, "replay": WINDOW, "symbols": SYMBOLS, "parameters": FAST, **more}
    paper.start("sma_cross", **options)
    return paper


def finished(workspace, **more):
    paper = begin(workspace, **more)
    assert paper.wait(60)
    return paper


def entries(workspace, session_id):
    return list(workspace.journal.read(session_stream(session_id)))


def test_paper_gives_the_orders_fills_and_equity_of_the_backtest_of_its_window(workspace):
    paper = finished(workspace)
    outcome = run_outcome(backtest_plan())
    assert len(outcome.fills) > 20
    assert digest_of(paper._session.outcome) == digest_of(outcome)
    line = paper.status()
    assert (line["state"], line["progress"]) == ("FINISHED", 1.0)
    assert line["fills"] == len(outcome.fills)
    assert line["equity"] == f"{outcome.equity[-1] / 100:.2f}"
    curve = paper.equity()
    assert [row["equity"] for row in curve] == [f"{e / 100:.2f}" for e in outcome.equity]
    reconcile(paper._session.outcome)


def test_a_finished_session_is_a_stored_run_with_the_digest_of_its_backtest(workspace):
    paper = finished(workspace)
    (stored,) = workspace.runs.list_runs(kind="paper")
    assert stored.run_id == paper.status()["session_id"]
    assert stored.digest == run_backtest(backtest_plan()).digest


def test_a_finished_session_is_no_evidence_for_its_strategy(workspace):
    paper = finished(workspace)
    session_id = paper.status()["session_id"]
    (listed,) = workspace.runs.list_runs(kind="paper")
    run = Run.load(session_id, workspace)
    assert (listed.verdict, run.verdict.word) == ("replayed", "replayed")
    assert run.verdict.sentence.startswith("Not judged")
    assert b"Not judged" in workspace.runs.load(session_id, "report.html")
    # Stored by an earlier version with the judgement of a backtest: it is not shown either.
    documents = {
        path.name: path.read_bytes()
        for path in (workspace.data_dir / "runs" / session_id).iterdir()
        if path.is_file()
    }
    figures = next(n for n, text in documents.items() if b"Not judged" in text and "json" in n)
    old = json.loads(documents[figures])
    old["verdict"].update(word="supported", sentence="Believe it.")
    documents[figures] = json.dumps(old).encode()
    workspace.runs.save(replace(listed, run_id="paper-old", verdict="supported"), documents)
    assert Run.load("paper-old", workspace).verdict.word == "replayed"


def test_every_intent_is_written_before_its_order_and_the_book_is_the_fold(workspace):
    paper = finished(workspace)
    rows = entries(workspace, paper.status()["session_id"])
    place = {}
    for entry in rows:
        if entry.kind == "intent":
            place[entry.payload["order"]["client_order_id"]] = entry.seq
        elif entry.kind == "order":
            assert place[entry.payload["event"]["client_order_id"]] < entry.seq
        elif entry.kind == "fill":
            assert place[entry.payload["fill"]["client_order_id"]] < entry.seq
    from tradewright.ledger import LedgerEntry

    postings = [LedgerEntry.from_json(e.payload["entry"]) for e in rows if e.kind == "posting"]
    book = Ledger.replay(postings)
    outcome = paper._session.outcome
    assert book.cash_minor == outcome.cash[-1]
    held = {p["symbol"]: p["quantity"] for p in paper.positions()}
    assert held.keys() == {s for s, h in book.holdings.items() if h.qty}


def stop_at(workspace, n_waits, name="stop"):
    """Give a command at the n-th wait of the paced session."""
    count = 0
    paper = PaperTrading(workspace)

    def act():
        nonlocal count
        count += 1
        if count == n_waits:
            getattr(paper, {"stop": "_command"}.get(name, name))(
                *([name, "test"] if name == "stop" else [])
            )

    workspace.clock.on_wait = act
    return paper


def test_commands_from_elsewhere_act_before_the_next_bar(workspace):
    stop_at(workspace, 40)
    paper = finished(workspace, speed=10.0)
    line = paper.status()
    assert line["state"] == "STOPPED"
    assert line["message"] == "test"
    whole = run_outcome(backtest_plan())
    part = paper._session.outcome
    n = len(part.ts)
    assert 30 < n < 50
    assert part.equity.tolist() == whole.equity[:n].tolist()


def test_pause_lets_positions_shrink_only_and_flatten_closes_them(workspace):
    seen = []
    count = 0
    other = PaperTrading(workspace)

    def act():
        nonlocal count
        count += 1
        if count == 30:
            seen.append(other.flatten("enough")["state"])
        if count == 60:
            seen.append(other.status()["state"])
            seen.append(other.positions())
            seen.append(len(other.fills()))
            other.resume()

    workspace.clock.on_wait = act
    paper = finished(workspace, speed=10.0)
    assert seen[1:3] == ["PAUSED", []]
    assert len(paper.fills()) > seen[3]
    denied = [o for o in entries(workspace, paper.status()["session_id"])
              if o.kind == "order" and o.payload["event"]["status"] == "DENIED"]  # fmt: skip
    assert {d.payload["event"]["reason"] for d in denied} <= {"HALTED"}
    assert paper.status()["state"] == "FINISHED"


class Cut(BaseException):
    """The process ends here."""


class CrashingJournal:
    """Lets a number of appends through, then ends the session without another word."""

    def __init__(self, inner, appends):
        self._inner, self._left = inner, appends
        self.read, self.streams = inner.read, inner.streams

    def append(self, stream, events):
        if self._left == 0:
            raise Cut
        self._left -= 1
        return self._inner.append(stream, events)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("appends", [1, 2, 3, 4, 7, 12, 25, 40])
def test_a_session_cut_anywhere_goes_on_as_if_it_had_not_been(workspace, appends):
    from dataclasses import replace

    broken = replace(workspace, journal=CrashingJournal(workspace.journal, appends))
    try:
        paper = begin(broken)
        paper.wait(60)
    except Cut:  # before the session was on the record: nothing was started
        assert PaperTrading(workspace).status()["state"] == "IDLE"
        return
    again = PaperTrading(workspace)
    line = again.status()
    assert (line["state"], line["is_interrupted"]) == ("STOPPED", True)
    with pytest.raises(RefusedError, match="paper resume"):
        again.pause()
    before = [(e.kind, e.payload) for e in entries(workspace, line["session_id"])]
    again.resume()
    assert again.wait(60)
    assert again.status()["state"] == "FINISHED"
    after = [(e.kind, e.payload) for e in entries(workspace, line["session_id"])]
    assert after[: len(before)] == before
    assert digest_of(again._session.outcome) == digest_of(run_outcome(backtest_plan()))
    ids = [p["order"]["client_order_id"] for k, p in after if k == "intent"]
    fills = [p["fill"]["execution_id"] for k, p in after if k == "fill"]
    marks = [p["row"] for k, p in after if k == "mark"]
    assert len(ids) == len(set(ids))
    assert len(fills) == len(set(fills)) == len(again._session.outcome.fills)
    assert marks == list(range(len(again._session.outcome.ts)))


def test_a_recovery_that_makes_another_order_is_refused(workspace):
    paper = finished(workspace)
    session_id = paper.status()["session_id"]
    rows = [(e.kind, e.payload) for e in entries(workspace, session_id)]
    intent = next(p for k, p in rows if k == "intent")
    wrong = {"row": intent["row"], "order": {**intent["order"], "qty": intent["order"]["qty"] + 1}}
    plan = backtest_plan()
    recorder = JournalRecorder(
        MemoryJournal(), "s", plan.bars, workspace.clock, expected=[("intent", wrong)]
    )
    from tradewright.services.paper.events import order_from_json

    with pytest.raises(LedgerError, match="the recovery made intent"):
        recorder.intents(intent["row"], [order_from_json(intent["order"])])


def test_a_session_whose_bars_changed_is_not_continued(workspace, monkeypatch):
    from dataclasses import replace

    broken = replace(workspace, journal=CrashingJournal(workspace.journal, 4))
    begin(broken).wait(60)
    import tradewright.marketdata

    bars = sample_bars(SYMBOLS)
    changed = replace(bars, data_version="other")
    monkeypatch.setattr(tradewright.marketdata, "sample_bars", lambda symbols: changed)
    with pytest.raises(DataError, match="its bars changed since it started"):
        PaperTrading(workspace).resume()
    assert PaperTrading(workspace).status()["is_interrupted"]


test_a_session_whose_bars_changed_is_not_continued = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnhandledThreadExceptionWarning"
)(test_a_session_whose_bars_changed_is_not_continued)


def test_only_one_session_runs_at_a_time(workspace):
    gate = threading.Event()
    workspace.clock.on_wait = lambda: gate.wait(10)
    paper = begin(workspace, speed=5.0)
    with pytest.raises(RefusedError, match=r"runs already in process \d+; end it first"):
        begin(workspace)
    gate.set()
    workspace.clock.on_wait = None
    assert paper.wait(60)
    finished(workspace)
    assert len(paper.sessions()) == 2


def test_the_bus_tells_what_the_methods_say(workspace):
    heard = {}
    workspace.bus.subscribe("*", lambda topic, p: heard.setdefault(topic, []).append(dict(p)))
    paper = finished(workspace)
    assert heard["paper.status"][-1]["state"] == "FINISHED"
    assert {f["execution_id"] for f in heard["paper.fill"]} == {
        f["execution_id"] for f in paper.fills()
    }
    assert heard["paper.equity"][-1] == paper.equity()[-1]
    last = {o["order_id"]: o["status"] for o in heard["paper.order"]}
    assert last == {o["order_id"]: o["status"] for o in paper.orders()}
    assert {"symbol", "quantity", "average_cost", "price", "value", "unrealised", "weight"} <= set(
        heard["paper.position"][-1]
    )


def test_idle_account_says_so_and_refuses_commands(workspace):
    paper = PaperTrading(workspace)
    assert paper.status()["state"] == "IDLE"
    assert paper.positions() == paper.orders() == paper.fills() == paper.equity() == []
    for act in (paper.pause, paper.resume, paper.flatten, paper.stop):
        with pytest.raises(RefusedError, match="no session runs"):
            act()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"cash": 0}, "cash is 0"),
        ({"cash": -5}, "cash is -5"),
        ({"speed": 0.0}, "speed is 0.0"),
        ({"replay": "2016"}, "replay is '2016', wanted FROM:TO"),
        ({"replay": "2016-01-01:2015-01-01"}, "end_date is 2015-01-01"),
        ({"parameters": {"fst": 2}}, "did you mean 'fast'"),
    ],
)
def test_wrong_arguments_start_nothing(workspace, options, says):
    with pytest.raises(ConfigError, match=says):
        begin(workspace, **options)
    assert PaperTrading(workspace).sessions() == []


def test_an_unknown_source_is_named(workspace):
    with pytest.raises(ConfigError, match="no strategy, run or study"):
        PaperTrading(workspace).start("sma_crosss")


def test_a_strategy_that_fails_fails_the_session_with_its_reason(workspace, monkeypatch):
    from tradewright.strategies import SmaCross

    def boom(self, ctx, bar):
        if bar.row == 20:
            raise ValueError("broken idea")

    monkeypatch.setattr(SmaCross, "on_bar", boom)
    line = finished(workspace).status()
    assert line["state"] == "FAILED"
    assert "on_bar at bar 20" in line["message"]
    assert "broken idea" in line["message"]


def test_orders_can_be_listed_by_status(workspace):
    paper = finished(workspace)
    assert {o["status"] for o in paper.orders("filled")} == {"FILLED"}
    with pytest.raises(ConfigError, match="did you mean 'filled'"):
        paper.orders("filed")


def test_stored_forecasts_come_back_as_a_panel():
    import io

    import polars as pl

    table = pl.DataFrame(
        {
            "ts": [10, 10, 20],
            "symbol": ["B", "A", "A"],
            "mean": [0.1, 0.2, 0.3],
            "sd": [1.0, 2.0, 3.0],
        }
    ).with_columns(pl.col("ts").cast(pl.Datetime("ns", "UTC")))
    buffer = io.BytesIO()
    table.write_parquet(buffer)
    panel = panel_from_parquet(buffer.getvalue(), order=("B", "C", "A"))
    assert panel.symbols == ("B", "A")
    assert panel.ts_known.tolist() == [10, 20]
    np.testing.assert_array_equal(panel.mean, [[0.1, 0.2], [np.nan, 0.3]])
    np.testing.assert_array_equal(panel.sd, [[1.0, 2.0], [np.nan, 3.0]])
    assert panel.probability_up is None


def test_the_state_of_a_session_is_the_same_read_at_once_or_in_pieces(workspace):
    paper = finished(workspace)
    session_id = paper.status()["session_id"]
    at_once, pieces = SessionState(session_id), SessionState(session_id)
    rows = entries(workspace, session_id)
    for entry in rows:
        at_once.apply(entry)
    for cut in range(0, len(rows), 7):
        for entry in workspace.journal.read(session_stream(session_id), after_seq=pieces.seq):
            if entry.seq <= cut:
                pieces.apply(entry)
    for entry in workspace.journal.read(session_stream(session_id), after_seq=pieces.seq):
        pieces.apply(entry)
    assert pieces.status() == at_once.status()
    assert pieces.ledger.state() == at_once.ledger.state()


def store_study(workspace, symbols, seed=7, **more):
    """Store a study's run with random forecasts, as the study's own modules do it."""
    from tradewright.domain.forecasts import ForecastPanel
    from tradewright.services.results.extras import RunExtras
    from tradewright.services.study.recording import build_run, origin_of, save_run
    from tradewright.services.study.trading import Trading
    from tradewright.services.study_page import build_page

    page = build_page(
        {
            "name": "tiny",
            "universe": {"symbols": symbols},
            "data": {"source": "sample"},
            "features": ["return(5)"],
            "labels": {"kind": "forward_return", "horizon": 5},
            "model": {"type": "ridge"},
            "decision": {
                "rule": "top_k", "top_k": 2, "rebalance": 3, "max_weight": 0.5,
                "volatility_scaled": True, "stop_loss": 0.04,
            },
            "risk": {"max_position_size": 0.4, "stop_loss_threshold": 0.06},
            "costs": "standard",
            **more,
        }
    )  # fmt: skip
    bars = sample_bars(symbols).between(1_450_000_000_000_000_000, 1_470_000_000_000_000_000)
    dice = np.random.default_rng(seed)
    mean = dice.normal(0.001, 0.01, bars.close.shape)
    mean[dice.random(mean.shape) < 0.05] = np.nan
    mean[:20] = np.nan
    panel = ForecastPanel(bars.symbols, bars.ts, mean, 5, "ridge", sd=np.abs(mean) + 0.01)
    outcome = Trading(page, bars, 0, 0).run(panel, costs=page.charged())
    run = build_run(page, outcome, bars, extras=RunExtras(), origin=origin_of(bars, 0))
    save_run(run, workspace, panel)
    return run


@pytest.mark.parametrize("source", ["id", "latest", "tiny"])
def test_a_stored_study_trades_on_paper_as_it_did_in_its_backtest(workspace, source):
    run = store_study(workspace, ["MSFT", "AAPL", "XOM"])
    assert len(run.outcome.fills) > 30
    paper = PaperTrading(workspace)
    paper.start(run.run_id if source == "id" else source, speed=None)
    assert paper.wait(60)
    assert paper.status()["state"] == "FINISHED", paper.status()["message"]
    assert digest_of(paper._session.outcome) == run.digest
    assert workspace.runs.list_runs(kind="paper")[0].name == "tiny"


def test_a_run_without_forecasts_is_refused_with_the_reason(workspace):
    from tradewright.domain.errors import NoDataError

    run_backtest(backtest_plan()).save(workspace, report=False)
    (stored,) = workspace.runs.list_runs()
    with pytest.raises(NoDataError, match="has no stored forecasts"):
        PaperTrading(workspace).start(stored.run_id)


def test_closing_ends_the_session_of_this_object_and_no_other(workspace):
    may_go, tick = threading.Event(), threading.Event()

    def commands():
        return list(workspace.journal.read(f"paper-commands:{paper.status()['session_id']}"))

    def hold():  # the tape stands still until the command is on the record
        may_go.wait(10)
        while not commands():
            tick.wait(0.005)

    workspace.clock.on_wait = hold
    paper = begin(workspace, speed=5.0)
    PaperTrading(workspace).close()
    assert commands() == []
    may_go.set()
    paper.close("bye")
    assert paper.wait(30)
    assert (paper.status()["state"], paper.status()["message"]) == ("STOPPED", "bye")
    paper.close()


def causes_of(report):
    assert sum(report.gaps.values()) == report.gap_minor
    return {found.cause.value for found in report.differences}


def test_parity_of_an_untouched_session_is_complete(workspace):
    paper = finished(workspace)
    report = parity("latest", workspace)
    assert report.name == paper.status()["session_id"]
    assert report.fills_traded == len(paper.fills()) > 20
    assert (report.matched_share, report.gap_minor) == (1.0, 0)
    assert report.differences == ()


def test_parity_names_the_hand_that_flattened(workspace):
    stop_at(workspace, 30, "flatten")
    paper = finished(workspace, speed=10.0)
    report = parity(paper.status()["session_id"], workspace)
    assert causes_of(report) == {"MANUAL"}
    assert report.unexplained == 0
    assert report.gap_minor != 0


def test_parity_of_a_stopped_session_ends_where_it_stopped(workspace):
    stop_at(workspace, 40)
    paper = finished(workspace, speed=10.0)
    report = parity("latest", workspace)
    assert (report.differences, report.gap_minor) == ((), 0)
    assert report.fills_replayed == len(paper.fills())


def test_parity_says_when_the_data_changed(workspace, monkeypatch):
    finished(workspace)
    bars = sample_bars(SYMBOLS)
    close = bars.close.copy()
    close[-400:] *= 1.01
    high = np.maximum(bars.high, close)
    other = replace(bars, close=close, high=high, data_version="revised")
    monkeypatch.setattr(sources, "bars_of", lambda *_: other)
    report = parity("latest", workspace)
    assert causes_of(report) <= {"DATA"}
    assert report.unexplained == 0


def test_parity_without_a_session_or_of_an_unknown_one_is_refused(workspace):
    with pytest.raises(ConfigError, match="no paper session was started"):
        parity("latest", workspace)
    paper = finished(workspace)
    with pytest.raises(ConfigError, match="not known"):
        parity("paper-nowhere", workspace)
    assert parity(paper.sessions()[0], workspace).unexplained == 0

"""One suite over every LedgerStore."""

import threading

import pytest
import sqlalchemy as sa

from tradewright.adapters.stores.database import open_database
from tradewright.adapters.stores.journal import MemoryJournal, SqliteJournal
from tradewright.domain.errors import LedgerError


@pytest.fixture(params=["memory", "sqlite"])
def journal(request, tmp_path):
    if request.param == "memory":
        yield MemoryJournal()
        return
    engine = open_database(tmp_path / "j.db")
    yield SqliteJournal(engine)
    engine.dispose()


def test_events_come_back_in_order_with_numbers_from_one(journal):
    assert journal.append("a", [("x", 5, {"v": 1}), ("y", 6, {"v": [1, None, "é"]})]) == 2
    assert journal.append("b", [("x", 1, {})]) == 1
    assert journal.append("a", [("z", 7, {"big": 2**62})]) == 3
    got = [(e.seq, e.stream, e.kind, e.ts_event, e.payload) for e in journal.read("a")]
    assert got == [
        (1, "a", "x", 5, {"v": 1}),
        (2, "a", "y", 6, {"v": [1, None, "é"]}),
        (3, "a", "z", 7, {"big": 2**62}),
    ]
    assert [e.seq for e in journal.read("a", after_seq=2)] == [3]
    assert list(journal.streams()) == ["a", "b"]


def test_unknown_stream_is_empty_and_an_empty_append_writes_nothing(journal):
    assert list(journal.read("none")) == []
    assert journal.append("none", []) == 0
    assert list(journal.streams()) == []


def test_payload_that_is_not_json_is_refused_whole(journal):
    with pytest.raises(LedgerError, match="payload of bad"):
        journal.append("a", [("good", 1, {}), ("bad", 2, {"v": object()})])
    with pytest.raises(LedgerError, match="not JSON"):
        journal.append("a", [("nan", 1, {"v": float("nan")})])
    assert list(journal.read("a")) == []


def test_what_was_appended_does_not_change_with_the_callers_dict(journal):
    payload = {"v": [1]}
    journal.append("a", [("x", 1, payload)])
    payload["v"].append(2)
    assert next(journal.read("a")).payload == {"v": [1]}


def test_two_writers_leave_no_gap(journal):
    def write(name):
        for i in range(25):
            journal.append("s", [(name, i, {}), (name, i, {})])

    threads = [threading.Thread(target=write, args=(n,)) for n in ("p", "q")]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    entries = list(journal.read("s"))
    assert [e.seq for e in entries] == list(range(1, 101))
    # The rows of one append stay together.
    assert all(
        (a.kind, a.ts_event) == (b.kind, b.ts_event)
        for a, b in zip(entries[::2], entries[1::2], strict=True)
    )


def test_two_engines_on_one_file_leave_no_gap(tmp_path):
    journals = [SqliteJournal(open_database(tmp_path / "j.db")) for _ in range(2)]
    for i in range(20):
        assert journals[i % 2].append("s", [("x", i, {})]) == i + 1
    again = SqliteJournal(open_database(tmp_path / "j.db"))
    assert [e.seq for e in again.read("s")] == list(range(1, 21))


@pytest.mark.parametrize("statement", ["UPDATE journal SET kind = 'y'", "DELETE FROM journal"])
def test_an_entry_cannot_be_changed_or_deleted(tmp_path, statement):
    engine = open_database(tmp_path / "j.db")
    journal = SqliteJournal(engine)
    journal.append("a", [("x", 1, {"v": 1})])
    with pytest.raises(sa.exc.IntegrityError, match="append-only"), engine.begin() as connection:
        connection.exec_driver_sql(statement)
    assert [e.kind for e in journal.read("a")] == ["x"]


def test_database_is_durable_at_each_commit(tmp_path):
    engine = open_database(tmp_path / "j.db")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_reading_pages_through_a_long_stream(journal):
    journal.append("long", [("x", i, {}) for i in range(11_000)])
    assert [e.ts_event for e in journal.read("long")] == list(range(11_000))

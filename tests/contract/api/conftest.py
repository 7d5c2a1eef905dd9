"""A real application over real stores, on a socket of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn

from tradewright.adapters.registries.memory_registry import MemoryRegistry
from tradewright.adapters.stores.database import open_database
from tradewright.adapters.stores.journal import SqliteJournal
from tradewright.adapters.stores.parquet_bars import ParquetBarStore
from tradewright.adapters.stores.runs import FileRunStore
from tradewright.api import ApiSettings, create_app
from tradewright.app.bus import InProcessBus
from tradewright.app.cli.serve import bind
from tradewright.app.clock import WallClock
from tradewright.domain.errors import ConfigError
from tradewright.marketdata import sample_bars
from tradewright.services.backtest import backtest
from tradewright.services.jobs import JobHistory, JobRunner
from tradewright.services.paper import PaperTrading
from tradewright.services.workspace import Workspace

SYMBOLS = ["AAPL", "MSFT", "SPY", "XOM"]


def no_feed(name: str):
    raise ConfigError(f"feed {name!r} is not part of this test")


def make_workspace(folder: Path) -> Workspace:
    """Return a workspace over embedded stores in a folder."""
    database = open_database(folder / "tradewright.db")
    return Workspace(
        data_dir=folder,
        bars=ParquetBarStore(folder / "bars"),
        runs=FileRunStore(folder / "runs", database),
        journal=SqliteJournal(database),
        models=MemoryRegistry(folder / "models", WallClock()),
        bus=InProcessBus(),
        clock=WallClock(),
        feed=no_feed,
    )


class GatedStudies:
    """Studies that wait at a gate, so that a test decides when they go on."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.gate = threading.Event()

    def list_studies(self) -> Sequence[Mapping[str, str]]:
        return [{"name": "demo", "title": "Demo", "description": "for tests"}]

    def run(self, name: str, *, seed: int | None, report: Callable[[float, str], None]) -> str:
        report(0.5, "half way")
        self.begun.set()
        assert self.gate.wait(20)
        report(0.9, "nearly there")
        return f"run-of-{name}-{seed}"


@pytest.fixture(scope="session")
def stocked(tmp_path_factory) -> tuple[Workspace, str]:
    """A workspace with bars and one finished run; never changed by tests."""
    workspace = make_workspace(tmp_path_factory.mktemp("stocked"))
    bars = sample_bars(SYMBOLS, start="2013-01-01")
    workspace.bars.write(bars, ts_known=workspace.clock.now_ns(), query="sample")
    run = backtest("sma_cross", bars)
    run.save(workspace)
    return workspace, run.run_id


class Server:
    """A running server: its address and what stands behind it."""

    def __init__(self, workspace: Workspace, settings: ApiSettings) -> None:
        self.workspace = workspace
        self.studies = GatedStudies()
        history = JobHistory(workspace.journal, workspace.data_dir / "jobs", workspace.clock)
        self.jobs = JobRunner(workspace.bus, workspace.clock, history)
        self.app = create_app(
            workspace,
            paper=PaperTrading(workspace),
            jobs=self.jobs,
            studies=self.studies,
            settings=settings,
        )
        self.url = ""

    @contextmanager
    def running(self) -> Iterator[Server]:
        listener = bind("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(self.app, log_config=None, ws_max_size=64 << 10)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.studies.gate.set()
            server.should_exit = True
            thread.join(20)
            listener.close()
            assert not thread.is_alive()


@pytest.fixture(scope="module")
def server(stocked) -> Iterator[Server]:
    """A server over the stocked workspace."""
    with Server(stocked[0], ApiSettings()).running() as running:
        yield running


@pytest.fixture
def new_servers(tmp_path) -> tuple[Workspace, Callable[[], Server]]:
    """An empty workspace, and how to put one server after the other over it."""
    workspace = make_workspace(tmp_path)
    return workspace, lambda: Server(workspace, ApiSettings())


@pytest.fixture(scope="module")
def run_id(stocked) -> str:
    """The finished run of the stocked workspace."""
    return stocked[1]


@pytest.fixture
def client(server):
    """An HTTP client of the server."""
    import httpx2

    with httpx2.Client(base_url=server.url, timeout=20) as http:
        yield http


@pytest.fixture
def new_server(tmp_path) -> Callable[..., Server]:
    """Makes a server over an empty workspace, not yet running."""
    return lambda **settings: Server(make_workspace(tmp_path), ApiSettings(**settings))


@pytest.fixture
def empty_server(tmp_path) -> Iterator[Server]:
    """A server over an empty workspace."""
    with Server(make_workspace(tmp_path), ApiSettings(queue_size=50)).running() as running:
        yield running

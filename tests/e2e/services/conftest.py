"""A real workspace in a temporary folder."""

import pytest
from planted_market import NAMES

from tradewright.adapters.registries.memory_registry import MemoryRegistry
from tradewright.adapters.stores.database import open_database
from tradewright.adapters.stores.journal import MemoryJournal
from tradewright.adapters.stores.parquet_bars import ParquetBarStore
from tradewright.adapters.stores.runs import FileRunStore
from tradewright.app.clock import WallClock
from tradewright.services.workspace import Workspace


@pytest.fixture
def space(tmp_path) -> Workspace:
    clock = WallClock()
    database = open_database(tmp_path / "tradewright.db")
    return Workspace(
        data_dir=tmp_path,
        bars=ParquetBarStore(tmp_path / "bars"),
        runs=FileRunStore(tmp_path / "runs", database),
        journal=MemoryJournal(),
        models=MemoryRegistry(tmp_path / "models", clock),
        bus=None,
        clock=clock,
        feed=None,
    )


@pytest.fixture
def planted_page() -> dict:
    return {
        "name": "planted",
        "universe": {"symbols": list(NAMES)},
        "data": {"source": "planted"},
        "features": ["return(5)", "return(1)", "volatility(21)"],
        "labels": {"kind": "forward_return", "horizon": 2},
        "model": {"type": "ridge"},
        "decision": {"top_k": 2, "rebalance": 2, "max_weight": 0.5, "long_only": True},
        "risk": {
            "max_position_size": None,
            "max_drawdown_limit": None,
            "stop_loss_threshold": None,
        },
        "costs": {"fee_bps": 1},
        "validation": {"training_days": 252, "testing_days": 126, "controls": 9},
        "seed": 3,
    }

"""The composition root: the one place that knows what stands behind the ports."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from tradewright.app.account_settings import (
    account_limits,
    rebalancing_config,
    signal_settings,
    tax_rates,
)
from tradewright.app.bus import InProcessBus
from tradewright.app.clock import WallClock
from tradewright.app.settings import LoadedSettings, Settings, load_settings
from tradewright.domain.errors import ConfigError
from tradewright.ports.crew import Crew
from tradewright.ports.feeds import HistoryFeed
from tradewright.ports.signal_board import SignalBoard
from tradewright.services.sweeping.crews import use_cluster
from tradewright.services.workspace import Workspace


@cache
def settings() -> LoadedSettings:
    """Return the settings in force, read once."""
    return load_settings()


def data_directory(values: Settings) -> Path:
    """Make the data directory if missing and return it.

    Raises
    ------
    ConfigError
        If it cannot be made or written to.
    """
    folder = values.paths.data_dir.expanduser().resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"paths.data_dir {folder}: {error.strerror}") from error
    if not os.access(folder, os.W_OK):
        raise ConfigError(f"paths.data_dir {folder} is not writable")
    return folder


@cache
def open_workspace() -> Workspace:
    """Plug the embedded stores into the ports and return the workspace.

    Returns
    -------
    Workspace
        One for each process; stores open their files on first use.

    Raises
    ------
    ConfigError
        If a setting is wrong or the data directory is not writable.
    """
    from tradewright.adapters.registries.mlflow_registry import MlflowRegistry
    from tradewright.adapters.stores.database import open_database
    from tradewright.adapters.stores.journal import SqliteJournal
    from tradewright.adapters.stores.parquet_bars import ParquetBarStore
    from tradewright.adapters.stores.runs import FileRunStore

    values = settings().values
    folder = data_directory(values)
    use_cluster(open_cluster)
    database = open_database(folder / "tradewright.db")
    return Workspace(
        data_dir=folder,
        bars=ParquetBarStore(folder / "bars"),
        runs=FileRunStore(folder / "runs", database),
        journal=SqliteJournal(database),
        models=MlflowRegistry(values.paths.models_dir or folder / "models"),
        bus=InProcessBus(),
        clock=WallClock(),
        feed=lambda name: _open_feed(name, values),
        account=account_limits(values.signals, values.risk),
        signals=signal_settings(values.signals, values.portfolio),
        rebalancing=rebalancing_config(values.portfolio),
        taxes=tax_rates(values.portfolio),
        board=_open_board(values),
        four_eyes=values.risk.four_eyes,
    )


def open_cluster(address: str | None) -> Crew | None:
    """Return the crew of a Ray cluster; None where neither the caller nor the settings name one.

    Parameters
    ----------
    address : str or None
        Instead of ``compute.ray_address``.
    """
    from tradewright.adapters.clusters.ray_crew import RayCrew

    named = settings().values.compute.ray_address if address is None else address
    return RayCrew(named) if named else None


def _open_board(values: Settings) -> SignalBoard | None:
    if values.redis.url is None:
        return None
    from tradewright.adapters.boards.redis_board import RedisBoard

    prefix = f"tw:{values.environment}:"
    return RedisBoard(values.redis.url.get_secret_value(), prefix=prefix)


def _open_feed(name: str, values: Settings) -> HistoryFeed:
    from tradewright.adapters.feeds import open_feed

    return open_feed(name, values.feeds)

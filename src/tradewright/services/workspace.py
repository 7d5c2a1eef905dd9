"""What a use case may reach: the ports, already plugged in by the composition root."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tradewright.domain.errors import ConfigError
from tradewright.portfolio.decision import SignalSettings
from tradewright.portfolio.rebalancing import RebalancingConfig, TaxRates
from tradewright.portfolio.sizing import AccountLimits
from tradewright.ports.bar_store import BarStore
from tradewright.ports.clock import Clock
from tradewright.ports.event_bus import EventBus
from tradewright.ports.feeds import HistoryFeed
from tradewright.ports.journal import LedgerStore
from tradewright.ports.model_registry import ModelRegistry
from tradewright.ports.run_store import RunStore
from tradewright.ports.signal_board import SignalBoard


@dataclass(frozen=True, slots=True)
class Workspace:
    """One data directory and everything that stands behind the ports."""

    data_dir: Path
    bars: BarStore
    runs: RunStore
    journal: LedgerStore
    models: ModelRegistry
    bus: EventBus
    clock: Clock
    feed: Callable[[str], HistoryFeed]
    account: AccountLimits = field(default_factory=AccountLimits)
    signals: SignalSettings = field(default_factory=SignalSettings)
    rebalancing: RebalancingConfig = field(default_factory=RebalancingConfig)
    taxes: TaxRates = field(default_factory=TaxRates)
    board: SignalBoard | None = None
    four_eyes: bool = False


_opener: Callable[[], Workspace] | None = None


def use_opener(opener: Callable[[], Workspace]) -> None:
    """Tell how the default workspace is opened; called once by the composition root."""
    global _opener  # noqa: PLW0603
    _opener = opener


def current_workspace() -> Workspace:
    """Return the default workspace, opening it on first use.

    Raises
    ------
    ConfigError
        If the program was put together without a composition root.
    """
    if _opener is None:
        raise ConfigError("no workspace: import tradewright, or call services.workspace.use_opener")
    return _opener()

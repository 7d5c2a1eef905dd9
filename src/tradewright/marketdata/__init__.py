"""Raw to usable: import, validation, quality, calendars, adjustment, resampling."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewright.marketdata.actions import schedule_actions
    from tradewright.marketdata.adjustment import adjust, forward_factors
    from tradewright.marketdata.calendars import TradingCalendar, calendar_of
    from tradewright.marketdata.currency_rates import add_rates
    from tradewright.marketdata.importers import (
        ImportOptions,
        ImportResult,
        import_bars,
        read_actions,
        read_bars,
    )
    from tradewright.marketdata.quality import (
        HealthVerdict,
        QualityReport,
        check_health,
        quality_report,
    )
    from tradewright.marketdata.resampling import finer_interval, resample
    from tradewright.marketdata.sample import sample_bars, sectors
    from tradewright.marketdata.stamping import close_stamps
    from tradewright.marketdata.symbols import read_symbols_file
    from tradewright.marketdata.synthetic import synthetic_bars
    from tradewright.marketdata.validation import CheckedRows, check_rows

_ROOM = "tradewright.marketdata"
_HOMES = {
    "CheckedRows": "validation",
    "HealthVerdict": "quality",
    "ImportOptions": "importers",
    "ImportResult": "importers",
    "QualityReport": "quality",
    "TradingCalendar": "calendars",
    "add_rates": "currency_rates",
    "adjust": "adjustment",
    "calendar_of": "calendars",
    "check_health": "quality",
    "check_rows": "validation",
    "close_stamps": "stamping",
    "finer_interval": "resampling",
    "forward_factors": "adjustment",
    "import_bars": "importers",
    "quality_report": "quality",
    "read_actions": "importers",
    "read_bars": "importers",
    "read_symbols_file": "symbols",
    "resample": "resampling",
    "sample_bars": "sample",
    "schedule_actions": "actions",
    "sectors": "sample",
    "synthetic_bars": "synthetic",
}

__all__ = [
    "CheckedRows",
    "HealthVerdict",
    "ImportOptions",
    "ImportResult",
    "QualityReport",
    "TradingCalendar",
    "add_rates",
    "adjust",
    "calendar_of",
    "check_health",
    "check_rows",
    "close_stamps",
    "finer_interval",
    "forward_factors",
    "import_bars",
    "quality_report",
    "read_actions",
    "read_bars",
    "read_symbols_file",
    "resample",
    "sample_bars",
    "schedule_actions",
    "sectors",
    "synthetic_bars",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its home on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {_ROOM!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{_ROOM}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value

"""Files and frames to bars."""

from tradewright.marketdata.importers.actions_table import read_actions
from tradewright.marketdata.importers.options import ImportOptions, ImportResult
from tradewright.marketdata.importers.reading import import_bars, read_bars

__all__ = ["ImportOptions", "ImportResult", "import_bars", "read_actions", "read_bars"]

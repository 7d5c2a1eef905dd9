"""Fills to postings to positions, cash and profit: the only writer of positions.

Names load on first use, because round trips need the compiler.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewright.ledger.checks import LedgerCheck, ledger_of, reconcile
    from tradewright.ledger.entries import LedgerEntry, Posting
    from tradewright.ledger.exchange import foreign
    from tradewright.ledger.holdings import Holding
    from tradewright.ledger.ledger import Ledger
    from tradewright.ledger.lots import LotBook, LotClose, TaxLot
    from tradewright.ledger.trips import round_trips

_HOMES = {
    "Holding": "holdings",
    "Ledger": "ledger",
    "LedgerCheck": "checks",
    "LedgerEntry": "entries",
    "LotBook": "lots",
    "LotClose": "lots",
    "Posting": "entries",
    "TaxLot": "lots",
    "foreign": "exchange",
    "ledger_of": "checks",
    "reconcile": "checks",
    "round_trips": "trips",
}

__all__ = [
    "Holding",
    "Ledger",
    "LedgerCheck",
    "LedgerEntry",
    "LotBook",
    "LotClose",
    "Posting",
    "TaxLot",
    "foreign",
    "ledger_of",
    "reconcile",
    "round_trips",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'tradewright.ledger' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"tradewright.ledger.{_HOMES[name]}"), name)
    globals()[name] = value
    return value

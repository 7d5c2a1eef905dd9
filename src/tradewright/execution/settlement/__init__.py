"""When a trade settles."""

from tradewright.execution.settlement.bank_days import BankDays, bank_days
from tradewright.execution.settlement.cycles import cycle_days, settlement_date, value_date

__all__ = ["BankDays", "bank_days", "cycle_days", "settlement_date", "value_date"]

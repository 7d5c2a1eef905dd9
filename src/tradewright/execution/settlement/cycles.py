"""From trade date to settlement date: cycles by era, counted on settlement days."""

from __future__ import annotations

import tomllib
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Final

from tradewright.domain.errors import ConfigError
from tradewright.domain.instruments import AssetClass
from tradewright.execution.settlement.bank_days import BankDays

_KIND: Final = {
    AssetClass.STOCK: "stock",
    AssetClass.ETF: "stock",
    AssetClass.EQUITY_OPTION: "equity_option",
    AssetClass.FOREX: "forex",
    AssetClass.CRYPTO: "crypto",
}
NEXT_DAY_PAIRS: Final = frozenset({"USD/CAD", "USD/TRY", "USD/PHP"})
_LONGEST: Final = 60


def cycle_days(kind: str, traded: date) -> int:
    """Return the settlement cycle in business days that held on a trade date.

    Parameters
    ----------
    kind : str
        A table of ``cycles.toml``.
    traded : date
        Trade date.

    Returns
    -------
    int
        ``n`` of T+n.

    Raises
    ------
    ConfigError
        If there is no such table.

    Examples
    --------
    >>> cycle_days("stock", date(2024, 5, 24)), cycle_days("stock", date(2024, 5, 28))
    (2, 1)
    """
    table = _cycles()
    if kind not in table:
        raise ConfigError(f"no settlement cycle for {kind!r}; known: {', '.join(sorted(table))}")
    return next(days for since, days in table[kind] if since <= traded)


def settlement_date(
    traded: date, asset_class: AssetClass, is_settlement_day: BankDays, *, is_us: bool = True
) -> date:
    """Return when a trade settles.

    Parameters
    ----------
    traded : date
        Trade date.
    asset_class : AssetClass
        Kind of contract; for currencies see `value_date`.
    is_settlement_day : callable
        Whether a day counts: the exchange is open and so are the banks.
    is_us : bool
        Whether the United States' eras hold; elsewhere equities settle on the second day.

    Returns
    -------
    date
        The trade date itself for crypto.

    Raises
    ------
    ConfigError
        If the contract does not settle this way, or no settlement day follows within 60 days.
    """
    if asset_class is AssetClass.FOREX or asset_class not in _KIND:
        raise ConfigError(f"{asset_class.value} has no settlement date of this kind")
    kind = _KIND[asset_class]
    if kind == "stock" and not is_us:
        kind = "elsewhere"
    return _after(traded, cycle_days(kind, traded), is_settlement_day)


def value_date(traded: date, pair: str, base_open: BankDays, quote_open: BankDays) -> date:
    """Return the value date of a spot currency trade.

    Parameters
    ----------
    traded : date
        Trade date.
    pair : str
        ``EUR/USD``.
    base_open, quote_open : callable
        Bank days of the two currencies.

    Returns
    -------
    date
        T+2, T+1 for `NEXT_DAY_PAIRS`; open in both. On the days between, a holiday of the dollar
        does not count.

    Raises
    ------
    ConfigError
        If the pair is not two codes of three letters.
    """
    base, _, quote = pair.partition("/")
    if len(base) != 3 or len(quote) != 3:
        raise ConfigError(f"pair is {pair!r}, wanted two currencies such as EUR/USD")
    both = ((base, base_open), (quote, quote_open))

    def counts(day: date) -> bool:
        is_weekday = day.weekday() < 5
        return is_weekday and all(is_open(day) for code, is_open in both if code != "USD")

    kind = "forex_next_day" if pair in NEXT_DAY_PAIRS else "forex"
    days = cycle_days(kind, traded)
    between = _after(traded, days - 1, counts) if days > 1 else traded
    return _after(between, 1, lambda day: base_open(day) and quote_open(day))


def _after(start: date, days: int, counts: BankDays) -> date:
    day, left = start, days
    while left:
        day += timedelta(days=1)
        if (day - start).days > _LONGEST:
            raise ConfigError(f"no settlement day within {_LONGEST} days of {start}")
        left -= counts(day)
    return day


@cache
def _cycles() -> dict[str, list[tuple[date, int]]]:
    # By kind, newest rule first.
    text = files(__package__).joinpath("cycles.toml").read_text(encoding="utf-8")
    tables: dict[str, list[dict[str, Any]]] = tomllib.loads(text)
    return {
        kind: sorted(((row["since"], row["days"]) for row in rows), reverse=True)
        for kind, rows in tables.items()
    }

"""From bars, costs and rules to the kernel's bundles, and from its books to an outcome."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradewright.costs import Costs
from tradewright.costs.impact_inputs import past_half_spread, past_volatility_and_volume
from tradewright.domain.actions import ActionSchedule
from tradewright.domain.bars import Bars
from tradewright.domain.currencies.worth import WORTH_UNIT, Worth, worth_of
from tradewright.domain.errors import ConfigError, DataError
from tradewright.domain.instruments import AssetClass
from tradewright.domain.money import minor_exponent
from tradewright.domain.outcome import ORDER_DTYPE, Outcome, RunStatus
from tradewright.domain.rules import INTRABAR, MARGIN_CHECK, FillRules
from tradewright.domain.time import NS_PER_DAY, from_ns
from tradewright.simulation import codes as c
from tradewright.simulation.actions.table import effects_of_books, tell_actions
from tradewright.simulation.intake import lot_units, tick_of
from tradewright.simulation.money.currencies import settling_pairs
from tradewright.simulation.money.payments import payments_of, unfunded
from tradewright.simulation.money.proceeds import Settling, tell_settlement, unsettled_line
from tradewright.simulation.tables import Books
from tradewright.simulation.tape.laid import LaidBars
from tradewright.simulation.tape.latency import first_rows

LARGEST_UNITS: Final = 4e18
"""Prices and quantities in 1e-8 units stay below this."""

DAILY: Final = ("1d", "1wk", "1mo")
FAST: Final = (
    AssetClass.FOREX,
    AssetClass.CFD,
    AssetClass.CRYPTO,
    AssetClass.CRYPTO_PERP,
    AssetClass.FUTURE,
)
"""Kinds whose leveraged margin is checked inside the bar, and which may go beyond `STOCK_CAP`."""

DERIVATIVES: Final = (AssetClass.CRYPTO_PERP, AssetClass.FUTURE)
"""Kinds that are sold short without borrowing anything."""

STOCK_CAP: Final = 2.0
CHUNK: Final = 2048
"""Orders that are copied at a time."""
_NO_SESSIONS: Final = np.empty(0, dtype=np.int64)


def sessions_of(bars: Bars) -> NDArray[np.int64]:
    """Return the number of the session of each bar.

    Parameters
    ----------
    bars : Bars
        Bars.

    Returns
    -------
    ndarray of int64
        The UTC date of the instant before each close; empty where every bar is a session.
    """
    if isinstance(bars, LaidBars):
        return bars.sessions
    return _NO_SESSIONS if bars.interval in DAILY else (bars.ts - 1) // NS_PER_DAY


def open_books(
    bars: Bars,
    costs: Costs,
    rules: FillRules,
    *,
    cash_minor: int,
    currency: str,
    logs: bool = False,
    actions: ActionSchedule | None = None,
    settling: Settling | None = None,
) -> Books:
    """Return the books of a new account on a market, under rules and costs.

    Parameters
    ----------
    bars : Bars
        The market.
    costs : Costs
        What trading costs.
    rules : FillRules
        How the venue fills.
    cash_minor : int
        Cash at the start, minor units.
    currency : str
        Currency of the account.
    logs : bool
        Whether changes of orders are logged, for a venue that is polled.
    actions : ActionSchedule, optional
        Corporate actions of the market.
    settling : callable, optional
        Says when sales settle, for ``rules.settlement: cash``.

    Raises
    ------
    ConfigError
        If cash, currency or prices do not fit, or the actions of the bars are missing.
    """
    if rules.intrabar == "finer" and not isinstance(bars, LaidBars):
        raise ConfigError(
            "rules.intrabar is 'finer' and no finer bars are given, for example "
            "tw.backtest(..., finer=bars_of_a_minute)"
        )
    worth = worth_of(bars, currency)
    check_account(bars, cash_minor, rules, currency)
    if worth is not None:
        check_worth(bars, worth, cash_minor * rules.leverage, currency)
    books = Books(bars.n_bars, bars.n_instruments, cash_minor, logs=logs)
    for name in ("open", "high", "low", "close", "volume", "ts"):
        books.point(name, getattr(bars, name))
    books.point("intrabar", INTRABAR.index(rules.intrabar))
    books.point("is_through", rules.limit_touch == "through")
    books.point("participation", rules.max_participation or 0.0)
    books.point("sizes_at_open", rules.size_at == "fill_open")
    books.point("rejects", rules.on_insufficient == "reject")
    books.point("allows_short", rules.allow_short)
    books.point("leverage", rules.leverage)
    books.point("max_stale", rules.max_stale_bars)
    books.point("closes_at_end", rules.close_at_end)
    books.point("latency", rules.latency_bars)
    starts = first_rows(bars, rules)
    if starts is not None:
        books.point("starts", starts)
        books.point("has_starts", 1)
    books.point("margin_check", MARGIN_CHECK.index(margin_check_of(bars, rules)))
    books.point("maintain_long", rules.maintenance_long)
    books.point("maintain_short", rules.maintenance_short)
    books.point("value_scale", 10.0 ** (minor_exponent(currency) - 16))
    if worth is not None:
        books.point("factors", worth.factors)
        books.point("factor_line", worth.factors)
        books.point("has_rates", worth.changes)
    _tell_currencies(books, bars, currency, is_held=rules.settle == "held")
    books.instruments["lot"] = [lot_units(instrument) for instrument in bars.instruments]
    books.instruments["tick"] = [tick_of(i) for i in bars.instruments]
    if rules.max_participation is not None:
        books.instruments["is_capped"] = (bars.volume > 0).any(axis=0)
    _tell_costs(books, bars, costs, currency)
    tell_actions(books, bars, actions)
    tell_settlement(books, bars, rules, settling)
    books.notes += unfunded(bars, costs.funding)
    return books


def _tell_currencies(books: Books, bars: Bars, currency: str, *, is_held: bool) -> None:
    foreign = [i.currency != currency for i in bars.instruments]
    if not is_held or not any(foreign):
        books.instruments["converts"] = foreign
        return
    books.point("holds_cash", 1)
    books.instruments["settles"] = settling_pairs(bars, currency)
    books.instruments["own_factor"] = [round(i.multiplier * WORTH_UNIT) for i in bars.instruments]
    books.instruments["own_scale"] = [10 ** minor_exponent(i.currency) for i in bars.instruments]


def margin_check_of(bars: Bars, rules: FillRules) -> str:
    """Return when the margin is checked, where the rules leave it to the instruments."""
    if rules.margin_check is not None:
        return rules.margin_check
    is_fast = any(i.asset_class in FAST for i in bars.instruments)
    return "worst" if is_fast and rules.leverage > 1 else "close"


def _tell_costs(books: Books, bars: Bars, costs: Costs, currency: str) -> None:
    # What is off is not computed, and the kernel does not look at it.
    terms = costs.terms(currency)
    books.point("terms", terms)
    books.point("credit", costs.credit_rate)
    if len(terms) > 1:
        books.point("n_tiers", len(terms))
        months = (bars.ts - 1).view("datetime64[ns]").astype("datetime64[M]")
        books.point("months", months.astype(np.int64))
    needs_past = bool(costs.impact or costs.slippage_vol)
    if needs_past or costs.spread_model:
        days = sessions_of(bars)
        days = np.arange(bars.n_bars) if len(days) == 0 else days
    if needs_past:
        sigma, adv = past_volatility_and_volume(bars.close, bars.volume, days)
        books.point("sigma", sigma)
        books.point("adv", adv)
        books.point("has_impact", 1)
    if costs.spread_model:
        half = past_half_spread(bars.high, bars.low, bars.close, days)
        books.point("spreads", half * costs.model_scale)
        books.point("has_spreads", 1)
    if isinstance(costs.impact, str):
        books.instruments["shares"] = [_shares(costs, symbol) for symbol in bars.symbols]
    lends = [i.asset_class not in DERIVATIVES for i in bars.instruments]
    if costs.borrow_rates or (costs.borrow_rate and not all(lends)):
        rates = costs.borrow_rates or {}
        books.point("has_borrow", 1)
        books.instruments["borrow"] = [
            rates.get(symbol, costs.borrow_rate if is_lent else 0.0)
            for symbol, is_lent in zip(bars.symbols, lends, strict=True)
        ]
    if costs.funding:
        payments = payments_of(bars, costs.funding)
        books.point("payments", payments)
        books.point("n_payments", len(payments))
        books.point("funding", np.zeros(bars.n_bars, dtype=np.int64))
    if costs.hard_to_borrow:
        books.instruments["no_borrow"] = np.isin(bars.symbols, costs.hard_to_borrow)


def _shares(costs: Costs, symbol: str) -> int:
    shares = (costs.shares_outstanding or {}).get(symbol, 0.0)
    if not 1 <= shares < LARGEST_UNITS:
        raise ConfigError(f"costs.shares_outstanding[{symbol}] is {shares}, wanted at least 1")
    return round(shares)


def tell_sessions(books: Books, bars: Bars) -> None:
    """Tell the kernel where sessions end; needed only where orders may end with them."""
    sessions = sessions_of(bars)
    books.point("session", sessions)
    books.point("n_sessions", len(sessions))


def check_account(bars: Bars, cash_minor: int, rules: FillRules, currency: str) -> None:
    """Refuse an account or prices whose products would leave 64 bits.

    Raises
    ------
    ConfigError
        If cash is not above 0, the currencies differ, or cash or a price is too large.
    """
    if cash_minor <= 0:
        raise ConfigError(f"cash is {cash_minor} minor units, wanted above 0")
    if rules.leverage > STOCK_CAP:
        slow = [i.symbol for i in bars.instruments if i.asset_class not in FAST]
        if slow:
            raise ConfigError(
                f"rules.leverage is {rules.leverage} with {', '.join(slow[:5])}, wanted at most "
                f"{STOCK_CAP:g} for this kind of instrument"
            )
    lowest, highest = float(bars.close.min()), float(bars.close.max())
    if math.isnan(lowest):
        lowest, highest = (float(f.reduce(bars.close, axis=None)) for f in (np.fmin, np.fmax))
    if not lowest > 0:
        raise DataError(f"bars: the lowest close is {lowest}, wanted above 0")
    units = cash_minor / 10 ** minor_exponent(currency) * rules.leverage / lowest * 1e8
    if highest * 1e8 >= LARGEST_UNITS or units >= LARGEST_UNITS or cash_minor >= LARGEST_UNITS:
        raise ConfigError(
            f"cash of {cash_minor:.15g} minor units with prices from {lowest:g} to {highest:g} "
            "would overflow: a price must stay below 4e10 and cash must not buy 4e10 units"
        )


def check_worth(bars: Bars, worth: Worth, spendable: float, currency: str) -> None:
    """Refuse prices whose worth would leave 64 bits.

    Raises
    ------
    ConfigError
        Naming the instrument.
    """
    worths = np.abs(bars.close) * worth.lines()
    lowest, highest = (f.reduce(worths, axis=0) for f in (np.fmin, np.fmax))
    units = spendable / 10 ** minor_exponent(currency) / lowest * 1e8
    for column in np.flatnonzero((highest * 1e8 >= LARGEST_UNITS) | (units >= LARGEST_UNITS))[:1]:
        raise ConfigError(
            f"{bars.symbols[column]}: a unit is worth {lowest[column]:g} to {highest[column]:g} "
            f"{currency}, which would overflow: a unit must stay below 4e10 and cash must not buy "
            "4e10 of them"
        )


def raise_for_state(books: Books, bars: Bars) -> None:
    """Turn the reason why the kernel stopped into an error.

    Raises
    ------
    DataError
        If a held instrument had no bars for too long.
    ConfigError
        If a quantity would overflow or weights exceed the leverage.
    """
    state, place = books.number("state"), books.number("state_at")
    assert state != c.LEFT_OUT, "a lean kernel was given an account that needs all of it"
    if state == c.STALE_DATA:
        missing = int(books.instruments["stale"][place])
        last = books.number("row") - 1
        first = max(0, last - missing + 1)
        raise DataError(
            f"{bars.symbols[place]}: no bar for {missing} rows while it is held, "
            f"{from_ns(bars.ts[first]):%Y-%m-%d %H:%M} to {from_ns(bars.ts[last]):%Y-%m-%d %H:%M}"
            " UTC; close it before its data end, or raise rules.max_stale_bars"
        )
    if state == c.OVERFLOW:
        raise ConfigError(
            f"{bars.symbols[place]}: a quantity or value would overflow 64 bits; use less cash or"
            " larger prices"
        )
    if state == c.OVER_WEIGHT:
        raise ConfigError(
            f"weights of row {place} ({from_ns(bars.ts[place]):%Y-%m-%d}) add up to more than"
            " rules.leverage in absolute value"
        )


def order_rows(books: Books) -> NDArray[np.void]:
    """Return the orders as rows of `ORDER_DTYPE`."""
    table = books.orders[: books.number("n_orders")]
    out = np.empty(len(table), dtype=ORDER_DTYPE)
    for first in range(0, len(table), CHUNK):
        # Rows are wide: what is in the cache is read for every field before the next.
        part, into = table[first : first + CHUNK], out[first : first + CHUNK]
        for name in ORDER_DTYPE.names or ():
            into[name] = part[name]
    return out


def outcome_of(
    books: Books,
    bars: Bars,
    *,
    cash_minor: int,
    currency: str,
    actions: ActionSchedule | None = None,
) -> Outcome:
    """Return the record of a run from its books.

    Parameters
    ----------
    books : Books
        Books after the last bar.
    bars : Bars
        Bars that were processed.
    cash_minor : int
        Cash at the start.
    currency : str
        Currency of the account.
    actions : ActionSchedule, optional
        Corporate actions of the market.
    """
    rows = books.number("row")
    series = [line[:rows] for line in books.series]
    message = ""
    if books.number("state") == c.RUINED:
        message = f"equity fell to {series[0][-1]} minor units at row {rows - 1}; the run ended"
    notes = []
    if books.account["participation"][0] > 0 and not books.instruments["is_capped"].all():
        free = np.flatnonzero(books.instruments["is_capped"] == 0)
        names = ", ".join(bars.symbols[column] for column in free[:5])
        notes.append(f"no volume cap for {len(free)} instruments without volume: {names}")
    notes += books.notes
    calls = books.number("n_calls")
    if calls:
        first = from_ns(bars.ts[books.number("first_call")])
        notes.append(f"{calls} margin calls, the first on {first:%Y-%m-%d}")
    return Outcome(
        instruments=bars.instruments,
        ts=bars.ts[:rows],
        equity=series[0],
        cash=series[1],
        long_value=series[2],
        short_value=series[3],
        fills=books.fills[: books.number("n_fills")],
        orders=order_rows(books),
        financing=series[4],
        worth=_last_worth(bars, currency, rows),
        funding=books.inputs["funding"][:rows] if "funding" in books.inputs else None,
        unsettled=unsettled_line(books, rows),
        initial_cash=cash_minor,
        marks=_marks(books, bars, rows),
        currency=currency,
        status=RunStatus.COMPLETED,
        message=message,
        path_dependent_fills=books.number("path"),
        notes=tuple(notes),
        **effects_of_books(books, actions),
    )


def _last_worth(bars: Bars, currency: str, rows: int) -> NDArray[np.float64] | None:
    worth = worth_of(bars, currency)
    return None if worth is None else worth.at(rows - 1) / WORTH_UNIT


def _marks(books: Books, bars: Bars, rows: int) -> NDArray[np.float64]:
    # Last closes; of what is held, as corporate actions have restated them.
    marks = _last_closes(bars, rows)
    if books.number("n_effects"):
        held = books.instruments["position"] != 0
        marks[held] = books.instruments["mark"][held]
    return marks


def _last_closes(bars: Bars, rows: int) -> NDArray[np.float64]:
    if rows == 0:
        return np.full(bars.n_instruments, np.nan)
    marks: NDArray[np.float64] = bars.close[rows - 1].copy()
    for column in np.flatnonzero(np.isnan(marks)):
        known = np.flatnonzero(~np.isnan(bars.close[:rows, column]))
        if len(known):
            marks[column] = bars.close[known[-1], column]
    return marks

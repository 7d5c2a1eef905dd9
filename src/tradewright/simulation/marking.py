"""Between orders: financing, marks at the close, stale data."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from tradewright.costs.rounding import product_half_even
from tradewright.costs.terms import terms_at
from tradewright.jit import load_float, load_int, part, store_int
from tradewright.simulation import codes as c
from tradewright.simulation.money.worth import in_money, use_rates
from tradewright.simulation.tables import instrument_at

YEAR_NS: Final = 360.0 * 86_400.0 * 1e9
"""The year of act/360 in nanoseconds."""

DOUBT: Final = 6e-16
"""More than the relative error of quantity times price times scale: five roundings of 2**-53."""

BLOCK: Final = 1024
"""Rows that are marked at a time; they stay in the nearest cache."""


@part
def price_at(account: Any, prices: int, row: int, column: int) -> float:
    """Return one price of the panel at an address."""
    return float(load_float(prices, row * account.n_instruments + column))


@part
def quantised(price: float) -> int:
    """Return a price in units of 1e-8, the form in which it fills."""
    return int(np.rint(price * 1e8))


@part
def value_minor(qty: int, px: int, scale: float, exponent_scale: int) -> int:
    """Return a signed quantity at a price in minor units, rounded half to even.

    Parameters
    ----------
    qty : int
        Signed, 1e-8 units.
    px : int
        1e-8 units.
    scale : float
        ``10 ** (e - 16)``.
    exponent_scale : int
        ``10 ** e``.

    Returns
    -------
    int
        Equal to the exact product in every case: float arithmetic decides only where it cannot err.
    """
    value = float(qty) * float(px) * scale
    nearest = np.rint(value)
    if abs(abs(value - nearest) - 0.5) > 1e-9 + abs(value) * DOUBT:
        return int(nearest)
    exact = int(product_half_even(abs(qty), px, exponent_scale))
    return exact if qty >= 0 else -exact


@part
def value_of(account: Any, column: int, qty: int, px: int) -> int:
    """Return a signed quantity of an instrument at a price in the account's minor units."""
    scale = terms_at(account.terms, 0).exponent_scale
    return int(value_minor(qty, in_money(account, column, px), account.value_scale, scale))


@part
def finance(account: Any, row: int) -> None:
    """Charge borrow on shorts and interest on negative cash, pay it on positive cash, act/360.

    Fractions of a minor unit are carried, so that short intervals lose nothing.
    """
    if row == 0:
        return
    short = account.short_now
    if short == 0 and account.cash >= 0 and account.credit == 0.0:
        return
    terms = terms_at(account.terms, 0)
    years = (load_int(account.ts, row) - load_int(account.ts, row - 1)) / YEAR_NS
    borrowed = borrow_now(account) if account.has_borrow else -short * terms.borrow
    account.accrued += (borrowed + max(-account.cash, 0) * terms.debit) * years
    if account.credit > 0.0:
        # Proceeds of short sales are collateral and earn nothing.
        account.accrued -= max(account.cash + short, 0) * account.credit * years
    due = int(np.rint(account.accrued))
    if due != 0:
        account.accrued -= due
        account.cash -= due
        account.has_shorted = 1
        store_int(account.financing, row, due)


@part
def borrow_now(account: Any) -> float:
    """Return what borrowing costs a year at the last closes, each short at its own rate."""
    total = 0.0
    for at in range(account.n_held):
        column = load_int(account.held, at)
        holding = instrument_at(account.instruments, column)
        if holding.position < 0:
            value = value_of(account, column, holding.position, quantised(holding.mark))
            total -= value * holding.borrow
    return total


@part
def margin_surplus(account: Any, cash: int, longs: int, shorts: int) -> float:
    """Return equity beyond the maintenance margin of long and short values, in minor units."""
    wanted = account.maintain_long * float(longs) - account.maintain_short * float(shorts)
    return float(float(cash + longs + shorts) - wanted)


@part
def can_be_called(account: Any) -> bool:
    """Whether something is held short or on debt while the margin is checked."""
    return bool(account.margin_check != c.NEVER and (account.n_shorts > 0 or account.cash < 0))


@part
def mark(account: Any, row: int) -> None:
    """Write equity, cash and values of a row at its close; count bars without data."""
    longs, shorts = 0, 0
    if account.has_rates:
        use_rates(account, row)
    # Asked once: what is written to the holdings could, for all the compiler knows, change it.
    is_plain, scale = account.factor_line == 0, account.value_scale
    exponent_scale = terms_at(account.terms, 0).exponent_scale
    for at in range(account.n_held):
        column = load_int(account.held, at)
        holding = instrument_at(account.instruments, column)
        close = price_at(account, account.close, row, column)
        if close == close:  # noqa: PLR0124 - a NaN differs from itself
            holding.mark = close
            holding.stale = 0
        else:
            holding.stale += 1
            if holding.stale > account.max_stale:
                account.state = c.STALE_DATA
                account.state_at = column
        px = quantised(holding.mark)
        if not is_plain:
            px = in_money(account, column, px)
        value = value_minor(holding.position, px, scale, exponent_scale)
        longs += max(value, 0)
        shorts += min(value, 0)
    equity = account.cash + account.due + longs + shorts
    if account.margin_check == c.AT_CLOSE and (shorts < 0 or account.cash < 0):
        account.is_called = int(margin_surplus(account, account.cash, longs, shorts) < 0.0)
    store_int(account.equity, row, equity)
    store_int(account.cash_line, row, account.cash)
    store_int(account.long_line, row, longs)
    account.short_now = shorts
    if shorts < 0:
        account.has_shorted = 1
        store_int(account.short_line, row, shorts)
    if equity <= 0 and (shorts < 0 or account.cash < 0) and account.state == c.DONE:
        account.state = c.RUINED
    account.row = row + 1


@part
def mark_flat(account: Any, first: int, last: int) -> None:
    """Write the rows of an account that holds nothing and owes nothing."""
    cash = account.cash
    owned = cash + account.due
    account.short_now = 0
    equity, cash_line, long_line = account.equity, account.cash_line, account.long_line
    for row in range(first, last):
        store_int(equity, row, owned)
    for row in range(first, last):
        store_int(cash_line, row, cash)
    for row in range(first, last):
        store_int(long_line, row, 0)
    account.row = last


@part
def mark_one_long(account: Any, first: int, last: int) -> int:
    """Write rows while one long position is held without debt; return the row it stopped at.

    It stops early at a bar without data, which `mark` then counts.
    """
    column = load_int(account.held, 0)
    holding = instrument_at(account.instruments, column)
    row = first
    while row < last:
        end = min(row + BLOCK, last)
        missing = 0
        for at in range(row, end):
            close = price_at(account, account.close, at, column)
            missing += int(close != close)  # noqa: PLR0124 - NaN
        if missing > 0:
            end = row
            close = price_at(account, account.close, end, column)
            while close == close:  # noqa: PLR0124 - NaN
                end += 1
                close = price_at(account, account.close, end, column)
        _mark_block(account, column, row, end)
        if end > row:
            holding.mark = price_at(account, account.close, end - 1, column)
            holding.stale = 0
            account.row = end
        row = end
        if missing > 0:
            break
    return row


@part
def _mark_block(account: Any, column: int, first: int, last: int) -> None:
    # Float arithmetic for all, without a branch; exact products where a half may round either way.
    holding = instrument_at(account.instruments, column)
    cash, scale, qty = account.cash, account.value_scale, holding.position
    owned = cash + account.due
    units, width = float(qty), account.n_instruments
    equity, cash_line, long_line = account.equity, account.cash_line, account.long_line
    place = account.close + column * 8
    doubtful = 0
    for row in range(first, last):
        value = units * np.rint(load_float(place, row * width) * 1e8) * scale
        nearest = np.rint(value)
        doubtful += int(abs(abs(value - nearest) - 0.5) <= 1e-9 + value * DOUBT)
        whole = int(nearest)
        store_int(equity, row, owned + whole)
        store_int(cash_line, row, cash)
        store_int(long_line, row, whole)
    if doubtful > 0:
        for row in range(first, last):
            whole = value_of(account, column, qty, quantised(load_float(place, row * width)))
            store_int(equity, row, owned + whole)
            store_int(long_line, row, whole)


@part
def mark_gap(account: Any, first: int, last: int) -> None:
    """Process rows ``first`` to ``last`` (exclusive) in which no order can do anything."""
    row = first
    while row < last and account.state == c.DONE:
        if account.cash >= 0 and account.n_shorts == 0 and account.credit == 0.0:
            if account.n_held == 0:
                mark_flat(account, row, last)
                return
            if account.n_held == 1 and account.factor_line == 0:
                row = mark_one_long(account, row, last)
                if row == last:
                    return
        finance(account, row)
        mark(account, row)
        row += 1


@part
def value_at(account: Any, column: int, px: int) -> None:
    """Value one instrument's position at a price and keep the account's sums in step."""
    holding = instrument_at(account.instruments, column)
    old = holding.value
    new = value_of(account, column, holding.position, px)
    account.longs += max(new, 0) - max(old, 0)
    account.shorts += min(new, 0) - min(old, 0)
    holding.value = new


@part
def price_now(account: Any, column: int) -> int:
    """Return the price of a bar's checks: an instrument's last fill, its open, its last close."""
    holding = instrument_at(account.instruments, column)
    if holding.fill_row == account.now + 1:
        return int(holding.fill_px)
    price = price_at(account, account.open, account.now, column)
    if price != price:  # noqa: PLR0124 - NaN
        price = holding.mark
    return int(quantised(price))


@part
def revalue(account: Any) -> None:
    """Value what is held, once per bar: at its last fill in the bar, its open, its last close."""
    if account.valued_row == account.now + 1:
        return
    account.valued_row = account.now + 1
    account.longs = 0
    account.shorts = 0
    for column in range(account.n_instruments):
        instrument_at(account.instruments, column).value = 0
    for at in range(account.n_held):
        column = load_int(account.held, at)
        value_at(account, column, price_now(account, column))

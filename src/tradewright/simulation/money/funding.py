"""Funding of perpetuals: longs pay shorts at the venue's times, on what is held then."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from tradewright.costs.rounding import product_half_even
from tradewright.jit import load_int, part, record_reader, store_int
from tradewright.simulation import codes as c
from tradewright.simulation.marking import price_at, quantised, value_of
from tradewright.simulation.tables import instrument_at

PAYMENT_DTYPE: Final = np.dtype(
    [
        ("row", np.int64),  # of the bar it falls into
        ("is_inside", np.int64),  # after the open of that bar rather than before it
        ("column", np.int64),
        ("rate", np.int64),  # 1e-12
    ]
)
"""One payment of one instrument, in the order of time."""

RATE_UNIT: Final = 10_000
"""With a rate in units of 1e-12: what makes ``product_half_even`` divide by 1e12."""

payment_at = record_reader(PAYMENT_DTYPE)


@part
def next_payment(account: Any) -> int:
    """Return the row of the next payment; that after the last bar where none is to come."""
    if account.funded >= account.n_payments:
        return int(account.n_bars)
    return int(payment_at(account.payments, account.funded).row)


@part
def fund(account: Any, row: int, is_inside: int) -> None:
    """Pay or receive what falls before the open of a bar, or after it.

    Before the open the position and the price are those of the last close; after it, those
    of the open, with its fills.

    Parameters
    ----------
    account : record of `ACCOUNT_DTYPE`
        Market and state.
    row : int
        Row of the bar.
    is_inside : int
        0 before the open, 1 after it.
    """
    while account.funded < account.n_payments:
        payment = payment_at(account.payments, account.funded)
        if payment.row > row or (payment.row == row and payment.is_inside > is_inside):
            return
        account.funded += 1
        column = payment.column
        holding = instrument_at(account.instruments, column)
        if holding.position == 0 or payment.rate == 0:
            continue
        price = holding.mark
        opened = price_at(account, account.open, row, column)
        if is_inside and opened == opened:  # noqa: PLR0124 - a NaN differs from itself
            price = opened
        value = value_of(account, column, holding.position, quantised(price))
        due = product_half_even(abs(value), abs(payment.rate), payment.rate * 0 + RATE_UNIT)
        if (value > 0) != (payment.rate > 0):
            due = -due
        account.cash -= due
        account.has_shorted = c.ONE
        store_int(account.financing, row, load_int(account.financing, row) + due)
        store_int(account.funding, row, load_int(account.funding, row) + due)

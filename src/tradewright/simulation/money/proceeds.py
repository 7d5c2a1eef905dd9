"""Proceeds of sales that are not settled yet: part of cash, but they buy nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError
from tradewright.domain.rules import FillRules
from tradewright.jit import load_int, part, store_int
from tradewright.simulation import codes as c
from tradewright.simulation.tables import Books, fill_at, instrument_at, out_of_reach


class SettledRows(NamedTuple):
    """When sales are paid.

    Parameters
    ----------
    rows : ndarray of shape (n_classes, n_bars), int64
        First row at whose open the proceeds of a sale in each bar are settled; n_bars where that
        is after the last.
    class_of : ndarray of shape (n_instruments,), int64
        Row of `rows` that holds for each instrument.
    """

    rows: NDArray[np.int64]
    class_of: NDArray[np.int64]


Settling = Callable[[Bars], SettledRows]
"""Says when sales on a tape settle."""


@part(left_out=out_of_reach)
def pay_settled(account: Any, row: int) -> None:
    """Settle what falls due up to the open of a bar."""
    while account.settled_to < row:
        account.settled_to += 1
        account.unsettled -= load_int(account.falling_due, account.settled_to)


@part(left_out=out_of_reach)
def await_payment(account: Any, fill: int) -> None:
    """Keep the proceeds of a sale, less its costs, unsettled until they are paid."""
    f = fill_at(account.fills, fill)
    net = f.notional - f.fee - f.spread - f.slippage - f.impact
    class_ = instrument_at(account.instruments, f.instrument).settlement_class
    due = load_int(account.settled_rows, class_ * account.n_bars + account.now)
    if net > 0 and due > account.now:
        account.unsettled += net
        store_int(account.falling_due, due, load_int(account.falling_due, due) + net)


def tell_settlement(books: Books, bars: Bars, rules: FillRules, settling: Settling | None) -> None:
    """Tell the kernel when sales are paid, where that is not at once.

    Raises
    ------
    ConfigError
        If the rules ask for settlement dates and none are given, or one has none.
    """
    if rules.settlement == "none":
        return
    if settling is None:
        raise ConfigError(
            "rules.settlement is 'cash' and no settlement dates are given: tw.backtest knows them; "
            "a drive called directly wants settling=tradewright.services.settlement.settled_rows"
        )
    found = settling(bars)
    books.point("defers", 1)
    books.point("settled_rows", found.rows)
    books.point("falling_due", np.zeros(bars.n_bars + 1, dtype=np.int64))
    books.instruments["settlement_class"] = found.class_of


def unsettled_after(books: Books, row: int) -> int:
    """Return what is unsettled after a bar, in minor units; rows the kernel skipped count too."""
    if not books.number("defers"):
        return 0
    return int(books.inputs["falling_due"][row + 1 :].sum())


def unsettled_line(books: Books, rows: int) -> NDArray[np.int64] | None:
    """Return what was unsettled at the close of each bar, from the fills; None where none can be.

    Parameters
    ----------
    books : Books
        Of a run.
    rows : int
        Bars that were processed.
    """
    if not books.number("defers"):
        return None
    fills = books.fills[: books.number("n_fills")]
    paid_at_once = np.isin(fills["reason"], (c.BY_MERGER, c.BY_DELISTING))
    sales = fills[(fills["side"] == c.SELL) & ~paid_at_once]
    net = sales["notional"] - sum(sales[n] for n in ("fee", "spread", "slippage", "impact"))
    due = books.inputs["settled_rows"][
        books.instruments["settlement_class"][sales["instrument"]], sales["bar"]
    ]
    net = np.where(net > 0, net, 0)
    change = np.zeros(books.n_bars + 1, dtype=np.int64)
    np.add.at(change, sales["bar"], net)
    np.add.at(change, due, -net)
    line: NDArray[np.int64] = np.cumsum(change)[:rows]
    return line

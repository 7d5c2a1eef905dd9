"""Decisions made ahead, run in one compiled call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from tradewright.costs import Costs
from tradewright.domain.actions import ActionSchedule
from tradewright.domain.bars import Bars
from tradewright.domain.decisions import Orders, Signals, TargetWeights
from tradewright.domain.errors import ConfigError
from tradewright.domain.orders import Order
from tradewright.domain.outcome import Outcome
from tradewright.domain.rules import FillRules
from tradewright.jit import Whole
from tradewright.simulation import codes as c
from tradewright.simulation.intake import INTAKE, last_row_of, lot_units, order_row, tick_of
from tradewright.simulation.kernel import run
from tradewright.simulation.money.proceeds import Settling
from tradewright.simulation.opening import (
    open_books,
    outcome_of,
    raise_for_state,
    tell_sessions,
)
from tradewright.simulation.tables import WORK_DTYPE, Books
from tradewright.simulation.tape.finer import on_finer

DEFAULT_RULES: Final = FillRules()


def run_signals(
    bars: Bars,
    signals: Signals,
    *,
    cash_minor: int,
    costs: Costs | None = None,
    rules: FillRules = DEFAULT_RULES,
    currency: str = "USD",
    actions: ActionSchedule | None = None,
    finer: Bars | None = None,
    settling: Settling | None = None,
) -> Outcome:
    """Trade entries and exits decided ahead.

    Parameters
    ----------
    bars : Bars
        Bars of shape (n_bars, n_instruments).
    signals : Signals
        Flags of the same shape; row ``t`` is decided at the close of bar ``t``.
    cash_minor : int
        Cash at the start, minor units; > 0.
    costs : Costs or None
        None is no cost.
    rules : FillRules
        How the venue fills.
    currency : str
        Currency of the account and of every instrument.
    actions : ActionSchedule, optional
        Corporate actions of bars that carry some.
    finer : Bars, optional
        Bars of a shorter interval, for ``rules.intrabar: finer``.
    settling : callable, optional
        Says when sales settle, for ``rules.settlement: cash``.

    Returns
    -------
    Outcome
        Fills, orders, equity.

    Raises
    ------
    ConfigError
        If shapes differ, or cash is not above 0 or too large.
    DataError
        If a held instrument is without bars for more than ``rules.max_stale_bars``.

    Notes
    -----
    Timing: row ``t`` fills at the open of bar ``t + 1`` at the earliest; the last row never fills.
    An entry counts while flat, an exit while held; an opposite entry closes and reverses. Flags
    that contradict each other while flat do nothing. The quantity is the largest whole number of
    lots that ``size * equity`` buys at the fill, costs included.
    Missing data: an order waits for the next bar of its instrument.
    """
    if finer is not None:
        account: Any = {"cash_minor": cash_minor, "costs": costs, "currency": currency}
        account["settling"] = settling
        return on_finer(run_signals, bars, signals, finer, rules=rules, **account)
    how: Any = {"cash_minor": cash_minor, "currency": currency, "settling": settling}
    books = open_books(bars, costs or Costs(), rules, actions=actions, **how)
    plan_decisions(books, bars, signals)
    return finish(books, bars, cash_minor=cash_minor, currency=currency, actions=actions)


def run_weights(
    bars: Bars,
    targets: TargetWeights,
    *,
    cash_minor: int,
    costs: Costs | None = None,
    rules: FillRules = DEFAULT_RULES,
    currency: str = "USD",
    actions: ActionSchedule | None = None,
    finer: Bars | None = None,
    settling: Settling | None = None,
) -> Outcome:
    """Trade towards weights decided ahead.

    Parameters
    ----------
    bars : Bars
        Bars of shape (n_bars, n_instruments).
    targets : TargetWeights
        Weights of the same shape; NaN leaves a position as it is.
    cash_minor : int
        Cash at the start, minor units; > 0.
    costs : Costs or None
        None is no cost.
    rules : FillRules
        ``size_at`` says whether the quantity is found at the decision's close or at the fill's
        open.
    currency : str
        Currency of the account and of every instrument.
    actions : ActionSchedule, optional
        Corporate actions of bars that carry some.
    finer : Bars, optional
        Bars of a shorter interval, for ``rules.intrabar: finer``.
    settling : callable, optional
        Says when sales settle, for ``rules.settlement: cash``.

    Returns
    -------
    Outcome
        Fills, orders, equity.

    Raises
    ------
    ConfigError
        If shapes differ, weights of a row exceed the leverage, or cash is wrong.
    DataError
        If a held instrument is without bars for more than ``rules.max_stale_bars``.

    Notes
    -----
    Timing: row ``t`` fills at the open of bar ``t + 1`` at the earliest. Sales that reduce come
    before purchases, so that their cash can be spent.
    Missing data: a weight for an instrument without a price is denied.
    """
    if finer is not None:
        account: Any = {"cash_minor": cash_minor, "costs": costs, "currency": currency}
        account["settling"] = settling
        return on_finer(run_weights, bars, targets, finer, rules=rules, **account)
    how: Any = {"cash_minor": cash_minor, "currency": currency, "settling": settling}
    books = open_books(bars, costs or Costs(), rules, actions=actions, **how)
    plan_decisions(books, bars, targets)
    return finish(books, bars, cash_minor=cash_minor, currency=currency, actions=actions)


def run_orders(
    bars: Bars,
    orders: Orders,
    *,
    cash_minor: int,
    costs: Costs | None = None,
    rules: FillRules = DEFAULT_RULES,
    currency: str = "USD",
    actions: ActionSchedule | None = None,
    finer: Bars | None = None,
    settling: Settling | None = None,
) -> Outcome:
    """Work a table of orders decided ahead.

    Parameters
    ----------
    bars : Bars
        Bars of shape (n_bars, n_instruments).
    orders : Orders
        One row per order; its ``bar`` is the row of the decision.
    cash_minor : int
        Cash at the start, minor units; > 0.
    costs : Costs or None
        None is no cost.
    rules : FillRules
        How the venue fills.
    currency : str
        Currency of the account and of every instrument.
    actions : ActionSchedule, optional
        Corporate actions of bars that carry some.
    finer : Bars, optional
        Bars of a shorter interval, for ``rules.intrabar: finer``.
    settling : callable, optional
        Says when sales settle, for ``rules.settlement: cash``.

    Returns
    -------
    Outcome
        Fills, orders, equity.

    Raises
    ------
    ConfigError
        If an order names a row or symbol that the bars do not have, or cash is wrong.
    DataError
        If a held instrument is without bars for more than ``rules.max_stale_bars``.
    """
    if finer is not None:
        account: Any = {"cash_minor": cash_minor, "costs": costs, "currency": currency}
        account["settling"] = settling
        return on_finer(run_orders, bars, orders, finer, rules=rules, **account)
    how: Any = {"cash_minor": cash_minor, "currency": currency, "settling": settling}
    books = open_books(bars, costs or Costs(), rules, actions=actions, **how)
    table = _order_table(bars, orders)
    books.point("plan", c.TABLE)
    books.point("table", table)
    books.point("n_table", len(table))
    if table["tif"].any():
        tell_sessions(books, bars)
    return finish(books, bars, cash_minor=cash_minor, currency=currency, actions=actions)


def plan_decisions(books: Books, bars: Bars, decisions: Signals | TargetWeights) -> None:
    """Give books the signals or weights that decide their orders.

    Raises
    ------
    ConfigError
        If their shape is not that of the bars.
    """
    for name, value in decision_fields(bars, decisions).items():
        books.point(name, value)


def decision_fields(bars: Bars, decisions: Signals | TargetWeights) -> dict[str, Any]:
    """Return signals or weights as fields of the account; arrays stand for their addresses.

    Raises
    ------
    ConfigError
        If their shape is not that of the bars.
    """
    if isinstance(decisions, TargetWeights):
        if decisions.weights.shape != bars.close.shape:
            raise ConfigError(
                f"TargetWeights: shape {decisions.weights.shape}, wanted {bars.close.shape} as the"
                " bars"
            )
        return {"plan": c.WEIGHTS, "values": decisions.weights}
    if decisions.entries.shape != bars.close.shape:
        raise ConfigError(
            f"Signals: shape {decisions.entries.shape}, wanted {bars.close.shape} as the bars"
        )
    flags = decisions.entries.view(np.uint8) | (decisions.exits.view(np.uint8) << 1)
    if decisions.short_entries is not None:
        flags |= decisions.short_entries.view(np.uint8) << 2
    if decisions.short_exits is not None:
        flags |= decisions.short_exits.view(np.uint8) << 3
    size = decisions.size
    return {
        "plan": c.SIGNALS,
        "flags": flags,
        "values": np.array([size]) if isinstance(size, float) else size,
        "n_values": 1 if isinstance(size, float) else bars.n_bars,
        "stop": decisions.stop or 0.0,
        "target": decisions.target or 0.0,
        "trail": decisions.trail or 0.0,
    }


def kernel_of(books: Books) -> Whole:
    """Return the kernel for an account: the lean one where it needs no rare phase."""
    touches = books.number("intrabar")
    needs_all = books.number("n_actions") > 0 or books.number("defers") > 0
    needs_all = needs_all or touches not in (c.PESSIMISTIC, c.OPTIMISTIC)
    return cast(Whole, run if needs_all else run.lean)


def drive(books: Books, stop: int) -> None:
    """Run the kernel up to a row, giving the tables room as they fill."""
    kernel = kernel_of(books)
    while kernel(books.address, stop) == c.NEEDS_ROOM:
        books.make_room(4 * books.number("room"))


def finish(
    books: Books,
    bars: Bars,
    *,
    cash_minor: int,
    currency: str,
    actions: ActionSchedule | None = None,
) -> Outcome:
    """Run books to the last bar and return their record.

    Raises
    ------
    ConfigError, DataError
        If the kernel had to stop.
    """
    drive(books, bars.n_bars)
    raise_for_state(books, bars)
    return outcome_of(books, bars, cash_minor=cash_minor, currency=currency, actions=actions)


def _order_table(bars: Bars, orders: Orders) -> NDArray[np.void]:
    table = np.zeros(len(orders.rows), dtype=WORK_DTYPE)
    column_of = {symbol: at for at, symbol in enumerate(bars.symbols)}
    steps = [(lot_units(i), tick_of(i)) for i in bars.instruments]
    for at, (bar, order) in enumerate(orders.rows):
        if not 0 <= bar < bars.n_bars:
            raise ConfigError(f"Orders: bar {bar} of row {at} is not in 0..{bars.n_bars - 1}")
        if order.symbol not in column_of:
            raise ConfigError(f"Orders: symbol {order.symbol!r} of row {at} is not in the bars")
        column = column_of[order.symbol]
        fields = order_row(bar, column, order, steps[column])
        for name, value in zip(INTAKE, fields, strict=True):
            table[name][at] = value
        table["last_row"][at] = last_row_of(bars.ts, order)
    order_of = np.argsort(table["bar"], kind="stable")
    table = table[order_of]
    _link([orders.rows[at][1] for at in order_of], table)
    return table


def _link(orders: Sequence[Order], table: NDArray[np.void]) -> None:
    # Rows of the table, plus 1: the one before in a set (its own for the first), the trigger.
    row_of, last_of = dict[str, int](), dict[str, int]()
    for at, order in enumerate(orders):
        row_of[order.client_order_id] = at
        if order.oco:
            table["ring"][at] = last_of.get(order.oco, at) + 1
            last_of[order.oco] = at
        if order.after:
            table["waits"][at] = row_of[order.after] + 1

"""The book against what the engine says it did."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tradewright.domain.currencies.worth import WORTH_UNIT, money_px
from tradewright.domain.errors import LedgerError
from tradewright.domain.money import PRICE_UNIT, QTY_UNIT, minor_exponent
from tradewright.domain.orders import Fill, FillReason, Side
from tradewright.domain.outcome import Outcome
from tradewright.ledger.exchange import foreign
from tradewright.ledger.ledger import Ledger


@dataclass(frozen=True, slots=True)
class LedgerCheck:
    """What was compared and found equal.

    Parameters
    ----------
    bars : int
        Rows whose cash and equity were compared.
    fills : int
        Fills booked.
    entries : int
        Entries of the book.
    cash_minor : int
        Final cash, the same in engine and book.
    realised_minor : int
        Realised profit before cost components.
    cost_minor : int
        Cost components and financing.
    """

    bars: int
    fills: int
    entries: int
    cash_minor: int
    realised_minor: int
    cost_minor: int


def fills_of(outcome: Outcome) -> list[Fill]:
    """Return the rows of the fill table as exact `Fill` values, in order."""
    symbols = [instrument.symbol for instrument in outcome.instruments]
    stamps = outcome.ts.tolist()
    return [
        Fill(
            execution_id=f"x{number}",
            client_order_id=f"o{order}",
            symbol=symbols[column],
            side=Side(side),
            qty=qty,
            px=px,
            notional_minor=notional,
            fee_minor=fee,
            spread_minor=spread,
            slippage_minor=slippage,
            impact_minor=impact,
            ts_event=stamps[bar],
            reason=FillReason(reason),
        )
        for number, (
            order,
            bar,
            column,
            side,
            reason,
            qty,
            px,
            notional,
            fee,
            spread,
            slippage,
            impact,
        ) in enumerate(outcome.fills.tolist())
    ]


def ledger_of(outcome: Outcome) -> Ledger:
    """Book a whole outcome: the deposit, every fill, corporate action and financing.

    Parameters
    ----------
    outcome : Outcome
        What the engine handed back.

    Returns
    -------
    Ledger
        The book; its cash and positions are those of the last bar.
    """
    return _book(outcome)[0]


def reconcile(outcome: Outcome) -> LedgerCheck:
    """Check an outcome against the book made of its own fills.

    Cash of every bar must equal the book's to the minor unit, equity must be cash, the value of
    long and short positions and dividends not yet paid, and the value at the last bar must be the
    book's positions at their marks, within one minor unit of rounding for each position held.

    Parameters
    ----------
    outcome : Outcome
        What the engine handed back.

    Returns
    -------
    LedgerCheck
        What was compared.

    Raises
    ------
    LedgerError
        Naming the first bar, what the engine says and what the book says.
    """
    ledger, cash = _book(outcome)
    _check_equal(outcome, "cash", outcome.cash, cash)
    value = outcome.cash + outcome.long_value + outcome.short_value + outcome.dividends_due()
    _check_equal(outcome, "equity", outcome.equity, value)
    if len(outcome.ts):
        _check_marks(outcome, ledger)
    balances = ledger.balances
    costs = ("fee", "spread", "slippage", "impact", "financing", "funding")
    return LedgerCheck(
        bars=len(outcome.ts),
        fills=len(outcome.fills),
        entries=len(ledger.entries),
        cash_minor=ledger.cash_minor,
        realised_minor=sum(h.realised_minor for h in ledger.holdings.values()),
        cost_minor=sum(balances.get((name, outcome.currency), 0) for name in costs),
    )


def _book(outcome: Outcome) -> tuple[Ledger, np.ndarray]:
    # The book and its cash at the end of every bar.
    ledger = Ledger(outcome.currency, foreign(outcome.instruments, outcome.currency))
    start = int(outcome.ts[0]) if len(outcome.ts) else 0
    ledger.transfer(outcome.initial_cash, ts_event=start, ref="initial cash")
    cash = np.empty(len(outcome.ts), dtype=np.int64)
    bars, stamps = outcome.fills["bar"].tolist(), outcome.ts.tolist()
    for number in [i for i, bar in enumerate(bars) if bar >= len(stamps)][:1]:
        raise LedgerError(
            f"fill {number} is of bar {bars[number]}, but the outcome ends at bar {len(stamps) - 1}"
        )
    fills, paid = fills_of(outcome), {"financing": outcome.interest.tolist()}
    if outcome.funding is not None:
        paid["funding"] = outcome.funding.tolist()
    effects = outcome.action_effects()
    done = 0
    for bar, ts in enumerate(stamps):
        for name, amounts in paid.items():
            if amounts[bar]:
                ledger.transfer(-amounts[bar], ts_event=ts, ref=name, account=name)
        while effects and effects[0].fills <= done and effects[0].ts_event <= ts:
            ledger.apply_effect(effects.pop(0))
        while done < len(fills) and bars[done] <= bar:
            ledger.apply(fills[done])
            done += 1
            while effects and effects[0].fills <= done and effects[0].ts_event <= ts:
                ledger.apply_effect(effects.pop(0))
        cash[bar] = ledger.cash_minor
    return ledger, cash


def _check_equal(outcome: Outcome, name: str, engine: np.ndarray, book: np.ndarray) -> None:
    differs = np.flatnonzero(engine != book)
    if len(differs):
        bar = int(differs[0])
        raise LedgerError(
            f"{name} at bar {bar} ({outcome.ts.view('datetime64[ns]')[bar]}): the engine says "
            f"{int(engine[bar])} minor units, the ledger {int(book[bar])}"
        )


def _check_marks(outcome: Outcome, ledger: Ledger) -> None:
    scale = 10 ** minor_exponent(outcome.currency)
    value, held = 0.0, 0
    for column, instrument in enumerate(outcome.instruments):
        qty = ledger.position(instrument.symbol)
        if qty:
            mark = round(float(outcome.marks[column]) * PRICE_UNIT)
            px = money_px(mark, round(float(outcome.worths[column]) * WORTH_UNIT))
            value += qty * px / (QTY_UNIT * PRICE_UNIT) * scale
            held += 1
    engine = int(outcome.long_value[-1]) + int(outcome.short_value[-1])
    if abs(engine - value) > held + 1e-9 * abs(value):
        raise LedgerError(
            f"positions at the last bar: the engine says {engine} minor units, "
            f"the ledger's quantities at their marks are worth {value:.1f}"
        )

"""Both sides of an exchange: what a fill in another currency moved in that currency."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tradewright.domain.currencies.worth import WORTH_UNIT, money_px
from tradewright.domain.instruments import Instrument
from tradewright.domain.money import PRICE_UNIT, QTY_UNIT, minor_exponent
from tradewright.domain.orders import Fill
from tradewright.ledger.entries import Posting, share_of

_UNITS: Final = PRICE_UNIT * QTY_UNIT


def foreign(instruments: Iterable[Instrument], currency: str) -> dict[str, Instrument]:
    """Return the instruments that are priced in another currency than a book's, by symbol."""
    return {i.symbol: i for i in instruments if i.currency != currency}


def local_notional(fill: Fill, instrument: Instrument) -> int:
    """Return quantity times price times multiplier in the instrument's own minor units.

    Rounded half to even once, apart from the amount in the book's currency.
    """
    px = money_px(int(fill.px), round(instrument.multiplier * WORTH_UNIT))
    return share_of(int(fill.qty) * px * 10 ** minor_exponent(instrument.currency), 1, _UNITS)


def exchange_legs(
    fill: Fill, instrument: Instrument, part: int, before: int
) -> tuple[Posting, Posting]:
    """Return the two postings in the instrument's currency for a part of a fill.

    What was paid for the position came out of the exchange, so that they sum to zero; parts of a
    fill add up to the whole.

    Parameters
    ----------
    fill : Fill
        The execution.
    instrument : Instrument
        What was traded.
    part, before : int
        Quantity of the part, and of the parts before it, 1e-8 units.
    """
    whole, qty = local_notional(fill, instrument), int(fill.qty)
    own = share_of(whole, before + part, qty) - share_of(whole, before, qty)
    amount, code = int(fill.side) * own, instrument.currency
    return (
        Posting(f"local:{fill.symbol}", code, amount),
        Posting(f"exchange:{code}", code, -amount),
    )

"""How one fill of the account is shared among those who wanted it, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Final

from tradewright.domain.currencies.worth import WORTH_UNIT, money_px
from tradewright.domain.money import PRICE_SCALE, QTY_SCALE, minor_exponent
from tradewright.domain.orders import Fill, Side
from tradewright.ledger.entries import share_of

_UNITS: Final = 10 ** (PRICE_SCALE + QTY_SCALE)


def value_minor(qty: int, px: int, currency: str, factor: int = WORTH_UNIT) -> int:
    """Return a signed quantity at a price in minor units, rounded half to even once.

    Parameters
    ----------
    qty, px : int
        Units of 1e-8.
    currency : str
        Of the account.
    factor : int
        Worth of a price of 1 in that currency, 1e-12 units.

    Examples
    --------
    >>> value_minor(250_000_000, 1_001_000_000, "USD")  # 2.5 shares at 10.01: 25.025
    2502
    """
    value = share_of(abs(qty) * money_px(px, factor) * 10 ** minor_exponent(currency), 1, _UNITS)
    return value if qty >= 0 else -value


def share_quantity(wishes: Sequence[int], filled: int, lot: int) -> list[int]:
    """Share a filled quantity pro rata to what is still wanted, the odd lot first by sequence.

    Parameters
    ----------
    wishes : sequence of int
        Signed quantity that each still wants, in units of 1e-8; they may point both ways.
    filled : int
        Signed quantity of the fill, which served their sum.
    lot : int
        Lot in units of 1e-8.

    Returns
    -------
    list of int
        Signed parts, none larger than its wish; they sum to `filled`, or to less where more was
        filled than was wanted.

    Examples
    --------
    >>> share_quantity([100, -40], 30, 1), share_quantity([2, 1], 1, 1)
    ([50, -20], [1, 0])
    """
    net = sum(wishes)
    if net * filled <= 0:
        return [0] * len(wishes)
    if abs(filled) >= abs(net):
        return list(wishes)
    unit = lot if all(w % lot == 0 for w in (*wishes, filled)) else 1
    parts = []
    for wish in wishes:
        part = abs(wish) * abs(filled) // abs(net) // unit * unit
        parts.append(part if wish > 0 else -part)
    rest = filled - sum(parts)
    step = unit if rest > 0 else -unit
    while rest:
        for at, wish in enumerate(wishes):
            if rest and wish * step > 0 and abs(wish) - abs(parts[at]) >= unit:
                parts[at] += step
                rest -= step
    return parts


def share_amount(amount: int, weights: Sequence[int | Fraction]) -> list[int]:
    """Share an amount by largest remainder, equal ones by sequence.

    Parameters
    ----------
    amount : int
        Minor units; may be negative.
    weights : sequence of int or Fraction
        Not negative, at least one above 0.

    Returns
    -------
    list of int
        Sums to `amount`.

    Examples
    --------
    >>> share_amount(100, [1, 1, 1]), share_amount(-5, [1, 0, 1])
    ([34, 33, 33], [-3, 0, -2])
    """
    whole, sign = sum(weights), 1 if amount >= 0 else -1
    exact = [Fraction(abs(amount)) * weight / whole for weight in weights]
    parts = [int(value) for value in exact]
    order = sorted(range(len(parts)), key=lambda at: (parts[at] - exact[at], at))
    for at in order[: abs(amount) - sum(parts)]:
        parts[at] += 1
    return [sign * part for part in parts]


def share_fill(
    fill: Fill,
    parts: Sequence[int],
    names: Sequence[str],
    currency: str,
    factor: int = WORTH_UNIT,
) -> list[Fill | None]:
    """Split a fill: each part at its price, the costs pro rata to quantity.

    Parameters
    ----------
    fill : Fill
        Execution of the account; for quantities that cross inside, one with `notional_minor` 0
        and no costs.
    parts : sequence of int
        Signed quantity of each, in units of 1e-8; 0 takes no part.
    names : sequence of str
        Whose they are; the ids of the parts end in them.
    currency : str
        Of the amounts.
    factor : int
        Worth of a price of 1 in that currency, 1e-12 units.

    Returns
    -------
    list of Fill or None
        None for a part of 0. Signed notionals and costs sum to those of the fill.
    """
    sizes = [abs(part) for part in parts]
    notionals = [value_minor(size, fill.px, currency, factor) for size in sizes]
    signs = [1 if part >= 0 else -1 for part in parts]
    signed = sum(s * n for s, n in zip(signs, notionals, strict=True))
    odd = int(fill.side) * fill.notional_minor - signed
    # Rounding each part may leave some minor units: the largest part that can takes them.
    for at in sorted(range(len(parts)), key=lambda i: (-sizes[i], i)):
        if odd and sizes[at] and notionals[at] + signs[at] * odd >= 0:
            notionals[at] += signs[at] * odd
            odd = 0
    costs = [
        share_amount(amount, sizes)
        for amount in (fill.fee_minor, fill.spread_minor, fill.slippage_minor, fill.impact_minor)
    ]
    made: list[Fill | None] = []
    for at, size in enumerate(sizes):
        if not size:
            made.append(None)
            continue
        fee, spread, slippage, impact = (cost[at] for cost in costs)
        made.append(
            replace(
                fill,
                execution_id=f"{fill.execution_id}/{names[at]}",
                side=Side(signs[at]),
                qty=size,
                notional_minor=notionals[at],
                fee_minor=fee,
                spread_minor=spread,
                slippage_minor=slippage,
                impact_minor=impact,
            )
        )
    return made

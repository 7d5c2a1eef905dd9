"""From gross to net, in whole minor units: for the run, for each instrument, for each window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.currencies.worth import WORTH_UNIT, money_px, worth_of
from tradewright.domain.money import PRICE_UNIT, QTY_UNIT, minor_exponent
from tradewright.services.markets.action_effects import given_by_actions, moved_by_actions

if TYPE_CHECKING:
    from tradewright.services.runs import Run

FloatArray = NDArray[np.float64]
COMPONENTS: Final = ("spread", "slippage", "impact", "fee")
FINANCING: Final = "(financing)"
FUNDING: Final = "(funding)"
CHARGED: Final = ("financing", "funding")
REST: Final = "(dividends, conversion)"
TOTAL: Final = "Total"


@dataclass(frozen=True, slots=True)
class Bridge:
    """Gross profit less its costs, in minor units of the currency of the account.

    Parameters
    ----------
    label : str
        Instrument, window or total.
    gross : int
        Profit at raw prices.
    spread, slippage, impact, fee, financing, funding : int
        What was charged; >= 0 is a cost. Funding is that of perpetuals.
    net : int
        ``gross`` less all of them, to the unit.
    notional : int
        Traded at raw prices.
    fills : int
        Executions.
    """

    label: str
    gross: int
    spread: int
    slippage: int
    impact: int
    fee: int
    financing: int
    funding: int
    net: int
    notional: int
    fills: int

    @property
    def trading(self) -> int:
        """Costs of trading: all but financing and funding."""
        return self.spread + self.slippage + self.impact + self.fee

    @property
    def charged(self) -> int:
        """All costs."""
        return self.trading + self.financing + self.funding

    @property
    def break_even_bps(self) -> float:
        """Cost of trading per traded notional at which nothing is left; NaN without a fill."""
        if self.notional == 0:
            return float("nan")
        return 1e4 * (self.net + self.trading) / self.notional

    @property
    def cost_bps(self) -> float:
        """Cost of trading per traded notional that was charged; NaN without a fill."""
        return 1e4 * self.trading / self.notional if self.notional else float("nan")

    def row(self, per_major: int) -> dict[str, float | str | int]:
        """Return the same in major units, for tables."""
        names = ("gross", *COMPONENTS, *CHARGED, "net", "notional")
        return {
            "label": self.label,
            "fills": self.fills,
            **{name: getattr(self, name) / per_major for name in names},
            "bps": self.cost_bps,
            "break_even_bps": self.break_even_bps,
        }


def whole_bridge(run: Run) -> Bridge:
    """Return the bridge of the measured span: its net is the change of equity."""
    rows = run.timeline.rows
    return _between(run, TOTAL, int(rows[0]), int(rows[-1]))


def window_bridges(run: Run) -> tuple[Bridge, ...]:
    """Return one bridge a test window; a day that windows share counts for the newest.

    Returns
    -------
    tuple of Bridge
        Empty without windows; together they are the whole where the windows follow each other.
    """
    rows, windows = run.timeline.rows, run.extras.windows
    ts = run.outcome.ts[rows]
    firsts = [int(np.searchsorted(ts, window.test_start_ns)) for window in windows]
    found = []
    for number, window in enumerate(windows):
        last = int(np.searchsorted(ts, window.test_end_ns, side="right")) - 1
        if number + 1 < len(windows):
            last = min(last, firsts[number + 1] - 1)
        base = max(firsts[number] - 1, 0)
        if last > base:
            label = str(window.number)
            found.append(_between(run, label, int(rows[base]), int(rows[last])))
    return tuple(found)


def instrument_bridges(run: Run) -> tuple[Bridge, ...]:
    """Return one bridge an instrument that was traded or held, then what belongs to none.

    Returns
    -------
    tuple of Bridge
        Instruments by net profit, financing and funding (charged to the account, not to an
        instrument), and where there is some, what neither prices, corporate actions nor costs
        explain: conversion of currencies. Their parts sum to those of `whole_bridge`, to the minor
        unit.
    """
    rows = run.timeline.rows
    first, last = int(rows[0]), int(rows[-1])
    fills = run.outcome.fills
    held = (_held(run, first), _held(run, last))
    values = (_values(run, first, held[0]), _values(run, last, held[1]))
    inside = fills[(fills["bar"] > first) & (fills["bar"] <= last)]
    given = given_by_actions(run.outcome, first, last)
    found = []
    for column, instrument in enumerate(run.outcome.instruments):
        own = inside[inside["instrument"] == column]
        if not len(own) and not held[0][column] and not given[column]:
            continue
        paid = int((own["side"].astype(np.int64) * own["notional"]).sum())
        gross = values[1][column] - values[0][column] - paid + given[column]
        found.append(_bridge(instrument.symbol, own, gross))
    found.sort(key=_by_net)
    whole = whole_bridge(run)
    none = inside[:0]
    if whole.financing:
        found.append(_bridge(FINANCING, none, 0, (whole.financing, 0)))
    if whole.funding:
        found.append(_bridge(FUNDING, none, 0, (0, whole.funding)))
    rest = whole.gross - sum(row.gross for row in found)
    if rest:
        found.append(_bridge(REST, none, rest))
    return tuple(found)


def summed(label: str, rows: Sequence[Bridge]) -> Bridge:
    """Return the sum of bridges."""
    names = ("gross", *COMPONENTS, *CHARGED, "net", "notional", "fills")
    return Bridge(label, **{name: sum(getattr(row, name) for row in rows) for name in names})


def bridge_rows(run: Run, bridges: Sequence[Bridge]) -> list[Mapping[str, float | str | int]]:
    """Return bridges in major units of the run's currency."""
    per_major = 10 ** minor_exponent(run.outcome.currency)
    return [bridge.row(per_major) for bridge in bridges]


def _between(run: Run, label: str, first: int, last: int) -> Bridge:
    # From the close of one bar to the close of another.
    outcome = run.outcome
    fills = outcome.fills
    inside = fills[(fills["bar"] > first) & (fills["bar"] <= last)]
    both = int(outcome.financing[first + 1 : last + 1].sum())
    interest = int(outcome.interest[first + 1 : last + 1].sum())
    net = int(outcome.equity[last]) - int(outcome.equity[first])
    trading = sum(int(inside[name].sum()) for name in COMPONENTS)
    return _bridge(label, inside, net + trading + both, (interest, both - interest))


def _bridge(
    label: str, fills: NDArray[np.void], gross: int, charged: tuple[int, int] = (0, 0)
) -> Bridge:
    parts = {name: int(fills[name].sum()) for name in COMPONENTS}
    return Bridge(
        label,
        gross=gross,
        **parts,
        financing=charged[0],
        funding=charged[1],
        net=gross - sum(parts.values()) - sum(charged),
        notional=int(fills["notional"].sum()),
        fills=len(fills),
    )


def _held(run: Run, row: int) -> list[int]:
    # Signed quantity of each instrument at the close of a bar, 1e-8 units.
    fills = run.outcome.fills
    before = fills[fills["bar"] <= row]
    signed = before["side"].astype(np.int64) * before["qty"]
    sums = np.zeros(len(run.outcome.instruments), dtype=np.int64)
    np.add.at(sums, before["instrument"], signed)
    sums += moved_by_actions(run.outcome, row)
    return [int(value) for value in sums]


def _values(run: Run, row: int, held: Sequence[int]) -> list[int]:
    # Market value of the holdings at the close of a bar, each rounded as the books round it.
    if not any(held):
        return [0] * len(held)
    per_major = 10 ** minor_exponent(run.outcome.currency)
    marks, factors = _prices(run, row)
    worths = [
        money_px(round(mark * PRICE_UNIT), round(factor * WORTH_UNIT)) if qty else 0
        for qty, mark, factor in zip(held, marks, factors, strict=True)
    ]
    return [
        round(Fraction(qty * px * per_major, PRICE_UNIT * QTY_UNIT))
        for qty, px in zip(held, worths, strict=True)
    ]


def _prices(run: Run, row: int) -> tuple[FloatArray, FloatArray]:
    # Last known close of each instrument at a bar, and what a price of 1 is worth then.
    outcome, bars = run.outcome, run.bars
    if row == len(outcome.ts) - 1:
        return outcome.marks, outcome.worths
    # Sessions where the run is condensed: the last close there was.
    upto = max(int(np.searchsorted(bars.ts, outcome.ts[row], side="right")), 1)
    close = bars.close[:upto]
    at = np.where(np.isnan(close), 0, np.arange(upto)[:, None]).max(axis=0)
    worth = worth_of(bars, outcome.currency)
    ones = np.ones(close.shape[1])
    factors = ones if worth is None else worth.at(upto - 1) / WORTH_UNIT
    return close[at, np.arange(close.shape[1])], factors


def _by_net(row: Bridge) -> tuple[int, str]:
    return -row.net, row.label

"""What the engine hands back: arrays that every table, metric and chart is derived from."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.actions import ActionEffect, CorporateAction, effects_of
from tradewright.domain.instruments import Instrument

FILL_DTYPE: Final = np.dtype(
    [
        ("order", np.int64),  # row in the order table
        ("bar", np.int32),  # row of the bar that filled it
        ("instrument", np.int32),  # column
        ("side", np.int8),  # +1 buy, -1 sell
        ("reason", np.int8),  # FillReason
        ("qty", np.int64),  # 1e-8 units, > 0
        ("px", np.int64),  # raw price, 1e-8
        ("notional", np.int64),  # minor units, >= 0
        ("fee", np.int64),
        ("spread", np.int64),
        ("slippage", np.int64),
        ("impact", np.int64),
    ]
)
"""One row per execution, in the order they happened."""

ORDER_DTYPE: Final = np.dtype(
    [
        ("bar", np.int32),  # row of the decision
        ("instrument", np.int32),
        ("side", np.int8),
        ("type", np.int8),  # OrderType
        ("tif", np.int8),  # TimeInForce
        ("status", np.int8),  # OrderStatus
        ("reason", np.int8),  # DenyReason
        ("qty", np.int64),  # 1e-8 units wanted; 0 for an order sized at the fill that never filled
        ("filled_qty", np.int64),
        ("limit_px", np.int64),  # 0 where none
        ("stop_px", np.int64),
        ("parent", np.int64),  # row of the parent, -1 where none
        ("done_bar", np.int32),  # row at which it became terminal, -1 while open
    ]
)
"""One row per order, bracket children included, in the order they were made."""

TRIP_DTYPE: Final = np.dtype(
    [
        ("instrument", np.int32),
        ("side", np.int8),  # +1 long, -1 short
        ("is_open", np.bool_),  # still held at the last bar, marked there
        ("entry_bar", np.int32),
        ("exit_bar", np.int32),  # last bar for an open trip
        ("qty", np.int64),  # largest holding, 1e-8 units
        ("entry_px", np.float64),  # average raw price
        ("exit_px", np.float64),
        ("pnl", np.int64),  # minor units, after all costs
        ("cost", np.int64),  # minor units: fees, spread, slippage, impact
        ("return_", np.float64),  # pnl / entry notional
        ("entry_fill", np.int64),  # row of the first and last fill
        ("exit_fill", np.int64),
        ("exit_reason", np.int8),  # FillReason of the last fill
        ("dividends", np.int64),  # minor units, after tax; part of pnl, negative where paid
    ]
)
"""One row per round trip, from flat to flat; users see it as ``trades``."""


EFFECT_DTYPE: Final = np.dtype(
    [
        ("action", np.int64),  # row of the schedule
        ("fills", np.int64),  # fills made before it
        ("bar", np.int32),
        ("instrument", np.int32),
        ("other", np.int32),  # column whose shares were given, -1 where none
        ("kind", np.int8),  # EffectKind
        ("qty", np.int64),  # position before, 1e-8 units
        ("change", np.int64),  # of the position
        ("other_qty", np.int64),  # change of the position of `other`
        ("cash", np.int64),  # change of cash, minor units; of a closing its fill moves the cash
        ("due", np.int64),  # change of dividends earned and not yet paid, minor units
        ("withheld", np.int64),  # tax kept from `due`, minor units, >= 0
        ("px", np.int64),  # price of the instrument after the action, 1e-8
        ("other_px", np.int64),  # price of a share of `other`, 1e-8
        ("new", np.int64),  # shares after, or of `other`,
        ("old", np.int64),  # for so many shares before
        ("given", np.int64),  # value of the shares given, minor units, signed
        ("left", np.int64),  # value of what stays after a spin-off, minor units, signed
    ]
)
"""One row per corporate action that touched the account, in the order they happened."""


class RunStatus(StrEnum):
    """How a run ended."""

    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """The record of one run on one account.

    Parameters
    ----------
    instruments : tuple of Instrument
        Columns.
    ts : ndarray of shape (n_bars,), int64
        Close of each bar processed, UTC nanoseconds.
    equity, cash : ndarray of shape (n_bars,), int64
        Marked at each close, in minor units.
    long_value, short_value : ndarray of shape (n_bars,), int64
        Market value of long and of short positions at each close, in minor units; short <= 0.
    fills, orders : structured ndarray
        Rows of `FILL_DTYPE` and `ORDER_DTYPE`.
    financing : ndarray of shape (n_bars,), int64
        Borrow, interest and funding charged at each bar, in minor units; >= 0 is a cost.
    initial_cash : int
        Minor units.
    currency : str
        Base currency.
    status : RunStatus
        How it ended; the arrays reach up to the last bar processed.
    message : str
        Why it did not complete.
    path_dependent_fills : int
        Fills whose existence or price depends on the order of touches inside a bar.
    marks : ndarray of shape (n_instruments,), float64
        Last known close of each instrument.
    funding : ndarray of shape (n_bars,), int64, optional
        The part of `financing` that is funding of perpetuals.
    unsettled : ndarray of shape (n_bars,), int64, optional
        The part of `cash` that sales earned and that was not settled yet at each close; None where
        sales are paid at once.
    worth : ndarray of shape (n_instruments,), float64, optional
        What a price of 1 was worth at the last bar in the base currency, per unit of quantity;
        the multipliers unless given.
    effects : structured ndarray
        Rows of `EFFECT_DTYPE`; none where no corporate action touched the account.
    actions : tuple of CorporateAction
        The corporate actions that `effects` number.
    """

    instruments: tuple[Instrument, ...]
    ts: NDArray[np.int64]
    equity: NDArray[np.int64]
    cash: NDArray[np.int64]
    long_value: NDArray[np.int64]
    short_value: NDArray[np.int64]
    fills: NDArray[np.void]
    orders: NDArray[np.void]
    financing: NDArray[np.int64]
    initial_cash: int
    marks: NDArray[np.float64]
    currency: str = "USD"
    status: RunStatus = RunStatus.COMPLETED
    message: str = ""
    path_dependent_fills: int = 0
    notes: tuple[str, ...] = field(default=())
    funding: NDArray[np.int64] | None = None
    unsettled: NDArray[np.int64] | None = None
    worth: NDArray[np.float64] | None = None

    @property
    def interest(self) -> NDArray[np.int64]:
        """Borrow and interest at each bar: `financing` without funding."""
        return self.financing if self.funding is None else self.financing - self.funding

    @property
    def worths(self) -> NDArray[np.float64]:
        """What a price of 1 was worth at the last bar, shape (n_instruments,)."""
        if self.worth is not None:
            return self.worth
        return np.array([instrument.multiplier for instrument in self.instruments])

    effects: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, dtype=EFFECT_DTYPE))

    actions: tuple[CorporateAction, ...] = field(default=())

    def action_effects(self) -> list[ActionEffect]:
        """Return what corporate actions did, in order."""
        symbols = [instrument.symbol for instrument in self.instruments]
        return effects_of(self.effects, self.actions, symbols, self.ts)

    def dividends_due(self) -> NDArray[np.int64]:
        """Return what is earned and not yet paid at each close, minor units, (n_bars,).

        Equity is cash, the value of positions and this.
        """
        steps = np.zeros(len(self.ts), dtype=np.int64)
        np.add.at(steps, self.effects["bar"], self.effects["due"])
        return np.cumsum(steps)

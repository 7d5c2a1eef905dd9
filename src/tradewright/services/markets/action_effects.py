"""What corporate actions did to a run: a table, sums, and what they change in other tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.actions import EffectKind
from tradewright.domain.money import PRICE_UNIT, QTY_UNIT, minor_exponent
from tradewright.metrics.trades import excursions

if TYPE_CHECKING:
    import polars as pl

    from tradewright.domain.outcome import Outcome
    from tradewright.services.runs import Run

WORDS: Final = ("split", "dividend", "payment", "spin_off", "exchange", "closing")
"""Names of `EffectKind` for people, by value."""


def actions_frame(run: Run) -> pl.DataFrame:
    """Return what corporate actions did to the account, in the order they happened.

    Returns
    -------
    polars.DataFrame
        ``time`` (close of the bar at whose open it took effect), ``symbol``, ``effect`` (split,
        dividend earned, payment, spin_off, exchange, closing), ``action`` (kind in the table),
        ``ex_date``, ``other`` (symbol of the shares given), ``quantity`` (held before),
        ``change``, ``other_quantity`` (change of `other`), ``cash`` (moved at this bar),
        ``accrued`` (change of dividends earned and not yet paid), ``withheld`` (tax), all in major
        units, ``price`` and ``other_price`` after the action, ``proceeds`` (of a closing, whose
        fill moves the cash; signed). Empty where no action touched the account.
    """
    import polars as pl

    outcome, effects = run.outcome, run.outcome.effects
    major = 10 ** minor_exponent(outcome.currency)
    symbols = [instrument.symbol for instrument in outcome.instruments]
    actions = [outcome.actions[number] for number in effects["action"].tolist()]
    others = [symbols[at] if at >= 0 else "" for at in effects["other"].tolist()]
    closing = effects["kind"] == EffectKind.CLOSING
    paid = -effects["change"] / QTY_UNIT * (effects["px"] / PRICE_UNIT)
    return pl.DataFrame(
        {
            "time": outcome.ts[effects["bar"]].view("datetime64[ns]"),
            "symbol": [symbols[at] for at in effects["instrument"].tolist()],
            "effect": [WORDS[kind] for kind in effects["kind"].tolist()],
            "action": [action.kind.value for action in actions],
            "ex_date": [action.ex_date for action in actions],
            "other": others,
            "quantity": effects["qty"] / QTY_UNIT,
            "change": effects["change"] / QTY_UNIT,
            "other_quantity": effects["other_qty"] / QTY_UNIT,
            "cash": effects["cash"] / major,
            "accrued": effects["due"] / major,
            "withheld": effects["withheld"] / major,
            "price": effects["px"] / PRICE_UNIT,
            "other_price": effects["other_px"] / PRICE_UNIT,
            "proceeds": np.where(closing, paid, 0.0),
        },
        schema_overrides={
            **dict.fromkeys(("symbol", "effect", "action", "other"), pl.String),
            "ex_date": pl.Date,
        },
    ).with_columns(pl.col("time").dt.replace_time_zone("UTC"))


def action_rows(run: Run) -> tuple[dict[str, Any], ...]:
    """Return the rows of `actions_frame` for a page: the day as text, what moved in words."""
    if not len(run.outcome.effects):
        return ()
    return tuple(
        {
            "time": f"{row['time']:%Y-%m-%d}",
            "symbol": row["symbol"],
            "effect": row["effect"].replace("_", " "),
            "quantity": row["quantity"],
            "change": row["change"],
            "other": f"{row['other_quantity']:+,g} {row['other']}" if row["other_quantity"] else "",
            "cash": row["cash"] + row["proceeds"],
            "accrued": row["accrued"],
            "withheld": row["withheld"],
        }
        for row in run.actions.to_dicts()
    )


def income_of(outcome: Outcome, first: int = 0) -> dict[str, int]:
    """Return what actions brought from a bar on, in minor units.

    Parameters
    ----------
    outcome : Outcome
        Record of a run.
    first : int
        First bar that counts.

    Returns
    -------
    dict of str to int
        ``dividends`` (earned, before tax; negative where shorts paid more), ``withheld`` (tax,
        >= 0) and ``cash_in_lieu`` (of fractions, and the cash part of exchanges).
    """
    effects = outcome.effects[outcome.effects["bar"] >= first]
    earned = effects[effects["kind"] == EffectKind.DIVIDEND]
    others = np.isin(effects["kind"], (EffectKind.DIVIDEND, EffectKind.PAYMENT), invert=True)
    withheld = int(earned["withheld"].sum())
    return {
        "dividends": int(earned["due"].sum()) + withheld,
        "withheld": withheld,
        "cash_in_lieu": int(effects["cash"][others].sum()),
    }


def moved_by_actions(outcome: Outcome, row: int) -> NDArray[np.int64]:
    """Return what actions up to a bar changed of each position, 1e-8 units, (n_instruments,)."""
    moved = np.zeros(len(outcome.instruments), dtype=np.int64)
    effects = outcome.effects[outcome.effects["bar"] <= row]
    effects = effects[effects["kind"] != EffectKind.CLOSING]
    np.add.at(moved, effects["instrument"], effects["change"])
    given = effects[effects["other_qty"] != 0]
    np.add.at(moved, given["other"], given["other_qty"])
    return moved


def given_by_actions(outcome: Outcome, first: int, last: int) -> list[int]:
    """Return what actions after one bar and up to another gave each instrument, minor units.

    Cash and dividends; shares given count for what gave them, at their price, and against the
    instrument in which they are held from then on.
    """
    given = [0] * len(outcome.instruments)
    inside = (outcome.effects["bar"] > first) & (outcome.effects["bar"] <= last)
    for row in outcome.effects[inside]:
        column, other = int(row["instrument"]), int(row["other"])
        given[column] += int(row["cash"]) + int(row["due"]) + int(row["given"])
        if row["other_qty"]:
            given[other] -= int(row["given"])
    return given


def positions_held(outcome: Outcome) -> NDArray[np.int64]:
    """Return how many instruments are held at each close where actions moved positions."""
    held = np.zeros((len(outcome.ts), len(outcome.instruments)), dtype=np.int64)
    fills, effects = outcome.fills, outcome.effects
    change = fills["side"].astype(np.int64) * fills["qty"]
    np.add.at(held, (fills["bar"], fills["instrument"]), change)
    moved = effects[effects["kind"] != EffectKind.CLOSING]
    np.add.at(held, (moved["bar"], moved["instrument"]), moved["change"])
    given = moved[moved["other_qty"] != 0]
    np.add.at(held, (given["bar"], given["other"]), given["other_qty"])
    counted: NDArray[np.int64] = (np.cumsum(held, axis=0) != 0).sum(axis=1)
    return counted


def excursions_of(run: Run) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the worst and the best move of each trip, fractions of its entry price.

    Notes
    -----
    Where splits fall into a trip, prices of all its bars are those of the shares it ended with.
    """
    trips, bars = run.trips, run.bars
    if not bars.actions:
        return excursions(trips, bars.high, bars.low)
    from tradewright.marketdata import forward_factors

    shares = forward_factors(bars, mode="splits")
    restated = trips.copy()
    restated["entry_px"] *= shares[trips["exit_bar"], trips["instrument"]]
    return excursions(restated, bars.high * shares, bars.low * shares)

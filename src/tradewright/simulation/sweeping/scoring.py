"""Many sets of decisions through one account: return, Sharpe ratio, drawdown and trades."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from tradewright.jit import load_int, part, record_reader, store_int, whole
from tradewright.simulation import codes as c
from tradewright.simulation.actions.table import effect_at
from tradewright.simulation.kernel import run
from tradewright.simulation.tables import (
    FIRST_STATE,
    INSTRUMENT_DTYPE,
    INSTRUMENT_STATE,
    STATE,
    WORK_DTYPE,
    account_at,
    fill_at,
    instrument_at,
)

ORDER_WORDS: Final = WORK_DTYPE.itemsize // 8
HOLDING_BYTES: Final = INSTRUMENT_DTYPE.itemsize
HOLDING_STATE: Final = len(INSTRUMENT_STATE)
LAST_STATE: Final = FIRST_STATE + len(STATE)

SCORE_DTYPE: Final = np.dtype(
    [
        ("total_return", np.float64),
        ("sharpe", np.float64),
        ("max_drawdown", np.float64),
        ("trades", np.int64),
        ("final_equity", np.int64),
    ]
)
score_at = record_reader(SCORE_DTYPE)


SET_DTYPE: Final = np.dtype(
    [
        ("plan", np.int64),
        ("flags", np.int64),  # addresses
        ("values", np.int64),
        ("n_values", np.int64),
        ("stop", np.float64),
        ("target", np.float64),
        ("trail", np.float64),
    ]
)
"""One set of decisions, as the fields of the account that hold it."""
set_at = record_reader(SET_DTYPE)

YEARLY_DTYPE: Final = np.dtype(
    [
        ("periods", np.float64),  # per year
        ("risk_free", np.float64),  # annual
        ("rows", np.int64),  # address of the rows whose equity makes the returns
        ("n_rows", np.int64),
        ("cash", np.int64),  # at the start of each set
    ]
)
yearly_at = record_reader(YEARLY_DTYPE)


@whole
def run_sets(address: int, sets: int, scores: int, count: int, yearly: int) -> int:
    """Run one account over sets of decisions, one after the other, and score each.

    Parameters
    ----------
    address : int
        Address of the account.
    sets, scores : int
        Addresses of `count` records of `SET_DTYPE` and `SCORE_DTYPE`.
    count : int
        Number of sets.
    yearly : int
        Address of a record of `YEARLY_DTYPE`.

    Returns
    -------
    int
        Sets that are done; fewer than `count` where the kernel came back early, the reason is the
        account's state.

    Notes
    -----
    Sharpe is the mean excess return over its standard deviation (ddof 1), annualised, NaN without
    variance. Drawdown is taken over every bar; trades are round trips that ended.
    """
    account = account_at(address, 0)
    for at in range(count):
        chosen = set_at(sets, at)
        _restart(account, yearly_at(yearly, 0).cash)
        account.plan = chosen.plan
        account.flags = chosen.flags
        account.values = chosen.values
        account.n_values = chosen.n_values
        account.stop = chosen.stop
        account.target = chosen.target
        account.trail = chosen.trail
        state = run(address, account.n_bars)
        if state not in (c.DONE, c.RUINED):
            return int(at)
        _score(account, score_at(scores, at), yearly_at(yearly, 0))
    return int(count)


@part
def _restart(account: Any, cash: int) -> None:
    # The books of a new account; only what was written is cleared.
    for at in range(account.n_orders * ORDER_WORDS):
        store_int(account.orders, at, 0)
    if account.has_shorted:
        for row in range(account.n_bars):
            store_int(account.short_line, row, 0)
            store_int(account.financing, row, 0)
            if account.n_payments > 0:
                store_int(account.funding, row, 0)
    if account.defers:
        for row in range(account.n_bars + 1):
            store_int(account.falling_due, row, 0)
    for column in range(account.n_instruments):
        place = account.instruments + column * HOLDING_BYTES
        for at in range(HOLDING_STATE):
            store_int(place, at, 0)
        instrument_at(account.instruments, column).mark = np.nan
    for at in range(FIRST_STATE, LAST_STATE):
        store_int(account.self_, at, 0)
    account.accrued = 0.0
    account.budget = -1
    account.cash = cash
    account.next_row = account.n_bars


@part
def _score(account: Any, out: Any, yearly: Any) -> None:
    first = float(load_int(account.equity, load_int(yearly.rows, 0)))
    previous, count, total, squares = first, 0, 0.0, 0.0
    lowest, highest = np.inf, -np.inf
    for at in range(1, yearly.n_rows):
        row = load_int(yearly.rows, at)
        if row >= account.row:
            break
        level = max(float(load_int(account.equity, row)), 0.0)
        change = 0.0
        if level != previous and previous > 0.0:
            change = level / previous - 1.0
            total += change
            squares += change * change
        lowest, highest = min(lowest, change), max(highest, change)
        count += 1
        previous = level
    out.total_return = previous / first - 1.0
    out.sharpe = np.nan
    if count > 1 and highest - lowest > 1e-14:
        mean = total / count
        variance = max(squares - count * mean * mean, 0.0) / (count - 1)
        excess = mean - yearly.risk_free / yearly.periods
        out.sharpe = excess / np.sqrt(variance) * np.sqrt(yearly.periods)
    out.max_drawdown = _drawdown(account)
    out.trades = _trades(account)
    out.final_equity = load_int(account.equity, account.row - 1)


@part
def _drawdown(account: Any) -> float:
    # No branch: whether a bar makes a new top cannot be guessed.
    top, lowest = float(load_int(account.equity, 0)), 1.0
    for row in range(account.row):
        level = float(load_int(account.equity, row))
        top = max(top, level)
        lowest = min(lowest, level / top)
    return float(max(lowest, 0.0) - 1.0)


@part
def _trades(account: Any) -> int:
    for column in range(account.n_instruments):
        instrument_at(account.instruments, column).value = 0
    count, done = 0, 0
    for at in range(account.n_fills):
        while done < account.n_effects and effect_at(account.effects, done).fills <= at:
            count += _trades_of_effect(account, done)
            done += 1
        fill = fill_at(account.fills, at)
        holding = instrument_at(account.instruments, fill.instrument)
        before = holding.value
        after = before + fill.side * fill.qty
        if before != 0 and (after == 0 or (after > 0) != (before > 0)):
            count += 1
        holding.value = after
    while done < account.n_effects:
        count += _trades_of_effect(account, done)
        done += 1
    return count


@part
def _trades_of_effect(account: Any, at: int) -> int:
    # Round trips that a corporate action ends; one that moves to an empty column goes on.
    effect = effect_at(account.effects, at)
    if effect.kind == c.DID_CLOSE:
        return 0  # its fill counts
    own = instrument_at(account.instruments, effect.instrument)
    own.value += effect.change
    count = int(effect.kind == c.DID_SPLIT and own.value == 0 and effect.qty != 0)
    if effect.other_qty != 0:
        other = instrument_at(account.instruments, effect.other)
        before = other.value
        other.value += effect.other_qty
        is_over = other.value == 0 or (other.value > 0) != (before > 0)
        count += int(before != 0 and is_over)
        count += int(effect.kind == c.DID_EXCHANGE and before != 0)
    elif effect.kind == c.DID_EXCHANGE:
        count += 1
    return int(count)

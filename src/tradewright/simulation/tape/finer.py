"""``intrabar: finer``: lay finer bars into the tape, and fold what happened back onto the bars."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.bars import FIELDS, Bars, IntArray
from tradewright.domain.decisions import Orders, Signals, TargetWeights
from tradewright.domain.errors import ConfigError
from tradewright.domain.intervals import interval_ns, is_intraday
from tradewright.domain.outcome import Outcome
from tradewright.domain.rules import FillRules
from tradewright.domain.time import NS_PER_DAY
from tradewright.simulation.tape.laid import LaidBars

SAME: Final = 1e-9
"""Relative difference up to which finer prices add up to a bar's."""

Panels = dict[str, NDArray[np.float64]]


def lay(bars: Bars, finer: Bars) -> LaidBars:
    """Return the tape with finer bars inside the bars that they add up to.

    Parameters
    ----------
    bars : Bars
        The bars that decisions are made on.
    finer : Bars
        Bars of a shorter interval within a day; instruments that `bars` lacks are left out.

    Returns
    -------
    LaidBars
        Row by row: the finer bars of a bar, or the bar itself where they are missing or their
        open, highest high, lowest low and close are not its own.

    Raises
    ------
    ConfigError
        If `finer` is not finer, or adds up to no bar at all.

    Notes
    -----
    A bar without finer ones beside an instrument that has them stands in the first of the rows,
    and its close, without volume, in the last, where decisions look at it.
    """
    _check_intervals(bars, finer)
    if bars.actions:
        raise ConfigError(
            "finer bars cannot be read beside corporate actions yet: give adjusted prices of both "
            "intervals (tradewright.marketdata.adjust)"
        )
    before = np.concatenate(([_first_open(bars)], bars.ts[:-1]))
    row_of = np.searchsorted(bars.ts, finer.ts, side="left")
    inside = row_of < bars.n_bars
    inside[inside] = finer.ts[inside] > before[row_of[inside]]
    shared = [s for s in bars.symbols if s in finer.symbols]
    read = np.zeros(bars.close.shape, dtype=bool)
    unlike, taken = 0, {}
    for symbol in shared:
        column, own = bars.column(symbol), finer.column(symbol)
        rows = np.flatnonzero(inside & ~np.isnan(finer.close[:, own]))
        if len(rows):
            parts = {name: getattr(finer, name)[rows, own] for name in FIELDS[:4]}
            parents, adds_up = _adding_up(bars, column, parts, row_of[rows])
            read[parents[adds_up], column] = True
            unlike += int((~adds_up & ~np.isnan(bars.close[parents, column])).sum())
            taken[column] = own, rows[read[row_of[rows], column]]
    if not read.any():
        raise ConfigError(
            f"finer: bars of {finer.interval} of {', '.join(shared[:5]) or 'other instruments'} "
            f"add up to none of the bars of {bars.interval}; are they of the same instruments, "
            "dates and adjustment?"
        )
    return replace(_tape(bars, finer, row_of, read, taken), unlike=unlike)


def _check_intervals(bars: Bars, finer: Bars) -> None:
    is_finer = is_intraday(finer.interval) and (
        not is_intraday(bars.interval) or interval_ns(finer.interval) < interval_ns(bars.interval)
    )
    if not is_finer:
        raise ConfigError(
            f"finer: bars of {finer.interval}, wanted an interval within a day that is shorter "
            f"than the {bars.interval} of the bars"
        )


def _first_open(bars: Bars) -> int:
    length = interval_ns(bars.interval) if is_intraday(bars.interval) else NS_PER_DAY
    return int(bars.ts[0]) - length


def _adding_up(
    bars: Bars, column: int, parts: Panels, parents: IntArray
) -> tuple[IntArray, NDArray[np.bool_]]:
    # The bars that some finer ones lie in, and whether those are the bar in parts.
    first = np.flatnonzero(np.diff(parents, prepend=-1))
    last = np.append(first[1:], len(parents)) - 1
    found = (
        parts["open"][first],
        np.maximum.reduceat(parts["high"], first),
        np.minimum.reduceat(parts["low"], first),
        parts["close"][last],
    )
    at = parents[first]
    adds_up = np.ones(len(at), dtype=bool)
    for name, prices in zip(parts, found, strict=True):
        adds_up &= np.isclose(prices, getattr(bars, name)[at, column], rtol=SAME, atol=0.0)
    return at, adds_up


def _tape(
    bars: Bars,
    finer: Bars,
    row_of: IntArray,
    read: NDArray[np.bool_],
    taken: dict[int, tuple[int, IntArray]],
) -> LaidBars:
    kept = np.unique(np.concatenate([rows for _, rows in taken.values()]))
    sizes = np.maximum(np.bincount(row_of[kept], minlength=bars.n_bars), 1)
    ends = np.cumsum(sizes) - 1
    firsts = ends - sizes + 1
    coarse = np.repeat(np.arange(bars.n_bars), sizes)
    place = np.zeros(finer.n_bars, dtype=np.int64)
    place[kept] = np.flatnonzero(np.repeat(read.any(axis=1), sizes))
    ts = bars.ts[coarse]
    ts[place[kept]] = finer.ts[kept]
    ts[ends] = bars.ts
    panels: Panels = {name: np.full((len(ts), bars.n_instruments), np.nan) for name in FIELDS}
    whole = ~np.isnan(bars.close) & ~read
    for name, panel in panels.items():
        for column, (own, rows) in taken.items():
            panel[place[rows], column] = getattr(finer, name)[rows, own]
            alone = np.flatnonzero(whole[:, column])
            panel[firsts[alone], column] = getattr(bars, name)[alone, column]
        for column in set(range(bars.n_instruments)) - set(taken):
            panel[firsts, column] = getattr(bars, name)[:, column]
    _show_closes(bars, panels, ends)
    fields: dict[str, Any] = dict(panels)
    return LaidBars(
        bars.instruments,
        ts,
        **fields,
        interval=bars.interval,
        source=bars.source,
        adjustment=bars.adjustment,
        data_version=bars.data_version,
        notes=bars.notes,
        rates=_rates(bars, coarse, ends),
        coarse=coarse,
        ends=ends,
        sessions=_sessions(bars)[coarse],
        opens=_opens(bars, finer, ts, coarse, place[kept]),
        read=int(read.sum()),
        of=int((~np.isnan(bars.close)).sum()),
    )


def _show_closes(bars: Bars, panels: Panels, ends: IntArray) -> None:
    # Whoever decides at the end of a bar sees its close, also where the last finer bar is missing.
    rows, columns = np.nonzero(~np.isnan(bars.close) & np.isnan(panels["close"][ends]))
    for name in ("open", "high", "low", "close"):
        panels[name][ends[rows], columns] = bars.close[rows, columns]
    panels["volume"][ends[rows], columns] = 0.0


def _rates(bars: Bars, coarse: IntArray, ends: IntArray) -> dict[str, NDArray[np.float64]]:
    # A rate of exchange is known at the close of its bar.
    known = coarse - 1
    known[ends] = coarse[ends]
    return {name: np.where(known < 0, np.nan, line[known]) for name, line in bars.rates.items()}


def _sessions(bars: Bars) -> IntArray:
    if not is_intraday(bars.interval):
        return np.arange(bars.n_bars, dtype=np.int64)
    found: IntArray = (bars.ts - 1) // NS_PER_DAY
    return found


def _opens(bars: Bars, finer: Bars, ts: IntArray, coarse: IntArray, places: IntArray) -> IntArray:
    if is_intraday(bars.interval):
        opens = (bars.ts - interval_ns(bars.interval))[coarse]
    else:  # not known; not before the close of the bar before
        opens = np.concatenate(([_first_open(bars)], bars.ts[:-1]))[coarse]
    opens[places] = ts[places] - interval_ns(finer.interval)
    return opens


def spread(laid: LaidBars, decisions: Any, n_bars: int) -> Any:
    """Return decisions made on bars as decisions at the rows at which the bars end.

    Raises
    ------
    ConfigError
        If their shape is not that of the bars.
    """
    if isinstance(decisions, Orders):
        rows = [bar for bar, _ in decisions.rows]
        for bar in rows:
            if not 0 <= bar < n_bars:
                raise ConfigError(f"Orders: bar {bar} is not in 0..{n_bars - 1}")
        return decisions.at([int(laid.ends[bar]) for bar in rows])
    arrays = decisions.weights if isinstance(decisions, TargetWeights) else decisions.entries
    if arrays.shape != (n_bars, laid.n_instruments):
        raise ConfigError(
            f"{type(decisions).__name__}: shape {arrays.shape}, wanted "
            f"{(n_bars, laid.n_instruments)} as the bars"
        )
    if isinstance(decisions, TargetWeights):
        return TargetWeights(_at_ends(laid, decisions.weights, np.nan))
    optional = {
        name: None if (flags := getattr(decisions, name)) is None else _at_ends(laid, flags, False)
        for name in ("short_entries", "short_exits")
    }
    size = decisions.size
    return Signals(
        _at_ends(laid, decisions.entries, False),
        _at_ends(laid, decisions.exits, False),
        size=size if isinstance(size, float) else _at_ends(laid, size, 0.0),
        stop=decisions.stop,
        target=decisions.target,
        trail=decisions.trail,
        **optional,
    )


def _at_ends(laid: LaidBars, panel: NDArray[Any], elsewhere: Any) -> NDArray[Any]:
    out = np.full((laid.n_bars, laid.n_instruments), elsewhere, dtype=panel.dtype)
    out[laid.ends] = panel
    return out


def rules_on(laid: LaidBars, rules: FillRules) -> FillRules:
    """Return fill rules whose bars without data are counted in rows of the tape."""
    longest = int(np.diff(laid.ends, prepend=-1).max())
    if longest == 1:
        return rules
    return replace(rules, max_stale_bars=(rules.max_stale_bars + 1) * longest)


def fold(outcome: Outcome, laid: LaidBars, bars: Bars) -> Outcome:
    """Return the record of a run over the tape as one over the bars."""
    rows = len(outcome.ts)
    done = int(laid.coarse[rows - 1]) + 1 if rows else 0
    last = np.minimum(laid.ends[:done], rows - 1)
    first = np.concatenate(([0], laid.ends[: max(done - 1, 0)] + 1))[:done]
    fills, orders = outcome.fills.copy(), outcome.orders.copy()
    fills["bar"] = laid.coarse[fills["bar"]]
    for name in ("bar", "done_bar"):
        known = orders[name] >= 0
        orders[name][known] = laid.coarse[orders[name][known]]

    def sums(line: IntArray) -> IntArray:
        return np.add.reduceat(line[:rows], first) if done else line[:0]

    lines = {name: getattr(outcome, name)[last] for name in ("equity", "cash")}
    if outcome.unsettled is not None:
        lines["unsettled"] = outcome.unsettled[last]
    values = {name: getattr(outcome, name)[last] for name in ("long_value", "short_value")}
    return replace(
        outcome,
        ts=bars.ts[:done],
        **lines,
        **values,
        fills=fills,
        orders=orders,
        financing=sums(outcome.financing),
        funding=None if outcome.funding is None else sums(outcome.funding),
        message=outcome.message.replace(f"row {rows - 1};", f"row {done - 1};"),
        notes=(_coverage(laid), *outcome.notes),
    )


def _coverage(laid: LaidBars) -> str:
    left = laid.of - laid.read
    told = f"{laid.read} of {laid.of} bars were walked through in finer bars"
    if left:
        told += f", {left} read pessimistically"
    if laid.unlike:
        told += f"; in {laid.unlike} of them the finer bars do not add up to the bar"
    return told


def on_finer(
    drive: Callable[..., Outcome],
    bars: Bars,
    decisions: Any,
    finer: Bars,
    *,
    rules: FillRules,
    **account: Any,
) -> Outcome:
    """Run decisions made on bars over their finer bars.

    Parameters
    ----------
    drive : callable
        Runs decisions over a tape.
    bars, finer : Bars
        See `lay`.
    decisions : Signals, TargetWeights or Orders
        Made on `bars`.
    rules : FillRules
        With ``intrabar: finer``.
    **account
        Passed on.
    """
    if rules.intrabar != "finer":
        raise ConfigError(f"finer bars are given, but rules.intrabar is {rules.intrabar!r}")
    laid = lay(bars, finer)
    made = spread(laid, decisions, bars.n_bars)
    return fold(drive(laid, made, rules=rules_on(laid, rules), **account), laid, bars)

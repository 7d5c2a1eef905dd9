"""The single rules of the quality report; each returns its findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.actions import CorporateAction
from tradewright.domain.bars import FIELDS, Bars, IntArray
from tradewright.domain.instruments import AssetClass
from tradewright.domain.intervals import is_intraday
from tradewright.domain.time import from_ns
from tradewright.marketdata.calendars import calendar_of, local_instants
from tradewright.marketdata.quality.moves import Moves, measure_moves
from tradewright.marketdata.validation import FUTURE_TOLERANCE_NS, RULES, broken_rules

LONG_GAP: Final = 5
STALE_RUN: Final = 5
WARN_Z, ERROR_Z, VOLUME_Z = 5.0, 10.0, 6.0
WITHOUT_VOLUME: Final = (AssetClass.FOREX, AssetClass.INDEX, AssetClass.CFD)

FIXES: Final[dict[str, str]] = {
    "invalid_bar": "fetch the bar again or take it out",
    "gap": "fetch the range again or from a second source",
    "long_gap": "fetch the range again or from a second source, or start the study after it",
    "out_of_session": "check calendar, time zone and stamping of the source",
    "outlier": "compare with a second source; import the corporate action if there was one",
    "suspected_split": "import the split, or fetch the series again",
    "stale": "fetch the range again; the source repeated its last price",
    "repeated_bar": "fetch the bar again; the source sent one bar twice",
    "zero_volume": "do not size by volume here",
    "volume_spike": "compare with a second source before sizing by volume",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where data break a rule.

    Parameters
    ----------
    symbol : str
        Instrument.
    rule : str
        Name of the rule, a key of `FIXES`.
    severity : str
        ``error`` fails the health gate, ``warning`` and ``info`` do not.
    start_ns, end_ns : int
        Close of the first and last bar concerned, UTC nanoseconds.
    n_bars : int
        Bars concerned.
    detail : str
        What was found.
    """

    symbol: str
    rule: str
    severity: str
    start_ns: int
    end_ns: int
    n_bars: int
    detail: str

    def as_dict(self) -> dict[str, Any]:
        """Return the finding with times as datetimes and the fix."""
        return {
            "symbol": self.symbol,
            "rule": self.rule,
            "severity": self.severity,
            "start": from_ns(self.start_ns),
            "end": from_ns(self.end_ns),
            "n_bars": self.n_bars,
            "detail": self.detail,
            "fix": FIXES[self.rule],
        }


def expected_rows(bars: Bars) -> dict[str, IntArray]:
    """Return, for each calendar of the panel, the closes it expects over the panel's span."""
    span = int(bars.ts[0]), int(bars.ts[-1]) + 1
    names = {instrument.calendar for instrument in bars.instruments}
    return {name: calendar_of(name).bar_closes(*span, bars.interval) for name in sorted(names)}


def coverage(bars: Bars, expected: dict[str, IntArray]) -> dict[str, float]:
    """Return the share of expected bars that exist, for each instrument from its first to last."""
    shares = {}
    for column, instrument in enumerate(bars.instruments):
        present = bars.ts[~np.isnan(bars.close[:, column])]
        grid = expected[instrument.calendar]
        if len(present):
            grid = grid[(grid >= present[0]) & (grid <= present[-1])]
        if not len(present):
            share = 0.0
        elif not len(grid):
            share = 1.0
        else:
            share = float(np.isin(grid, present).mean())
        shares[instrument.symbol] = share
    return shares


def find_invalid(bars: Bars, now_ns: int | None) -> list[Finding]:
    """Find bars that break a relation of prices, or lie in the future."""
    exists = ~np.isnan(np.stack([getattr(bars, name) for name in FIELDS[:4]])).all(axis=0)
    values = {name: getattr(bars, name) for name in FIELDS}
    broken = broken_rules(values, volume_missing=np.isnan(bars.volume))
    names = list(RULES)[2:8]
    found = []
    claimed = np.zeros(bars.close.shape, dtype=np.bool_)
    for name, rows in zip(names, broken, strict=True):
        for row, column in zip(*np.nonzero(rows & exists & ~claimed), strict=True):
            found.append(_at(bars, "invalid_bar", "error", row, column, f"{name}: {RULES[name]}"))
        claimed |= rows
    if now_ns is not None and bars.ts[-1] > now_ns + FUTURE_TOLERANCE_NS:
        row = bars.n_bars - 1
        found += [
            _at(bars, "invalid_bar", "error", row, column, "future: the bar has not closed yet")
            for column in np.flatnonzero(~np.isnan(bars.close[row]))
        ]
    return found


def find_gaps(bars: Bars, expected: dict[str, IntArray]) -> list[Finding]:
    """Find runs of expected bars that an instrument lacks between its first and last bar."""
    intraday = is_intraday(bars.interval)
    found = []
    for column, instrument in enumerate(bars.instruments):
        present = bars.ts[~np.isnan(bars.close[:, column])]
        grid = expected[instrument.calendar]
        if not len(present):
            continue
        grid = grid[(grid >= present[0]) & (grid <= present[-1])]
        missing = ~np.isin(grid, present)
        for first, last in _runs(missing):
            count = last - first + 1
            long = count >= LONG_GAP and not intraday
            found.append(
                Finding(
                    instrument.symbol,
                    "long_gap" if long else "gap",
                    "error" if long else "warning",
                    int(grid[first]),
                    int(grid[last]),
                    count,
                    f"{count} expected bars are missing",
                )
            )
    return found


def find_out_of_session(bars: Bars, expected: dict[str, IntArray]) -> list[Finding]:
    """Find bars that close where no session of the calendar has one."""
    found = []
    for column, instrument in enumerate(bars.instruments):
        present = bars.ts[~np.isnan(bars.close[:, column])]
        if is_intraday(bars.interval):
            strange = present[calendar_of(instrument.calendar).session_of(present) < 0]
        else:
            strange = present[~np.isin(present, expected[instrument.calendar])]
        if len(strange):
            share = len(strange) / len(present)
            found.append(
                Finding(
                    instrument.symbol,
                    "out_of_session",
                    "error" if share > 0.05 else "warning",
                    int(strange[0]),
                    int(strange[-1]),
                    len(strange),
                    f"{len(strange)} bars ({share:.1%}) close outside {instrument.calendar}",
                )
            )
    return found


def find_moves(bars: Bars, actions: Sequence[CorporateAction]) -> list[Finding]:
    """Find outliers of return and volume, and suspected splits or decimal errors."""
    moves = measure_moves(bars, _explained(bars, actions))
    found = []
    for row, column in zip(*np.nonzero(moves.suspected_split), strict=True):
        ratio = float(np.exp(moves.log_return[row, column]))
        detail = f"close is {ratio:.4g} times the one before, and no split is known"
        found.append(_at(bars, "suspected_split", "error", row, column, detail))
    with np.errstate(invalid="ignore"):
        wild = (np.abs(moves.z) > WARN_Z) & ~moves.suspected_split
    for row, column in zip(*np.nonzero(wild), strict=True):
        found.append(_outlier(bars, moves, row, column))
    for column in range(bars.n_instruments):
        with np.errstate(invalid="ignore"):
            rows = np.flatnonzero(moves.volume_z[:, column] > VOLUME_Z)
        for row in rows:
            detail = f"volume is {moves.volume_ratio[row, column]:.1f} times its trailing median"
            found.append(_at(bars, "volume_spike", "info", row, column, detail))
    return found


def _outlier(bars: Bars, moves: Moves, row: int, column: int) -> Finding:
    z, change = moves.z[row, column], float(np.expm1(moves.log_return[row, column]))
    confirmed = bool(moves.confirmed[row, column])
    severe = abs(z) > ERROR_Z
    severity = "error" if severe and not confirmed else "warning" if severe else "info"
    told = "confirmed by the market or by lasting prices on volume" if confirmed else "unconfirmed"
    return _at(bars, "outlier", severity, row, column, f"return {change:+.2%}, z {z:+.1f}, {told}")


def find_stale(bars: Bars) -> list[Finding]:
    """Find runs of equal prices, and bars sent twice."""
    found = []
    intraday = is_intraday(bars.interval)
    for column, symbol in enumerate(bars.symbols):
        rows = np.flatnonzero(~np.isnan(bars.close[:, column]))
        if len(rows) < 2:
            continue
        values = np.stack([getattr(bars, name)[rows, column] for name in FIELDS])
        same = values[:, 1:] == values[:, :-1]
        flat = values[1, 1:] == values[2, 1:]
        equal = same[3] & ((same[1] & same[2]) | flat)
        if intraday:
            equal &= ~(values[4, 1:] == 0)
        for first, last in _runs(equal):
            count = last - first + 2
            place = int(bars.ts[rows[first]]), int(bars.ts[rows[last + 1]])
            if count >= STALE_RUN:
                text = f"{count} bars in a row have the same price {values[3, first]:.6g}"
                found.append(Finding(symbol, "stale", "error", *place, count, text))
        twice = same.all(axis=0) & (values[4, 1:] > 0)
        for first, last in _runs(twice):
            place = int(bars.ts[rows[first + 1]]), int(bars.ts[rows[last + 1]])
            text = "the bar equals the one before, volume included"
            found.append(Finding(symbol, "repeated_bar", "warning", *place, last - first + 1, text))
    return found


def find_zero_volume(bars: Bars) -> list[Finding]:
    """Find bars without trading, on instruments that have volume."""
    found = []
    for column, instrument in enumerate(bars.instruments):
        if instrument.asset_class in WITHOUT_VOLUME:
            continue
        zero = bars.volume[:, column] == 0
        found += [
            Finding(
                instrument.symbol,
                "zero_volume",
                "warning",
                int(bars.ts[first]),
                int(bars.ts[last]),
                last - first + 1,
                f"{last - first + 1} bars have no volume",
            )
            for first, last in _runs(zero)
        ]
    return found


# Unadjusted prices move by a split or dividend on its ex-date.
def _explained(bars: Bars, actions: Sequence[CorporateAction]) -> NDArray[np.bool_]:
    explained = np.zeros(bars.close.shape, dtype=np.bool_)
    columns = {symbol: column for column, symbol in enumerate(bars.symbols)}
    for action in actions:
        if action.symbol not in columns or bars.adjustment not in ("none", "splits"):
            continue
        column = columns[action.symbol]
        if bars.adjustment == "splits" and action.kind == "split":
            continue
        zone = calendar_of(bars.instruments[column].calendar).timezone
        day = np.array([action.ex_date], dtype="datetime64[D]")
        start = int(local_instants(day, 0, zone)[0])
        later = np.flatnonzero((bars.ts > start) & ~np.isnan(bars.close[:, column]))
        if len(later):
            explained[later[0], column] = True
    return explained


def _at(bars: Bars, rule: str, severity: str, row: Any, column: Any, detail: str) -> Finding:  # noqa: PLR0917
    ts = int(bars.ts[row])
    return Finding(bars.symbols[column], rule, severity, ts, ts, 1, detail)


def _runs(marks: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    padded = np.concatenate(([False], marks, [False]))
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    yield from zip(edges[::2].tolist(), (edges[1::2] - 1).tolist(), strict=True)

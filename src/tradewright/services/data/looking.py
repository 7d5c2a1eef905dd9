"""Read, list and judge what is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, NoDataError, nearest
from tradewright.domain.intervals import INTRADAY_MINUTES, parse_interval
from tradewright.domain.time import from_ns
from tradewright.marketdata import (
    HealthVerdict,
    adjust,
    calendar_of,
    check_health,
    finer_interval,
    sample_bars,
)
from tradewright.marketdata import sectors as sample_sectors
from tradewright.ports.bar_store import SeriesInfo
from tradewright.ports.feeds import FeedInfo
from tradewright.services.data.fetching import SOURCES, feed_of
from tradewright.services.workspace import Workspace

if TYPE_CHECKING:
    from tradewright.services.study_page import StudyPage


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """A stored series with its coverage.

    Parameters
    ----------
    info : SeriesInfo
        Symbol, source, interval, first and last bar, rows, adjustment.
    expected : int
        Bars that the calendar expects from the first to the last.
    sector : str
        Sector, empty where unknown.
    score : float or None
        Quality score in [0, 1]; None where it was not asked for.
    failures : int or None
        Findings that would fail the data-health gate; None where it was not asked for.
    """

    info: SeriesInfo
    expected: int
    sector: str
    score: float | None = None
    failures: int | None = None

    @property
    def health(self) -> str:
        """``ok``, ``fails`` or empty where it was not asked for."""
        return "" if self.failures is None else "fails" if self.failures else "ok"

    @property
    def coverage(self) -> float:
        """Share of the expected bars that are stored, at most 1."""
        return min(1.0, self.info.rows / self.expected) if self.expected else 1.0

    def to_dict(self) -> dict[str, Any]:
        """Return the row as JSON-ready values."""
        return {
            "symbol": self.info.symbol,
            "source": self.info.source,
            "interval": self.info.interval,
            "first": from_ns(self.info.first_ts).isoformat(),
            "last": from_ns(self.info.last_ts).isoformat(),
            "rows": self.info.rows,
            "expected": self.expected,
            "coverage": self.coverage,
            "adjustment": self.info.adjustment,
            "sector": self.sector,
            "health": self.health or None,
            "score": self.score,
            "failures": self.failures,
        }


def load(
    workspace: Workspace,
    symbols: Sequence[str] | None = None,
    *,
    interval: str = "1d",
    source: str | None = None,
    start_ns: int | None = None,
    end_ns: int | None = None,
    as_of_ns: int | None = None,
    adjustment: str | None = None,
) -> Bars:
    """Return bars of the store, or of the embedded sample, adjusted as asked.

    Parameters
    ----------
    workspace : Workspace
        Store.
    symbols : sequence of str, optional
        What to read; all symbols of the source at this interval when left out.
    interval : str
        Length of the bars.
    source : str, optional
        ``sample`` reads the embedded sample when it is not in the store.
    start_ns, end_ns : int, optional
        Range, half-open, UTC nanoseconds.
    as_of_ns : int, optional
        Values and actions that became known later are not seen.
    adjustment : str, optional
        ``none``, ``splits`` or ``total_return``; as stored when left out. Prices as traded
        (``none``) carry the stored corporate actions of their source.

    Returns
    -------
    Bars
        Rows in time order.

    Raises
    ------
    NoDataError
        If a symbol is not stored; with the nearest.
    DataError
        If the stored prices cannot be brought to the adjustment.
    """
    interval = parse_interval(interval)
    rows = [
        row
        for row in workspace.bars.list_series()
        if row.interval == interval and source in (None, row.source)
    ]
    names = tuple(symbols) if symbols else tuple(dict.fromkeys(row.symbol for row in rows))
    if source == "sample" and not {row.symbol for row in rows} >= set(names or [""]):
        bars = sample_bars(names or None)
        if start_ns is not None or end_ns is not None:
            bars = bars.between(start_ns, end_ns)
    else:
        if not names:
            where = f" from {source}" if source else ""
            raise NoDataError(f"nothing is stored at {interval}{where}; fetch or import bars first")
        bars = workspace.bars.read(
            names,
            interval=interval,
            start_ns=start_ns,
            end_ns=end_ns,
            as_of_ns=as_of_ns,
            source=source,
        )
    wanted = adjustment or bars.adjustment
    if wanted == bars.adjustment != "none":
        return bars
    actions = workspace.bars.read_actions(bars.symbols, as_of_ns=as_of_ns)
    mine = [action for action in actions if action.source == bars.source]
    found = adjust(bars, mine, mode=wanted, as_of_ns=as_of_ns)
    return found.with_actions(mine) if wanted == "none" else found


def load_adjusted(
    workspace: Workspace,
    symbols: Sequence[str] | None = None,
    *,
    adjust: str = "any",
    **selection: Any,
) -> Bars:
    """Return bars whose prices can be compared over time, for research and simulation.

    Prices as traded jump at splits and dividends, which is neither profit nor loss. Stored bars as
    traded are therefore brought to total return, unless something else is asked for.

    Parameters
    ----------
    workspace : Workspace
        Store.
    symbols : sequence of str, optional
        As for `load`.
    adjust : str
        ``any`` as above; ``none``, ``splits``, ``total_return`` or ``source_adjusted`` exactly.
    **selection
        Interval, source, range and as-of time, as for `load`.

    Returns
    -------
    Bars
        Adjusted.

    Raises
    ------
    NoDataError, DataError
        As `load`.
    """
    bars = load(workspace, symbols, **selection)
    wanted = adjust
    if adjust == "any":
        wanted = "total_return" if bars.adjustment in {"none", "splits"} else bars.adjustment
    if bars.adjustment == wanted:
        return bars
    return load(workspace, symbols, adjustment=wanted, **selection)


def list_series(
    workspace: Workspace,
    *,
    source: str | None = None,
    interval: str | None = None,
    sector: str | None = None,
    health: bool = False,
) -> list[SeriesRow]:
    """Return what is stored, with coverage, and with its health where asked.

    Parameters
    ----------
    workspace : Workspace
        Store.
    source, interval, sector : str, optional
        Keep only these.
    health : bool
        Whether every bar is read and judged as the data-health gate does.

    Returns
    -------
    list of SeriesRow
        Sorted by symbol, source, interval.

    Raises
    ------
    ConfigError
        If the sector is of no stored symbol.
    """
    known = sample_sectors()
    rows = []
    for info in workspace.bars.list_series():
        if source not in (None, info.source) or interval not in (None, info.interval):
            continue
        calendar = calendar_of(info.calendar)
        expected = calendar.expected_bars(info.first_ts, info.last_ts + 1, info.interval)
        rows.append(SeriesRow(info, expected, info.sector or known.get(info.symbol, "")))
    if sector is not None:
        names = sorted({row.sector for row in rows if row.sector})
        if sector not in names:
            raise ConfigError(f"sector {sector!r} is of no stored symbol; {nearest(sector, names)}")
        rows = [row for row in rows if row.sector == sector]
    return _judged(workspace, rows) if health else rows


# Judged together where they are read together: moves of one are explained by those of the others.
def _judged(workspace: Workspace, rows: Sequence[SeriesRow]) -> list[SeriesRow]:
    groups: dict[tuple[str, str, str, str], list[str]] = {}
    for row in rows:
        one = row.info
        key = (one.source, one.interval, one.adjustment, one.calendar)
        groups.setdefault(key, []).append(one.symbol)
    found: dict[tuple[str, str, str], tuple[float, int]] = {}
    for (source, interval, _, _), names in groups.items():
        verdict = quality(workspace, names, source=source, interval=interval)
        failed = Counter(finding.symbol for finding in verdict.findings)
        for name in names:
            found[source, interval, name] = (verdict.report.scores[name], failed[name])
    judged = []
    for row in rows:
        score, failures = found[row.info.source, row.info.interval, row.info.symbol]
        judged.append(replace(row, score=score, failures=failures))
    return judged


def show(
    workspace: Workspace,
    symbol: str,
    *,
    rows: int = 10,
    **selection: Any,
) -> dict[str, Any]:
    """Return one symbol: its series, first and last bars, and corporate actions.

    Parameters
    ----------
    workspace : Workspace
        Store.
    symbol : str
        Canonical symbol.
    rows : int
        How many bars of the end to show.
    **selection
        ``interval source start_ns end_ns as_of_ns adjustment``, see `load`.

    Returns
    -------
    dict
        ``symbol, series, instrument, notes, bars, actions``, JSON-ready.

    Raises
    ------
    NoDataError
        If the symbol is not stored; with the nearest.
    """
    bars = load(workspace, [symbol], **selection)
    one = bars.instruments[0]
    series = [row.to_dict() for row in list_series(workspace) if row.info.symbol == symbol]
    last = bars.rows(max(0, bars.n_bars - rows), bars.n_bars)
    actions = workspace.bars.read_actions([symbol], as_of_ns=selection.get("as_of_ns"))
    return {
        "symbol": symbol,
        "series": series,
        "instrument": {
            "asset_class": str(one.asset_class),
            "currency": one.currency,
            "calendar": one.calendar,
            "sector": one.sector,
        },
        "source": bars.source,
        "interval": bars.interval,
        "adjustment": bars.adjustment,
        "notes": list(bars.notes),
        "n_bars": bars.n_bars,
        "bars": [
            {
                "time": from_ns(int(ts)).isoformat(),
                **{
                    name: _number(getattr(last, name)[row, 0])
                    for name in ("open", "high", "low", "close", "volume")
                },
            }
            for row, ts in enumerate(last.ts)
        ],
        "actions": [
            {"kind": str(a.kind), "ex_date": a.ex_date.isoformat(), "value": a.value}
            for a in actions
        ],
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def quality(
    workspace: Workspace,
    symbols: Sequence[str] | None = None,
    *,
    min_coverage: float = 0.98,
    **selection: Any,
) -> HealthVerdict:
    """Return the quality report of stored bars and the verdict of the data-health gate.

    Parameters
    ----------
    workspace : Workspace
        Store and clock.
    symbols : sequence of str, optional
        What to judge; all symbols of the source when left out.
    min_coverage : float
        Least share of expected bars.
    **selection
        ``interval source start_ns end_ns as_of_ns``, see `load`.

    Returns
    -------
    HealthVerdict
        Its `report` holds all findings.

    Raises
    ------
    NoDataError
        If nothing is stored for what was asked.
    """
    bars = load(workspace, symbols, **selection)
    actions = workspace.bars.read_actions(bars.symbols, as_of_ns=selection.get("as_of_ns"))
    now_ns = workspace.clock.now_ns()
    return check_health(bars, min_coverage=min_coverage, actions=actions, now_ns=now_ns)


def quality_of_study(workspace: Workspace, page: StudyPage) -> HealthVerdict:
    """Return what the data-health gate says of the bars that a study would read.

    Parameters
    ----------
    workspace : Workspace
        Store.
    page : StudyPage
        Its universe, range, adjustment and least coverage hold.

    Returns
    -------
    HealthVerdict
        As `study run` would meet it.

    Raises
    ------
    ConfigError, NoDataError, DataError
        If the study's bars cannot be read.
    """
    from tradewright.services.study.loading import load_data, study_health

    return study_health(page, load_data(page, workspace))


def sources(workspace: Workspace) -> list[FeedInfo]:
    """Return what each source offers, and what is made of it; calls nothing outside."""
    found = []
    for name in SOURCES:
        info = feed_of(workspace, name).describe()
        reach = dict(info.intervals)
        for interval in INTRADAY_MINUTES:
            finer = finer_interval(interval, tuple(info.intervals))
            if interval not in reach and finer is not None:
                reach[interval] = f"made of {finer}: {reach[finer]}"
        found.append(replace(info, intervals=reach))
    return found


def sectors() -> dict[str, str]:
    """Return the sector of each symbol of the embedded sample."""
    return sample_sectors()

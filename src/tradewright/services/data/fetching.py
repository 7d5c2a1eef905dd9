"""Fetch bars from a source into the bar store; again, and nothing is stored twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.bars import FIELDS, Bars
from tradewright.domain.errors import ConfigError, NoDataError, nearest
from tradewright.domain.instruments import normalise_symbol
from tradewright.domain.intervals import parse_interval
from tradewright.domain.panels import build_bars
from tradewright.domain.time import NS_PER_DAY, from_ns
from tradewright.marketdata import (
    adjust as adjusted,
)
from tradewright.marketdata import (
    calendar_of,
    check_rows,
    close_stamps,
    finer_interval,
    sample_bars,
)
from tradewright.ports.bar_store import SeriesInfo
from tradewright.ports.feeds import FeedInfo, FetchRequest, FetchResult, HistoryFeed
from tradewright.services.data.coarser import put_together
from tradewright.services.workspace import Workspace

SOURCES: Final = ("sample", "yahoo")
SIGNIFICANT: Final = 7
"""Digits of a price that a source with single precision gives."""

BATCH: Final = 8
"""Symbols stored at a time, so that a fetch that is stopped keeps what it has."""

PERIOD_DAYS: Final = {
    "1d": 1, "5d": 5, "1mo": 30, "3mo": 91, "6mo": 182, "1y": 365, "2y": 730, "5y": 1826,
    "10y": 3652,
}  # fmt: skip
ADJUSTMENTS: Final = ("none", "splits", "total_return")
RESUME_DAYS: Final = 7
"""Days before the last stored bar that are asked again, to see late corrections."""


@dataclass(frozen=True, slots=True)
class FetchReport:
    """What a fetch did.

    Parameters
    ----------
    bars : Bars or None
        What is stored now of the symbols that worked; None when none did.
    source, interval : str
        What was asked.
    rows : mapping of str to int
        Bars received, by symbol.
    inserted, revised, unchanged : int
        Bars stored as new, stored as a revision, already there.
    quarantined : int
        Bars that broke a rule and were not stored.
    failures : mapping of str to str
        The reason, by symbol that gave nothing.
    notes : tuple of str
        What could not be had.
    datasets : tuple of str
        Ids of the data sets written.
    adjustment : str
        How the prices of `bars` are adjusted; what is stored are prices as the source traded them.
    """

    bars: Bars | None
    source: str
    interval: str
    rows: Mapping[str, int]
    inserted: int
    revised: int
    unchanged: int
    quarantined: int
    failures: Mapping[str, str]
    notes: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    adjustment: str = "none"

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready values, without the bars."""
        return {
            "source": self.source,
            "interval": self.interval,
            "rows": dict(self.rows),
            "inserted": self.inserted,
            "revised": self.revised,
            "unchanged": self.unchanged,
            "quarantined": self.quarantined,
            "failures": dict(self.failures),
            "notes": list(self.notes),
            "datasets": list(self.datasets),
            "adjustment": self.adjustment,
            "last": self.last,
        }

    @property
    def last(self) -> dict[str, dict[str, Any]]:
        """Time and close of the last stored bar, by symbol, in `adjustment`."""
        if self.bars is None:
            return {}
        found = {}
        for column, symbol in enumerate(self.bars.symbols):
            row = int(np.flatnonzero(~np.isnan(self.bars.close[:, column]))[-1])
            found[symbol] = {
                "time": from_ns(int(self.bars.ts[row])).isoformat(),
                "close": float(self.bars.close[row, column]),
            }
        return found


class SampleFeed:
    """The embedded sample as a feed; no network."""

    name = "sample"

    def describe(self) -> FeedInfo:
        """Return what the sample holds."""
        return FeedInfo(
            name=self.name,
            summary="embedded: 28 US stocks, SPY, QQQ, TLT, GLD, adjusted, 2005-02 to 2017-11",
            intervals={"1d": "2005-02-25 to 2017-11-10"},
            limits="none",
            needs="nothing",
        )

    def fetch_bars(self, request: FetchRequest) -> FetchResult:
        """Return bars of the sample; the period is not looked at, since the sample has ended."""
        if request.interval != "1d":
            raise ConfigError(f"sample: interval {request.interval!r} is not offered, only 1d")
        found, failures = [], {}
        for symbol in request.symbols:
            try:
                sample_bars([symbol])
                found.append(symbol)
            except NoDataError as error:
                failures[symbol] = str(error)
        if not found:
            return FetchResult(None, failures)
        bars = sample_bars(found)
        if request.start_ns is not None or request.end_ns is not None:
            bars = bars.between(request.start_ns, request.end_ns)
        return FetchResult(bars, failures)


def feed_of(workspace: Workspace, source: str) -> HistoryFeed:
    """Return the feed of a source.

    Raises
    ------
    ConfigError
        If the source is not known.
    """
    if source == "sample":
        return SampleFeed()
    if source not in SOURCES:
        raise ConfigError(f"source {source!r} is not known; {nearest(source, SOURCES)}")
    return workspace.feed(source)


def fetch(
    workspace: Workspace,
    symbols: Sequence[str],
    *,
    source: str = "yahoo",
    period: str | None = "1y",
    interval: str = "1h",
    start_ns: int | None = None,
    end_ns: int | None = None,
    adjust: str | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> FetchReport:
    """Fetch bars and store them.

    A second run inserts nothing twice: with a period, a symbol is asked only from shortly before
    its last stored bar, so that a run that was stopped goes on where it was.

    Parameters
    ----------
    workspace : Workspace
        Store, clock and feeds.
    symbols : sequence of str
        What to fetch; spelling is made canonical, repeats count once.
    source : str
        ``sample`` or ``yahoo``.
    period : str, optional
        Span back from now; left out of account when a range is given.
    interval : str
        Length of the bars. Intraday bars that the source does not offer are made of the next
        finer ones that it does, session by session, and marked ``resampled_from``.
    start_ns, end_ns : int, optional
        Range, half-open, UTC nanoseconds.
    adjust : str, optional
        ``none``, ``splits`` or ``total_return``: how the bars that are returned are adjusted.
        Stored are prices as traded with their splits and dividends, whatever is asked here.
    progress : callable, optional
        Called with the share done and a line of text.

    Returns
    -------
    FetchReport
        Counts, failures by symbol, and the stored bars.

    Raises
    ------
    ConfigError
        If something asked for cannot be answered; nothing was called.
    NoDataError
        If no symbol gave data; with the reason of each.
    """
    names = tuple(dict.fromkeys(normalise_symbol(symbol) for symbol in symbols))
    if not names:
        raise ConfigError("fetch: no symbol was given")
    interval = parse_interval(interval)
    if start_ns is not None and end_ns is not None and start_ns >= end_ns:
        raise ConfigError("fetch: the start is not before the end")
    if adjust not in (None, *ADJUSTMENTS):
        raise ConfigError(f"fetch: adjust is {adjust!r}; {nearest(str(adjust), ADJUSTMENTS)}")
    feed = feed_of(workspace, source)
    offered = feed.describe().intervals
    native = interval if interval in offered else finer_interval(interval, tuple(offered))
    asked = FetchRequest(names, interval, period, start_ns, end_ns)
    report = FetchReport(None, source, interval, {}, 0, 0, 0, 0, {})
    for first in range(0, len(names), BATCH):
        batch = names[first : first + BATCH]
        if progress is not None:
            progress(first / len(names), f"{source}: {', '.join(batch)}")
        for group, start in _starts(workspace, batch, asked, source).items():
            request = replace(asked, symbols=group, start_ns=start, interval=native or interval)
            report = _stored(workspace, report, feed, request)
    if progress is not None:
        progress(1.0, "done")
    worked = [name for name in names if name not in report.failures]
    if not worked:
        reasons = "; ".join(f"{name}: {why}" for name, why in report.failures.items())
        raise NoDataError(f"no bar from {source}: {reasons}")
    bars = workspace.bars.read(worked, interval=interval, source=source)
    if adjust not in (None, bars.adjustment):
        actions = [a for a in workspace.bars.read_actions(bars.symbols) if a.source == source]
        bars = adjusted(bars, actions, mode=str(adjust))
    return replace(report, bars=bars, adjustment=bars.adjustment)


# A span back from now of which the older part is stored needs only what came after, with a week
# before it, which shows late corrections.
def _starts(
    workspace: Workspace, names: Sequence[str], asked: FetchRequest, source: str
) -> dict[tuple[str, ...], int | None]:
    days = PERIOD_DAYS.get(asked.period or "")
    if asked.start_ns is not None or asked.end_ns is not None or days is None:
        return {tuple(names): asked.start_ns}
    wanted = workspace.clock.now_ns() - days * NS_PER_DAY
    stored = {
        row.symbol: row
        for row in workspace.bars.list_series()
        if row.source == source and row.interval == asked.interval
    }
    groups: dict[int | None, list[str]] = {}
    for name in names:
        row = stored.get(name)
        start = None
        if row is not None and _reaches(row, wanted):
            start = max(wanted, row.last_ts - RESUME_DAYS * NS_PER_DAY)
        groups.setdefault(start, []).append(name)
    return {tuple(group): start for start, group in groups.items()}


# Whether a stored series covers the older part of a span without a hole.
def _reaches(row: SeriesInfo, wanted: int) -> bool:
    if row.first_ts > wanted + RESUME_DAYS * NS_PER_DAY or row.last_ts <= wanted:
        return False
    expected = calendar_of(row.calendar).expected_bars(row.first_ts, row.last_ts + 1, row.interval)
    return row.rows >= 0.98 * expected


def _stored(
    workspace: Workspace, report: FetchReport, feed: HistoryFeed, request: FetchRequest
) -> FetchReport:
    result = feed.fetch_bars(request)
    failures = {**report.failures, **result.failures}
    notes = tuple(dict.fromkeys((*report.notes, *result.notes)))
    if result.bars is None:
        return replace(report, failures=failures, notes=notes)
    now_ns = workspace.clock.now_ns()
    bars, refused = settle(result, now_ns)
    if bars.interval != report.interval:
        bars, reasons = put_together(bars, report.interval)
        failures |= reasons
    if result.actions:
        workspace.bars.write_actions(result.actions)
    query = (
        f"{','.join(request.symbols)} {request.interval} period={request.period} "
        f"start={request.start_ns} end={request.end_ns}"
    )
    written = workspace.bars.write(bars, ts_known=now_ns, query=query)
    present = (~np.isnan(bars.close)).sum(axis=0)
    received = dict(zip(bars.symbols, present.tolist(), strict=True))
    return replace(
        report,
        rows={**report.rows, **received},
        inserted=report.inserted + written.inserted,
        revised=report.revised + written.revised,
        unchanged=report.unchanged + written.unchanged,
        quarantined=report.quarantined + refused,
        failures=failures,
        notes=notes,
        datasets=(*report.datasets, written.dataset_id),
    )


def settle(result: FetchResult, now_ns: int) -> tuple[Bars, int]:
    """Turn a source's answer into bars to store: closes, prices as traded, valid and final rows.

    Parameters
    ----------
    result : FetchResult
        Bars with the source's stamps, and its actions.
    now_ns : int
        The present; bars that close later are not final and are left out.

    Returns
    -------
    (Bars, int)
        Bars stamped with their close, and how many rows broke a rule.

    Raises
    ------
    NoDataError
        If nothing is left.
    """
    import polars as pl

    source = result.bars
    if source is None:
        raise NoDataError("the source answered without bars")
    column, row = np.nonzero(~np.isnan(source.close.T))
    stamps = source.ts[row].copy()
    for place, instrument in enumerate(source.instruments):
        mine = column == place
        stamps[mine] = close_stamps(
            stamps[mine],
            stamp=result.stamp,
            interval=source.interval,
            calendar=calendar_of(instrument.calendar),
        )
    table = pl.DataFrame(
        {
            "line": np.arange(1, len(row) + 1),
            "symbol": np.array(source.symbols)[column],
            "raw_time": stamps.astype("datetime64[ns]").astype(str),
            "ts": stamps,
            **{name: getattr(source, name)[row, column] for name in FIELDS},
        }
    )
    table = table.filter(pl.col("ts") <= now_ns)
    checked = check_rows(table, now_ns=now_ns)
    index = {symbol: place for place, symbol in enumerate(source.symbols)}
    good = checked.accepted
    bars = build_bars(
        source.instruments,
        good["symbol"].replace_strict(index, return_dtype=pl.Int64).to_numpy(),
        good["ts"].to_numpy(),
        {name: good[name].to_numpy() for name in FIELDS},
        interval=source.interval,
        source=source.source,
        adjustment=source.adjustment,
        notes=source.notes,
    )
    if bars.adjustment == "splits":
        bars = _rounded(adjusted(bars, result.actions, mode="none"))
    return bars, checked.quarantined.height


# Prices divided by a source in single precision and multiplied back here differ in their last
# digits from fetch to fetch; rounded to what single precision holds they are the same.
def _rounded(bars: Bars) -> Bars:
    opened, high, low, close = (_significant(getattr(bars, name)) for name in FIELDS[:4])
    volume = np.round(bars.volume)
    return replace(
        bars, open=opened, high=high, low=low, close=close, volume=volume, data_version=""
    )


def _significant(values: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore", invalid="ignore"):
        digits = SIGNIFICANT - 1 - np.floor(np.log10(np.abs(values)))
        scale = 10.0**digits
        rounded: NDArray[np.float64] = np.round(values * scale) / scale
    return rounded

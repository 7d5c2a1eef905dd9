"""What data there are, and the bars of a symbol."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from tradewright.api.deps import Here, refusals
from tradewright.api.pages import Page, PageQuery, cut_page
from tradewright.api.schemas import BarSeries, InstrumentInfo, finite, moment
from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError
from tradewright.domain.instruments import normalise_symbol
from tradewright.domain.time import NS_PER_DAY, to_ns
from tradewright.services.catalogues import available_bars, available_series, sector_of_symbol

router = APIRouter(tags=["market data"])

SymbolPath = Annotated[str, Path(max_length=32, examples=["AAPL"])]
MOST_BARS = 20_000


class InstrumentQuery(PageQuery):
    """Which instruments."""

    q: Annotated[str | None, Field(max_length=32, description="Part of the symbol")] = None


class BarQuery(BaseModel):
    """Which bars; the range is half-open."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    start: Annotated[date | None, Field(alias="from", description="First day")] = None
    end: Annotated[date | None, Field(alias="to", description="Day after the last")] = None
    interval: Annotated[str, Field(pattern=r"^(1m|5m|15m|30m|1h|4h|1d|1wk|1mo)$")] = "1d"
    limit: Annotated[int, Field(ge=1, le=MOST_BARS)] = 5_000


@router.get(
    "/instruments",
    operation_id="listInstruments",
    summary="Symbols with stored bars",
    responses=refusals(),
)
def list_instruments(
    here: Here, query: Annotated[InstrumentQuery, Query()]
) -> Page[InstrumentInfo]:
    """Return one row for each symbol, source and interval; the sample where nothing is stored."""
    rows, _ = available_series(here.workspace)
    if query.q:
        wanted = query.q.upper()
        rows = [row for row in rows if wanted in row.symbol]
    page, after = cut_page(
        rows, query, key=lambda row: [row.symbol, row.source, row.interval], scope=f"i:{query.q}"
    )
    sectors = sector_of_symbol()
    items = [
        InstrumentInfo(
            symbol=row.symbol,
            sector=sectors.get(row.symbol, ""),
            asset_class="etf" if sectors.get(row.symbol) == "ETF" else "stock",
            source=row.source,
            interval=row.interval,
            adjustment=row.adjustment,
            first=moment(row.first_ts),
            last=moment(row.last_ts),
            rows=row.rows,
        )
        for row in page
    ]
    return Page(items=items, next_cursor=after)


class DataOverview(BaseModel):
    """What is stored, in one glance."""

    symbols: int
    rows: int
    first: str | None
    last: str | None
    sources: list[str]
    intervals: list[str]
    is_sample: bool = Field(description="Nothing is stored; this is the embedded sample")
    sectors: list[SectorCount]


class SectorCount(BaseModel):
    """How many symbols a sector has."""

    sector: str
    symbols: int


DataOverview.model_rebuild()


@router.get(
    "/data/overview",
    operation_id="getDataOverview",
    summary="What data are stored",
    responses=refusals(),
)
def get_data_overview(here: Here) -> DataOverview:
    """Count the stored series."""
    rows, is_sample = available_series(here.workspace)
    symbols = sorted({row.symbol for row in rows})
    sectors = sector_of_symbol()
    counted = Counter(sectors.get(symbol) or "No sector" for symbol in symbols)
    return DataOverview(
        symbols=len(symbols),
        rows=sum(row.rows for row in rows),
        first=moment(min(row.first_ts for row in rows)) if rows else None,
        last=moment(max(row.last_ts for row in rows)) if rows else None,
        sources=sorted({row.source for row in rows}),
        intervals=sorted({row.interval for row in rows}),
        is_sample=is_sample,
        sectors=[SectorCount(sector=name, symbols=n) for name, n in counted.most_common()],
    )


@router.get(
    "/market-data/{symbol}/bars",
    operation_id="getBars",
    summary="Bars of a symbol",
    responses=refusals(404),
)
def get_bars(here: Here, symbol: SymbolPath, query: Annotated[BarQuery, Query()]) -> BarSeries:
    """Return the newest `limit` bars of the range, oldest first."""
    if query.start and query.end and query.start >= query.end:
        raise ConfigError(f"from {query.start} is not before to {query.end}")
    bars = available_bars(
        here.workspace,
        normalise_symbol(symbol),
        interval=query.interval,
        start_ns=_midnight(query.start),
        end_ns=_midnight(query.end),
    )
    return bar_series(bars, column=0, limit=query.limit)


def bar_series(bars: Bars, *, column: int, limit: int) -> BarSeries:
    """Return the newest `limit` bars of a column that exist, as a reply."""
    close = bars.close[:, column]
    rows = [row for row in range(bars.n_bars) if close[row] == close[row]]
    kept = rows[-limit:]
    return BarSeries(
        symbol=bars.symbols[column],
        interval=bars.interval,
        source=bars.source,
        adjustment=bars.adjustment,
        times=[moment(int(bars.ts[row])) for row in kept],
        open=[finite(bars.open[row, column]) for row in kept],
        high=[finite(bars.high[row, column]) for row in kept],
        low=[finite(bars.low[row, column]) for row in kept],
        close=[finite(close[row]) for row in kept],
        volume=[finite(bars.volume[row, column]) for row in kept],
        truncated=len(kept) < len(rows),
    )


def _midnight(day: date | None) -> int | None:
    if day is None:
        return None
    if not 1900 <= day.year <= 2200:
        raise ConfigError(f"date {day} is out of range: wanted 1900 to 2200")
    return to_ns(datetime.combine(day, time(), UTC)) // NS_PER_DAY * NS_PER_DAY

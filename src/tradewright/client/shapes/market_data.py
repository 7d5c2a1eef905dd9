"""Types of market data; written from the OpenAPI document, do not edit."""

from __future__ import annotations

from typing import NotRequired, TypedDict


class BarSeries(TypedDict):
    """Open, high, low, close and volume as columns of equal length; null where not traded."""

    symbol: str
    interval: str
    source: str
    adjustment: str
    times: list[str]
    open: list[float | None]
    high: list[float | None]
    low: list[float | None]
    close: list[float | None]
    volume: list[float | None]
    truncated: NotRequired[bool]


class DataOverview(TypedDict):
    """What is stored, in one glance."""

    symbols: int
    rows: int
    first: str | None
    last: str | None
    sources: list[str]
    intervals: list[str]
    is_sample: bool
    sectors: list[SectorCount]


class InstrumentInfo(TypedDict):
    """A symbol with data."""

    symbol: str
    sector: str
    asset_class: str
    source: str
    interval: str
    adjustment: str
    first: str
    last: str
    rows: int


class PageInstrumentInfo(TypedDict):
    """Page[InstrumentInfo]."""

    items: list[InstrumentInfo]
    next_cursor: NotRequired[str | None]


class SectorCount(TypedDict):
    """How many symbols a sector has."""

    sector: str
    symbols: int

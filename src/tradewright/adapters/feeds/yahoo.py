"""Bars from Yahoo Finance through yfinance."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Final

import numpy as np

from tradewright.adapters.feeds.limits import Backoff, TokenBucket
from tradewright.adapters.feeds.yahoo_session import make_session
from tradewright.adapters.feeds.yahoo_windows import PERIODS, REQUEST_DAYS, WINDOW_DAYS
from tradewright.adapters.feeds.yahoo_windows import plan_requests as plan
from tradewright.domain.actions import ActionKind, CorporateAction, dividends_as_traded
from tradewright.domain.bars import FIELDS, IntArray
from tradewright.domain.errors import ConfigError, EdgeError, MissingExtraError, NoDataError
from tradewright.domain.instruments import AssetClass, Instrument
from tradewright.domain.intervals import is_intraday
from tradewright.domain.panels import build_bars
from tradewright.domain.time import NS_PER_DAY, from_ns
from tradewright.ports.feeds import FeedInfo, FetchRequest, FetchResult

COARSE: Final = ("5d", "1wk", "1mo", "3mo")
COLUMNS: Final = ("Open", "High", "Low", "Close", "Volume")
CLASSES: Final = {
    "EQUITY": AssetClass.STOCK,
    "ETF": AssetClass.ETF,
    "MUTUALFUND": AssetClass.ETF,
    "INDEX": AssetClass.INDEX,
    "CURRENCY": AssetClass.FOREX,
    "CRYPTOCURRENCY": AssetClass.CRYPTO,
    "FUTURE": AssetClass.FUTURE,
}
CALENDARS: Final = {
    "America/New_York": "XNYS",
    "Europe/London": "XLON",
    "Europe/Paris": "XPAR",
    "Europe/Berlin": "XFRA",
    "Asia/Tokyo": "XTKS",
    "Asia/Hong_Kong": "XHKG",
    "America/Toronto": "XTSE",
    "Australia/Sydney": "XASX",
}


@dataclass(frozen=True, slots=True)
class YahooSettings:
    """Settings of the Yahoo feed.

    Parameters
    ----------
    requests_per_second : float
        Rate of the token bucket.
    tries : int
        Attempts of one request.
    base_url : str
        Where requests go instead of Yahoo, empty for Yahoo itself.
    """

    requests_per_second: float = 2.0
    tries: int = 5
    base_url: str = ""


@dataclass(frozen=True, slots=True)
class _Series:
    instrument: Instrument
    ts: np.ndarray[Any, np.dtype[np.int64]]
    values: dict[str, np.ndarray[Any, np.dtype[np.float64]]]
    actions: tuple[CorporateAction, ...]


class YahooFeed:
    """History from Yahoo Finance.

    Prices come divided by the splits until now and are handed on so (``splits``), with the splits
    and the dividends as they were paid, from which prices as traded can be rebuilt.

    Parameters
    ----------
    settings : YahooSettings
        Rate and tries.
    sleep : callable
        How to wait, seconds.
    now_ns : callable
        The present, UTC nanoseconds.
    """

    name = "yahoo"

    def __init__(
        self,
        settings: YahooSettings | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._settings = settings or YahooSettings()
        self._now_ns = now_ns
        self._bucket = TokenBucket(self._settings.requests_per_second, sleep=sleep)
        self._backoff = Backoff(tries=self._settings.tries, sleep=sleep)
        self._session: Any = None

    def describe(self) -> FeedInfo:
        """Return intervals, windows and limits; calls nothing."""
        reach = {
            interval: "all" if days is None else f"last {days} days"
            for interval, days in WINDOW_DAYS.items()
        }
        for interval, days in REQUEST_DAYS.items():
            reach[interval] += f", {days} days a request"
        return FeedInfo(
            name=self.name,
            summary="Yahoo Finance through yfinance: stocks, funds, indices, forex, crypto",
            intervals=reach,
            periods=PERIODS,
            limits=f"{self._settings.requests_per_second:g} requests a second",
            needs="the extra 'feeds'; no key; Yahoo's terms allow personal use",
            ready=_installed(),
        )

    def fetch_bars(self, request: FetchRequest) -> FetchResult:
        """Return the bars of the symbols that worked, and a reason for each that did not.

        Parameters
        ----------
        request : FetchRequest
            Symbols in Yahoo's spelling, interval, and a period or a range.

        Returns
        -------
        FetchResult
            Split-adjusted bars with Yahoo's own stamps; see `FetchResult.stamp`.

        Raises
        ------
        ConfigError
            If the interval, period or range cannot be answered; nothing was called.
        MissingExtraError
            If yfinance is not installed.
        """
        if not request.symbols:
            raise ConfigError("yahoo: no symbol was asked for")
        planned = plan(request, self._now_ns())
        found: list[_Series] = []
        failures: dict[str, str] = {}
        for symbol in request.symbols:
            try:
                found.append(self._one(symbol, request.interval, planned.spans))
            except (EdgeError, NoDataError) as error:
                failures[symbol] = str(error)
        stamp = "open" if is_intraday(request.interval) else "session_date"
        if not found:
            return FetchResult(None, failures, planned.notes, stamp=stamp)
        bars = build_bars(
            [one.instrument for one in found],
            np.concatenate([np.full(len(one.ts), place) for place, one in enumerate(found)]),
            np.concatenate([one.ts for one in found]),
            {name: np.concatenate([one.values[name] for one in found]) for name in FIELDS},
            interval=request.interval,
            source=self.name,
            adjustment="splits",
        )
        actions = tuple(action for one in found for action in one.actions)
        return FetchResult(bars, failures, planned.notes, dividends_as_traded(actions), stamp)

    def _one(self, symbol: str, interval: str, spans: tuple[tuple[int, int], ...]) -> _Series:
        ticker = self._ticker(symbol)
        frames = []
        reason: NoDataError | None = None
        for span in spans:
            try:
                frames.append(self._backoff.call(partial(_ask, ticker, interval, *span)))
            except NoDataError as error:
                reason = error
        if not frames:
            raise reason or NoDataError(f"yahoo: {symbol}: no bar")
        meta = ticker.get_history_metadata()
        events = frames
        # Splits after the range divide its prices too, and coarse bars carry the date of their
        # week or month instead of the ex-date; daily bars until now have both right.
        now = self._now_ns()
        if interval in COARSE or now - spans[-1][1] > NS_PER_DAY:
            events = [self._backoff.call(partial(_ask, ticker, "1d", spans[0][0], now))]
        return _read(symbol, interval, frames, events, meta)

    def _ticker(self, symbol: str) -> Any:
        try:
            import yfinance
        except ImportError as error:
            raise MissingExtraError("yfinance", "feeds") from error
        yfinance.config.debug.hide_exceptions = False
        if self._session is None:
            self._session = make_session(self._bucket, self._settings.base_url)
        return yfinance.Ticker(symbol, session=self._session)


def _installed() -> bool:
    from importlib.util import find_spec

    return find_spec("yfinance") is not None


def _ask(ticker: Any, interval: str, start: int, end: int) -> Any:
    from yfinance import exceptions

    try:
        return ticker.history(
            start=from_ns(start),
            end=from_ns(end),
            interval="60m" if interval == "1h" else interval,
            auto_adjust=False,
            actions=True,
            prepost=False,
        )
    except exceptions.YFTickerMissingError as error:
        raise NoDataError(f"yahoo: {error}") from error
    except (exceptions.YFException, KeyError, TypeError, ValueError) as error:
        raise EdgeError(f"yahoo: {ticker.ticker}: the answer cannot be read: {error!r}") from error


def _read(
    symbol: str, interval: str, frames: list[Any], events: list[Any], meta: dict[str, Any]
) -> _Series:
    import pandas as pd

    table = pd.concat([frame for frame in frames if len(frame)] or frames)
    table = table[~table.index.duplicated(keep="last")].sort_index()
    table = table.dropna(subset=list(COLUMNS[:4]), how="any")
    if not len(table):
        raise NoDataError(f"yahoo: {symbol}: no bar with prices")
    values = {
        name: table[column].to_numpy(dtype=np.float64)
        for name, column in zip(FIELDS, COLUMNS, strict=True)
    }
    return _Series(
        instrument=_instrument(symbol, meta),
        ts=_stamps(table.index, intraday=is_intraday(interval)),
        values=values,
        actions=_actions(symbol, events),
    )


def _stamps(index: Any, *, intraday: bool) -> IntArray:
    moments = index.tz_convert("UTC").tz_localize(None) if intraday else index.tz_localize(None)
    stamps: IntArray = moments.to_numpy().astype("datetime64[ns]").astype(np.int64)
    return stamps if intraday else stamps // NS_PER_DAY * NS_PER_DAY


def _actions(symbol: str, frames: list[Any]) -> tuple[CorporateAction, ...]:
    kinds = (("Stock Splits", ActionKind.SPLIT), ("Dividends", ActionKind.CASH_DIVIDEND))
    found: dict[tuple[ActionKind, date], CorporateAction] = {}
    for frame in frames:
        for column, kind in kinds:
            if column not in frame:
                continue
            for moment, value in frame[column][frame[column] > 0].items():
                day = moment.date()
                # Announced before; known for certain when the market opens without it.
                known = int(moment.normalize().tz_convert("UTC").value)
                action = CorporateAction(symbol, kind, day, float(value), known, "yahoo")
                found.setdefault((kind, day), action)
    return tuple(found.values())


def _instrument(symbol: str, meta: dict[str, Any]) -> Instrument:
    kind = CLASSES.get(str(meta.get("instrumentType")), AssetClass.STOCK)
    calendar = CALENDARS.get(str(meta.get("exchangeTimezoneName")), "XNYS")
    if kind is AssetClass.CRYPTO:
        calendar = "24/7"
    elif kind is AssetClass.FOREX:
        calendar = "24/5"
    return Instrument(
        symbol=symbol,
        asset_class=kind,
        currency=str(meta.get("currency") or "USD").upper()[:8],
        calendar=calendar,
        tick_size=0.01 if kind in (AssetClass.STOCK, AssetClass.ETF) else 1e-8,
    )

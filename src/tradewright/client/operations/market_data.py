"""Operations on market data; written from the OpenAPI document, do not edit."""

from __future__ import annotations

from tradewright.client.shapes.market_data import BarSeries, DataOverview, PageInstrumentInfo
from tradewright.client.transport import Transport


class MarketDataOperations(Transport):
    """Operations on market data."""

    def list_instruments(
        self, *, limit: int | None = None, cursor: str | None = None, q: str | None = None
    ) -> PageInstrumentInfo:
        """Symbols with stored bars.

        Return one row for each symbol, source and interval; the sample where nothing is
        stored.

        ``GET /api/v1/instruments``

        Parameters
        ----------
        limit : int
            Rows in one reply; 50 unless given.
        cursor : str | None
            `next_cursor` of the reply before.
        q : str | None
            Part of the symbol.

        Returns
        -------
        PageInstrumentInfo
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: PageInstrumentInfo = self._call(
            "GET", "/api/v1/instruments", query={"limit": limit, "cursor": cursor, "q": q}
        )
        return found

    def get_data_overview(self) -> DataOverview:
        """Count the stored series.

        ``GET /api/v1/data/overview``

        Returns
        -------
        DataOverview
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: DataOverview = self._call("GET", "/api/v1/data/overview")
        return found

    def get_bars(
        self,
        symbol: str,
        *,
        from_: str | None = None,
        to: str | None = None,
        interval: str | None = None,
        limit: int | None = None,
    ) -> BarSeries:
        """Return the newest `limit` bars of the range, oldest first.

        ``GET /api/v1/market-data/{symbol}/bars``

        Parameters
        ----------
        symbol : str
            Symbol.
        from_ : str | None
            First day.
        to : str | None
            Day after the last.
        interval : str
            Interval; 1d unless given.
        limit : int
            Limit; 5000 unless given.

        Returns
        -------
        BarSeries
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: BarSeries = self._call(
            "GET",
            "/api/v1/market-data/{symbol}/bars",
            path={"symbol": symbol},
            query={"from": from_, "to": to, "interval": interval, "limit": limit},
        )
        return found

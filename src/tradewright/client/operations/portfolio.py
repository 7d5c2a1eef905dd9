"""Operations on portfolio; written from the OpenAPI document, do not edit."""

from __future__ import annotations

from typing import Literal

from tradewright.client.shapes.portfolio import (
    FrontierReply,
    OptimizeBody,
    OptimizeReply,
    PageSignalRow,
    PortfolioBody,
    PortfolioDetail,
    PortfolioRow,
    PortfolioRunBody,
    RebalanceBody,
    RebalanceResult,
    SignalPerformanceRow,
)
from tradewright.client.shapes.shared import PaperStatus, ReasonBody
from tradewright.client.transport import Transport


class PortfolioOperations(Transport):
    """Operations on portfolio."""

    def rebalance_portfolio(self, body: RebalanceBody) -> RebalanceResult:
        """Plan the trades; with ``dry_run: false`` send them unless they cost too much.

        ``POST /api/v1/trading/portfolio/rebalance``

        Parameters
        ----------
        body : RebalanceBody
            What is asked, as JSON.

        Returns
        -------
        RebalanceResult
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: RebalanceResult = self._call(
            "POST", "/api/v1/trading/portfolio/rebalance", body=body
        )
        return found

    def list_portfolios(self) -> list[PortfolioRow]:
        """Return every portfolio with its state, oldest first.

        ``GET /api/v1/portfolios``

        Returns
        -------
        list[PortfolioRow]
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: list[PortfolioRow] = self._call("GET", "/api/v1/portfolios")
        return found

    def create_portfolio(self, body: PortfolioBody) -> PortfolioDetail:
        """Keep its terms; nothing trades until it is run.

        ``POST /api/v1/portfolios``

        Parameters
        ----------
        body : PortfolioBody
            What is asked, as JSON.

        Returns
        -------
        PortfolioDetail
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: PortfolioDetail = self._call("POST", "/api/v1/portfolios", body=body)
        return found

    def get_portfolio(self, name: str, *, as_of: str | None = None) -> PortfolioDetail:
        """One portfolio.

        Return its terms, what it holds and how it did, what it told, where its profit came
        from.

        ``GET /api/v1/portfolios/{name}``

        Parameters
        ----------
        name : str
            Name.
        as_of : str | None
            As Of.

        Returns
        -------
        PortfolioDetail
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: PortfolioDetail = self._call(
            "GET", "/api/v1/portfolios/{name}", path={"name": name}, query={"as_of": as_of}
        )
        return found

    def run_portfolio(self, name: str, body: PortfolioRunBody | None = None) -> PortfolioDetail:
        """Begin on the paper account, or go on where a crash cut it short.

        ``POST /api/v1/portfolios/{name}/run``

        Parameters
        ----------
        name : str
            Name.
        body : PortfolioRunBody | None
            What is asked, as JSON.

        Returns
        -------
        PortfolioDetail
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: PortfolioDetail = self._call(
            "POST", "/api/v1/portfolios/{name}/run", path={"name": name}, body=body
        )
        return found

    def stop_portfolio(self, name: str, body: ReasonBody | None = None) -> PaperStatus:
        """End it in order; what it holds stays on the record.

        ``POST /api/v1/portfolios/{name}/stop``

        Parameters
        ----------
        name : str
            Name.
        body : ReasonBody | None
            What is asked, as JSON.

        Returns
        -------
        PaperStatus
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: PaperStatus = self._call(
            "POST", "/api/v1/portfolios/{name}/stop", path={"name": name}, body=body
        )
        return found

    def list_signals(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        run: str | None = None,
        symbol: str | None = None,
        action: str | None = None,
        model: str | None = None,
        regime: str | None = None,
        min_confidence: float | None = None,
    ) -> PageSignalRow:
        """Return the decisions of a study's run, newest first.

        ``GET /api/v1/trading/signals/history``

        Parameters
        ----------
        limit : int
            Rows in one reply; 50 unless given.
        cursor : str | None
            `next_cursor` of the reply before.
        run : str
            Run or study; the newest study; latest unless given.
        symbol : str | None
            Symbol.
        action : str | None
            BUY, HOLD or SELL.
        model : str | None
            Name of one source.
        regime : str | None
            Regime.
        min_confidence : float
            Min Confidence; 0.0 unless given.

        Returns
        -------
        PageSignalRow
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: PageSignalRow = self._call(
            "GET",
            "/api/v1/trading/signals/history",
            query={
                "limit": limit,
                "cursor": cursor,
                "run": run,
                "symbol": symbol,
                "action": action,
                "model": model,
                "regime": regime,
                "min_confidence": min_confidence,
            },
        )
        return found

    def get_signal_performance(
        self,
        *,
        run: str | None = None,
        by: Literal["model", "regime", "confidence", "action"] | None = None,
        days: int | None = None,
    ) -> list[SignalPerformanceRow]:
        """What became of signals.

        Return hit rate and mean return after 1, 5 and 20 sessions, as far as they are
        known.

        ``GET /api/v1/trading/signals/performance``

        Parameters
        ----------
        run : str
            Run; latest unless given.
        by : Literal['model', 'regime', 'confidence', 'action']
            By; model unless given.
        days : int
            Newest days of the run; 30 unless given.

        Returns
        -------
        list[SignalPerformanceRow]
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: list[SignalPerformanceRow] = self._call(
            "GET", "/api/v1/trading/signals/performance", query={"run": run, "by": by, "days": days}
        )
        return found

    def optimize_portfolio(self, body: OptimizeBody) -> OptimizeReply:
        """Optimise over the newest bars; contradicting constraints are named.

        ``POST /api/v1/trading/portfolio/optimize``

        Parameters
        ----------
        body : OptimizeBody
            What is asked, as JSON.

        Returns
        -------
        OptimizeReply
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: OptimizeReply = self._call("POST", "/api/v1/trading/portfolio/optimize", body=body)
        return found

    def get_frontier(
        self,
        *,
        symbols: str | None = None,
        constraints: list[str] | None = None,
        points: int | None = None,
    ) -> FrontierReply:
        """Trace the frontier of the newest bars under the constraints.

        ``GET /api/v1/trading/portfolio/frontier``

        Parameters
        ----------
        symbols : str
            Comma-separated; unless given.
        constraints : list[str]
            Constraints; [] unless given.
        points : int
            Points; 50 unless given.

        Returns
        -------
        FrontierReply
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: FrontierReply = self._call(
            "GET",
            "/api/v1/trading/portfolio/frontier",
            query={"symbols": symbols, "constraints": constraints, "points": points},
        )
        return found

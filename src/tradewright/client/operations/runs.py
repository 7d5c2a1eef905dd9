"""Operations on runs; written from the OpenAPI document, do not edit."""

from __future__ import annotations

from typing import Literal

from tradewright.client.shapes.runs import (
    EquitySeries,
    PageFillRow,
    PageRunRow,
    PageTradeRow,
    RunAnalysis,
    RunBars,
    RunDetail,
)
from tradewright.client.transport import Transport


class RunsOperations(Transport):
    """Operations on runs."""

    def list_runs(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        kind: Literal["study", "backtest", "sweep", "paper"] | None = None,
    ) -> PageRunRow:
        """Return the stored runs, failed and cancelled ones included.

        ``GET /api/v1/runs``

        Parameters
        ----------
        limit : int
            Rows in one reply; 50 unless given.
        cursor : str | None
            `next_cursor` of the reply before.
        kind : Literal['study', 'backtest', 'sweep', 'paper'] | None
            Kind.

        Returns
        -------
        PageRunRow
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: PageRunRow = self._call(
            "GET", "/api/v1/runs", query={"limit": limit, "cursor": cursor, "kind": kind}
        )
        return found

    def get_run(self, run_id: str) -> RunDetail:
        """Return the verdict, figures, validation, costs and manifest of a run.

        ``GET /api/v1/runs/{run_id}``

        Parameters
        ----------
        run_id : str
            Run Id.

        Returns
        -------
        RunDetail
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: RunDetail = self._call("GET", "/api/v1/runs/{run_id}", path={"run_id": run_id})
        return found

    def get_run_analysis(self, run_id: str) -> RunAnalysis:
        """Return where the result came from, what it bears and what it rests on.

        ``GET /api/v1/runs/{run_id}/analysis``

        Parameters
        ----------
        run_id : str
            Run Id.

        Returns
        -------
        RunAnalysis
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: RunAnalysis = self._call(
            "GET", "/api/v1/runs/{run_id}/analysis", path={"run_id": run_id}
        )
        return found

    def get_run_equity(self, run_id: str) -> EquitySeries:
        """Return equity, drawdown and exposure beside the benchmark.

        ``GET /api/v1/runs/{run_id}/equity``

        Parameters
        ----------
        run_id : str
            Run Id.

        Returns
        -------
        EquitySeries
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: EquitySeries = self._call(
            "GET", "/api/v1/runs/{run_id}/equity", path={"run_id": run_id}
        )
        return found

    def list_run_trades(
        self,
        run_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        symbol: str | None = None,
        sort: str | None = None,
    ) -> PageTradeRow:
        """Return the round trips in the order of their entry, unless sorted otherwise.

        ``GET /api/v1/runs/{run_id}/trades``

        Parameters
        ----------
        run_id : str
            Run Id.
        limit : int
            Rows in one reply; 50 unless given.
        cursor : str | None
            `next_cursor` of the reply before.
        symbol : str | None
            Symbol.
        sort : str | None
            Column; a leading minus is descending.

        Returns
        -------
        PageTradeRow
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: PageTradeRow = self._call(
            "GET",
            "/api/v1/runs/{run_id}/trades",
            path={"run_id": run_id},
            query={"limit": limit, "cursor": cursor, "symbol": symbol, "sort": sort},
        )
        return found

    def list_run_fills(
        self, run_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> PageFillRow:
        """Return the executions in the order they happened.

        ``GET /api/v1/runs/{run_id}/fills``

        Parameters
        ----------
        run_id : str
            Run Id.
        limit : int
            Rows in one reply; 50 unless given.
        cursor : str | None
            `next_cursor` of the reply before.

        Returns
        -------
        PageFillRow
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: PageFillRow = self._call(
            "GET",
            "/api/v1/runs/{run_id}/fills",
            path={"run_id": run_id},
            query={"limit": limit, "cursor": cursor},
        )
        return found

    def get_run_bars(
        self, run_id: str, *, symbol: str, trade: int | None = None, margin: int | None = None
    ) -> RunBars:
        """Return the candles around a trade, or all of a symbol, with entries and exits.

        ``GET /api/v1/runs/{run_id}/bars``

        Parameters
        ----------
        run_id : str
            Run Id.
        symbol : str
            Symbol.
        trade : int | None
            Trade to show.
        margin : int
            Bars before and after; 60 unless given.

        Returns
        -------
        RunBars
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: RunBars = self._call(
            "GET",
            "/api/v1/runs/{run_id}/bars",
            path={"run_id": run_id},
            query={"symbol": symbol, "trade": trade, "margin": margin},
        )
        return found

    def get_run_report(self, run_id: str) -> str:
        """Return the stored report, unchanged.

        ``GET /api/v1/runs/{run_id}/report``

        Parameters
        ----------
        run_id : str
            Run Id.

        Returns
        -------
        str
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: str = self._call("GET", "/api/v1/runs/{run_id}/report", path={"run_id": run_id})
        return found

"""Operations on paper; written from the OpenAPI document, do not edit."""

from __future__ import annotations

from tradewright.client.shapes.paper import (
    FlattenResult,
    PagePaperFill,
    PagePaperOrder,
    PaperEquity,
    PaperPosition,
    PaperSourceRow,
    PaperStartBody,
)
from tradewright.client.shapes.shared import PaperStatus, ReasonBody
from tradewright.client.transport import Transport


class PaperOperations(Transport):
    """Operations on paper."""

    def get_paper(self) -> PaperStatus:
        """Return the state of the paper account; IDLE when nothing was started.

        ``GET /api/v1/paper``

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
        found: PaperStatus = self._call("GET", "/api/v1/paper")
        return found

    def list_paper_sources(self) -> list[PaperSourceRow]:
        """Return the finished runs of studies and the reference strategies.

        ``GET /api/v1/paper/sources``

        Returns
        -------
        list[PaperSourceRow]
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: list[PaperSourceRow] = self._call("GET", "/api/v1/paper/sources")
        return found

    def list_paper_positions(self) -> list[PaperPosition]:
        """Return the open positions, largest first.

        ``GET /api/v1/paper/positions``

        Returns
        -------
        list[PaperPosition]
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: list[PaperPosition] = self._call("GET", "/api/v1/paper/positions")
        return found

    def list_paper_orders(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> PagePaperOrder:
        """Return the orders, newest first.

        ``GET /api/v1/paper/orders``

        Parameters
        ----------
        limit : int
            Rows in one reply; 50 unless given.
        cursor : str | None
            `next_cursor` of the reply before.

        Returns
        -------
        PagePaperOrder
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: PagePaperOrder = self._call(
            "GET", "/api/v1/paper/orders", query={"limit": limit, "cursor": cursor}
        )
        return found

    def list_paper_fills(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> PagePaperFill:
        """Return the executions, newest first.

        ``GET /api/v1/paper/fills``

        Parameters
        ----------
        limit : int
            Rows in one reply; 50 unless given.
        cursor : str | None
            `next_cursor` of the reply before.

        Returns
        -------
        PagePaperFill
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: PagePaperFill = self._call(
            "GET", "/api/v1/paper/fills", query={"limit": limit, "cursor": cursor}
        )
        return found

    def get_paper_equity(self) -> PaperEquity:
        """Return the equity at each bar played.

        ``GET /api/v1/paper/equity``

        Returns
        -------
        PaperEquity
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: PaperEquity = self._call("GET", "/api/v1/paper/equity")
        return found

    def start_paper(self, body: PaperStartBody) -> PaperStatus:
        """Begin a session; refused while another one runs.

        ``POST /api/v1/paper/start``

        Parameters
        ----------
        body : PaperStartBody
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
        found: PaperStatus = self._call("POST", "/api/v1/paper/start", body=body)
        return found

    def pause_paper(self, body: ReasonBody | None = None) -> PaperStatus:
        """Stop sending orders; what is held stays.

        ``POST /api/v1/paper/pause``

        Parameters
        ----------
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
        found: PaperStatus = self._call("POST", "/api/v1/paper/pause", body=body)
        return found

    def resume_paper(self, body: ReasonBody | None = None) -> PaperStatus:
        """Trade again after a pause.

        ``POST /api/v1/paper/resume``

        Parameters
        ----------
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
        found: PaperStatus = self._call("POST", "/api/v1/paper/resume", body=body)
        return found

    def flatten_paper(self, body: ReasonBody | None = None) -> FlattenResult:
        """Cancel the orders and close the positions at the next open.

        ``POST /api/v1/paper/flatten``

        Parameters
        ----------
        body : ReasonBody | None
            What is asked, as JSON.

        Returns
        -------
        FlattenResult
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: FlattenResult = self._call("POST", "/api/v1/paper/flatten", body=body)
        return found

    def stop_paper(self, body: ReasonBody | None = None) -> PaperStatus:
        """End the session; its record stays.

        ``POST /api/v1/paper/stop``

        Parameters
        ----------
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
        found: PaperStatus = self._call("POST", "/api/v1/paper/stop", body=body)
        return found

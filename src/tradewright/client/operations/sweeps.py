"""Operations on sweeps; written from the OpenAPI document, do not edit."""

from __future__ import annotations

from tradewright.client.shapes.shared import Job
from tradewright.client.shapes.sweeps import PageSweepRow, SweepBody, SweepChoice, SweepDetail
from tradewright.client.transport import Transport


class SweepsOperations(Transport):
    """Operations on sweeps."""

    def list_sweeps(self, *, limit: int | None = None, cursor: str | None = None) -> PageSweepRow:
        """Return the stored sweeps.

        ``GET /api/v1/sweeps``

        Parameters
        ----------
        limit : int
            Rows in one reply; 50 unless given.
        cursor : str | None
            `next_cursor` of the reply before.

        Returns
        -------
        PageSweepRow
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: PageSweepRow = self._call(
            "GET", "/api/v1/sweeps", query={"limit": limit, "cursor": cursor}
        )
        return found

    def run_sweep(self, body: SweepBody) -> Job:
        """Queue the sweep; its progress is at the job's address and on topic ``jobs``.

        ``POST /api/v1/sweeps``

        Parameters
        ----------
        body : SweepBody
            What is asked, as JSON.

        Returns
        -------
        Job
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: Job = self._call("POST", "/api/v1/sweeps", body=body)
        return found

    def get_sweep(self, sweep_id: str) -> SweepDetail:
        """Return a sweep with its sets, the highest Sharpe ratio first.

        ``GET /api/v1/sweeps/{sweep_id}``

        Parameters
        ----------
        sweep_id : str
            Sweep Id.

        Returns
        -------
        SweepDetail
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: SweepDetail = self._call(
            "GET", "/api/v1/sweeps/{sweep_id}", path={"sweep_id": sweep_id}
        )
        return found

    def run_sweep_set(self, sweep_id: str, body: SweepChoice) -> Job:
        """Queue the run; it counts as one more trial of the family.

        ``POST /api/v1/sweeps/{sweep_id}/run``

        Parameters
        ----------
        sweep_id : str
            Sweep Id.
        body : SweepChoice
            What is asked, as JSON.

        Returns
        -------
        Job
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: Job = self._call(
            "POST", "/api/v1/sweeps/{sweep_id}/run", path={"sweep_id": sweep_id}, body=body
        )
        return found

    def get_sweep_report(self, sweep_id: str) -> str:
        """Return the stored page, unchanged.

        ``GET /api/v1/sweeps/{sweep_id}/report``

        Parameters
        ----------
        sweep_id : str
            Sweep Id.

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
        found: str = self._call(
            "GET", "/api/v1/sweeps/{sweep_id}/report", path={"sweep_id": sweep_id}
        )
        return found

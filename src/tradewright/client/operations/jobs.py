"""Operations on jobs; written from the OpenAPI document, do not edit."""

from __future__ import annotations

from tradewright.client.shapes.jobs import PageJob
from tradewright.client.shapes.shared import Job
from tradewright.client.transport import Transport


class JobsOperations(Transport):
    """Operations on jobs."""

    def list_jobs(
        self, *, limit: int | None = None, cursor: str | None = None, kind: str | None = None
    ) -> PageJob:
        """Return the jobs, those of earlier servers on this data directory too.

        ``GET /api/v1/jobs``

        Parameters
        ----------
        limit : int
            Rows in one reply; 50 unless given.
        cursor : str | None
            `next_cursor` of the reply before.
        kind : str | None
            Kind.

        Returns
        -------
        PageJob
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: PageJob = self._call(
            "GET", "/api/v1/jobs", query={"limit": limit, "cursor": cursor, "kind": kind}
        )
        return found

    def get_job(self, job_id: str) -> Job:
        """Return where a job stands.

        ``GET /api/v1/jobs/{job_id}``

        Parameters
        ----------
        job_id : str
            Job Id.

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
        found: Job = self._call("GET", "/api/v1/jobs/{job_id}", path={"job_id": job_id})
        return found

    def cancel_job(self, job_id: str) -> Job:
        """Stop a waiting job at once, a running one at its next step.

        ``POST /api/v1/jobs/{job_id}/cancel``

        Parameters
        ----------
        job_id : str
            Job Id.

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
        found: Job = self._call("POST", "/api/v1/jobs/{job_id}/cancel", path={"job_id": job_id})
        return found

"""Operations on studies; written from the OpenAPI document, do not edit."""

from __future__ import annotations

from tradewright.client.shapes.shared import Job
from tradewright.client.shapes.studies import StudyInfo, StudyRunBody
from tradewright.client.transport import Transport


class StudiesOperations(Transport):
    """Operations on studies."""

    def list_studies(self) -> list[StudyInfo]:
        """Return the shipped studies and those of the working folder.

        ``GET /api/v1/studies``

        Returns
        -------
        list[StudyInfo]
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: list[StudyInfo] = self._call("GET", "/api/v1/studies")
        return found

    def run_study(self, name: str, body: StudyRunBody | None = None) -> Job:
        """Queue the study; its progress is at the job's address and on topic ``jobs``.

        ``POST /api/v1/studies/{name}/run``

        Parameters
        ----------
        name : str
            Name.
        body : StudyRunBody | None
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
            "POST", "/api/v1/studies/{name}/run", path={"name": name}, body=body
        )
        return found

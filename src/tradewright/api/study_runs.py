"""Studies by name, as jobs run them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tradewright.domain.errors import TradewrightError
from tradewright.services.workspace import Workspace


class StoredStudies:
    """The studies that can be named: shipped ones and those of the working folder.

    Parameters
    ----------
    workspace : Workspace
        Where their runs are stored.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def list_studies(self) -> Sequence[Mapping[str, str]]:
        """Return ``name, title, description`` of each page; a broken page says what is wrong."""
        from tradewright.services.studies import Study, list_studies

        found = []
        for row in list_studies():
            try:
                page = Study.load(row["name"]).page
            except TradewrightError:
                text = f"This page has errors: tradewright study check {row['name']}"
                found.append({"name": row["name"], "title": row["name"], "description": text})
            else:
                about = {"title": page.name, "description": page.description}
                found.append({"name": row["name"], **about})
        return found

    def run(self, name: str, *, seed: int | None, report: Callable[[float, str], None]) -> str:
        """Run a study and return the id of the run.

        Raises
        ------
        NoDataError
            If there is no such study.
        """
        from tradewright.services.studies import Study

        return Study.load(name).run(self._workspace, progress=report, seed=seed).run_id

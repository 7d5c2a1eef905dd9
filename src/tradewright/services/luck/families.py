"""What a sweep found out about its family of trials, kept for the verdicts of its runs."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from tradewright.domain.errors import DataError
from tradewright.metrics.trials.overfitting import Overfitting
from tradewright.services.results.exports import write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from tradewright.services.workspace import Workspace


def remember_overfitting(workspace: Workspace, family: str, found: Overfitting) -> None:
    """Keep the overfitting of a family; a sweep of fewer trials does not replace one of more.

    Parameters
    ----------
    workspace : Workspace
        Its data directory holds one small file a family.
    family : str
        From `tradewright.services.results.named.family_of`.
    found : Overfitting
        Of all trials of one sweep.

    Raises
    ------
    EdgeError
        If the disk refuses.
    """
    known = _read(_path(workspace, family))
    if known is not None and int(known["n_trials"]) > found.n_trials:
        return
    document = {"probability": found.probability, "n_trials": found.n_trials}
    write_whole(_path(workspace, family), json.dumps(document).encode())


def known_overfitting(workspace: Workspace, family: str) -> float | None:
    """Return the probability of overfitting of the largest sweep of a family, None without one.

    Raises
    ------
    DataError
        If its file is damaged; names it.
    """
    known = _read(_path(workspace, family))
    return None if known is None else float(known["probability"])


def _path(workspace: Workspace, family: str) -> Path:
    return workspace.data_dir / "families" / f"{family}.json"


def _read(path: Path) -> dict[str, float] | None:
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return None
    try:
        found = json.loads(text)
        probability, trials = float(found["probability"]), int(found["n_trials"])
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path}: not what a sweep wrote ({error}); delete it and sweep again"
        ) from error
    if not math.isfinite(probability) or not 0 <= probability <= 1:
        raise DataError(f"{path}: probability {probability}, wanted in [0, 1]; sweep again")
    return {"probability": probability, "n_trials": trials}

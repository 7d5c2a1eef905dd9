"""Finished fits of a walk-forward on disk, so that one that was killed goes on."""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np

from tradewright.domain.errors import ModelError
from tradewright.forecasts import load_model
from tradewright.training.fits import Fit

LOG = logging.getLogger("tradewright.training")
ARRAYS: Final = ("mean", "sd", "probability_up")


class FitFolder:
    """A folder with one sub-folder for each fit that is finished.

    Parameters
    ----------
    path : Path
        The folder; made with the first fit. One walk-forward owns it.

    Notes
    -----
    A fit appears whole or not at all: it is written aside and renamed. Arrays are kept bit for
    bit, models in their own safe files. Where the disk refuses, the walk-forward goes on without.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.found = 0
        """Fits that were read back instead of made."""

    def load(self, window: int, control: int) -> Fit | None:
        """Return a fit that was finished before; None where there is none, or it is damaged."""
        place = self._place(window, control)
        if not place.is_dir():
            return None
        try:
            facts = json.loads((place / "fit.json").read_text(encoding="utf-8"))
            with np.load(place / "arrays.npz", allow_pickle=False) as arrays:
                values: dict[str, Any] = {name: arrays.get(name) for name in ARRAYS}
            model = None if control else load_model(place / "model")
        except (OSError, ValueError, KeyError, BadZipFile, ModelError) as error:
            LOG.warning("a kept fit in %s cannot be read and is made again: %s", place, error)
            shutil.rmtree(place, ignore_errors=True)
            return None
        rows = slice(*facts.pop("rows"))
        facts["features"] = tuple(facts["features"])
        self.found += 1
        return Fit(model=model, rows=rows, **values, **facts)

    def keep(self, window: int, control: int, fit: Fit) -> None:
        """Write a fit that is finished."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            aside = Path(tempfile.mkdtemp(dir=self.path, prefix="unfinished-"))
            arrays = {name: getattr(fit, name) for name in ARRAYS}
            np.savez(aside / "arrays.npz", **{k: v for k, v in arrays.items() if v is not None})
            facts = {
                "rows": [fit.rows.start, fit.rows.stop],
                "train_last_row": fit.train_last_row,
                "n_train": fit.n_train,
                "features": list(fit.features),
                "scores": dict(fit.scores),
                "seconds": fit.seconds,
            }
            (aside / "fit.json").write_text(json.dumps(facts), encoding="utf-8")
            if not control and fit.model is not None:
                fit.model.save(aside / "model")
            aside.replace(self._place(window, control))
        except OSError as error:
            LOG.warning("a finished fit could not be kept in %s: %s", self.path, error)

    def clear(self) -> None:
        """Forget every fit."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _place(self, window: int, control: int) -> Path:
        return self.path / f"window-{window}-control-{control}"

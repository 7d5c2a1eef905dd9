"""What a walk-forward found: one curve out of sample, and what each window chose and earned."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.services.runs import Run

if TYPE_CHECKING:
    import polars as pl

COLUMNS: Final = (
    *("window", "train_from", "train_to", "test_from", "test_to"),
    *("in_sample_return", "in_sample_sharpe", "annual_return", "sharpe", "max_drawdown", "trades"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """A walk-forward.

    Parameters
    ----------
    run : Run
        The one stitched run: every test day once, decided by its newest window; its figures are
        measured from the first test day on.
    rows : tuple of mapping
        One a window: `COLUMNS`, the parameters chosen, and nothing of a later window. Returns are
        annual fractions; a window's own test figures start flat and keep all its days, also those
        that a newer window decides in `run`.
    parameters : tuple of str
        Names of the parameters among the columns.
    trials : int
        Sets evaluated inside the training windows.
    seconds : mapping of str to float
        Time of each stage.
    """

    run: Run
    rows: tuple[Mapping[str, Any], ...]
    parameters: tuple[str, ...] = ()
    trials: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Walk({len(self.rows)} windows, efficiency {self.efficiency:.2f}, {self.run.name})"

    @property
    def table(self) -> pl.DataFrame:
        """One row a window."""
        import polars as pl

        return pl.DataFrame(list(self.rows), infer_schema_length=None)

    @property
    def in_sample_return(self) -> float:
        """Mean over the windows of the annual return of what was chosen, where it was chosen."""
        return _mean([row["in_sample_return"] for row in self.rows])

    @property
    def out_of_sample_return(self) -> float:
        """Annual return of the stitched run."""
        return float(self.run.metrics["annual_return"])

    @property
    def efficiency(self) -> float:
        r"""Walk-forward efficiency: annual return out of sample over that in sample.

        NaN where nothing was earned in sample: then there was nothing to keep.
        """
        inside = self.in_sample_return
        return self.out_of_sample_return / inside if inside > 0 else math.nan

    @property
    def sentence(self) -> str:
        """The efficiency in words."""
        return (
            f"walk-forward over {len(self.rows)} windows: {self.out_of_sample_return:.1%} a year "
            f"out of sample, {self.in_sample_return:.1%} in sample, efficiency "
            f"{self.efficiency:.2f}"
        )

    @property
    def stability(self) -> dict[str, float]:
        """For each parameter, how often a window chose what the window before it had chosen."""
        found = {}
        for name in self.parameters:
            chosen = [row[name] for row in self.rows]
            kept = [a == b for a, b in pairwise(chosen)]
            found[name] = float(np.mean(kept)) if kept else math.nan
        return found

    def as_document(self) -> dict[str, Any]:
        """Return the walk as plain values."""
        from tradewright.services.results.documents import plain

        document: dict[str, Any] = plain(
            {
                "run_id": self.run.run_id,
                "windows": [dict(row) for row in self.rows],
                "parameters": list(self.parameters),
                "stability": self.stability,
                "in_sample_return": self.in_sample_return,
                "out_of_sample_return": self.out_of_sample_return,
                "efficiency": self.efficiency,
                "sharpe": self.run.metrics["sharpe"],
                "max_drawdown": self.run.metrics["max_drawdown"],
                "trials": self.trials,
                "seconds": dict(self.seconds),
                "verdict": self.run.verdict.sentence,
            }
        )
        return document


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return float(np.mean(known)) if known else math.nan

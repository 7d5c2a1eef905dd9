"""A study over combinatorial purged folds: how much its result owes to one order of history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tradewright.domain.errors import LeakError, RefusedError
from tradewright.services.study import fitting, loading, recording
from tradewright.services.study.stages import Progress, Stages
from tradewright.services.study.trading import open_trading
from tradewright.services.study_page import StudyPage
from tradewright.services.workspace import Workspace
from tradewright.training.combinatorial import Combinatorial

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """What a study earned on each path.

    Parameters
    ----------
    name : str
        Of the study.
    rows : tuple of mapping
        One a path: ``path, annual_return, sharpe, max_drawdown, trades``.
    folds : Combinatorial
        How history was divided.
    seconds : mapping of str to float
        Time of each stage.
    """

    name: str
    rows: tuple[Mapping[str, Any], ...]
    folds: Combinatorial
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def table(self) -> pl.DataFrame:
        """One row a path."""
        import polars as pl

        return pl.DataFrame(list(self.rows))

    @property
    def sentence(self) -> str:
        """The spread of the paths in words."""
        ratios = np.array([row["sharpe"] for row in self.rows])
        lost = int((ratios <= 0).sum())
        return (
            f"{len(self.rows)} paths of {self.folds.n_splits} splits: Sharpe "
            f"{np.nanmean(ratios):.2f} on average, {np.nanmin(ratios):.2f} to "
            f"{np.nanmax(ratios):.2f}; {lost} of them lost"
        )

    def as_document(self) -> dict[str, Any]:
        """Return the paths as plain values."""
        from tradewright.services.results.documents import plain

        document: dict[str, Any] = plain(
            {
                "study": self.name,
                "paths": [dict(row) for row in self.rows],
                "splits": self.folds.n_splits,
                "groups": self.folds.groups,
                "tested": self.folds.tested,
                "summary": self.sentence,
                "seconds": dict(self.seconds),
            }
        )
        return document


def study_paths(
    page: StudyPage,
    workspace: Workspace,
    *,
    folds: Combinatorial | None = None,
    progress: Progress | None = None,
    allow_unhealthy: bool = False,
    save: bool = True,
) -> Paths:
    """Fit every split of a study and trade every path.

    Parameters
    ----------
    page : StudyPage
        The study.
    workspace : Workspace
        Holds the bars and counts the trial.
    folds : Combinatorial, optional
        Six groups of which two are tested unless given.
    progress : callable, optional
        ``progress(fraction, message)``.
    allow_unhealthy : bool
        Go on with data that fail the health gate.
    save : bool
        Whether the study is counted as a trial of its family.

    Returns
    -------
    Paths
        Figures of each path; no path could have been traded, only the method is judged.

    Raises
    ------
    RefusedError, LeakError
        If a gate or the leak guard refuses.
    """
    from tradewright.training.combinatorial import path_forecasts
    from tradewright.training.labelling import build_labels

    chosen = folds or Combinatorial()
    stages = Stages(progress)
    with stages.stage("data"):
        data = loading.load_data(page, workspace)
    with stages.stage("data health"):
        health = loading.health_guard(page, data)
        if not health.ok and not allow_unhealthy:
            raise RefusedError(f"data-health gate: {health.summary}")
    with stages.stage("features"):
        table = fitting.build_features(page, data.traded)
    with stages.stage("leak guard") as report:
        leak = fitting.leak_guard(page, data.traded, table=table, progress=report)
        if not leak.ok:
            raise LeakError(leak.summary)
    with stages.stage("fit") as report:
        labels = build_labels(data.traded, page.labels.settings())
        settings = fitting.fit_settings(page)
        panels = path_forecasts(table, labels, settings=settings, folds=chosen, progress=report)
    rows = []
    with stages.stage("backtest") as report:
        for number, panel in enumerate(panels):
            report(number / len(panels), f"path {number + 1} of {len(panels)}")
            first = int(np.flatnonzero(np.isfinite(panel.mean).any(axis=1))[0])
            market = open_trading(page, data.everything, (first, len(panel.ts_known)))
            outcome = market.run(panel, costs=page.charged())
            figures = market.figures(outcome)
            rows.append(
                {
                    "path": number + 1,
                    "annual_return": figures["annual_return"],
                    "sharpe": figures["sharpe"],
                    "max_drawdown": figures["max_drawdown"],
                    "trades": len(outcome.fills),
                    "sharpe_per_period": market.sharpe_per_period(outcome),
                }
            )
    if save:
        origin = recording.origin_of(data.everything, workspace.clock.now_ns())
        ratio = float(np.nanmean([row["sharpe_per_period"] for row in rows]))
        workspace.runs.add_trials(recording.trial_family(page, origin.version), [ratio])
    stages.finish()
    return Paths(page.name, tuple(rows), chosen, dict(stages.seconds))

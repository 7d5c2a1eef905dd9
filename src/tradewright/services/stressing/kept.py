"""Stress of a run: its chain made anew from what it was made from, the result kept with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tradewright.domain.errors import ConfigError, DataError
from tradewright.risk.scenarios import StressTestScenario, onsets
from tradewright.risk.scenarios.shock import AFTERMATH
from tradewright.services.beside.repeating import named_plan
from tradewright.services.stressing.chains import Chain, PlanChain, Progress, run_chain
from tradewright.services.stressing.measured import StressReport
from tradewright.services.workspace import Workspace, current_workspace

if TYPE_CHECKING:
    from tradewright.services.runs import Run


@dataclass(frozen=True, slots=True)
class StressCost:
    """What stressing a run takes, told before.

    Parameters
    ----------
    runs : int
        Times the chain runs through a scenario.
    fits : int
        Models fitted: those of the study once, and with ``refit`` those that learn from shocked
        bars.
    seconds : float or None
        From the times the run itself took; None where it was not timed.
    """

    runs: int
    fits: int
    seconds: float | None

    def __str__(self) -> str:
        """Return the same in words."""
        fits = f", {self.fits:,} fits" if self.fits else ""
        took = "" if self.seconds is None else f"; about {max(self.seconds, 1):.0f} s"
        return f"{self.runs} runs through the scenarios{fits}{took}"


def stress_cost(
    run: Run, scenarios: Sequence[StressTestScenario], *, starts: int, models: str = "frozen"
) -> StressCost:
    """Estimate what stressing a stored run takes.

    Parameters
    ----------
    run : Run
        From `Run.load`.
    scenarios : sequence of StressTestScenario
        Wanted.
    starts : int
        Onsets of each, >= 1.
    models : str
        ``frozen`` or ``refit``, for a study.

    Returns
    -------
    StressCost
        Counted exactly; the seconds are an estimate.
    """
    windows, ts = run.extras.windows, run.outcome.ts
    first = int(np.searchsorted(ts, windows[0].test_start_ns)) if windows else 0
    begins = np.searchsorted(ts, [w.test_start_ns for w in windows]) - first
    n_bars, runs, fits = len(ts) - first, 0, len(windows)
    for scenario in scenarios:
        for onset in onsets(n_bars, scenario, count=starts):
            runs += 1
            end = max(onset.recovery_end, onset.shock_end + AFTERMATH)
            if models == "refit":
                fits += int(((begins > onset.row) & (begins < end)).sum())
    took = run.extras.stage_seconds
    if not took or not windows:
        return StressCost(runs, fits, None)
    per_fit = took.get("fit", 0.0) / max(len(windows), 1)  # its controls are a margin
    each = took.get("features", 0.0) + 2 * took.get("backtest", 0.0)
    return StressCost(runs, fits, took.get("data", 0.0) + fits * per_fit + runs * each)


def stress_stored(
    run_id: str,
    workspace: Workspace,
    scenarios: Sequence[StressTestScenario],
    *,
    starts: int = 5,
    models: str = "frozen",
    progress: Progress | None = None,
) -> tuple[Run, StressReport]:
    """Stress a stored run; the result and the new report are kept with it.

    Parameters
    ----------
    run_id : str
        Of a study or of ``backtest run``; or ``latest``.
    workspace : Workspace
        Keeps it.
    scenarios : sequence of StressTestScenario
        What happens.
    starts, models, progress
        See `services.stress.stress`.

    Returns
    -------
    run, report : Run, StressReport
        The run knows the report.

    Raises
    ------
    NoDataError
        If there is no such run, or its data are gone.
    DataError
        If the data are not those the run was made on.
    ConfigError
        If the run did not complete or does not know what it was made from.
    """
    from tradewright.services.results.documents import as_json
    from tradewright.services.runs import Run

    run = Run.load(run_id, workspace)
    chain = chain_of(run, workspace, models=models)
    found = run_chain(chain, scenarios, starts=starts, progress=progress)
    learn_stress(run, found)
    workspace.runs.amend(
        run.run_id,
        {
            "extras.json": as_json(run.extras.as_document()),
            "report.html": run.html().encode(),
        },
    )
    return run, found


def learn_stress(run: Run, found: StressReport) -> None:
    """Let a run know what stress did to its strategy; its report then shows it."""
    run.learn(replace(run.extras, stress=found.as_document()))


def chain_of(run: Run, workspace: Workspace | None = None, *, models: str = "frozen") -> Chain:
    """Return the chain of a run, made anew from what the run was made from.

    Parameters
    ----------
    run : Run
        Complete.
    workspace : Workspace, optional
        Holds its data; the default one unless given.
    models : str
        See `StudyChain`.

    Returns
    -------
    Chain
        On the same bars.

    Raises
    ------
    ConfigError
        If the run did not complete or does not know what it was made from.
    DataError
        If the data are not those the run was made on.
    """
    if not run.is_complete:
        raise ConfigError(f"run {run.run_id} ended {run.status}; there is nothing to stress")
    if run.made_of is not None:
        return PlanChain(run.made_of)
    space = workspace if workspace is not None else current_workspace()
    if run.kind == "study" and "study" in run.manifest:
        return _study_chain(run, space, models)
    if "opened" in run.manifest:
        plan = named_plan(run.manifest, space)
        _check_data(run, plan.bars.data_version)
        return PlanChain(plan)
    raise ConfigError(
        f"run {run.run_id} is a {run.kind} that does not say what it was made from: only a study "
        "and 'tradewright backtest run' do; in Python, stress the strategy itself on its bars"
    )


def _study_chain(run: Run, space: Workspace, models: str) -> Chain:
    from tradewright.services.stressing.study_chain import StudyChain
    from tradewright.services.studies import Study
    from tradewright.services.study import fitting, loading, recording

    manifest: Mapping[str, Any] = run.manifest
    page = Study.from_mapping(manifest["config"], f"run {run.run_id}").page
    as_of_ns = int(manifest["study"]["as_of_ns"])
    data = loading.load_data(page, space, as_of_ns=as_of_ns)
    _check_data(run, recording.origin_of(data.everything, as_of_ns).version)
    table = fitting.build_features(page, data.traded)
    result = fitting.fit_study(page, data.traded, table, with_controls=False)
    return StudyChain(page, data, table, result, models=models)


def _check_data(run: Run, found: str) -> None:
    wanted = str(run.manifest["data_version"])
    if found != wanted:
        raise DataError(
            f"run {run.run_id} was made on data {wanted[:12]}…, there is {found[:12]}… now: "
            "run it again before stressing it"
        )

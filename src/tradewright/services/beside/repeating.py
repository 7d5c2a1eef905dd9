"""Repeat a stored run from its manifest, and say what differs if it cannot be the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.domain.errors import ConfigError
from tradewright.domain.money import from_minor
from tradewright.domain.outcome import Outcome
from tradewright.domain.time import from_ns
from tradewright.services.runs import Run
from tradewright.services.study.stages import Progress
from tradewright.services.workspace import Workspace, current_workspace

if TYPE_CHECKING:
    from tradewright.services.backtest_plan import BacktestPlan

COMPARED: Final = {
    "data": ("data_version",),
    "code": ("code_version", "code_commit"),
    "config": ("config_hash", "seed"),
    "libraries": ("libraries", "python"),
    "platform": ("platform",),
}


@dataclass(frozen=True, slots=True, eq=False)
class Rerun:
    """A repeated run beside the stored one.

    Parameters
    ----------
    run_id : str
        The stored run.
    equal : bool
        Whether both digests are the same.
    digest_before, digest_after : str
        Of orders, fills and equity.
    differences : tuple of str
        What the runs were made from that differs: data, code, configuration, libraries.
    first_difference : str
        First order, fill or equity that differs; empty when equal.
    run : Run
        The repeated run; not stored.
    """

    run_id: str
    equal: bool
    digest_before: str
    digest_after: str
    differences: tuple[str, ...]
    first_difference: str
    run: Run

    def __str__(self) -> str:
        if self.equal:
            return f"run {self.run_id} repeats: digest {self.digest_after[:16]}"
        why = "; ".join(self.differences) or "nothing it was made from: please report this"
        return f"run {self.run_id} does not repeat: {self.first_difference}; what differs: {why}"


def rerun(
    run_id: str = "latest",
    workspace: Workspace | None = None,
    *,
    progress: Progress | None = None,
    workers: int | None = None,
) -> Rerun:
    """Repeat a stored run on the same data and compare digests.

    Parameters
    ----------
    run_id : str
        Stored run, or ``latest``.
    workspace : Workspace, optional
        The default one unless given.
    progress : callable, optional
        ``progress(fraction, message)``.
    workers : int, optional
        Fits side by side.

    Returns
    -------
    Rerun
        The comparison; the repeated run is not stored and not counted as a trial.

    Raises
    ------
    ConfigError
        If the run did not complete, or was made in Python from bars at hand.
    NoDataError
        If there is no such run, or its data are gone.
    """
    space = workspace if workspace is not None else current_workspace()
    stored = Run.load(run_id, space)
    manifest = stored.manifest
    if not stored.is_complete:
        raise ConfigError(f"run {stored.run_id} ended {stored.status}; there is nothing to compare")
    if stored.kind == "study":
        repeated = _study_again(stored, space, progress, workers)
    elif "opened" in manifest:
        from tradewright.services.backtest import run_backtest

        repeated = run_backtest(named_plan(manifest, space), progress)
    else:
        raise ConfigError(
            f"run {stored.run_id} is a {stored.kind} on bars that were at hand: only a study and "
            "'tradewright backtest run' store everything they were made from"
        )
    equal = repeated.digest == stored.manifest["result_digest"]
    return Rerun(
        run_id=stored.run_id,
        equal=equal,
        digest_before=str(stored.manifest["result_digest"]),
        digest_after=repeated.digest,
        differences=tuple(differences(manifest, repeated.manifest)),
        first_difference="" if equal else first_difference(stored.outcome, repeated.outcome),
        run=repeated,
    )


def _study_again(
    stored: Run, space: Workspace, progress: Progress | None, workers: int | None
) -> Run:
    from tradewright.services.studies import Study
    from tradewright.services.study.job import StudyJob
    from tradewright.services.study.stages import Stages

    manifest = stored.manifest
    study = Study.from_mapping(manifest["config"], f"run {stored.run_id}")
    job = StudyJob(
        study.page,
        space,
        Stages(progress),
        allow_unhealthy=stored.extras.health.ok is False,
        save=False,
        workers=workers,
    )
    return job.run(as_of_ns=int(manifest["study"]["as_of_ns"]))


def named_plan(manifest: Mapping[str, Any], space: Workspace) -> BacktestPlan:
    """Return the plan of a run of ``backtest run``, made anew from its manifest.

    Parameters
    ----------
    manifest : mapping
        Of the run; it says how the bars were opened.
    space : Workspace
        Holds the bars.

    Returns
    -------
    BacktestPlan
        Ready to run.
    """
    from tradewright.costs import Costs
    from tradewright.services.backtest import BacktestConfig, plan_backtest
    from tradewright.services.results.named import DataChoice, open_bars, open_finer
    from tradewright.strategies import create_strategy

    config, opened = manifest["config"], dict(manifest["opened"])
    choice = DataChoice(**{**opened, "symbols": tuple(opened["symbols"])})
    bars = open_bars(space, choice)
    strategy, settings = config["strategy"], BacktestConfig.from_mapping(config["backtest"])
    return plan_backtest(
        create_strategy(strategy["name"], **strategy["parameters"]),
        bars,
        cash=float(from_minor(config["cash_minor"], settings.currency)),
        costs=None if config["costs"] is None else Costs(**config["costs"]),
        config=settings,
        finer=open_finer(space, choice),
    )


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return in words what two manifests differ in: data, code, config, libraries.

    Examples
    --------
    >>> differences({"seed": 1}, {"seed": 2})
    ['config: seed was 1, is 2']
    """
    found = []
    for group, keys in COMPARED.items():
        for key in keys:
            old, new = before.get(key), after.get(key)
            if old == new:
                continue
            if isinstance(old, Mapping) and isinstance(new, Mapping):
                found += [
                    f"{group}: {name} was {old.get(name, 'absent')}, is {new.get(name, 'absent')}"
                    for name in sorted({*old, *new})
                    if old.get(name) != new.get(name)
                ]
            else:
                found.append(f"{group}: {key} was {_short(old)}, is {_short(new)}")
    return found


def first_difference(before: Outcome, after: Outcome) -> str:
    """Return the first order, fill or equity in which two outcomes differ."""
    for name in ("orders", "fills"):
        old, new = getattr(before, name), getattr(after, name)
        for row in range(min(len(old), len(new))):
            fields = [f for f in old.dtype.names if old[f][row] != new[f][row]]
            if fields:
                bar = int(new["bar"][row])
                when = from_ns(int(after.ts[bar])).date() if bar < len(after.ts) else "?"
                field = fields[0]
                return (
                    f"{name[:-1]} {row} on {when}: {field} was {old[field][row]}, "
                    f"is {new[field][row]}"
                )
        if len(old) != len(new):
            return f"{len(old)} {name} were stored, {len(new)} were made"
    n_bars = min(len(before.equity), len(after.equity))
    changed = np.flatnonzero(before.equity[:n_bars] != after.equity[:n_bars])
    if len(changed):
        row = int(changed[0])
        return (
            f"equity on {from_ns(int(after.ts[row])).date()} was {before.equity[row]}, "
            f"is {after.equity[row]}"
        )
    return f"{len(before.equity)} bars were stored, {len(after.equity)} were made"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 24 else f"{text[:20]}…"

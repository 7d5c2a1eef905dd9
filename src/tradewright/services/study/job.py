"""One run of a study, from bars to a stored result; whatever ends it is stored as well."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from tradewright.domain.errors import (
    CancelledError,
    ConfigError,
    LeakError,
    RefusedError,
)
from tradewright.domain.outcome import RunStatus
from tradewright.domain.signals import Signal
from tradewright.services.results.costing.assumed import costs_in_words, rules_in_words
from tradewright.services.results.extras import Guard, RunExtras
from tradewright.services.runs import Run
from tradewright.services.study import fitting, loading, recording, trading
from tradewright.services.study.stages import Stages
from tradewright.services.study_page import StudyPage
from tradewright.services.workspace import Workspace
from tradewright.version import __version__

if TYPE_CHECKING:
    from tradewright.training.kept_fits import FitFolder

LOG = logging.getLogger("tradewright.studies")


class StudyJob:
    """One run of a study, and what is stored when it does not end well."""

    def __init__(
        self,
        page: StudyPage,
        workspace: Workspace,
        stages: Stages,
        *,
        allow_unhealthy: bool = False,
        save: bool = True,
        workers: int | None = None,
        by_window: bool = False,
        resume: bool = False,
    ) -> None:
        self.resume = resume
        self.by_window = by_window
        self.window_figures: tuple[dict[str, Any], ...] = ()
        self.page, self.workspace, self.stages = page, workspace, stages
        self.allow_unhealthy, self.save, self.workers = allow_unhealthy, save, workers
        self.extras = RunExtras()
        self.decisions: list[Signal] = []
        self.data: loading.StudyData | None = None
        self.as_of_ns = workspace.clock.now_ns()

    def run(self, as_of_ns: int | None = None) -> Run:
        """Run every stage; a failure is stored before it goes on."""
        if as_of_ns is not None:
            self.as_of_ns = as_of_ns
        try:
            return self._run()
        except KeyboardInterrupt:
            self._store(RunStatus.CANCELLED, "stopped by the user")
            raise CancelledError(
                f"study {self.page.name} was stopped during: {self.stages.current}"
            ) from None
        except CancelledError as error:
            self._store(RunStatus.CANCELLED, str(error))
            raise
        except Exception as error:
            # Supervision: whatever failed, the run is listed as failed, and the error goes on.
            kind = "refused" if isinstance(error, RefusedError) else type(error).__name__
            self._store(RunStatus.FAILED, f"{self.stages.current}: {kind}: {error}")
            raise

    def _run(self) -> Run:
        page, stages = self.page, self.stages
        with stages.stage("data"):
            self.data = data = loading.load_data(page, self.workspace, as_of_ns=self.as_of_ns)
        with stages.stage("data health"):
            self._gate(loading.health_guard(page, data))
        with stages.stage("features"):
            table = fitting.build_features(page, data.traded)
            fitting.warm_up(page, data.traded, table)
            self.extras = replace(
                self.extras, features=table.names, reference=self._reference(data)
            )
        with stages.stage("leak guard") as report:
            self._guard(fitting.leak_guard(page, data.traded, table=table, progress=report))
        with stages.stage("fit") as report:
            kept = self._kept_fits(data)
            result = fitting.fit_study(
                page, data.traded, table, workers=self.workers, progress=report, keeper=kept
            )
        if self.by_window:
            from tradewright.services.walking.models import window_figures

            with stages.stage("windows") as report:
                self.window_figures = window_figures(
                    page, data.traded, data.everything, table, result, progress=report
                )
        run = self._trade(result)
        if kept is not None:
            kept.clear()
        return run

    def _trade(self, result: Any) -> Run:
        page, stages, data = self.page, self.stages, self._loaded()
        rows = (result.folds[0].window.test_first, result.folds[-1].window.test_last)
        market, costs = trading.open_trading(page, data.everything, rows), page.charged()
        with stages.stage("backtest") as report:
            outcome = market.run(
                result.forecasts, costs=costs, progress=report, journal=self.decisions
            )
        if outcome.status is not RunStatus.COMPLETED:
            return self._finish(result, market, outcome, RunExtras())
        real = market.figures(outcome)
        with stages.stage("controls") as report:
            shuffled = trading.shuffled_controls(
                market, result.shuffled, costs=costs, progress=report
            )
        with stages.stage("sensitivity") as report:
            by_cost = trading.cost_rows(
                market, result.forecasts, outcome, costs=costs, progress=report
            )
            by_start = trading.start_rows(
                market, result.forecasts, outcome, costs=costs, progress=report
            )
        free = by_cost[0] if by_cost else None
        evidence = replace(
            self.extras,
            scores=recording.score_rows(page, result),
            controls=recording.control_rows(result, real, shuffled, free),
            cost_sensitivity=by_cost,
            start_sensitivity=by_start,
        )
        return self._finish(result, market, outcome, evidence)

    def _finish(
        self, result: Any, market: trading.Trading, outcome: Any, evidence: RunExtras
    ) -> Run:
        page, stages, data = self.page, self.stages, self._loaded()
        complete = outcome.status is RunStatus.COMPLETED
        with stages.stage("report"):
            origin = recording.origin_of(data.everything, self.as_of_ns)
            extras = replace(
                evidence if complete else self.extras,
                windows=recording.windows_of(result, self.window_figures),
                assumptions=_assumptions(page),
                notes=(*self.extras.notes, *data.traded.notes),
                stage_seconds=dict(stages.seconds),
            )
            more = {"models": recording.hash_models(result), "windows": len(result.folds)}
            run = recording.build_run(
                page,
                outcome,
                market.bars,
                extras=extras,
                origin=origin,
                more=more,
                rerunner=self._again,
            )
            if complete and self.save:
                ratio = market.sharpe_per_period(outcome)
                run = recording.count_trial(run, self.workspace, page, ratio=ratio)
            if self.save:
                recording.save_run(run, self.workspace, result.forecasts, self.decisions)
                if complete:
                    recording.register_model(page, run, result, self.workspace)
        stages.finish()
        return run

    def _kept_fits(self, data: loading.StudyData) -> FitFolder | None:
        if not self.save:
            return None
        from tradewright.training.kept_fits import FitFolder

        facts = f"{self.page.config_hash} {data.everything.data_version} {__version__}"
        key = hashlib.sha256(facts.encode()).hexdigest()[:16]
        kept = FitFolder(self.workspace.data_dir / "walks" / key)
        if not self.resume:
            kept.clear()
        return kept

    @staticmethod
    def _reference(data: loading.StudyData) -> tuple[str, ...]:
        return tuple(s for s in data.everything.symbols if s not in data.traded.symbols)

    def _again(self) -> Run:
        job = StudyJob(
            self.page,
            self.workspace,
            Stages(),
            allow_unhealthy=self.allow_unhealthy,
            save=False,
            workers=self.workers,
        )
        return job.run(as_of_ns=self.as_of_ns)

    def _gate(self, health: Guard) -> None:
        self.extras = replace(self.extras, health=health)
        if health.ok:
            return
        if not self.allow_unhealthy:
            raise RefusedError(
                f"data-health gate: {health.summary}; see the findings with "
                "'tradewright data quality', or allow it knowingly with --allow-unhealthy"
            )
        note = f"the data failed the health gate and were allowed by hand: {health.summary}"
        self.extras = replace(self.extras, notes=(note,))

    def _guard(self, leak: Guard) -> None:
        self.extras = replace(self.extras, leak=leak)
        if not leak.ok:
            raise LeakError(leak.summary)

    def _loaded(self) -> loading.StudyData:
        if self.data is None:
            raise ConfigError("study: its bars are not loaded")
        return self.data

    def _store(self, status: RunStatus, message: str) -> None:
        # Before the bars were there, nothing was begun and nothing is stored.
        if not self.save or self.data is None:
            return
        try:
            bars = self.data.everything
            outcome = recording.unfinished_outcome(self.page, bars, status, message)
            extras = replace(self.extras, stage_seconds=dict(self.stages.seconds))
            origin = recording.origin_of(bars, self.as_of_ns)
            run = recording.build_run(self.page, outcome, bars, extras=extras, origin=origin)
            recording.save_run(run, self.workspace)
        except Exception as error:
            # The error that ended the study goes on; this one must not hide it.
            LOG.error("study %s %s could not be stored: %s", self.page.name, status, error)


def _assumptions(page: StudyPage) -> tuple[str, ...]:
    decision = page.decision
    return (
        *rules_in_words(asdict(page.rules.settings())),
        costs_in_words(page.charged()),
        f"labels: {page.labels.kind}, {page.labels.horizon} bars from {page.labels.entry}",
        f"decision: {decision.rule}, top {decision.top_k}, rebalanced {decision.rebalance}, "
        f"{'long only' if decision.long_only else 'long and short'}"
        + (f", weights by {decision.method}" if decision.method else ""),
    )

"""A finished run: everything about it, computed when asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.bars import Bars
from tradewright.domain.currencies.worth import in_currency
from tradewright.domain.errors import ConfigError, DataError
from tradewright.domain.outcome import Outcome, RunStatus
from tradewright.metrics.acceptance import AcceptanceCheck
from tradewright.metrics.returns import RISK_FREE
from tradewright.metrics.verdict import Verdict
from tradewright.ports.run_store import RunSummary
from tradewright.services.beside.comparison import Comparison, compare
from tradewright.services.results.extras import Guard, RunExtras, Window
from tradewright.services.results.fields import ResultFields
from tradewright.services.results.timeline import Benchmark, Timeline

if TYPE_CHECKING:
    import polars as pl

    from tradewright.metrics.drawdowns import PathRisk
    from tradewright.services.backtest_plan import BacktestPlan
    from tradewright.services.luck.attribution import Attribution
    from tradewright.services.luck.chance import Chance
    from tradewright.services.results.evidence import RunStatistics
    from tradewright.services.results.figures import RunMetrics
    from tradewright.services.workspace import Workspace

__all__ = ["BacktestResult", "Comparison", "Guard", "Run", "RunExtras", "Window", "compare"]


class Run(ResultFields):
    """The result of a backtest, study or paper session.

    Making one costs nothing; each figure and table is computed on first access and kept.

    Parameters
    ----------
    outcome : Outcome
        What the engine handed back.
    bars : Bars
        What it ran on; rows the outcome does not cover are cut off.
    name : str
        For people.
    kind : str
        ``backtest``, ``study``, ``sweep`` or ``paper``.
    config : mapping, optional
        The resolved configuration, plain values only.
    manifest : mapping, optional
        Entries to add to the manifest, or to replace in it.
    extras : RunExtras, optional
        What a study knows besides.
    benchmark : str, optional
        Instrument to compare with; the whole universe at equal weight unless given.
    seed : int, optional
        Seed of the run and of its bootstrap; that of the configuration unless given, or 0.
    risk_free : float
        Annual risk-free rate of the ratios.
    created_ns : int, optional
        When it was made, UTC nanoseconds; now unless given.
    rerunner : callable, optional
        Makes the same run again; ``run.rerun()`` calls it.

    Raises
    ------
    DataError
        On first use of prices, if the outcome's bars are not among `bars`.
    """

    def __init__(
        self,
        outcome: Outcome,
        bars: Bars,
        *,
        name: str = "backtest",
        kind: str = "backtest",
        config: Mapping[str, Any] | None = None,
        manifest: Mapping[str, Any] | None = None,
        extras: RunExtras | None = None,
        benchmark: str | None = None,
        seed: int | None = None,
        risk_free: float = RISK_FREE,
        created_ns: int | None = None,
        rerunner: Callable[[], Run] | None = None,
    ) -> None:
        self.outcome = outcome
        self.name = name
        self.kind = kind
        self.config: dict[str, Any] = dict(config or {})
        self.extras = extras or RunExtras()
        self.benchmark_symbol = benchmark
        self.seed = _seed_of(self.config) if seed is None else seed
        self.risk_free = risk_free
        self.given_manifest: dict[str, Any] = dict(manifest or {})
        self._created_ns = created_ns
        self._bars = bars
        self._rerunner = rerunner
        self.made_of: BacktestPlan | None = None  # in memory: the strategy as it was before it ran
        self._known_metrics: dict[str, float] = {}
        self.is_condensed = False  # stored with sessions in place of its many short bars

    def __repr__(self) -> str:
        word = self.verdict.word
        head = f"Run {self.run_id} {self.name!r} ({self.outcome.status}, {word})"
        return f"{head}\n{self.verdict.sentence}"

    @cached_property
    def created_ns(self) -> int:
        """When the run was made, UTC nanoseconds."""
        from time import time_ns

        return time_ns() if self._created_ns is None else self._created_ns

    @cached_property
    def bars(self) -> Bars:
        """The bars on the rows of the outcome; sessions where the run is condensed."""
        bars, ts = self._bars, self.outcome.ts
        if len(ts) == bars.n_bars or self.is_condensed:
            return bars
        first = int(np.searchsorted(bars.ts, ts[0])) if len(ts) else 0
        cut = bars.rows(first, first + max(len(ts), 1))
        if len(ts) and (cut.n_bars != len(ts) or cut.ts[-1] != ts[-1]):
            raise DataError(f"run {self.name}: its {len(ts)} bars are not among the bars given")
        return cut

    @property
    def status(self) -> RunStatus:
        """How the run ended."""
        return self.outcome.status

    @property
    def is_complete(self) -> bool:
        """Whether it reached its end; figures of one that did not are not final."""
        return self.outcome.status == RunStatus.COMPLETED

    @property
    def may_show_performance(self) -> bool:
        """Whether figures may be shown as results: complete and without a leak."""
        return self.is_complete and self.extras.leak.ok is not False and len(self.outcome.ts) > 0

    @cached_property
    def timeline(self) -> Timeline:
        """Sessions of the measured span."""
        from tradewright.services.results.timeline import measure

        windows = self.extras.windows
        first_ns = windows[0].test_start_ns if windows else None
        return measure(self.outcome, interval=self.traded_interval, first_ns=first_ns)

    @cached_property
    def traded_interval(self) -> str:
        """Interval of the bars the run decided and filled on."""
        return self._bars.interval

    @cached_property
    def benchmarks(self) -> tuple[Benchmark, ...]:
        """What the run is compared with; the first is the benchmark."""
        from tradewright.services.results.timeline import benchmarks

        return benchmarks(
            in_currency(self.comparable, self.outcome.currency),
            self.timeline,
            symbol=self.benchmark_symbol,
            reference=self.extras.reference,
        )

    @cached_property
    def trips(self) -> NDArray[np.void]:
        """Round trips as a structured array of `tradewright.domain.outcome.TRIP_DTYPE`."""
        from tradewright.ledger import round_trips

        return round_trips(self.outcome)

    @cached_property
    def path(self) -> PathRisk:
        """Drawdown and exposure over every measured bar."""
        from tradewright.metrics.drawdowns import path_risk

        outcome, first = self.outcome, self.timeline.first
        return path_risk(
            outcome.equity[first:], outcome.long_value[first:], outcome.short_value[first:]
        )

    @cached_property
    def measured_fills(self) -> NDArray[np.void]:
        """Fills within the measured span."""
        fills = self.outcome.fills
        first = self.timeline.first
        return fills[fills["bar"] >= first] if first else fills

    @property
    def metrics(self) -> RunMetrics:
        """Metrics by name, see docs/reference/metrics.md; NaN where not defined."""
        from tradewright.services.results.figures import RunMetrics

        return RunMetrics(self, self._known_metrics)  # kept, the two would hold each other

    @cached_property
    def statistics(self) -> RunStatistics:
        """Tests of luck by name, with bootstrap intervals."""
        from tradewright.services.results.evidence import statistics_of

        return statistics_of(self)

    @cached_property
    def acceptance(self) -> tuple[AcceptanceCheck, ...]:
        """Acceptance thresholds, each with value, limit and whether it is met."""
        from tradewright.services.results.evidence import acceptance_of

        return acceptance_of(self)

    @cached_property
    def verdict(self) -> Verdict:
        """One word and one sentence: believe it or not, and why."""
        from tradewright.services.results.evidence import verdict_of

        return verdict_of(self)

    @cached_property
    def chance(self) -> Chance:
        """What chance makes of it: resampled paths, shuffled trades, random and later entries."""
        from tradewright.services.luck.chance import chance_of

        return chance_of(self)

    @cached_property
    def attribution(self) -> Attribution | None:
        """Profit by instrument, side, time, sector and factor; None where it cannot be split."""
        from tradewright.services.luck.attribution import attribution_of

        return attribution_of(self)

    @property
    def controls(self) -> tuple[Mapping[str, Any], ...]:
        """Control runs, for example on shuffled labels; empty where none were made."""
        return self.extras.controls

    @property
    def n_trials(self) -> int:
        """Configurations counted before this one was chosen, itself included."""
        return max(1, len(self.extras.trials), self.extras.n_trials or 0)

    @cached_property
    def trades(self) -> pl.DataFrame:
        """Round trips; columns in `tradewright.services.results.tables.trades_frame`."""
        from tradewright.services.results.tables import trades_frame

        return trades_frame(self)

    @cached_property
    def fills(self) -> pl.DataFrame:
        """Executions; columns in `tradewright.services.results.tables.fills_frame`."""
        from tradewright.services.results.tables import fills_frame

        return fills_frame(self)

    @cached_property
    def orders(self) -> pl.DataFrame:
        """Orders; columns in `tradewright.services.results.tables.orders_frame`."""
        from tradewright.services.results.tables import orders_frame

        return orders_frame(self)

    @cached_property
    def equity(self) -> pl.DataFrame:
        """The account at every close, and its drawdown."""
        from tradewright.services.results.tables import equity_frame

        return equity_frame(self)

    @cached_property
    def exposure(self) -> pl.DataFrame:
        """Fractions of equity held at every close."""
        from tradewright.services.results.tables import exposure_frame

        return exposure_frame(self)

    @cached_property
    def costs(self) -> pl.DataFrame:
        """Costs by instrument and component."""
        from tradewright.services.results.tables import costs_frame

        return costs_frame(self)

    @cached_property
    def benchmark(self) -> pl.DataFrame:
        """Strategy and benchmarks at session closes, from 1."""
        from tradewright.services.results.tables import benchmark_frame

        return benchmark_frame(self)

    @property
    def sleeves(self) -> pl.DataFrame:
        """Who made what where several strategies shared the account; empty for one strategy.

        ``sleeve``, ``budget``, ``cash``, ``equity``, ``profit`` (after costs), ``costs`` (major
        units), ``fills``, ``positions``; the last row is what no sleeve was given.
        """
        import polars as pl

        return pl.DataFrame(list(self.extras.sleeves))

    @cached_property
    def digest(self) -> str:
        """Sha256 over canonical orders, fills and equity: equal for equal results."""
        from tradewright.services.results.manifest import digest_of

        return digest_of(self.outcome)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Configuration, data, code, libraries, seed and digest."""
        from tradewright.services.results.manifest import manifest_of

        return manifest_of(self)

    @property
    def run_id(self) -> str:
        """Identity of the run: 16 hexadecimal digits."""
        return str(self.manifest["run_id"])

    @property
    def summary(self) -> RunSummary:
        """One line of the list of runs; without metrics where they may not be shown."""
        metrics = dict(self.metrics) if self.may_show_performance else {}
        if metrics:
            metrics["deflated_sharpe"] = self.statistics["deflated_sharpe"]
        return RunSummary(
            run_id=self.run_id,
            name=self.name,
            kind=self.kind,
            status=str(self.outcome.status),
            created_ns=self.created_ns,
            digest=self.digest,
            verdict=self.verdict.word,
            metrics=metrics,
        )

    def save(self, workspace: Workspace | None = None, *, report: bool = True) -> Path:
        """Store the run: it appears whole or not at all.

        Parameters
        ----------
        workspace : Workspace, optional
            The default one unless given.
        report : bool
            Whether to store the HTML report as well.

        Returns
        -------
        Path
            Folder of the run's files.

        Raises
        ------
        EdgeError
            If the disk refuses; nothing is left then.
        """
        from tradewright.services.results.documents import write_documents

        documents = write_documents(self)
        if report:
            documents["report.html"] = self.html().encode()
        return _workspace(workspace).runs.save(self.summary, documents)

    @classmethod
    def load(cls, run_id: str = "latest", workspace: Workspace | None = None) -> Run:
        """Open a stored run; neither its strategy nor any market data are needed.

        Parameters
        ----------
        run_id : str
            Identity of the run, or ``latest``.
        workspace : Workspace, optional
            The default one unless given.

        Returns
        -------
        Run
            With the figures that were stored.

        Raises
        ------
        NoDataError
            If there is no such run.
        DataError
            If one of its files is missing or damaged; names it.
        """
        from tradewright.services.results.stored import load_run

        run = load_run(_workspace(workspace).runs, run_id)
        if run.is_complete and (run.kind == "study" or "opened" in run.manifest):
            run._rerunner = lambda: _rerun_stored(run.run_id, workspace)
        return run

    def html(self) -> str:
        """Return the report as one self-contained HTML page."""
        from tradewright.reports import render_report
        from tradewright.services.results.report import report_of

        return render_report(report_of(self))

    def to_html(self, path: str | Path) -> Path:
        """Write the report as one self-contained HTML file and return the path."""
        from tradewright.services.results.exports import write_whole

        return write_whole(path, self.html().encode())

    def to_json(self, path: str | Path | None = None) -> str | Path:
        """Return the run as one JSON document, or write it to a file and return the path."""
        from tradewright.services.results.exports import json_of, write_whole

        text = json_of(self)
        return text if path is None else write_whole(path, text.encode())

    def to_csv(self, folder: str | Path) -> list[Path]:
        """Write every table as CSV into a folder; return the paths."""
        from tradewright.services.results.exports import write_tables

        return write_tables(self, folder, "csv")

    def to_parquet(self, folder: str | Path) -> list[Path]:
        """Write every table as Parquet into a folder; return the paths."""
        from tradewright.services.results.exports import write_tables

        return write_tables(self, folder, "parquet")

    def plot(self) -> Any:
        """Draw equity against the benchmark, and drawdown; return the matplotlib figure.

        Raises
        ------
        MissingExtraError
            If matplotlib is not installed.
        """
        from tradewright.reports import draw_equity
        from tradewright.services.results.report import report_of

        return draw_equity(report_of(self))

    def learn(self, extras: RunExtras) -> None:
        """Take new extras, for example more trials; what depends on them is computed again.

        Parameters
        ----------
        extras : RunExtras
            Replaces the former ones.
        """
        self.extras = extras
        for name in ("manifest", "statistics", "verdict", "cost_sensitivity"):
            self.__dict__.pop(name, None)

    def rerun(self) -> Run:
        """Make the same run again from the same configuration and data.

        Raises
        ------
        ConfigError
            If the run does not know how it was made.
        """
        if self._rerunner is None:
            raise ConfigError(
                f"run {self.run_id} cannot be made again from here: only a study and "
                "'tradewright backtest run' store everything they were made from"
            )
        return self._rerunner()


BacktestResult = Run
"""The older name of `Run`."""


def _rerun_stored(run_id: str, workspace: Workspace | None) -> Run:
    from tradewright.services.beside.repeating import rerun

    return rerun(run_id, workspace).run


def _seed_of(config: Mapping[str, Any]) -> int:
    section = config.get("backtest", {})
    inner = section.get("seed", 0) if isinstance(section, Mapping) else 0
    return int(config.get("seed", inner) or 0)


def _workspace(given: Workspace | None) -> Workspace:
    from tradewright.services.workspace import current_workspace

    return given if given is not None else current_workspace()

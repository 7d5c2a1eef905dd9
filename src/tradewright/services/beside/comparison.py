"""Several runs side by side: curves from one day, metrics, and whether they differ by luck."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import ConfigError, DataError, RefusedError
from tradewright.domain.time import NS_PER_DAY, from_ns
from tradewright.metrics.bootstrap import BootstrapResult, stationary_bootstrap
from tradewright.metrics.drawdowns import drawdown_series
from tradewright.metrics.returns import performance, returns_of
from tradewright.services.beside.flat import flatten

if TYPE_CHECKING:
    import polars as pl

    from tradewright.services.runs import Run


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Runs over the sessions they share.

    Parameters
    ----------
    runs : tuple of Run
        In the order given; the first is the one the others are compared with.
    labels : tuple of str
        Distinct names of the runs.
    ts : ndarray of shape (n,), int64
        Shared session closes, UTC nanoseconds.
    levels : ndarray of shape (n, n_runs)
        Equity rebased to 1 at the first shared close.
    metrics : tuple of mapping
        Per run, over the shared sessions.
    differences : tuple of BootstrapResult or None
        Per run: paired bootstrap of its difference to the first; None for the first.
    config_differences : tuple of mapping
        ``{"key", label of each run …}`` for every setting that is not equal in all.
    data_equal : bool
        Whether all ran on the same version of the data.
    """

    runs: tuple[Run, ...]
    labels: tuple[str, ...]
    ts: NDArray[np.int64]
    levels: NDArray[np.float64]
    metrics: tuple[Mapping[str, float], ...]
    differences: tuple[BootstrapResult | None, ...]
    config_differences: tuple[Mapping[str, Any], ...]
    data_equal: bool

    @property
    def table(self) -> pl.DataFrame:
        """One row a run: metrics over the shared sessions, and the Sharpe difference.

        Returns
        -------
        polars.DataFrame
            ``run, run_id``, the metrics, ``sharpe_difference_low``, ``sharpe_difference_high``
            (95 %, null for the first run).
        """
        import polars as pl

        rows = []
        for index, run in enumerate(self.runs):
            found = self.differences[index]
            interval = found.intervals["sharpe_difference"] if found else None
            rows.append(
                {
                    "run": self.labels[index],
                    "run_id": run.run_id,
                    **self.metrics[index],
                    "sharpe_difference_low": interval.low_95 if interval else None,
                    "sharpe_difference_high": interval.high_95 if interval else None,
                }
            )
        return pl.DataFrame(rows)

    def html(self) -> str:
        """Return the comparison as one self-contained HTML page."""
        from tradewright.reports import render_comparison
        from tradewright.services.results.report import comparison_content

        return render_comparison(comparison_content(self))

    def to_html(self, path: str | Path) -> Path:
        """Write the comparison as one HTML file, whole or not at all; return the path."""
        from tradewright.services.results.exports import write_whole

        return write_whole(path, self.html().encode())

    def as_document(self) -> dict[str, Any]:
        """Return the comparison as plain values, times as RFC 3339 UTC."""
        return {
            "runs": self.table.to_dicts(),
            "sessions": len(self.ts),
            "first": from_ns(int(self.ts[0])).isoformat(),
            "last": from_ns(int(self.ts[-1])).isoformat(),
            "data_equal": self.data_equal,
            "config_differences": [dict(row) for row in self.config_differences],
        }


def compare(*runs: Run, allow_different_data: bool = False) -> Comparison:
    """Compare runs over the sessions they share.

    Parameters
    ----------
    *runs : Run
        Two or more complete runs.
    allow_different_data : bool
        Whether runs on different versions of the data may be put side by side.

    Returns
    -------
    Comparison
        Curves, metrics, paired bootstrap of the Sharpe difference, configuration differences.

    Raises
    ------
    ConfigError
        If fewer than two runs are given.
    RefusedError
        If a run is incomplete or leaks, or the data differ and that is not allowed.
    DataError
        If the runs share fewer than three sessions.
    """
    if len(runs) < 2:
        raise ConfigError(f"compare: {len(runs)} runs given, wanted two or more")
    for run in runs:
        if not run.may_show_performance:
            raise RefusedError(f"run {run.run_id} has no result to compare: {run.verdict.sentence}")
    versions = {str(run.manifest["data_version"]) for run in runs}
    if len(versions) > 1 and not allow_different_data:
        raise RefusedError(
            "the runs used different data, so ranking them says nothing about the strategies; "
            "add --allow-different-data (allow_different_data=True) to see them side by side"
        )
    ts, levels = _shared(runs)
    returns = [returns_of(levels[:, column]) for column in range(len(runs))]
    ppy, free = runs[0].timeline.periods_per_year, runs[0].risk_free
    metrics = []
    for column, own in enumerate(returns):
        found = performance(own, periods_per_year=ppy, risk_free=free)
        found["max_drawdown"] = float(drawdown_series(levels[:, column]).min())
        metrics.append(found)
    differences = [None] + [
        stationary_bootstrap(
            own,
            np.random.default_rng(runs[0].seed),
            periods_per_year=ppy,
            benchmark=returns[0],
            risk_free=free,
        )
        for own in returns[1:]
    ]
    labels = _labels(runs)
    return Comparison(
        runs=runs,
        labels=labels,
        ts=ts,
        levels=levels,
        metrics=tuple(metrics),
        differences=tuple(differences),
        config_differences=_config_differences(runs, labels),
        data_equal=len(versions) == 1,
    )


def _shared(runs: tuple[Run, ...]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    days, stamps = [], []
    for run in runs:
        ts = run.outcome.ts[run.timeline.rows]
        keys, last = np.unique(ts[::-1] // NS_PER_DAY, return_index=True)
        days.append(keys)
        stamps.append(len(ts) - 1 - last)
    shared = days[0]
    for keys in days[1:]:
        shared = np.intersect1d(shared, keys)
    if len(shared) < 3:
        raise DataError(f"the runs share {len(shared)} sessions, wanted at least 3")
    columns = []
    for run, keys, rows in zip(runs, days, stamps, strict=True):
        chosen = rows[np.searchsorted(keys, shared)]
        levels = run.timeline.levels[chosen]
        columns.append(levels / levels[0])
    first = stamps[0][np.searchsorted(days[0], shared)]
    return runs[0].outcome.ts[runs[0].timeline.rows][first], np.column_stack(columns)


def _labels(runs: tuple[Run, ...]) -> tuple[str, ...]:
    names = [run.name for run in runs]
    return tuple(
        name if names.count(name) == 1 else f"{name} · {run.run_id[:6]}"
        for name, run in zip(names, runs, strict=True)
    )


def _data_of(run: Run) -> dict[str, Any]:
    # What the run was made on, for people; the version alone says that something differs.
    about = run.manifest.get("data", {})
    symbols = about.get("symbols", [])
    return {
        "data version": run.manifest["data_version"],
        "data instruments": ", ".join(symbols) if len(symbols) <= 6 else f"{len(symbols)} of them",
        "data source": about.get("source"),
        "data adjustment": about.get("adjustment"),
        "data first": str(about.get("first", ""))[:10],
        "data last": str(about.get("last", ""))[:10],
        "data interval": about.get("interval"),
        "code version": run.manifest.get("code_commit") or run.manifest.get("code_version"),
    }


def _config_differences(
    runs: tuple[Run, ...], labels: tuple[str, ...]
) -> tuple[Mapping[str, Any], ...]:
    flat = [{**flatten(run.config), **_data_of(run), "seed": run.seed} for run in runs]
    keys = sorted({key for settings in flat for key in settings})
    found = []
    for key in keys:
        values = [settings.get(key) for settings in flat]
        if any(str(value) != str(values[0]) for value in values):
            found.append({"key": key, **dict(zip(labels, values, strict=True))})
    return tuple(found)

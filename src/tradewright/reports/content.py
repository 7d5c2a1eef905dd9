"""What a report shows, as plain values; a renderer needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import ConfigError
from tradewright.metrics.bootstrap import Interval
from tradewright.metrics.verdict import Verdict

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Check:
    """One test the result had to pass: state is ``pass``, ``warn``, ``fail`` or ``not run``."""

    label: str
    state: str
    value: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class GuardView:
    """What a guard said; `ok` is None where it did not run."""

    ok: bool | None
    summary: str
    findings: Rows = ()


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Equity at session closes beside its benchmarks.

    Parameters
    ----------
    ts : ndarray of shape (n,), int64
        UTC nanoseconds.
    strategy : ndarray of shape (n,)
        Levels that start at 1.
    benchmarks : mapping of str to ndarray of shape (n,)
        Name to levels that start at 1; the first is the benchmark.
    spans : sequence of (int, int)
        First and last close of each out-of-sample window, UTC nanoseconds.
    gross, net : ndarray of shape (n,)
        Exposure as fractions of equity.
    """

    ts: NDArray[np.int64]
    strategy: FloatArray
    benchmarks: Mapping[str, FloatArray]
    spans: Sequence[tuple[int, int]] = ()
    gross: FloatArray = field(default_factory=lambda: np.empty(0))
    net: FloatArray = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True, slots=True, eq=False)
class CandleSeries:
    """Bars of one instrument, and the numbers of the trades made in it.

    Parameters
    ----------
    symbol : str
        Instrument.
    ts : ndarray of shape (n,), int64
        Closes, UTC nanoseconds.
    open, high, low, close : ndarray of shape (n,)
        Without NaN.
    """

    symbol: str
    ts: NDArray[np.int64]
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray


@dataclass(frozen=True, slots=True)
class Costs:
    """Where the money went, in major units of the currency.

    Parameters
    ----------
    total : mapping
        ``gross, spread, slippage, impact, fee, financing, funding, net, notional, fills, bps,
        break_even_bps``; costs are >= 0 and the difference of gross and net.
    by_instrument, by_window : sequence of mapping
        The same with a ``label``, the sum in a last row.
    sensitivity : sequence of mapping
        Result at other multiples of the costs.
    sensitivity_note : str
        How those results were made.
    income : mapping of str to float
        What corporate actions brought, part of the gross profit; empty where none did.
    actions : sequence of mapping
        Rows of ``run.actions``, times and dates as text.
    """

    total: Mapping[str, Any]
    by_instrument: Rows = ()
    by_window: Rows = ()
    sensitivity: Rows = ()
    sensitivity_note: str = ""
    income: Mapping[str, float] = field(default_factory=dict)
    actions: Rows = ()


@dataclass(frozen=True, slots=True)
class ReportContent:
    """Everything a tear sheet shows.

    Parameters
    ----------
    title, kind, run_id, status, created : str
        Of the run.
    subtitle : sequence of str
        Period, universe, interval, data source, in words.
    currency : str
        Of amounts.
    verdict : Verdict
        Comes first.
    checks : sequence of Check
        What the verdict rests on.
    curve : Curve or None
        None where no performance may be shown.
    figures, benchmark_figures : mapping of str to float
        Metrics by name, of the run and of its benchmark.
    intervals : mapping of str to Interval
        Bootstrap intervals by metric.
    closed_form : mapping of str to (low, high)
        95 % intervals in closed form by metric.
    acceptance : sequence of mapping
        ``{"name", "value", "limit", "ok"}`` of each acceptance threshold.
    chance, attribution : mapping
        What chance makes of the run, and its profit by origin, as plain values.
    luck : mapping of str to float
        Statistics by name; holds ``deflated_sharpe`` and ``trials``.
    conventions : sequence of str
        Sessions a year, risk-free rate, resamples.
    windows, drawdowns, trades, controls, scores, start_sensitivity, sleeves : sequence of mapping
        Tables, one mapping a row.
    n_trades : int
        Trades in all, where `trades` holds the largest only.
    monthly : sequence of (year, month, return)
        Compounded returns of calendar months.
    yearly : mapping of int to (return, benchmark return)
        Compounded returns of calendar years.
    candles : sequence of CandleSeries
        Instruments to choose from.
    costs : Costs or None
        None where no performance may be shown.
    stress : mapping
        What scenarios did to the strategy, as `StressReport.as_document`; empty where none was run.
    leak, health : GuardView
        What the guards said, or that they did not run.
    features, assumptions, notes : sequence of str
        In words.
    manifest : mapping
        Configuration, versions, hashes.
    """

    title: str
    kind: str
    run_id: str
    status: str
    created: str
    subtitle: Sequence[str]
    currency: str
    verdict: Verdict
    checks: Sequence[Check]
    leak: GuardView
    health: GuardView
    manifest: Mapping[str, Any]
    curve: Curve | None = None
    costs: Costs | None = None
    stress: Mapping[str, Any] = field(default_factory=dict)
    figures: Mapping[str, float] = field(default_factory=dict)
    benchmark_figures: Mapping[str, float] = field(default_factory=dict)
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    closed_form: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    acceptance: Rows = ()
    chance: Mapping[str, Any] = field(default_factory=dict)
    attribution: Mapping[str, Any] = field(default_factory=dict)
    luck: Mapping[str, float] = field(default_factory=dict)
    conventions: Sequence[str] = ()
    windows: Rows = ()
    drawdowns: Rows = ()
    trades: Rows = ()
    n_trades: int = 0
    controls: Rows = ()
    scores: Rows = ()
    start_sensitivity: Rows = ()
    sleeves: Rows = ()
    monthly: Sequence[tuple[int, int, float]] = ()
    yearly: Mapping[int, tuple[float, float]] = field(default_factory=dict)
    candles: Sequence[CandleSeries] = ()
    features: Sequence[str] = ()
    assumptions: Sequence[str] = ()
    notes: Sequence[str] = ()


def check_content(content: ReportContent) -> None:
    """Check that a report says what every report must say.

    Raises
    ------
    ConfigError
        If benchmark, costs, deflated Sharpe ratio with its trials, bootstrap interval or leak
        verdict is missing; names it.
    """
    missing = []
    if not content.leak.summary:
        missing.append("leak verdict")
    if content.verdict.may_show_performance:
        if content.curve is None or not content.curve.benchmarks:
            missing.append("benchmark")
        if content.costs is None:
            missing.append("costs")
        if not {"deflated_sharpe", "trials"} <= set(content.luck):
            missing.append("deflated Sharpe ratio")
        if "sharpe" not in content.intervals:
            missing.append("bootstrap interval")
    elif content.curve is not None or content.figures:
        raise ConfigError(
            f"report {content.run_id}: verdict is {content.verdict.word!r}, so no performance "
            "may be shown, but figures were given"
        )
    if missing:
        raise ConfigError(f"report {content.run_id}: {', '.join(missing)} missing; nothing written")

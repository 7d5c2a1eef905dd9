"""What a study knows beside the outcome: windows, guards, scores, controls, trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

Rows = tuple[Mapping[str, Any], ...]
"""A small table: one mapping a row, every row with the same keys, values text, numbers or None."""


@dataclass(frozen=True, slots=True)
class Guard:
    """The outcome of a check that may refuse a result.

    Parameters
    ----------
    ok : bool or None
        None if the check did not run.
    summary : str
        One sentence: what was checked, or what was found.
    findings : tuple of mapping
        Details, for example one row per column or instrument.
    """

    ok: bool | None = None
    summary: str = ""
    findings: Rows = ()


@dataclass(frozen=True, slots=True)
class Window:
    """One step of walk-forward validation.

    Parameters
    ----------
    number : int
        From 1.
    train_start_ns, train_end_ns, test_start_ns, test_end_ns : int
        Close of the first and last bar of each span, UTC nanoseconds, both included.
    train_rows, test_rows : int
        Rows (bar and instrument) fitted on and predicted; 0 where not counted.
    scores : mapping of str to float
        Out-of-sample scores of the model in this window.
    parameters : mapping
        Parameters chosen in this window.
    """

    number: int
    train_start_ns: int
    train_end_ns: int
    test_start_ns: int
    test_end_ns: int
    train_rows: int = 0
    test_rows: int = 0
    scores: Mapping[str, float] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunExtras:
    """Everything a report shows that the outcome does not hold; all of it optional.

    Parameters
    ----------
    windows : tuple of Window
        Test spans. Where there are any, metrics are measured from the first bar of the first test
        span, so that only out-of-sample bars count.
    leak, health : Guard
        Verdicts of the leak guard and of the data-health gate.
    scores : tuple of mapping
        Out-of-sample scores of the models: ``{"model", "metric", "value", "baseline"}``.
    controls : tuple of mapping
        ``{"control", "sharpe", "total_return", "p_value", "note"}`` for majority class, shuffled
        labels, cost-free.
    trials : tuple of float
        Per-period Sharpe ratio of every configuration tried in this family, this one included.
    n_trials : int or None
        Trials counted where it is more than the ratios kept.
    overfitting : float or None
        Probability of backtest overfitting of the sweep that the configuration was chosen in.
    trial_family : str
        Name of the family the trials belong to.
    cost_sensitivity : tuple of mapping
        ``{"multiple", "total_return", "sharpe"}`` from runs at other costs; computed with the same
        fills if left empty.
    path_bounds : mapping of str to float
        Final equity if the worse (``pessimistic``) and the better (``optimistic``) of two prices
        always came first inside a bar; computed from the plan if left empty.
    start_sensitivity : tuple of mapping
        ``{"offset", "total_return", "sharpe", "max_drawdown"}`` with the start moved by sessions.
    features : tuple of str
        What the model saw.
    reference : tuple of str
        Instruments loaded for comparison only; the equal-weight benchmark leaves them out.
    assumptions : tuple of str
        Fill rules and cost model in words.
    notes : tuple of str
        What a reader must know, for example a health gate overruled.
    sleeves : tuple of mapping
        Who made what where several strategies shared the account: columns of
        `tradewright.engine.SleeveBook.row`.
    stress : mapping
        What scenarios did to the strategy: `StressReport.as_document`; empty where it was not run.
    stage_seconds : mapping of str to float
        Time spent per stage.
    """

    windows: tuple[Window, ...] = ()
    leak: Guard = Guard()
    health: Guard = Guard()
    scores: Rows = ()
    controls: Rows = ()
    trials: tuple[float, ...] = ()
    n_trials: int | None = None
    overfitting: float | None = None
    trial_family: str = ""
    cost_sensitivity: Rows = ()
    start_sensitivity: Rows = ()
    path_bounds: Mapping[str, float] = field(default_factory=dict)
    features: tuple[str, ...] = ()
    reference: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    sleeves: Rows = ()
    stress: Mapping[str, Any] = field(default_factory=dict)
    stage_seconds: Mapping[str, float] = field(default_factory=dict)

    def as_document(self) -> dict[str, Any]:
        """Return the same as plain lists and mappings, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> RunExtras:
        """Read what `as_document` wrote; keys of other versions are left out."""
        known = {name: document[name] for name in cls.__dataclass_fields__ if name in document}
        for name in ("scores", "controls", "cost_sensitivity", "start_sensitivity", "sleeves"):
            known[name] = tuple(known.get(name, ()))
        for name in ("trials", "features", "reference", "assumptions", "notes"):
            known[name] = tuple(known.get(name, ()))
        known["windows"] = tuple(Window(**window) for window in known.get("windows", ()))
        for name in ("leak", "health"):
            known[name] = _guard(known.get(name, {}))
        return cls(**known)


def _guard(document: Mapping[str, Any]) -> Guard:
    findings: Sequence[Mapping[str, Any]] = document.get("findings", ())
    return Guard(document.get("ok"), document.get("summary", ""), tuple(findings))

"""What a study leaves behind: the run with its evidence, the forecasts, the models."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.domain.bars import Bars
from tradewright.domain.errors import NoDataError, TradewrightError
from tradewright.domain.forecasts import ForecastPanel
from tradewright.domain.money import to_minor
from tradewright.domain.outcome import FILL_DTYPE, ORDER_DTYPE, Outcome, RunStatus
from tradewright.domain.signals import Signal
from tradewright.services.decisions import DECISIONS, decision_bytes
from tradewright.services.luck.trial_counts import counted_trials, reset_notes
from tradewright.services.results.extras import RunExtras, Window
from tradewright.services.runs import Run
from tradewright.services.study_page import UNIVERSE, StudyPage
from tradewright.services.workspace import Workspace

if TYPE_CHECKING:
    from tradewright.training import WalkForwardResult

LOG = logging.getLogger("tradewright.studies")
FORECASTS: Final = "forecasts.parquet"
INSIDE: Final = ("in_sample_return", "in_sample_sharpe")
DECLARED: Final = ":declared"
"""Ends the name under which the trials that pages declare are counted."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a run's data came from, for its manifest.

    Parameters
    ----------
    version : str
        Content hash of all bars loaded, the training history included.
    as_of_ns : int
        Time as of which stored bars were read, UTC nanoseconds.
    first, last : int
        Close of the first and last bar, UTC nanoseconds.
    """

    version: str
    as_of_ns: int
    first: int
    last: int


def origin_of(bars: Bars, as_of_ns: int) -> Origin:
    """Describe the bars a study read."""
    return Origin(bars.data_version, as_of_ns, int(bars.ts[0]), int(bars.ts[-1]))


def trial_family(page: StudyPage, version: str) -> str:
    """Return the family in which trials are counted: data, universe, label, strategy.

    The model and its parameters do not enter: trying another model on the same data is another
    trial of the same question.
    """
    mapping = page.to_mapping()
    keys = {
        "data": version,
        "universe": mapping["universe"],
        "labels": mapping["labels"],
        "strategy": "forecast",
    }
    return hashlib.sha256(json.dumps(keys, sort_keys=True).encode()).hexdigest()[:16]


def windows_of(
    result: WalkForwardResult, figures: Sequence[Mapping[str, Any]] = ()
) -> tuple[Window, ...]:
    """Return the walk-forward windows as the report shows them.

    Parameters
    ----------
    result : WalkForwardResult
        Of the study.
    figures : sequence of mapping
        What each window earned alone, where that was measured.
    """
    ts = result.forecasts.ts_known
    alone = {row["window"]: {key: row[key] for key in INSIDE} for row in figures}
    return tuple(
        Window(
            number=fold.window.index + 1,
            train_start_ns=int(ts[fold.window.train_first]),
            train_end_ns=int(ts[fold.train_last_row]),
            test_start_ns=int(ts[fold.window.test_first]),
            test_end_ns=int(ts[fold.window.test_last - 1]),
            train_rows=fold.n_train,
            test_rows=fold.n_test,
            scores={
                k: v
                for k, v in {**fold.scores, **alone.get(fold.window.index + 1, {})}.items()
                if math.isfinite(v)
            },
            parameters={"features": len(fold.features)},
        )
        for fold in result.folds
    )


def score_rows(page: StudyPage, result: WalkForwardResult) -> tuple[dict[str, Any], ...]:
    """Return the model's out-of-sample scores, each beside what it must beat."""
    scores, controls = result.scores, result.controls
    beside = {
        "ic": controls.get("shuffled_ic_mean", 0.0),
        "ic_t": None,
        "hit_rate": 0.5,
        "accuracy": scores["accuracy_majority"],
        "mse": scores["mse_zero"],
        "n": None,
    }
    return tuple(
        {
            "model": page.model.type,
            "metric": name,
            "value": _finite(scores[name]),
            "baseline": _finite(baseline),
        }
        for name, baseline in beside.items()
    )


def control_rows(
    result: WalkForwardResult,
    real: Mapping[str, float],
    shuffled: list[dict[str, float]],
    free: Mapping[str, float] | None,
) -> tuple[dict[str, Any], ...]:
    """Return the controls: shuffled labels, majority class, zero forecast, no costs.

    Parameters
    ----------
    result : WalkForwardResult
        Scores of forecasts.
    real : mapping
        Figures of the study's own backtest.
    shuffled : list of mapping
        Figures of the backtests of the control fits.
    free : mapping, optional
        Figures without costs.
    """
    from tradewright.training.controls import control_p_value

    rows: list[dict[str, Any]] = []
    if shuffled:
        sharpes = np.array([row["sharpe"] for row in shuffled])
        usable = sharpes[np.isfinite(sharpes)]
        p_value = control_p_value(real["sharpe"], sharpes)
        skill = "no evidence of skill" if not p_value <= 0.10 else "beats most shuffled fits"
        rows.append(
            {
                "control": "shuffled labels",
                "sharpe": _finite(usable.mean() if len(usable) else math.nan),
                "total_return": _finite(np.mean([row["total_return"] for row in shuffled])),
                "p_value": _finite(p_value),
                "note": (
                    f"mean of {len(shuffled)} fits on labels shuffled in blocks, traded alike; "
                    f"{skill}; rank correlation p = {result.controls['shuffled_p']:.2f}"
                ),
            }
        )
    scores = result.scores
    rows.append(
        {
            "control": "majority class",
            "sharpe": None,
            "total_return": None,
            "p_value": None,
            "note": (
                f"accuracy {scores['accuracy']:.3f} against {scores['accuracy_majority']:.3f} "
                "of always saying the commonest"
            ),
        }
    )
    rows.append(
        {
            "control": "zero forecast",
            "sharpe": None,
            "total_return": None,
            "p_value": None,
            "note": f"out-of-sample R² against forecasting zero: {scores['r2_zero']:.4f}",
        }
    )
    if free is not None:
        rows.append(
            {
                "control": "no costs",
                "sharpe": _finite(free["sharpe"]),
                "total_return": _finite(free["total_return"]),
                "p_value": None,
                "note": "the same decisions without fees, spread and slippage",
            }
        )
    return tuple(rows)


def unfinished_outcome(page: StudyPage, bars: Bars, status: RunStatus, message: str) -> Outcome:
    """Return the outcome of a study that ended before it traded: one bar, cash only."""
    cash = to_minor(page.cash, page.currency)
    one = np.array([cash], dtype=np.int64)
    none = np.zeros(1, dtype=np.int64)
    return Outcome(
        instruments=bars.instruments,
        ts=bars.ts[:1],
        equity=one,
        cash=one,
        long_value=none,
        short_value=none,
        fills=np.empty(0, FILL_DTYPE),
        orders=np.empty(0, ORDER_DTYPE),
        financing=none,
        initial_cash=cash,
        marks=bars.close[0],
        currency=page.currency,
        status=status,
        message=message,
    )


def build_run(
    page: StudyPage,
    outcome: Outcome,
    bars: Bars,
    *,
    extras: RunExtras,
    origin: Origin,
    more: Mapping[str, Any] | None = None,
    rerunner: Callable[[], Run] | None = None,
) -> Run:
    """Return the run of a study with what its manifest must say.

    Parameters
    ----------
    page : StudyPage
        The study.
    outcome : Outcome
        What the engine recorded.
    bars : Bars
        It ran on.
    extras : RunExtras
        Evidence.
    origin : Origin
        Of the data.
    more : mapping, optional
        Further entries of the manifest.
    rerunner : callable, optional
        Makes the same run again.
    """
    from tradewright.domain.time import from_ns

    config = page.to_mapping()
    manifest = {
        "config_hash": page.config_hash,
        "data_version": origin.version,
        "study": {
            "as_of_ns": origin.as_of_ns,
            "history_first": from_ns(origin.first).isoformat(),
            "history_last": from_ns(origin.last).isoformat(),
        },
        **(more or {}),
    }
    return Run(
        outcome,
        bars,
        name=page.name,
        kind="study",
        config=config,
        manifest=manifest,
        extras=extras,
        benchmark=None if page.benchmark == UNIVERSE else page.benchmark,
        seed=page.seed,
        rerunner=rerunner,
    )


def count_trial(run: Run, workspace: Workspace, page: StudyPage, *, ratio: float) -> Run:
    """Count the run as a trial of its family, unless the very same run is stored already.

    Trials that a page declares (``validation.prior_trials``) belong to the family too: the largest
    number that any page declared counts once, for every run of the family.

    Parameters
    ----------
    run : Run
        Completed; its manifest knows the data.
    workspace : Workspace
        Keeps the counts.
    page : StudyPage
        What was run.
    ratio : float
        Sharpe ratio of one period; NaN where undefined.

    Returns
    -------
    Run
        The same run, knowing every trial so far.
    """
    family = trial_family(page, str(run.manifest["data_version"]))
    try:
        workspace.runs.load(run.run_id, "manifest.json")
    except NoDataError:
        workspace.runs.add_trials(family, [ratio])
    declared = f"{family}{DECLARED}"
    missing = page.validation.prior_trials - len(workspace.runs.trials(declared))
    if missing > 0:
        workspace.runs.add_trials(declared, [math.nan] * missing)
    ratios = counted_trials(workspace, family)
    run.extras = replace(
        run.extras,
        trials=tuple(r for r in ratios if math.isfinite(r)),
        n_trials=len(ratios) + len(workspace.runs.trials(declared)),
        trial_family=family,
        notes=(*run.extras.notes, *reset_notes(workspace, family)),
    )
    # The manifest was built to know the id; it also says the trials, so it is built again.
    for name in ("manifest", "statistics", "verdict"):
        run.__dict__.pop(name, None)
    return run


def save_run(
    run: Run,
    workspace: Workspace,
    forecasts: ForecastPanel | None = None,
    decisions: Sequence[Signal] = (),
) -> Path:
    """Store a study's run with its forecasts and decisions; it appears whole or not at all."""
    from tradewright.services.results.documents import write_documents

    documents = write_documents(run)
    documents["report.html"] = run.html().encode()
    if forecasts is not None:
        documents[FORECASTS] = forecast_bytes(forecasts)
    if decisions:
        documents[DECISIONS] = decision_bytes(decisions)
    return workspace.runs.save(run.summary, documents)


def forecast_bytes(panel: ForecastPanel) -> bytes:
    """Return the known forecasts as a Parquet table: ``ts, symbol, mean, sd, probability_up``."""
    import polars as pl

    rows, columns = np.nonzero(np.isfinite(panel.mean))
    table: dict[str, Any] = {
        "ts": panel.ts_known[rows].view("datetime64[ns]"),
        "symbol": np.array(panel.symbols)[columns],
        "mean": panel.mean[rows, columns],
    }
    for name in ("sd", "probability_up"):
        array = getattr(panel, name)
        if array is not None:
            table[name] = array[rows, columns]
    frame = pl.DataFrame(table).with_columns(pl.col("ts").dt.replace_time_zone("UTC"))
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def hash_models(result: WalkForwardResult) -> list[dict[str, Any]]:
    """Return type and content hash of the model of each window."""
    with tempfile.TemporaryDirectory(prefix="tradewright-") as folder:
        return [
            {
                "window": fold.window.index + 1,
                "type": str(fold.model.describe()["type"]),
                "content_hash": fold.model.save(Path(folder) / str(fold.window.index)),
            }
            for fold in result.folds
        ]


def register_model(
    page: StudyPage, run: Run, result: WalkForwardResult, workspace: Workspace
) -> str:
    """Register the newest window's model with its scores; return ``name/version``.

    A registry that fails does not undo the run: the failure is logged and noted.
    """
    newest = result.folds[-1]
    metrics = {f"oos_{name}": value for name, value in result.scores.items()}
    metrics |= {f"window_{name}": value for name, value in newest.scores.items()}
    settings = {
        "labels": json.dumps(page.labels.model_dump(mode="json"), sort_keys=True),
        "features": json.dumps(list(page.features)),
        "settings": json.dumps(newest.model.describe()["settings"], sort_keys=True, default=str),
        "windows": len(result.folds),
        "seed": page.seed,
    }
    tags = {"model_type": page.model.type, "run_id": run.run_id, "study": page.name}
    try:
        with tempfile.TemporaryDirectory(prefix="tradewright-") as folder:
            saved = Path(folder) / "model"
            content = newest.model.save(saved)
            identity = workspace.models.log_run(
                page.name, settings, metrics, tags=tags, artifacts=saved
            )
            version = workspace.models.register(page.name, identity, content_hash=content)
    except (TradewrightError, OSError) as error:
        LOG.error("model of run %s was not registered: %s", run.run_id, error)
        return ""
    return f"{version.name}/{version.version}"


def _finite(value: Any) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None

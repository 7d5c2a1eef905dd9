"""From a stored sweep to what the API says, and from a request to the work of a job."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from tradewright.api.schemas import finite, moment
from tradewright.api.sweeps.schemas import (
    MOST_SETS,
    SweepBody,
    SweepDetail,
    SweepFailure,
    SweepRow,
    SweepSet,
)
from tradewright.domain.errors import ConfigError, NoDataError
from tradewright.domain.instruments import normalise_symbol
from tradewright.services.results.named import DataChoice, NamedRun, open_bars, run_named
from tradewright.services.results.stored_sweeps import load_sweep
from tradewright.services.results.sweeping import check_named, sweep_named
from tradewright.services.workspace import Workspace

Report = Callable[[float, str], None]
FIGURES = ("total_return", "sharpe", "max_drawdown", "neighbour_sharpe", "stability", "plateau")


def row_of(document: Mapping[str, Any]) -> SweepRow:
    """Return the line of a sweep in the list."""
    return SweepRow(**_common(document, document["best"], document["sets"]))


def detail_of(document: Mapping[str, Any]) -> SweepDetail:
    """Return a sweep with its sets."""
    rows, names = document["rows"], list(document["axes"])
    return SweepDetail(
        **_common(document, rows[0] if rows else None, len(rows)),
        axes=document["axes"],
        rows=[_set_of(row, names) for row in rows],
        failures=[
            SweepFailure(parameters={name: row[name] for name in names}, cause=row["cause"])
            for row in document["failures"]
        ],
        counted=document["counted"],
        luck=finite(document["luck"]),
        spa=finite(document["spa"]),
        digest=document["digest"],
        can_run=_choice_of(document) is not None,
    )


def sweep_work(workspace: Workspace, body: SweepBody) -> Callable[[Report], str]:
    """Return the work of a job that runs a sweep; what is wrong with it is said at once.

    Raises
    ------
    ConfigError
        If the strategy, a parameter or a value is unknown, or too many sets are asked for.
    """
    search = body.search if body.search == "grid" else f"{body.search}:{body.trials}"
    sets = math.prod(len(values) for values in body.grid.values())
    if body.search == "grid" and sets > MOST_SETS:
        raise ConfigError(
            f"grid: {sets:,} sets, wanted at most {MOST_SETS:,}; let search 'random' choose, or "
            "run it from the command line"
        )
    wanted = NamedRun(
        body.strategy, cash=body.cash, fee_bps=body.fee_bps, slippage_bps=body.slippage_bps
    )
    check_named(wanted, body.grid)
    symbols = tuple(normalise_symbol(symbol) for symbol in body.symbols)
    choice = DataChoice(body.data, symbols, body.start, body.end)

    def work(report: Report) -> str:
        report(0.0, "data")
        found = sweep_named(
            workspace,
            wanted,
            open_bars(workspace, choice),
            body.grid,
            search=search,
            progress=report,
            resume=body.resume,
            choice=choice,
        )
        return f"/sweeps/{found.sweep_id}"

    return work


def set_work(
    workspace: Workspace, sweep_id: str, parameters: Mapping[str, Any]
) -> Callable[[Report], str]:
    """Return the work of a job that backtests one set of a sweep, as one more trial.

    Raises
    ------
    NoDataError
        If there is no such sweep or set.
    ConfigError
        If the sweep's bars cannot be opened again.
    """
    document = load_sweep(workspace, sweep_id)
    names = list(document["axes"])
    if not any({name: row[name] for name in names} == dict(parameters) for row in document["rows"]):
        raise NoDataError(f"sweep {sweep_id}: no set has the parameters {dict(parameters)}")
    choice = _choice_of(document)
    if choice is None:
        raise ConfigError(f"sweep {sweep_id}: its bars came from a file; run it from there")
    wanted = NamedRun(document["strategy"], dict(parameters), **document["settings"])

    def work(report: Report) -> str:
        report(0.0, "data")
        bars = open_bars(workspace, choice)
        return f"/runs/{run_named(workspace, wanted, bars, choice=choice, progress=report).run_id}"

    return work


def _choice_of(document: Mapping[str, Any]) -> DataChoice | None:
    data = document["data"]
    if data is None or data["data"] not in ("sample", "store"):
        return None
    return DataChoice(**{**data, "symbols": tuple(data["symbols"])})


def _common(
    document: Mapping[str, Any], best: Mapping[str, Any] | None, sets: int
) -> dict[str, Any]:
    plain = ("sweep_id", "title", "strategy", "symbols", "first_day", "last_day", "search")
    return {
        **{name: document[name] for name in plain},
        "created_at": moment(document["created_ns"]),
        "parameters": list(document["axes"]),
        "sets": sets,
        "best_sharpe": best and finite(best["sharpe"]),
        "best_stability": best and finite(best["stability"]),
        "overfitting": finite(document["overfitting"]),
    }


def _set_of(row: Mapping[str, Any], names: list[str]) -> SweepSet:
    return SweepSet(
        parameters={name: row[name] for name in names},
        trades=row["trades"],
        neighbours=row["neighbours"],
        **{name: finite(row[name]) for name in FIGURES},
    )

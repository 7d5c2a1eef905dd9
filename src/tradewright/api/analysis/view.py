"""From a stored run to the long part of its result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tradewright.api import run_view
from tradewright.api.analysis.schemas import (
    CostBridge,
    GuardReport,
    NamedTable,
    RunAnalysis,
    StressScenarioView,
    StressStartView,
    StressView,
)
from tradewright.api.run_schemas import Table
from tradewright.api.schemas import finite
from tradewright.domain.time import from_ns
from tradewright.services import run_figures
from tradewright.services.results.documents import plain
from tradewright.services.results.report import report_of
from tradewright.services.runs import Run
from tradewright.services.workspace import Workspace

Rows = Sequence[Mapping[str, Any]]
Columns = Sequence[tuple[str, str, str]]

_COSTS: Final = (
    ("fills", "Fills", "count"),
    ("notional", "Traded", "money"),
    ("gross", "Gross", "money"),
    ("spread", "Spread", "money"),
    ("slippage", "Slippage", "money"),
    ("impact", "Impact", "money"),
    ("fee", "Fees", "money"),
    ("financing", "Financing", "money"),
    ("net", "Net", "money"),
    ("bps", "bps", "bps"),
    ("break_even_bps", "Break-even, bps", "bps"),
)
_SPLITS: Final = (
    ("instruments", "By instrument"),
    ("sides", "Long and short"),
    ("weekdays", "By weekday"),
    ("hours", "By hour of the close (UTC)"),
    ("regimes", "By market, as known before"),
)
_SPLIT_COLUMNS: Final = (
    ("group", "Origin", "text"),
    ("profit", "Profit", "money"),
    ("contribution", "Of total return", "fraction"),
)
_SECTORS: Final = (
    ("sector", "Group", "text"),
    ("allocation", "Allocation", "fraction"),
    ("selection", "Selection", "fraction"),
    ("interaction", "Interaction", "fraction"),
    ("total", "Total", "fraction"),
)
_FACTORS: Final = (
    ("factor", "Factor", "text"),
    ("loading", "Loading", "ratio"),
    ("t", "t", "ratio"),
    ("p", "p", "probability"),
    ("contribution", "A year", "fraction"),
)
_FALLS: Final = (
    ("depth", "Depth", "fraction"),
    ("peak", "Peak", "text"),
    ("trough", "Trough", "text"),
    ("recovery", "Regained", "text"),
    ("sessions", "Sessions", "count"),
)
_THRESHOLDS: Final = (
    ("name", "Threshold", "text"),
    ("value", "Found", "ratio"),
    ("limit", "Limit", "ratio"),
    ("ok", "Met", "text"),
    ("share", "Random entries that meet it", "fraction"),
)
_DELAYS: Final = (
    ("bars", "Bars later", "text"),
    ("total_return", "Return", "fraction"),
    ("sharpe", "Sharpe", "ratio"),
    ("max_drawdown", "Drawdown", "fraction"),
)
_PATHS: Final = {"paths": "Sessions in other blocks", "trades": "Round trips in another order"}
_PATH_COLUMNS: Final = (
    ("name", "Paths", "text"),
    ("low", "Return, 5 %", "fraction"),
    ("high", "95 %", "fraction"),
    ("fall", "Drawdown, 5 %", "fraction"),
    ("loss", "Loss", "fraction"),
    ("half", "Half lost", "fraction"),
)


def analysis_of(workspace: Workspace, run_id: str) -> RunAnalysis:
    """Return the long part of the result of a run.

    Parameters
    ----------
    workspace : Workspace
        Where it is stored.
    run_id : str
        Identity, or ``latest``.

    Returns
    -------
    RunAnalysis
        Guards and assumptions only, where no figure may be shown.
    """
    run = run_view.open_run(workspace, run_id)
    content = report_of(run)
    costs = content.costs
    return RunAnalysis(
        run_id=run.run_id,
        currency=content.currency,
        costs=None if costs is None else CostBridge(**plain(dict(costs.total))),
        costs_by_instrument=None if costs is None else _costs("Instrument", costs.by_instrument),
        costs_by_window=None if costs is None else _costs("Window", costs.by_window),
        stress=_stress(content.stress) if content.stress and costs is not None else None,
        attribution=list(_attribution(content.attribution)),
        luck=list(_luck(run, content)) if costs is not None else [],
        drawdowns=tabulated(_FALLS, [_fall(row) for row in content.drawdowns]),
        guards=[
            GuardReport(name=name, ok=guard.ok, summary=guard.summary, findings=plain(
                [dict(row) for row in guard.findings]
            ))
            for name, guard in (("Leak guard", content.leak), ("Data health", content.health))
        ],
        assumptions=[*content.assumptions, *content.notes],
    )  # fmt: skip


def tabulated(columns: Columns, rows: Rows) -> Table | None:
    """Return rows as a table of ``(key, head, unit)`` columns; None without rows."""
    if not rows:
        return None
    return Table(
        columns=[head for _, head, _ in columns],
        units=[unit for *_, unit in columns],
        rows=[[_cell(row.get(key)) for key, *_ in columns] for row in rows],
    )


def _cell(value: Any) -> float | str | None:
    return value if isinstance(value, str) else finite(value)


def _costs(what: str, rows: Rows) -> Table | None:
    return tabulated((("label", what, "text"), *_COSTS), rows)


def _fall(row: Mapping[str, Any]) -> dict[str, Any]:
    days = {
        key: None if row[key] is None else from_ns(int(row[key])).strftime("%Y-%m-%d")
        for key in ("peak", "trough", "recovery")
    }
    return {**row, **days}


def _stress(found: Mapping[str, Any]) -> StressView:
    return StressView(
        drawdown_limit=float(found["limits"]["max_drawdown_limit"]),
        scenarios=[
            StressScenarioView(
                name=row["name"],
                description=row["description"],
                shock=row["market_shock_magnitude"],
                worst=_start(row["worst"]),
                median_score=finite(row["median"]["stress_resilience_score"]),
                starts=[_start(start) for start in row["starts"]],
            )
            for row in found["scenarios"]
        ],
        notes=list(found.get("notes", ())),
    )


def _start(start: Mapping[str, Any]) -> StressStartView:
    return StressStartView(
        first_day=start["first_day"],
        last_day=start["last_day"],
        is_cut=start["is_cut"],
        stressed_return=finite(start["stressed_metrics"]["total_return"]),
        normal_return=finite(start["normal_metrics"]["total_return"]),
        drawdown=finite(start["stressed_metrics"]["max_drawdown"]),
        market_drawdown=finite(start["benchmark_drawdown"]),
        sessions_to_trough=start["sessions_to_trough"],
        sessions_to_regain=start["sessions_to_regain"],
        recovered_share=finite(start["recovered_share"]),
        breach_share=finite(start["breach_share"]),
        score=finite(start["stress_resilience_score"]),
        message=start["message"],
    )


def _attribution(found: Mapping[str, Any]) -> Iterator[NamedTable]:
    if not found:
        return
    for key, title in _SPLITS:
        rows = found.get(key) or ()
        total = {
            "group": "Total",
            "profit": sum(float(row["profit"]) for row in rows),
            "contribution": found["total_return"],
        }
        whole = [*rows, total] if rows else []
        yield from _named((key, title, "after all costs"), _SPLIT_COLUMNS, whole)
    sectors = found.get("sectors") or ()
    keys = ("allocation", "selection", "interaction", "total")
    total = {"sector": "Total", **{key: sum(float(row[key]) for row in sectors) for key in keys}}
    note = "Brinson-Fachler, linked after Cariño; adds up to the excess return"
    whole = [*sectors, total] if sectors else []
    yield from _named(("sectors", "Against the benchmark", note), _SECTORS, whole)
    note = "regression with Newey-West errors; the loading of alpha is a year's return"
    yield from _named(("factors", "By factor", note), _FACTORS, found.get("factors") or ())


def _luck(run: Run, content: Any) -> Iterator[NamedTable]:
    yield from _intervals(run, content)
    chance = content.chance or {}
    entries = chance.get("entries")
    shares = entries["pass_shares"] if entries else {}
    wanted = [
        {
            "name": str(row["name"]).replace("_", " "),
            "value": row["value"],
            "limit": row["limit"],
            "ok": "yes" if row["ok"] else "no",
            "share": shares.get(row["name"]),
        }
        for row in content.acceptance
    ]
    note = "beside strategies with the same holdings entered at random"
    yield from _named(("acceptance", "Acceptance", note), _THRESHOLDS, wanted)
    note = "the same holdings, entered later; sizes held at their mean"
    delays = [{**row, "bars": str(row["bars"])} for row in (entries["delays"] if entries else ())]
    yield from _named(("delays", "Later entries", note), _DELAYS, delays)
    paths = [
        {
            "name": title,
            "low": found["terminal"][0],
            "high": found["terminal"][4],
            "fall": found["drawdown"][0],
            "loss": found["probability_of_loss"],
            "half": found["probability_of_half"],
        }
        for key, title in _PATHS.items()
        if (found := chance.get(key))
    ]
    note = "what chance makes of the same sessions and trades"
    yield from _named(("paths", "Simulated paths", note), _PATH_COLUMNS, paths)


def _intervals(run: Run, content: Any) -> Iterator[NamedTable]:
    known = {row.metric.name: row for row in run_figures.figures_of(run)}
    rows = [
        {
            "figure": known[name].metric.label,
            "value": known[name].value,
            "low": found.low_95,
            "high": found.high_95,
            "unit": known[name].metric.unit,
        }
        for name, found in content.intervals.items()
        if name in known
    ]
    note = "stationary block bootstrap of the sessions"
    for unit, title in (("fraction", "Intervals of returns"), ("ratio", "Intervals of ratios")):
        columns = (
            ("figure", "Figure", "text"),
            ("value", "Value", unit),
            ("low", "95 % from", unit),
            ("high", "to", unit),
        )
        own = [row for row in rows if row["unit"] == unit]
        yield from _named((f"intervals_{unit}", title, note), columns, own)


def _named(about: tuple[str, str, str], columns: Columns, rows: Rows) -> Iterator[NamedTable]:
    table = tabulated(columns, rows)
    if table is not None:
        name, title, note = about
        yield NamedTable(name=name, title=title, note=note, table=table)

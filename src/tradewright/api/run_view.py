"""From a stored run to what the API says of it."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import numpy as np

from tradewright.api.run_schemas import (
    ChartMark,
    Check,
    CostPart,
    CostView,
    EquitySeries,
    FillRow,
    LineKind,
    MarkKind,
    MetricValue,
    MonthReturn,
    PriceLine,
    RunBars,
    RunDetail,
    RunRow,
    Span,
    Table,
    TradeRow,
    VerdictView,
    Window,
)
from tradewright.api.schemas import finite, moment
from tradewright.domain.errors import NoDataError
from tradewright.domain.money import from_minor
from tradewright.domain.orders import FillReason, OrderType
from tradewright.ports.run_store import RunSummary
from tradewright.services import run_figures
from tradewright.services.results.documents import plain
from tradewright.services.runs import Run
from tradewright.services.workspace import Workspace

MOST_KEPT: Final = 4
PAPER: Final = "paper"
_UNITS: Final = {
    "total_return": "fraction",
    "annual_return": "fraction",
    "max_drawdown": "fraction",
    "benchmark_return": "fraction",
    "sharpe": "ratio",
    "final_equity": "money",
    "p_value": "probability",
    "value": "precise",
    "baseline": "precise",
    "multiple": "ratio",
    "offset": "count",
}
_WORDS: Final = {
    "ic": "Rank correlation (IC)",
    "ic_t": "t-statistic of the IC",
    "hit_rate": "Share with the right sign",
    "accuracy": "Accuracy",
    "mse": "Mean squared error",
    "n": "Forecasts",
}
_HEADS: Final = {
    "multiple": "Costs ×",
    "offset": "Start later by, sessions",
    "p_value": "p-value",
    "annual_return": "Return a year",
}


class _Shelf:
    """The last few runs that were opened, as long as nothing was added to them."""

    def __init__(self) -> None:
        self._runs: OrderedDict[tuple[int, str, str], Run] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, workspace: Workspace, run_id: str) -> Run:
        row = summary_of(workspace, run_id)
        added = hashlib.sha256(workspace.runs.load(row.run_id, "extras.json")).hexdigest()
        key = (id(workspace.runs), row.run_id, f"{row.digest}:{row.created_ns}:{added}")
        with self._lock:
            if key in self._runs:
                self._runs.move_to_end(key)
                return self._runs[key]
        run = Run.load(row.run_id, workspace)
        with self._lock:
            self._runs[key] = run
            while len(self._runs) > MOST_KEPT:
                self._runs.popitem(last=False)
        return run


_SHELF: Final = _Shelf()


def open_run(workspace: Workspace, run_id: str) -> Run:
    """Return a stored run; the last few are kept open."""
    return _SHELF.take(workspace, run_id)


def summary_of(workspace: Workspace, run_id: str) -> RunSummary:
    """Return the line of a run; ``latest`` is the newest that is not a paper session.

    Raises
    ------
    NoDataError
        If there is no such run.
    """
    rows = workspace.runs.list_runs(limit=10_000)
    if run_id == "latest":
        # A paper session only repeats what a study's run said; it is the latest if nothing else is.
        for row in sorted(rows, key=lambda row: row.kind == PAPER):
            return row
        raise NoDataError("no run is stored yet; run a study first")
    for row in rows:
        if row.run_id == run_id:
            return row
    workspace.runs.load(run_id, "manifest.json")  # raises with the nearest id
    raise NoDataError(f"run {run_id!r} is not stored")


def row_of(summary: RunSummary) -> RunRow:
    """Return the line of a run as the API says it."""
    return RunRow(
        run_id=summary.run_id,
        name=summary.name,
        kind=summary.kind,
        status=str(summary.status),
        created_at=moment(summary.created_ns),
        digest=summary.digest,
        verdict="" if summary.kind == PAPER else summary.verdict,
        metrics={name: finite(value) for name, value in summary.metrics.items()},
    )


def detail_of(workspace: Workspace, run_id: str) -> RunDetail:
    """Return everything about a run that is not a long list."""
    row = row_of(summary_of(workspace, run_id))
    run = _SHELF.take(workspace, run_id)
    outcome, extras = run.outcome, run.extras
    shown = run.may_show_performance
    windows = [
        Window(
            number=window.number,
            train_start=moment(window.train_start_ns),
            train_end=moment(window.train_end_ns),
            test_start=moment(window.test_start_ns),
            test_end=moment(window.test_end_ns),
            train_rows=window.train_rows or None,
            test_rows=window.test_rows or None,
            scores={name: finite(value) for name, value in window.scores.items()},
        )
        for window in extras.windows
    ]
    return RunDetail(
        **row.model_dump(),
        currency=outcome.currency,
        initial_cash=from_minor(outcome.initial_cash, outcome.currency),
        final_equity=from_minor(
            int(outcome.equity[-1]) if len(outcome.equity) else outcome.initial_cash,
            outcome.currency,
        ),
        start=moment(int(outcome.ts[0])) if len(outcome.ts) else None,
        end=moment(int(outcome.ts[-1])) if len(outcome.ts) else None,
        bars=len(outcome.ts),
        symbols=[instrument.symbol for instrument in outcome.instruments],
        benchmark_name=run.benchmarks[0].name if shown else "",
        judgement=_judgement(run),
        figures=_figures(run),
        windows=windows,
        out_of_sample=_joined(extras.windows),
        cost=_cost(run),
        cost_sensitivity=_table(run.cost_sensitivity) if shown else None,
        start_sensitivity=_table(extras.start_sensitivity) if shown else None,
        controls=_table(extras.controls) if shown else None,
        scores=_table(extras.scores) if shown else None,
        monthly=[
            MonthReturn(year=year, month=month, value=finite(value))
            for year, month, value in run_figures.monthly_of(run)
        ],
        features=list(extras.features),
        notes=[*extras.notes, *extras.assumptions, *outcome.notes],
        n_trades=len(run.trips),
        n_orders=len(outcome.orders),
        n_fills=len(outcome.fills),
        can_trade_on_paper=row.kind == "study" and row.status == "COMPLETED",
        manifest=plain(run.manifest),
    )


def _judgement(run: Run) -> VerdictView:
    verdict = run.verdict
    return VerdictView(
        word="" if run.kind == PAPER and verdict.may_show_performance else verdict.word,
        sentence=verdict.sentence,
        cautions=list(verdict.cautions),
        may_show_performance=run.may_show_performance,
        checks=[
            Check(
                name=check.name,
                label=check.label,
                state=check.state,
                value=check.value,
                detail=check.detail,
            )
            for check in run_figures.checks_of(run)
        ],
    )


def _figures(run: Run) -> list[MetricValue]:
    return [
        MetricValue(
            name=row.metric.name,
            label=row.metric.label,
            group=row.metric.group,
            unit=row.metric.unit,
            value=finite(row.value),
            benchmark=finite(row.benchmark),
            better=row.metric.better,
            definition=row.metric.definition,
            formula=row.metric.formula,
            convention=row.metric.convention,
        )
        for row in run_figures.figures_of(run)
    ]


def _joined(windows: Sequence[Any]) -> list[Span]:
    """Return the test spans, those that touch as one."""
    day_ns = 86_400_000_000_000
    spans: list[list[int]] = []
    for window in windows:
        if spans and window.test_start_ns - spans[-1][1] <= 5 * day_ns:
            spans[-1][1] = window.test_end_ns
        else:
            spans.append([window.test_start_ns, window.test_end_ns])
    return [Span(start=moment(start), end=moment(end)) for start, end in spans]


def _cost(run: Run) -> CostView:
    parts = run_figures.cost_parts(run)
    currency = run.outcome.currency
    total = sum(parts.values())
    traded = int(run.outcome.fills["notional"].sum())
    return CostView(
        parts=[
            CostPart(
                name=name,
                amount=from_minor(value, currency),
                share=value / total if total else None,
            )
            for name, value in parts.items()
        ],
        total=from_minor(total, currency),
        of_turnover=total / traded if traded else None,
        of_capital=total / run.outcome.initial_cash,
    )


def _table(rows: Sequence[Mapping[str, Any]]) -> Table | None:
    if not rows:
        return None
    keys = list(rows[0])
    texts = [any(isinstance(row.get(key), str) for row in rows) for key in keys]
    return Table(
        columns=[_HEADS.get(key, key.replace("_", " ").capitalize()) for key in keys],
        units=[
            "text" if is_text else _UNITS.get(key, "ratio")
            for key, is_text in zip(keys, texts, strict=True)
        ],
        rows=[
            [
                _WORDS.get(value, value) if isinstance(value, str) else finite(value)
                for value in (row.get(key) for key in keys)
            ]
            for row in rows
        ],
    )


def equity_of(workspace: Workspace, run_id: str) -> EquitySeries:
    """Return the equity of a run beside its benchmark."""
    run = _SHELF.take(workspace, run_id)
    if not run.may_show_performance:
        raise NoDataError(f"run {run_id}: no performance is shown, because {run.verdict.sentence}")
    series = run_figures.chart_levels(run)
    currency = run.outcome.currency
    scale = float(from_minor(1, currency))

    def column(name: str, factor: float = 1.0) -> list[float | None]:
        return [finite(round(value * factor, 6)) for value in series[name].tolist()]

    return EquitySeries(
        currency=currency,
        benchmark_name=run.benchmarks[0].name,
        times=[moment(ts) for ts in series["ts"].tolist()],
        equity=column("equity", scale),
        drawdown=column("drawdown"),
        exposure=column("exposure"),
        benchmark=column("benchmark", scale),
        benchmark_drawdown=column("benchmark_drawdown"),
    )


def trades_of(workspace: Workspace, run_id: str) -> list[TradeRow]:
    """Return the round trips of a run, in the order they ended."""
    run = _SHELF.take(workspace, run_id)
    if not run.may_show_performance:
        return []
    outcome = run.outcome
    ts = outcome.ts
    return [
        TradeRow.model_validate(
            {
                "number": number,
                "symbol": outcome.instruments[int(trip["instrument"])].symbol,
                "side": "LONG" if trip["side"] > 0 else "SHORT",
                "is_open": bool(trip["is_open"]),
                "entry_at": moment(int(ts[trip["entry_bar"]])),
                "exit_at": None if trip["is_open"] else moment(int(ts[trip["exit_bar"]])),
                "quantity": _scaled(trip["qty"]),
                "entry_price": finite(trip["entry_px"]),
                "exit_price": finite(trip["exit_px"]),
                "profit": from_minor(trip["pnl"], outcome.currency),
                "cost": from_minor(trip["cost"], outcome.currency),
                "return": finite(trip["return_"]),
                "bars_held": int(trip["exit_bar"] - trip["entry_bar"]),
                "exit_reason": "open" if trip["is_open"] else _reason(trip["exit_reason"]),
            }
        )
        for number, trip in enumerate(run.trips)
    ]


def sort_trades(rows: Sequence[TradeRow], sort: str) -> list[TradeRow]:
    """Return trades in the order of a column; missing values come last either way."""
    name = sort.removeprefix("-")
    field = "return_" if name == "return" else name
    known = [row for row in rows if getattr(row, field) is not None]
    missing = [row for row in rows if getattr(row, field) is None]
    known.sort(key=lambda row: (getattr(row, field), row.number), reverse=sort.startswith("-"))
    return [*known, *missing]


def fills_of(workspace: Workspace, run_id: str) -> list[FillRow]:
    """Return the executions of a run in the order they happened."""
    run = _SHELF.take(workspace, run_id)
    outcome = run.outcome
    return [
        FillRow(
            number=number,
            order=int(fill["order"]),
            symbol=outcome.instruments[int(fill["instrument"])].symbol,
            side="BUY" if fill["side"] > 0 else "SELL",
            at=moment(int(outcome.ts[fill["bar"]])),
            quantity=_scaled(fill["qty"]),
            price=_scaled(fill["px"]),
            value=from_minor(fill["notional"], outcome.currency),
            fee=from_minor(fill["fee"], outcome.currency),
            spread=from_minor(fill["spread"], outcome.currency),
            slippage=from_minor(fill["slippage"], outcome.currency),
            impact=from_minor(fill["impact"], outcome.currency),
            reason=_reason(fill["reason"]),
        )
        for number, fill in enumerate(outcome.fills)
    ]


def bars_of(
    workspace: Workspace, run_id: str, symbol: str, *, trade: int | None, margin: int
) -> RunBars:
    """Return candles of a symbol with what the run did on them.

    Parameters
    ----------
    workspace : Workspace
        Where the run is kept.
    run_id, symbol : str
        Which run and instrument.
    trade : int or None
        Number of a round trip to show with `margin` bars around it; None is every bar.
    margin : int
        Bars before and after.

    Raises
    ------
    NoDataError
        If the run has no such symbol or trade.
    """
    from tradewright.api.routes.market import MOST_BARS, bar_series

    run = _SHELF.take(workspace, run_id)
    column = run.bars.column(symbol)
    bars, first, last = run.bars, 0, run.bars.n_bars
    if trade is not None:
        if trade >= len(run.trips):
            raise NoDataError(f"run {run_id} has {len(run.trips)} trades; there is no {trade}")
        trip = run.trips[trade]
        if int(trip["instrument"]) != column:
            raise NoDataError(f"trade {trade} of run {run_id} is not one of {symbol}")
        ends = run.outcome.ts[[int(trip["entry_bar"]), int(trip["exit_bar"])]]
        entry, leave = np.searchsorted(bars.ts, ends)
        first, last = max(0, int(entry) - margin), min(last, int(leave) + margin + 1)
    bars = bars.rows(first, last)
    series = bar_series(bars, column=column, limit=MOST_BARS)
    shown = (int(bars.ts[0]), int(bars.ts[-1]))
    return RunBars(
        **series.model_dump(),
        marks=_marks(run, column, shown),
        lines=[] if trade is None else _lines(run, trade),
    )


def _marks(run: Run, column: int, shown: tuple[int, int]) -> list[ChartMark]:
    fills, ts = run.outcome.fills, run.outcome.ts
    trade_of: dict[int, int] = {}
    ends: dict[int, MarkKind] = {}
    for number, trip in enumerate(run.trips):
        if int(trip["instrument"]) != column:
            continue
        for row in range(int(trip["entry_fill"]), int(trip["exit_fill"]) + 1):
            if int(fills[row]["instrument"]) == column:
                trade_of[row] = number
        ends[int(trip["entry_fill"])] = "entry"
        if not trip["is_open"]:
            ends[int(trip["exit_fill"])] = "exit"
    marks = []
    for row in np.flatnonzero(fills["instrument"] == column).tolist():
        fill = fills[row]
        at = int(ts[fill["bar"]])
        if not shown[0] <= at <= shown[1]:
            continue
        buys = fill["side"] > 0
        kind: MarkKind = ends.get(row, "buy" if buys else "sell")
        if fill["reason"] in (FillReason.STOP, FillReason.TRAIL):
            kind = "stop"
        elif fill["reason"] == FillReason.TARGET:
            kind = "target"
        price = float(_scaled(fill["px"]))
        marks.append(
            ChartMark(
                at=moment(at),
                kind=kind,
                side="BUY" if buys else "SELL",
                price=price,
                quantity=_scaled(fill["qty"]),
                trade=trade_of.get(row),
                text=f"{kind.capitalize()} {price:,.2f}",
            )
        )
    return marks


def _lines(run: Run, trade: int) -> list[PriceLine]:
    outcome, trip = run.outcome, run.trips[trade]
    start = moment(int(outcome.ts[trip["entry_bar"]]))
    end = moment(int(outcome.ts[trip["exit_bar"]]))

    def line(kind: LineKind, price: float) -> PriceLine:
        return PriceLine(kind=kind, price=price, start=start, end=end)

    lines = [line("entry", float(trip["entry_px"]))]
    if not trip["is_open"]:
        lines.append(line("exit", float(trip["exit_px"])))
    order = int(outcome.fills[int(trip["entry_fill"])]["order"])
    for child in outcome.orders[outcome.orders["parent"] == order]:
        if child["type"] in (OrderType.STOP, OrderType.TRAILING_STOP) and child["stop_px"]:
            lines.append(line("stop", float(_scaled(child["stop_px"]))))
        elif child["type"] == OrderType.LIMIT and child["limit_px"]:
            lines.append(line("target", float(_scaled(child["limit_px"]))))
    return lines


def report_of(workspace: Workspace, run_id: str) -> bytes:
    """Return the report of a run that was stored without one."""
    return _SHELF.take(workspace, run_id).html().encode()


def _scaled(value: Any) -> Decimal:
    exact = Decimal(int(value)).scaleb(-8).normalize()
    return exact.quantize(Decimal(1)) if exact == exact.to_integral_value() else exact


def _reason(value: Any) -> str:
    return FillReason(int(value)).name.lower().replace("_", " ")

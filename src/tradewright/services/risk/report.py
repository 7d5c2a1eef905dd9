"""The risk report of a stored run or paper account, as one document."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.domain.errors import DataError, TradewrightError
from tradewright.domain.time import from_ns
from tradewright.metrics.benchmark import relative_performance
from tradewright.metrics.drawdowns import drawdown_series
from tradewright.metrics.returns import RISK_FREE, performance
from tradewright.risk.control import Layer, LimitTable, Scope, distances
from tradewright.risk.measures import (
    METHODS,
    MeasureSettings,
    Portfolio,
    betas,
    concentration,
    contributions,
    correlations,
    covariance,
    days_to_liquidate,
    grouped,
    measure,
    record_of,
    reverse_stress,
    simulate_portfolio,
    standard_stress,
)
from tradewright.risk.measures.coverage import RECORD
from tradewright.services.results.documents import plain
from tradewright.services.risk.control import RiskControl, chain_heads
from tradewright.services.risk.holdings import Held, holdings_of

if TYPE_CHECKING:
    from tradewright.services.runs import Run
    from tradewright.services.workspace import Workspace

SCHEMA: Final = 1
LOSS_LIMITS: Final[Mapping[str, float]] = {"daily loss 3 %": 0.03, "drawdown 15 %": 0.15}


def risk_report(
    workspace: Workspace,
    run: Run,
    *,
    first: str | date | None = None,
    last: str | date | None = None,
    settings: MeasureSettings | None = None,
) -> dict[str, Any]:
    """Put together everything about the risk of a run.

    Parameters
    ----------
    workspace : Workspace
        Its record of risk.
    run : Run
        A stored run; a paper session that ended is one too.
    first, last : str or date, optional
        First and last day, both included.
    settings : MeasureSettings, optional
        Level, horizon and window of the measures.

    Returns
    -------
    dict
        JSON-ready; fractions stay fractions, NaN is None. `verify_report` proves its record.

    Raises
    ------
    NoDataError
        If the range has fewer than two sessions.

    Notes
    -----
    A part that cannot be computed says why in ``missing`` and shows no number.
    """
    chosen = settings or MeasureSettings()
    held = holdings_of(run, first, last)
    missing: dict[str, str] = {}

    def part(name: str, build: Callable[[], Any]) -> Any:
        try:
            return build()
        except DataError as error:
            missing[name] = str(error)
            return None

    table = _table_of(run.config)
    document = {
        "schema": SCHEMA,
        "run_id": run.run_id,
        "name": run.name,
        "kind": run.kind,
        "currency": run.outcome.currency,
        "from": from_ns(int(held.ts[0])).isoformat(),
        "to": from_ns(int(held.ts[-1])).isoformat(),
        "sessions": len(held.returns),
        "equity": float(held.equity[-1]),
        "settings": {
            "level": chosen.level, "horizon": chosen.horizon, "window": chosen.window,
            "seed": chosen.seed,
        },
        "positions": _positions(held),
        "stale": list(held.stale),
        "performance": part("performance", lambda: _performance(run, held)),
        "measures": _measures(held, chosen, missing),
        "record": _records(held, chosen, missing),
        "contributions": part("contributions", lambda: _contributions(run, held, chosen.level)),
        "correlation": part("correlation", lambda: _correlation(held)),
        "liquidity": part("liquidity", lambda: _liquidity(held)),
        "concentration": _concentration(held),
        "stress": part("stress", lambda: _stress(held, run.outcome.currency, table)),
        "limits": _limits(run, held, table),
        "denied": [note for note in run.outcome.notes if "denied" in note],
        "switch": _switch(workspace, run),
        "missing": missing,
    }  # fmt: skip
    told: dict[str, Any] = plain(document)
    return told


def report_by_id(
    workspace: Workspace,
    run_id: str,
    *,
    first: str | None = None,
    last: str | None = None,
    level: float = 0.95,
    horizon: int = 1,
    window: int = 500,
) -> dict[str, Any]:
    """Return the risk report of a stored run by its id or ``latest``; see `risk_report`."""
    from tradewright.services.runs import Run

    settings = MeasureSettings(level=level, horizon=horizon, window=window)
    run = Run.load(run_id, workspace)
    return risk_report(workspace, run, first=first, last=last, settings=settings)


def verify_report(document: Mapping[str, Any]) -> bool:
    """Return whether the record in a report hashes to the head it states."""
    record = document["switch"]
    return bool(chain_heads(record["entries"], record["head_start"])[1] == record["head_end"])


def _positions(held: Held) -> list[dict[str, Any]]:
    rows = []
    for at in np.flatnonzero(held.quantities).tolist():
        instrument = held.instruments[at]
        rows.append(
            {
                "symbol": instrument.symbol,
                "sector": instrument.sector or "unclassified",
                "currency": instrument.currency,
                "quantity": float(held.quantities[at]),
                "price": float(held.prices[at]),
                "value": float(held.quantities[at] * held.prices[at] * held.worths[at]),
                "weight": float(held.weights[at]),
                "stale": instrument.symbol in held.stale,
            }
        )
    return sorted(rows, key=lambda row: -abs(row["weight"]))


def _performance(run: Run, held: Held) -> dict[str, float]:
    year = run.timeline.periods_per_year
    found = performance(held.returns, periods_per_year=year, risk_free=RISK_FREE)
    beside = relative_performance(held.returns, held.market, periods_per_year=year)
    names = ("annual_volatility", "sharpe", "sortino")
    return {
        "max_drawdown": float(drawdown_series(held.equity).min()),
        **{name: float(found[name]) for name in names},
        **{name: float(beside[name]) for name in ("beta", "tracking_error", "correlation")},
    }


def _measures(held: Held, settings: MeasureSettings, missing: dict[str, str]) -> list[Any]:
    rows = []

    def add(basis: str, method: str, build: Callable[[], Any]) -> None:
        try:
            found = build()
        except DataError as error:
            missing[f"{method} of {basis}"] = str(error)
            return
        rows.append(
            {
                "basis": basis, "method": method, "var": found.var, "es": found.es,
                "level": found.level, "horizon": found.horizon,
                "observations": found.n_observations, "low_sample": found.low_sample,
                "notes": list(found.notes),
            }
        )  # fmt: skip

    for method in METHODS:
        add("the run", method, partial(measure, held.returns, method, settings))
    weights, panel = _traded(held)
    if weights.any():
        add("holdings", "historical", lambda: measure(panel @ weights, settings=settings))
        add("holdings", "monte_carlo", lambda: simulate_portfolio(weights, panel, settings))
    return rows


def _records(held: Held, settings: MeasureSettings, missing: dict[str, str]) -> list[Any]:
    if settings.horizon != 1:
        missing["record"] = "a record is tested for a horizon of one session"
        return []
    rows = []
    for method in METHODS:
        try:
            found = record_of(held.returns, method, settings)
        except DataError as error:
            missing["record"] = str(error)
            return []
        rows.append(
            {
                "method": method,
                "sessions": RECORD,
                "exceptions": len(found.exceptions),
                "expected": found.expected,
                "tests": {t.name: t.p_value for t in found.tests},
                "fails": list(found.fails),
            }
        )
    return rows


def _contributions(run: Run, held: Held, level: float) -> dict[str, Any]:
    weights, panel = _traded(held)
    names = [i.symbol for i, w in zip(held.instruments, held.weights, strict=True) if w]
    sectors = [i.sector for i, w in zip(held.instruments, held.weights, strict=True) if w]
    if not weights.any():
        return {"volatility": 0.0, "var": 0.0, "by_symbol": [], "by_sector": {}, "by_strategy": {}}
    found = contributions(weights, covariance(panel, window=250), level=level)
    return {
        "volatility": found.volatility,
        "var": found.var,
        "by_symbol": [
            {"symbol": s, "component_var": c, "marginal_var": m, "share": share}
            for s, c, m, share in zip(
                names, found.component_var.tolist(), found.marginal_var.tolist(),
                found.shares.tolist(), strict=True,
            )
        ],
        "by_sector": grouped(found.component_var, sectors),
        "by_strategy": {run.name: found.var},
    }  # fmt: skip


def _correlation(held: Held) -> dict[str, Any]:
    weights, panel = _traded(held)
    if len(weights) < 2:
        return {"average": math.nan, "change": math.nan, "clusters": {}}
    found = correlations(panel)
    names = [i.symbol for i, w in zip(held.instruments, held.weights, strict=True) if w]
    clusters: dict[str, list[str]] = {}
    for name, number in zip(names, found.clusters, strict=True):
        clusters.setdefault(str(number), []).append(name)
    return {"average": found.average, "change": found.change, "clusters": clusters}


def _liquidity(held: Held) -> dict[str, Any]:
    found = days_to_liquidate(held.quantities, held.prices * held.worths, held.volumes)
    rows = {
        i.symbol: float(days)
        for i, days, qty in zip(held.instruments, found.days, held.quantities, strict=True)
        if qty
    }
    return {"days_to_95": found.days_to_95, "days": rows}


def _concentration(held: Held) -> dict[str, Any]:
    found = concentration(
        held.weights,
        sectors=[i.sector for i in held.instruments],
        currencies=[i.currency for i in held.instruments],
    )
    return {
        "herfindahl": found.herfindahl, "effective_positions": found.effective,
        "top_1": found.top_1, "top_5": found.top_5, "top_10": found.top_10,
        "by_sector": {k: v for k, v in found.by_sector.items() if v},
        "by_currency": {k: v for k, v in found.by_currency.items() if v},
    }  # fmt: skip


def _stress(held: Held, base: str, table: LimitTable) -> dict[str, Any]:
    chosen = held.weights != 0
    if not chosen.any():
        return {"scenarios": [], "reverse": []}
    weights, panel = _traded(held)
    kept = [i for i, w in zip(held.instruments, chosen.tolist(), strict=True) if w]
    portfolio = Portfolio(
        symbols=[i.symbol for i in kept],
        weights=weights,
        betas=betas(held.history[-250:, chosen], held.history_market[-250:]),
        covariance=covariance(panel, window=250),
        durations=np.zeros(len(kept)),
        currencies=[i.currency for i in kept],
        spreads=np.full(len(kept), np.nan),
    )
    scenarios = [
        {"scenario": r.name, "loss": r.loss, "var_after": r.var, "notes": list(r.notes)}
        for r in standard_stress(portfolio, base=base)
    ]
    reverse = [
        {"limit": name, "market_move": move, "meaning": word}
        for name, (move, word) in reverse_stress(portfolio, _loss_limits(table)).items()
    ]
    return {"scenarios": scenarios, "reverse": reverse}


def _loss_limits(table: LimitTable) -> Mapping[str, float]:
    # The limits in force; the standard ones where none looks at losses.
    keys = ("daily_loss", "weekly_loss", "drawdown", "drawdown_flatten")
    found = {
        f"{scope} {key} {value:.1%}": value
        for (scope, key), value in sorted(table.values.items())
        if key in keys and value > 0
    }
    return found or LOSS_LIMITS


def _limits(run: Run, held: Held, table: LimitTable) -> dict[str, Any]:
    layer = Layer(table, {i.symbol: i for i in held.instruments}, currency=run.outcome.currency)
    rows: list[dict[str, Any]] = []
    for name in (f"strategy:{run.name}", f"account:{run.kind}", "portfolio"):
        scope = layer.scope(name)
        _place(layer, scope, held)
        rows += [row.to_json() for row in distances(layer, scope) if row.key != "var_95"]
    return {"profile": table.profile, "values": table.to_mapping(), "use": rows}


def _place(layer: Layer, scope: Scope, held: Held) -> None:
    for ts, equity in zip(held.ts.tolist(), held.equity.tolist(), strict=True):
        scope.losses.mark(ts, round(equity * 10**layer.exponent))
    scope.equity = float(held.equity[-1])
    worths = held.worths.tolist()
    layer.worths.update(zip((i.symbol for i in held.instruments), worths, strict=True))
    for instrument, qty, px in zip(held.instruments, held.quantities, held.prices, strict=True):
        if qty:
            layer.prices[instrument.symbol] = float(px)
            scope.book.place(instrument.symbol, round(qty * 1e8))


def _switch(workspace: Workspace, run: Run) -> dict[str, Any]:
    # All of the record: a part of it could not be verified from the report alone.
    control = RiskControl(workspace.journal, workspace.data_dir, workspace.clock)
    entries = [
        {"seq": entry.seq, "at": from_ns(entry.ts_event).isoformat(), **entry.payload}
        for entry in control.entries()
    ]
    start, end = chain_heads(entries)
    own = [entry["seq"] for entry in entries if entry["source"] == run.run_id]
    return {"entries": entries, "own": own, "head_start": start, "head_end": end}


def _table_of(config: Mapping[str, Any]) -> LimitTable:
    section = config.get("backtest") or config.get("risk") or {}
    profile = section.get("risk_profile") or section.get("profile")
    try:
        return LimitTable.of(section.get("limits"), profile=profile)
    except TradewrightError:
        return LimitTable.of()


def _traded(held: Held) -> tuple[np.ndarray, np.ndarray]:
    # Weights of what is held and the sessions on which all of it has a return.
    chosen = held.weights != 0
    panel = held.history[:, chosen]
    return held.weights[chosen], panel[np.isfinite(panel).all(axis=1)]

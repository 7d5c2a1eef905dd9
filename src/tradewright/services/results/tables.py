"""The tables of a run as Polars frames; times aware UTC, money in major units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.money import PRICE_UNIT, QTY_UNIT, minor_exponent
from tradewright.domain.orders import DenyReason, FillReason, OrderStatus, OrderType, TimeInForce
from tradewright.metrics.drawdowns import drawdown_series
from tradewright.services.markets.action_effects import excursions_of, positions_held
from tradewright.services.results.costing.bridge import Bridge, instrument_bridges, window_bridges

if TYPE_CHECKING:
    import polars as pl

    from tradewright.services.runs import Run

COST_FIELDS: Final = ("fee", "spread", "slippage", "impact")


def trades_frame(run: Run) -> pl.DataFrame:
    """Return the round trips, in the order they ended, open ones last.

    Returns
    -------
    polars.DataFrame
        ``trade`` (number from 0), ``symbol``, ``side`` (long, short), ``entry_time``,
        ``exit_time`` (last bar for an open trip), ``quantity`` (largest holding), ``entry_price``,
        ``exit_price`` (raw averages), ``pnl`` and ``cost`` (major units, pnl after costs),
        ``return`` (fraction of the entry value), ``dividends`` (part of pnl), ``bars_held``,
        ``mae``, ``mfe`` (worst and best move, fractions of the entry price), ``exit_reason``,
        ``is_open``.
    """
    import polars as pl

    trips = run.trips
    major = 10 ** minor_exponent(run.outcome.currency)
    adverse, favourable = excursions_of(run)
    return pl.DataFrame(
        {
            "trade": np.arange(len(trips), dtype=np.int64),
            "symbol": _symbols(run, trips["instrument"]),
            "side": _sides(trips["side"], "long", "short"),
            "entry_time": _times(run, trips["entry_bar"]),
            "exit_time": _times(run, trips["exit_bar"]),
            "quantity": trips["qty"] / QTY_UNIT,
            "entry_price": np.ascontiguousarray(trips["entry_px"]),
            "exit_price": np.ascontiguousarray(trips["exit_px"]),
            "pnl": trips["pnl"] / major,
            "cost": trips["cost"] / major,
            "return": np.ascontiguousarray(trips["return_"]),
            "dividends": trips["dividends"] / major,
            "bars_held": (trips["exit_bar"] - trips["entry_bar"]).astype(np.int64),
            "mae": adverse,
            "mfe": favourable,
            "exit_reason": _names(FillReason, trips["exit_reason"]),
            "is_open": np.ascontiguousarray(trips["is_open"]),
        },
        schema_overrides=_texts("symbol", "side", "exit_reason"),
    ).with_columns(_utc("entry_time", "exit_time"))


def fills_frame(run: Run) -> pl.DataFrame:
    """Return every execution in the order it happened.

    Returns
    -------
    polars.DataFrame
        ``fill`` (number from 0), ``order`` (row of the order table), ``time`` (close of the bar
        that filled it), ``symbol``, ``side`` (buy, sell), ``quantity``, ``price`` (raw),
        ``notional``, ``fee``, ``spread``, ``slippage``, ``impact`` (major units, >= 0 is a cost),
        ``reason``.
    """
    import polars as pl

    fills = run.outcome.fills
    major = 10 ** minor_exponent(run.outcome.currency)
    return pl.DataFrame(
        {
            "fill": np.arange(len(fills), dtype=np.int64),
            "order": np.ascontiguousarray(fills["order"]),
            "time": _times(run, fills["bar"]),
            "symbol": _symbols(run, fills["instrument"]),
            "side": _sides(fills["side"], "buy", "sell"),
            "quantity": fills["qty"] / QTY_UNIT,
            "price": fills["px"] / PRICE_UNIT,
            "notional": fills["notional"] / major,
            **{name: fills[name] / major for name in COST_FIELDS},
            "reason": _names(FillReason, fills["reason"]),
        },
        schema_overrides=_texts("symbol", "side", "reason"),
    ).with_columns(_utc("time"))


def orders_frame(run: Run) -> pl.DataFrame:
    """Return every order, bracket children included, in the order they were made.

    Returns
    -------
    polars.DataFrame
        ``order`` (number from 0), ``time`` (of the decision), ``symbol``, ``side``, ``type``,
        ``tif``, ``status``, ``reason`` (none unless refused or cut), ``quantity``,
        ``filled_quantity``, ``limit_price``, ``stop_price`` (null where none), ``parent`` (row of
        the parent order or null), ``done_time`` (null while open).
    """
    import polars as pl

    orders = run.outcome.orders
    done = orders["done_bar"]
    frame = pl.DataFrame(
        {
            "order": np.arange(len(orders), dtype=np.int64),
            "time": _times(run, orders["bar"]),
            "symbol": _symbols(run, orders["instrument"]),
            "side": _sides(orders["side"], "buy", "sell"),
            "type": _names(OrderType, orders["type"]),
            "tif": _names(TimeInForce, orders["tif"]),
            "status": _names(OrderStatus, orders["status"]),
            "reason": _names(DenyReason, orders["reason"]),
            "quantity": orders["qty"] / QTY_UNIT,
            "filled_quantity": orders["filled_qty"] / QTY_UNIT,
            "limit_price": orders["limit_px"] / PRICE_UNIT,
            "stop_price": orders["stop_px"] / PRICE_UNIT,
            "parent": np.ascontiguousarray(orders["parent"]),
            "done_time": _times(run, np.maximum(done, 0)),
            "is_done": done >= 0,
        },
        schema_overrides=_texts("symbol", "side", "type", "tif", "status", "reason"),
    ).with_columns(_utc("time", "done_time"))
    null = pl.lit(None)
    return frame.with_columns(
        pl.when(pl.col("limit_price") > 0).then(pl.col("limit_price")).otherwise(null),
        pl.when(pl.col("stop_price") > 0).then(pl.col("stop_price")).otherwise(null),
        pl.when(pl.col("parent") >= 0).then(pl.col("parent")).otherwise(null),
        pl.when(pl.col("is_done")).then(pl.col("done_time")).otherwise(null),
    ).drop("is_done")


def equity_frame(run: Run) -> pl.DataFrame:
    """Return the account at every close.

    Returns
    -------
    polars.DataFrame
        ``time``, ``equity``, ``cash``, ``long_value``, ``short_value`` (<= 0), ``financing``
        (charged at the bar) in major units, ``drawdown`` (fraction <= 0), and where corporate
        actions touched the account ``dividends_due`` (earned, not yet paid; part of equity); with
        ``rules.settlement: cash`` ``unsettled`` (part of cash).
    """
    import polars as pl

    outcome = run.outcome
    major = 10 ** minor_exponent(outcome.currency)
    names = ["equity", "cash", "long_value", "short_value", "financing"]
    names += [] if outcome.unsettled is None else ["unsettled"]
    return pl.DataFrame(
        {
            "time": outcome.ts.view("datetime64[ns]"),
            **{name: getattr(outcome, name) / major for name in names},
            "drawdown": drawdown_series(outcome.equity.astype(np.float64)),
            **({"dividends_due": outcome.dividends_due() / major} if len(outcome.effects) else {}),
        }
    ).with_columns(_utc("time"))


def exposure_frame(run: Run) -> pl.DataFrame:
    """Return what was held at every close, as fractions of equity.

    Returns
    -------
    polars.DataFrame
        ``time``, ``long``, ``short`` (<= 0), ``gross``, ``net``, ``cash`` (fractions of equity,
        null where equity is not positive), ``positions`` (instruments held).
    """
    import polars as pl

    outcome = run.outcome
    equity = outcome.equity.astype(np.float64)
    base = np.where(equity > 0, equity, np.nan)
    long, short = outcome.long_value / base, outcome.short_value / base
    return pl.DataFrame(
        {
            "time": outcome.ts.view("datetime64[ns]"),
            "long": long,
            "short": short,
            "gross": long - short,
            "net": long + short,
            "cash": outcome.cash / base,
            "positions": _positions_held(run),
        },
        nan_to_null=True,
    ).with_columns(_utc("time"))


def costs_frame(run: Run) -> pl.DataFrame:
    """Return what each instrument earned and what trading it cost over the measured span.

    Returns
    -------
    polars.DataFrame
        ``symbol``, ``fills``, ``notional``, ``gross`` (profit at raw prices), ``fee``, ``spread``,
        ``slippage``, ``impact``, ``financing``, ``funding`` (of perpetuals), ``total`` (of the
        costs), ``net`` (gross less total) in major units, ``bps`` and ``break_even_bps`` (of the
        traded notional; null without one). Financing and funding are charged to the account and
        have rows of their own. The
        columns sum to the whole run, to the minor unit.
    """
    return _bridges_frame(run, instrument_bridges(run), "symbol")


def window_costs_frame(run: Run) -> pl.DataFrame:
    """Return the columns of `costs_frame` for each test window, ``window`` in place of ``symbol``.

    Returns
    -------
    polars.DataFrame
        Without rows where the run has no windows.
    """
    return _bridges_frame(run, window_bridges(run), "window")


def _bridges_frame(run: Run, bridges: Sequence[Bridge], key: str) -> pl.DataFrame:
    import polars as pl

    major = 10 ** minor_exponent(run.outcome.currency)
    columns: dict[str, Any] = {
        key: [bridge.label for bridge in bridges],
        "fills": [bridge.fills for bridge in bridges],
    }
    for name in ("notional", "gross", *COST_FIELDS, "financing", "funding"):
        columns[name] = [getattr(bridge, name) / major for bridge in bridges]
    columns["total"] = [
        (bridge.trading + bridge.financing + bridge.funding) / major for bridge in bridges
    ]
    columns["net"] = [bridge.net / major for bridge in bridges]
    columns["bps"] = [bridge.cost_bps for bridge in bridges]
    columns["break_even_bps"] = [bridge.break_even_bps for bridge in bridges]
    texts = {key: pl.String, "fills": pl.Int64}
    floats = dict.fromkeys((name for name in columns if name not in texts), pl.Float64)
    return pl.DataFrame(columns, schema={**texts, **floats}, nan_to_null=True)


def stress_frame(document: Mapping[str, Any]) -> pl.DataFrame:
    """Return one row for each scenario and start of a stress report.

    Parameters
    ----------
    document : mapping
        From `StressReport.as_document`; may be empty.

    Returns
    -------
    polars.DataFrame
        ``scenario``, the fields of `StressStart`, its metrics with ``normal_`` and ``stressed_``
        before their names.
    """
    import polars as pl

    rows = []
    for scenario in document.get("scenarios", ()):
        for start in scenario["starts"]:
            row = {k: v for k, v in start.items() if not isinstance(v, Mapping)}
            figures = {
                f"{kind}_{name}": value
                for kind in ("normal", "stressed")
                for name, value in start[f"{kind}_metrics"].items()
            }
            rows.append({"scenario": scenario["name"], **row, **figures})
    return pl.DataFrame(rows, infer_schema_length=None)


def benchmark_frame(run: Run) -> pl.DataFrame:
    """Return the strategy and its benchmarks at session closes of the measured span.

    Returns
    -------
    polars.DataFrame
        ``time``, ``strategy``, ``benchmark`` and, where the data hold it, ``market``: levels that
        start at 1. `run.benchmarks` has their names.
    """
    import polars as pl

    timeline = run.timeline
    columns: dict[str, Any] = {
        "time": run.outcome.ts[timeline.rows].view("datetime64[ns]"),
        "strategy": timeline.levels / timeline.levels[0],
    }
    for name, held in zip(("benchmark", "market"), run.benchmarks, strict=False):
        columns[name] = held.levels
    return pl.DataFrame(columns).with_columns(_utc("time"))


def _positions_held(run: Run) -> NDArray[np.int64]:
    """Count instruments held at each close from fills and corporate actions."""
    if len(run.outcome.effects):
        return positions_held(run.outcome)
    fills, n = run.outcome.fills, len(run.outcome.ts)
    change = np.zeros(n + 1, dtype=np.int64)
    for column in np.unique(fills["instrument"]):
        own = fills[fills["instrument"] == column]
        held = np.cumsum(own["side"].astype(np.int64) * own["qty"]) != 0
        last_of_bar = np.append(own["bar"][1:] != own["bar"][:-1], True)
        states, rows = held[last_of_bar], own["bar"][last_of_bar]
        before = np.concatenate(([False], states[:-1]))
        np.add.at(change, rows, states.astype(np.int64) - before.astype(np.int64))
    return np.cumsum(change[:n])


def _times(run: Run, rows: NDArray[Any]) -> NDArray[np.datetime64]:
    found: NDArray[np.datetime64] = run.outcome.ts[rows].view("datetime64[ns]")
    return found


def _symbols(run: Run, columns: NDArray[Any]) -> pl.Series:
    return _texts_at([instrument.symbol for instrument in run.outcome.instruments], columns)


def _names(kind: Any, values: NDArray[Any]) -> pl.Series:
    return _texts_at([kind(value).name.lower() for value in range(len(kind))], values)


def _sides(sides: NDArray[Any], long: str, short: str) -> pl.Series:
    return _texts_at([short, long], sides > 0)


def _texts_at(texts: list[str], places: NDArray[Any]) -> pl.Series:
    import polars as pl

    return pl.Series(texts, dtype=pl.String).gather(places.astype(np.uint32))


def _texts(*names: str) -> dict[str, Any]:
    import polars as pl

    return dict.fromkeys(names, pl.String)


def _utc(*names: str) -> Any:
    import polars as pl

    return pl.col(*names).dt.replace_time_zone("UTC")

"""What a paper session trades: a reference strategy, or the stored forecasts of a study's run."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np

from tradewright.costs import Costs
from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, NoDataError, nearest
from tradewright.domain.forecasts import ForecastPanel
from tradewright.domain.outcome import RunStatus
from tradewright.services.backtest_config import BacktestConfig
from tradewright.services.backtest_plan import STANDARD
from tradewright.services.portfolio.definitions import PREFIX, Portfolios
from tradewright.services.workspace import Workspace
from tradewright.strategies import (
    ForecastStrategy,
    ManagedPortfolio,
    Strategy,
    catalogue,
    create_strategy,
)

FORECASTS: Final = "forecasts.parquet"
PANEL_COLUMNS: Final = ("mean", "sd", "probability_up")


@dataclass(frozen=True, slots=True, eq=False)
class PaperSource:
    """A resolved source.

    Parameters
    ----------
    name : str
        For people.
    spec : mapping
        Enough to resolve it again after a restart, as values that JSON can hold.
    strategy : Strategy
        What trades.
    bars : Bars
        The whole tape, before a range is cut from it.
    costs : Costs or None
        What the study charges; the standard costs for a reference strategy.
    config : BacktestConfig
        Limits, fill rules and seed of the study; neutral for a reference strategy.
    """

    name: str
    spec: Mapping[str, Any]
    strategy: Strategy
    bars: Bars
    costs: Costs | None
    config: BacktestConfig


def resolve_source(
    workspace: Workspace,
    source: str,
    *,
    symbols: Sequence[str] | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> PaperSource:
    """Find out what a source means.

    Parameters
    ----------
    workspace : Workspace
        Its runs and bars.
    source : str
        Name of a reference strategy, id of a run, ``latest``, name of a study, path of a
        study's page, or ``portfolio:NAME``.
    symbols : sequence of str, optional
        Instruments of a reference strategy; all stored daily ones by default, the embedded
        sample where nothing is stored.
    parameters : mapping, optional
        Parameters of a reference strategy.

    Returns
    -------
    PaperSource
        Ready to trade.

    Raises
    ------
    ConfigError
        If there is no such strategy, run or study.
    NoDataError
        If the run has no stored forecasts.
    """
    if source.startswith(PREFIX):
        return _from_portfolio(workspace, source)
    if source in catalogue():
        strategy = create_strategy(source, **dict(parameters or {}))
        bars = bars_of(workspace, symbols)
        spec = {
            "kind": "strategy",
            "source": source,
            "symbols": None if symbols is None else list(symbols),
            "parameters": dict(parameters or {}),
        }
        return PaperSource(source, spec, strategy, bars, STANDARD, BacktestConfig.neutral())
    return _from_run(workspace, _run_id_of(workspace, source), source)


def panel_from_parquet(
    data: bytes, model: str = "stored", *, order: Sequence[str] = ()
) -> ForecastPanel:
    """Read the forecasts stored with a run.

    Parameters
    ----------
    data : bytes
        A Parquet table with ``ts`` (known at), ``symbol``, ``mean`` and, where the model gives
        them, ``sd`` and ``probability_up``.
    model : str
        Name of the model.
    order : sequence of str
        Order of the columns; symbols that are not in it follow, sorted.

    Returns
    -------
    ForecastPanel
        Times increasing; NaN where no forecast is stored.

    Raises
    ------
    NoDataError
        If the table is empty or a column is missing.
    """
    import polars as pl

    table = pl.read_parquet(io.BytesIO(data))
    table = table.rename({"ts_known": "ts"}, strict=False)
    missing = [name for name in ("ts", "symbol", "mean") if name not in table.columns]
    if missing or not table.height:
        raise NoDataError(f"{FORECASTS}: {table.height} rows, missing columns {missing or 'none'}")
    if table.schema["ts"] != pl.Int64:
        table = table.with_columns(pl.col("ts").dt.epoch("ns"))
    known = set(table["symbol"].unique().to_list())
    names = tuple(s for s in order if s in known) + tuple(sorted(known - set(order)))
    place = {symbol: number for number, symbol in enumerate(names)}
    column = np.array([place[symbol] for symbol in table["symbol"].to_list()])
    stamps, row = np.unique(table["ts"].to_numpy(), return_inverse=True)
    panels: dict[str, Any] = dict.fromkeys(PANEL_COLUMNS)
    for name in PANEL_COLUMNS:
        if name in table.columns and table[name].null_count() < table.height:
            values = np.full((len(stamps), len(names)), np.nan)
            values[row, column] = table[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
            panels[name] = values
    if panels["mean"] is None:
        raise NoDataError(f"{FORECASTS}: every mean is missing")
    return ForecastPanel(names, stamps.astype(np.int64), horizon_bars=1, model=model, **panels)


def parse_range(text: str | None) -> tuple[date | None, date | None]:
    """Read ``FROM:TO``; either side may be empty.

    Raises
    ------
    ConfigError
        If it has no colon or a side is not a date.

    Examples
    --------
    >>> parse_range("2016-01-01:")
    (datetime.date(2016, 1, 1), None)
    """
    if not text:
        return None, None
    first, colon, last = text.partition(":")
    if not colon:
        raise ConfigError(f"replay is {text!r}, wanted FROM:TO such as 2016-01-01:2016-12-31")
    config = BacktestConfig(start_date=first or None, end_date=last or None)
    return config.start_date, config.end_date  # type: ignore[return-value]


def bars_of(workspace: Workspace, symbols: Sequence[str] | None) -> Bars:
    """Return daily bars of the store, or of the embedded sample where some are not stored.

    Parameters
    ----------
    workspace : Workspace
        Holds the bar store.
    symbols : sequence of str or None
        Instruments; None is every stored one.

    Returns
    -------
    Bars
        Adjusted for splits and dividends.

    Raises
    ------
    NoDataError
        If neither the store nor the sample has one of them.
    """
    from tradewright.marketdata import sample_bars
    from tradewright.services.data import load_adjusted

    known = sorted({s.symbol for s in workspace.bars.list_series() if s.interval == "1d"})
    if symbols is None:
        return load_adjusted(workspace, known, interval="1d") if known else sample_bars()
    if set(symbols) <= set(known):
        return load_adjusted(workspace, symbols, interval="1d")
    return sample_bars(list(symbols))


def _from_portfolio(workspace: Workspace, source: str) -> PaperSource:
    portfolio = Portfolios(workspace).get(source.removeprefix(PREFIX))
    return PaperSource(
        portfolio.name,
        {"kind": "portfolio", "source": source},
        ManagedPortfolio(portfolio.terms(workspace)),
        bars_of(workspace, portfolio.symbols),
        STANDARD,
        BacktestConfig.neutral(),
    )


def _run_id_of(workspace: Workspace, source: str) -> str:
    from tradewright.services.studies import list_studies

    runs = workspace.runs.list_runs(limit=500)
    whole = [run for run in runs if run.kind == "study" and run.status == RunStatus.COMPLETED]
    if source == "latest":
        if whole:
            return whole[0].run_id
        raise NoDataError("no study was run yet: tradewright study run STUDY")
    if any(run.run_id == source for run in runs):
        return source
    name = _study_name(source)
    for run in whole:
        if run.name == name:
            return run.run_id
    studies = [page["name"] for page in list_studies()]
    if name != source or name in studies:
        raise NoDataError(f"study {name!r} has no stored run: tradewright study run {source}")
    known = {*catalogue(), *studies, *(r.run_id for r in runs), *(r.name for r in runs)}
    raise ConfigError(f"{source!r} is no strategy, run or study; {nearest(source, known)}")


def _study_name(source: str) -> str:
    if not source.endswith((".yaml", ".yml")):
        return source
    if not Path(source).is_file():
        raise ConfigError(f"study page {source} does not exist")
    from tradewright.services.studies import Study

    return str(Study.load(source).name)


def _from_run(workspace: Workspace, run_id: str, source: str) -> PaperSource:
    from tradewright.services.runs import Run

    run = Run.load(run_id, workspace)
    try:
        data = workspace.runs.load(run_id, FORECASTS)
    except NoDataError:
        raise NoDataError(
            f"run {run_id} ({run.kind}) has no stored forecasts; only a study's run can be "
            "traded on paper"
        ) from None
    from tradewright.services.study.scene import scene_of
    from tradewright.services.study.sections import backtest_config
    from tradewright.services.study_page import build_page

    page = build_page(run.config, f"run {run_id}")
    bars = run.bars
    if run.is_condensed:
        from tradewright.services.data import load_adjusted

        bars = load_adjusted(
            workspace, bars.symbols, adjust=page.data.adjust, interval=run.traded_interval
        )
    panel = panel_from_parquet(data, run.name, order=bars.symbols)
    return PaperSource(
        run.name,
        {"kind": "run", "source": source, "run_id": run_id},
        ForecastStrategy(
            replace(panel, horizon_bars=page.labels.horizon),
            page.decision.settings(),
            split=page.decision.split(),
            scene=scene_of(page, bars, mode="paper", account=workspace.account),
            journal=[],
        ),
        bars,
        page.charged(),
        backtest_config(
            page.risk,
            page.rules,
            seed=page.seed,
            currency=page.currency,
            universe=page.universe.dated(),
        ),
    )

"""``tradewright backtest``: run, sweep, compare or stress strategies, without a study page."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from tradewright.app.cli import frame
from tradewright.app.cli.stress.commands import (
    MODELS,
    SCENARIO_FILE,
    SCENARIOS,
    STARTS,
    render_stress,
    scenarios_named,
    stress_and_tell,
)

if TYPE_CHECKING:
    from tradewright.services.runs import Run

app = frame.noun(
    "backtest", "Run, sweep, compare or stress strategies on data, without a study page."
)

_STRATEGY = typer.Option(..., "--strategy", help="Name, as in 'backtest list'.")
_SYMBOLS = typer.Option("", "--symbols", help="Comma-separated; all there are if empty.")
_DATA = typer.Option("sample", "--data", help="sample, store, or a file of bars.")
_FROM = typer.Option("", "--from", help="First day, YYYY-MM-DD.")
_TO = typer.Option("", "--to", help="Last day, YYYY-MM-DD.")
_INTERVAL = typer.Option("1d", "--interval", help="Of stored bars.")
_ACTIONS = typer.Option(
    "", "--actions", metavar="FILE", help="Corporate actions of prices as traded, or store."
)
_SET = typer.Option([], "--set", metavar="NAME=VALUE", help="A parameter; may be repeated.")
_CASH = typer.Option(100_000.0, "--cash", help="At the start, in --currency.")
_FEE = typer.Option(None, "--fee-bps", help="Fee per side; standard costs if none is given.")
_SLIPPAGE = typer.Option(None, "--slippage-bps", help="Slippage per side.")
_FUNDING = typer.Option(
    "", "--funding", metavar="FILE", help="CSV of symbol, time, rate: funding of perpetuals."
)
_INSTRUMENTS = typer.Option(
    "", "--instruments", metavar="FILE", help="YAML of contract terms, as ES: {multiplier: 50}."
)
_FX_RATES = typer.Option(
    "", "--fx-rates", metavar="FILE", help="CSV of pair, time, rate (or bars of pairs)."
)
_CURRENCY = typer.Option("USD", "--currency", help="Of the account.")
_FINER = typer.Option(
    "", "--finer", metavar="INTERVAL", help="Stored bars, or a file, to read inside the bars."
)
_SEED = typer.Option(0, "--seed", help="Of everything random.")


@app.command("list")
def list_strategies() -> None:
    """List the strategies that can be run, with their parameters."""
    from tradewright.strategies import catalogue

    found = catalogue()

    def render() -> None:
        for name, info in found.items():
            defaults = "  ".join(f"{key}={value}" for key, value in info.parameters.items())
            typer.echo(f"{name:<18}{info.doc}")
            typer.echo(f"{'':<18}{defaults or 'no parameters'}")

    frame.emit(
        {
            name: {"doc": info.doc, "parameters": dict(info.parameters)}
            for name, info in found.items()
        },
        render,
    )


@app.command()
def run(
    *,
    strategy: str = _STRATEGY,
    symbols: str = _SYMBOLS,
    data: str = _DATA,
    start: str = _FROM,
    end: str = _TO,
    interval: str = _INTERVAL,
    actions: str = _ACTIONS,
    parameters: list[str] = _SET,
    cash: float = _CASH,
    fee_bps: float | None = _FEE,
    slippage_bps: float | None = _SLIPPAGE,
    seed: int = _SEED,
    funding: str = _FUNDING,
    instruments: str = _INSTRUMENTS,
    fx_rates: str = _FX_RATES,
    currency: str = _CURRENCY,
    finer: str = _FINER,
    require_acceptance: bool = typer.Option(
        False, "--require-acceptance", help="Exit with 3 unless every threshold is met."
    ),
) -> None:
    """Run one strategy over bars, store the run and print its verdict."""
    from tradewright.app.bootstrap import open_workspace
    from tradewright.app.cli.summary import render_summary, summary_document
    from tradewright.services.results.named import (
        DataChoice,
        NamedRun,
        open_bars,
        run_named,
    )

    defaults = _defaults(strategy)
    wanted = NamedRun(
        strategy=strategy,
        parameters=_settings(parameters, defaults),
        cash=cash,
        fee_bps=fee_bps,
        slippage_bps=slippage_bps,
        seed=seed,
        **_market(funding, instruments, currency),
    )
    workspace = open_workspace()
    choice = DataChoice(
        data,
        frame.symbol_list(symbols),
        start or None,
        end or None,
        interval,
        fx_rates,
        actions,
        finer,
    )
    bars = open_bars(workspace, choice)
    with frame.progress_bar(strategy) as report:
        result = run_named(
            workspace,
            wanted,
            bars,
            choice=choice,
            progress=lambda part, _: report(part, f"{bars.n_bars} bars"),
        )
    page = workspace.data_dir / "runs" / result.run_id / "report.html"
    frame.emit(
        {**summary_document(result), "report": str(page)},
        lambda: render_summary(result, report_path=page),
    )
    _finish(result, require_acceptance)


@app.command()
def sweep(
    *,
    strategy: str = _STRATEGY,
    grid: list[str] = typer.Option(  # noqa: B008
        ..., "--grid", metavar="NAME=A:B:STEP", help="Values of a parameter; may be repeated."
    ),
    search: str = typer.Option("grid", "--search", help="grid, random or optuna."),
    trials: int = typer.Option(0, "--trials", min=0, help="Trials of a random or optuna search."),
    symbols: str = _SYMBOLS,
    data: str = _DATA,
    start: str = _FROM,
    end: str = _TO,
    interval: str = _INTERVAL,
    actions: str = _ACTIONS,
    cash: float = _CASH,
    fee_bps: float | None = _FEE,
    slippage_bps: float | None = _SLIPPAGE,
    top: int = typer.Option(10, "--top", min=1, help="Rows to print."),
    workers: int = typer.Option(
        0, "--workers", min=0, help="Processes; 1 is this one alone, all cores if 0."
    ),
    ray_address: str = typer.Option(
        "", "--ray-address", help="Run on a Ray cluster: host:port, auto or local."
    ),
    report: Path | None = typer.Option(  # noqa: B008
        None, "--report", help="Also write the page (heat map, plateaus …) here."
    ),
    resume: bool = typer.Option(False, "--resume", help="Go on where this sweep was killed."),
) -> None:
    """Try many parameters; every one is counted as a trial of the strategy."""
    from tradewright.app.bootstrap import open_workspace
    from tradewright.services.results.named import DataChoice, NamedRun, open_bars, parse_grid
    from tradewright.services.results.sweeping import named_size, sweep_named

    defaults = _defaults(strategy)
    wanted = NamedRun(strategy, {}, cash, fee_bps, slippage_bps)
    workspace = open_workspace()
    choice = DataChoice(
        data, frame.symbol_list(symbols), start or None, end or None, interval, actions=actions
    )
    bars = open_bars(workspace, choice)
    values = frame.given_once("--grid", (parse_grid(text, defaults) for text in grid))
    chosen = f"{search}:{trials}" if trials else search
    if (size := named_size(wanted, bars, values, chosen, workers or None)) is not None:
        frame.confirm(f"{size}. Go on?")
    with frame.progress_bar(f"sweep {strategy}") as tell:
        found = sweep_named(
            workspace,
            wanted,
            bars,
            values,
            search=chosen,
            progress=tell,
            confirm=True,
            resume=resume,
            workers=workers or None,
            ray_address=ray_address or None,
            choice=choice,
        )
    if report is not None and found.report is not None:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_bytes(found.report.read_bytes())
    frame.emit(found.as_document(), lambda: _render_sweep(found, top))
    if found.failures:
        frame.fail(_failed(found), frame.FAILED)


@app.command()
def compare(
    *,
    strategies: list[str] = typer.Argument(  # noqa: B008
        ..., metavar="STRATEGY STRATEGY …", help="Names, with NAME:KEY=VALUE,KEY=VALUE to set some."
    ),
    symbols: str = _SYMBOLS,
    data: str = _DATA,
    start: str = _FROM,
    end: str = _TO,
    interval: str = _INTERVAL,
    actions: str = _ACTIONS,
    cash: float = _CASH,
    fee_bps: float | None = _FEE,
    slippage_bps: float | None = _SLIPPAGE,
    funding: str = _FUNDING,
    instruments: str = _INSTRUMENTS,
    fx_rates: str = _FX_RATES,
    currency: str = _CURRENCY,
    out: Path | None = typer.Option(None, "--out", help="Write the page here."),  # noqa: B008
) -> None:
    """Run strategies on the same bars, dates and costs, and put them side by side."""
    from tradewright.app.bootstrap import open_workspace
    from tradewright.app.cli.report import emit_comparison
    from tradewright.services.results.named import DataChoice, NamedRun, open_bars, run_named
    from tradewright.services.runs import compare as compare_runs

    market = _market(funding, instruments, currency)
    wanted = [
        NamedRun(*_named(text), cash=cash, fee_bps=fee_bps, slippage_bps=slippage_bps, **market)
        for text in strategies
    ]
    workspace = open_workspace()
    choice = DataChoice(
        data,
        frame.symbol_list(symbols),
        start or None,
        end or None,
        interval,
        fx_rates,
        actions,
    )
    bars = open_bars(workspace, choice)
    runs = []
    with frame.progress_bar("compare") as report:
        for number, one in enumerate(wanted):
            report(number / len(wanted), one.strategy)
            runs.append(run_named(workspace, one, bars, choice=choice))
        report(1.0, f"{len(wanted)} strategies")
    for result in runs:
        _finish(result, require_acceptance=False)
    emit_comparison(compare_runs(*runs), out)


def _market(funding: str, instruments: str, currency: str) -> dict[str, Any]:
    # What a market trades on, as fields of a named run.
    from tradewright.services.markets.files import read_funding, read_instruments

    settings: dict[str, Any] = {"currency": currency.upper()}
    if instruments:
        settings["instruments"] = read_instruments(instruments)
    return {"funding": read_funding(funding) if funding else None, "settings": settings}


def _named(text: str) -> tuple[str, dict[str, Any]]:
    name, _, settings = text.partition(":")
    defaults = _defaults(name)
    parts = (part for part in settings.split(",") if part.strip())
    return name, _settings(parts, defaults)


@app.command()
def signals(
    *,
    file: Path = typer.Argument(..., help="CSV or Parquet: timestamp, symbol, action …"),  # noqa: B008
    size: float = typer.Option(0.1, "--size", help="Fraction of equity of each position."),
    hold: int = typer.Option(0, "--hold", min=0, help="Bars to hold; until another exit if 0."),
    short: bool = typer.Option(False, "--short", help="SELL opens a short position."),
    horizon: int = typer.Option(5, "--horizon", min=1, help="Bars over which signals are judged."),
    data: str = _DATA,
    start: str = _FROM,
    end: str = _TO,
    interval: str = _INTERVAL,
    actions: str = _ACTIONS,
    cash: float = _CASH,
    fee_bps: float | None = _FEE,
    slippage_bps: float | None = _SLIPPAGE,
) -> None:
    """Replay a file of dated signals as a strategy, and say how good the signals were."""
    from dataclasses import asdict

    from tradewright.app.bootstrap import open_workspace
    from tradewright.app.cli.summary import render_summary, summary_document
    from tradewright.services.results.documents import plain
    from tradewright.services.results.named import DataChoice, NamedRun, open_bars, run_signals
    from tradewright.services.signals import judge_signals, read_signals
    from tradewright.strategies import SignalReplay

    listed = read_signals(file)
    strategy = SignalReplay(listed, size=size, hold=hold or None, short=short)
    workspace = open_workspace()
    symbols = tuple(sorted({signal.symbol for signal in listed}))
    bars = open_bars(
        workspace, DataChoice(data, symbols, start or None, end or None, interval, actions=actions)
    )
    wanted = NamedRun(strategy.name, {}, cash, fee_bps, slippage_bps)
    with frame.progress_bar(strategy.name) as report:
        result = run_signals(workspace, wanted, strategy, bars, progress=report)
    quality = judge_signals(listed, result.comparable, horizon=horizon)

    def render() -> None:
        render_summary(result)
        _render_quality(quality, horizon)

    frame.emit(plain({**summary_document(result), "signals": asdict(quality)}), render)
    _finish(result, require_acceptance=False)


def _render_quality(found: Any, horizon: int) -> None:
    typer.echo(f"\n  {found.count} signals judged over {horizon} bars from the open after each")
    if found.count:
        typer.echo(f"  right {found.hit_rate:.1%}, mean return {found.mean_return:+.2%}")
    if not math.isnan(found.information_coefficient):
        typer.echo(f"  rank correlation with confidence {found.information_coefficient:+.3f}")
    turned = "none" if math.isnan(found.turnover) else f"{found.turnover:.1%}"
    typer.echo(f"  on {found.coverage:.1%} of instrument-days; {turned} turn the last one")
    if found.bands:
        typer.echo(f"  confidence is off by {found.calibration_error:.1%} on average")
        typer.echo(f"    {'confidence':>11}{'right':>9}{'return':>10}{'signals':>9}")
        for band in found.bands:
            typer.echo(f"    {band.confidence:>11.2f}{band.hit_rate:>9.1%}"
                       f"{band.mean_return:>+10.2%}{band.count:>9}")  # fmt: skip


@app.command()
def stress(
    *,
    strategy: str = typer.Option("", "--strategy", help="Name in the catalogue."),
    run: str = typer.Option("", "--run", help="Stored run, or latest; it keeps the result."),
    scenarios: str = SCENARIOS,
    scenario_file: Path | None = SCENARIO_FILE,
    starts: int = STARTS,
    models: str = MODELS,
    symbols: str = _SYMBOLS,
    data: str = _DATA,
    start: str = _FROM,
    end: str = _TO,
    parameters: list[str] = _SET,
    cash: float = _CASH,
    fee_bps: float | None = _FEE,
    slippage_bps: float | None = _SLIPPAGE,
) -> None:
    """Run a strategy, or a stored run's, through crashes: the same engine on shocked bars."""
    from tradewright.app.bootstrap import open_workspace
    from tradewright.domain.errors import ConfigError
    from tradewright.services.results.named import (
        DataChoice,
        NamedRun,
        costs_of,
        open_bars,
    )
    from tradewright.services.stress import stress
    from tradewright.strategies import create_strategy

    happening = scenarios_named(scenarios, scenario_file)
    workspace = open_workspace()
    if bool(run) == bool(strategy):
        raise ConfigError("stress: wanted either --strategy NAME or --run RUN")
    if run:
        stress_and_tell(workspace, run, happening, starts=starts, models=models)
        return
    defaults = _defaults(strategy)
    chosen = _settings(parameters, defaults)
    wanted = NamedRun(strategy, chosen, cash, fee_bps, slippage_bps)
    choice = DataChoice(data, frame.symbol_list(symbols), start or None, end or None)
    bars = open_bars(workspace, choice)
    with frame.progress_bar(f"stress {strategy}") as report:
        found = stress(
            create_strategy(strategy, **chosen),
            bars,
            happening,
            cash=cash,
            costs=costs_of(wanted),
            starts=starts,
            progress=report,
        )
    frame.emit(found.as_document(), lambda: render_stress(found))


def _render_sweep(found: Any, top: int) -> None:
    from tradewright.metrics.glossary import format_value

    names = [name for name in found.table.columns if name not in found.metrics]
    head = "  ".join(f"{name:>12}" for name in (*names, *found.metrics))
    typer.echo(head)
    for row in found.table.head(top).to_dicts():
        cells = [f"{row[name]!s:>12}" for name in names]
        cells += [f"{format_value(name, row[name]):>12}" for name in found.metrics]
        typer.echo("  ".join(cells))
    typer.echo(
        f"\n{len(found.table)} configurations tried, {found.counted} counted in all: the best of "
        f"them owes about {found.luck:.2f} of its Sharpe ratio to luck."
    )
    if found.overfitting is not None:
        typer.echo(
            f"Probability of overfitting {found.overfitting.probability:.2f} over "
            f"{found.overfitting.n_splits:,} splits (wanted 0.20 or less)."
        )
    if found.superiority is not None and found.superiority.spa == found.superiority.spa:
        typer.echo(
            f"Better than buy-and-hold after the search: p = {found.superiority.spa:.3f} (SPA), "
            f"{found.superiority.reality_check:.3f} (reality check); "
            f"{len(found.superiority.superior)} configurations stand out (StepM, 5%)."
        )
    typer.echo(f"report: {found.report}")


def _failed(found: Any) -> str:
    first = found.failures[0]
    where = ", ".join(f"{name}={value}" for name, value in first.items() if name != "cause")
    return (
        f"{len(found.failures)} sets failed, the first at {where}: {first['cause']}; "
        "--resume tries them again"
    )


def _settings(texts: Iterable[str], defaults: dict[str, Any]) -> dict[str, Any]:
    from tradewright.services.results.named import parse_parameter

    return frame.given_once("--set", (parse_parameter(text, defaults) for text in texts))


def _defaults(strategy: str) -> dict[str, Any]:
    from tradewright.domain.errors import ConfigError, nearest
    from tradewright.strategies import catalogue

    known = catalogue()
    if strategy not in known:
        raise ConfigError(f"strategy {strategy!r} is not known; {nearest(strategy, known)}")
    return dict(known[strategy].parameters)


def _finish(run: Run, require_acceptance: bool) -> None:
    if not run.is_complete:
        frame.fail(f"run {run.run_id} {run.status}: {run.outcome.message}", frame.FAILED)
    if require_acceptance:
        missed = [check for check in run.acceptance if not check.ok]
        if missed:
            said = ", ".join(f"{c.name} {c.limit:g} (found {c.value:.3g})" for c in missed)
            frame.fail(f"run {run.run_id} misses {said}", frame.REFUSED)

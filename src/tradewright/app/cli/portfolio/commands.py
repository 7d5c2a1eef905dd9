"""``tradewright portfolio``: optimise, compare methods, show what is held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from tradewright.app.cli import frame
from tradewright.app.cli.portfolio.frame import app, words

if TYPE_CHECKING:
    from tradewright.services.portfolio import MethodRow, PortfolioRequest

_SYMBOLS = typer.Option("", "--symbols", help="Comma-separated; all there are if empty.")
_DATA = typer.Option("sample", "--data", help="sample, store, or a file of bars.")
_FROM = typer.Option("", "--from", help="First day, YYYY-MM-DD.")
_TO = typer.Option("", "--to", help="Last day, YYYY-MM-DD: the day of the decision.")
_INTERVAL = typer.Option("1d", "--interval", help="Of stored bars.")
_CONSTRAINT = typer.Option(
    [], "--constraint", metavar="TEXT",
    help="max_weight=0.2, AAPL=0.05:0.2, 'sector_max Energy=0.3' or 'AAPL + MSFT <= 0.3'; "
    "may be repeated.",
)  # fmt: skip
_VIEWS = typer.Option(
    [], "--views", metavar="TEXT",
    help="For black_litterman: 'AAPL - MSFT = 0.02 @ 0.7', the return a year and how sure; "
    "may be repeated.",
)  # fmt: skip
_CURRENT = typer.Option("", "--current", help="Weights held now: AAPL=0.5,MSFT=0.5.")
_MARKET = typer.Option("", "--market", help="Market weights of black_litterman.")
_TOLERANCE = typer.Option(
    None, "--risk-tolerance", help="0 (least variance) to 1 (most return), for mean_variance."
)
_WINDOW = typer.Option(252, "--window", min=20, help="Past returns behind the moments.")
_COVARIANCE = typer.Option("ledoit_wolf", "--covariance", help="Estimator of the covariance.")
_MEAN = typer.Option("james_stein", "--mean", help="Estimator of expected returns.")
_LIMITS = typer.Option(
    True, "--limits/--no-limits", help="Positions of 1 % or more, at most 100, no leverage."
)
_RATE = typer.Option(0.02, "--risk-free", help="Risk-free rate a year.")


@app.command()
def optimize(
    *,
    method: str = typer.Option("maximum_sharpe", "--method", help="One of the twelve methods."),
    stack: str = typer.Option(
        "", "--stack", help="Comma-separated methods, mixed by cross-validation instead."
    ),
    symbols: str = _SYMBOLS,
    data: str = _DATA,
    start: str = _FROM,
    end: str = _TO,
    interval: str = _INTERVAL,
    constraint: list[str] = _CONSTRAINT,
    views: list[str] = _VIEWS,
    current: str = _CURRENT,
    market: str = _MARKET,
    risk_tolerance: float | None = _TOLERANCE,
    window: int = _WINDOW,
    covariance: str = _COVARIANCE,
    mean: str = _MEAN,
    risk_free: float = _RATE,
    limits: bool = _LIMITS,
    frontier: bool = typer.Option(False, "--frontier", help="Trace the efficient frontier too."),
) -> None:
    """Optimise target weights by one method, from the newest bars.

    Exit code 1 when the problem could not be solved as it was asked; the weights of the fallback
    are printed with the reason.
    """
    from tradewright.services.portfolio import optimise, trace

    if risk_tolerance is not None:
        method = "mean_variance"
    request = _request(
        {"symbols": symbols, "data": data, "start": start, "end": end, "interval": interval},
        {"constraint": constraint, "views": views, "current": current, "market": market},
        {"risk_tolerance": risk_tolerance, "risk_free": risk_free, "limits": limits},
        {"window": window, "covariance": covariance, "mean": mean},
        method=method,
        stack=words(stack),
    )
    found = optimise(request)
    document = found.to_mapping()
    if frontier:
        document["frontier"] = trace(request).to_mapping()
    frame.emit(document, lambda: _render(document))
    if not found.result.success:
        frame.say(f"not solved as asked: {found.result.message}")
        raise typer.Exit(frame.FAILED)


@app.command()
def compare(
    *,
    methods: str = typer.Option("", "--methods", help="Comma-separated; all twelve if empty."),
    symbols: str = _SYMBOLS,
    data: str = _DATA,
    start: str = _FROM,
    end: str = _TO,
    interval: str = _INTERVAL,
    constraint: list[str] = _CONSTRAINT,
    views: list[str] = _VIEWS,
    current: str = _CURRENT,
    market: str = _MARKET,
    window: int = _WINDOW,
    covariance: str = _COVARIANCE,
    mean: str = _MEAN,
    risk_free: float = _RATE,
    limits: bool = _LIMITS,
    rebalance: int = typer.Option(21, "--rebalance", min=1, help="Bars between decisions."),
    walk_forward: bool = typer.Option(
        True, "--walk-forward/--no-walk-forward", help="Backtest each method out of sample."
    ),
) -> None:
    """Compare methods on the same inputs, each with its walk-forward row.

    The walk-forward trades each method's weights on the engine, from windows before each decision,
    at the next open and with the costs of the constraints.
    """
    from tradewright.services.portfolio import compare_methods

    request = _request(
        {"symbols": symbols, "data": data, "start": start, "end": end, "interval": interval},
        {"constraint": constraint, "views": views, "current": current, "market": market},
        {"risk_tolerance": None, "risk_free": risk_free, "limits": limits},
        {"window": window, "covariance": covariance, "mean": mean},
    )
    with frame.progress_bar("methods") as report:
        rows = compare_methods(
            request,
            methods=words(methods),
            walk_forward=walk_forward,
            rebalance_bars=rebalance,
            progress=report,
        )
    frame.emit([row.to_mapping() for row in rows], lambda: _render_rows(rows))


@app.command()
def show(
    name: str = typer.Argument("", metavar="[NAME]", help="A portfolio, or latest."),
    *,
    account: str = typer.Option("paper", "--account", help="Only the paper account so far."),
    as_of: str = typer.Option("", "--as-of", help="At the end of a day of the tape, YYYY-MM-DD."),
    lots: str = typer.Option(
        "fifo", "--lots", help="Of an account, lots sold first: fifo, lifo, hifo or average."
    ),
) -> None:
    """Show holdings, weights, performance and contributions of a portfolio or an account."""
    from tradewright.app.bootstrap import open_workspace
    from tradewright.services.paper import PaperTrading
    from tradewright.services.portfolio import show_managed, show_portfolio

    workspace = open_workspace()
    if name:
        from tradewright.app.cli.portfolio.managed import render_managed

        found = show_managed(workspace, PaperTrading(workspace), name, as_of=as_of or None)
        frame.emit(found, lambda: render_managed(found))
        return
    document = show_portfolio(workspace, account=account, as_of=as_of or None, lots=lots)
    frame.emit(document, lambda: render_holdings(document))


@app.command()
def rebalance(
    target: str = typer.Option(
        "", "--target", help="Weights wanted: AAPL=0.4,MSFT=0.2,CASH=0.4; what is missing is cash."
    ),
    method: str = typer.Option(
        "", "--method", help="Optimisation method that finds the weights, in place of --target."
    ),
    account: str = typer.Option("paper", "--account", help="Only the paper account so far."),
    threshold: float | None = typer.Option(
        None, "--threshold", min=0.0, help="Only when a weight drifted by more of its target."
    ),
    dry_run: bool = typer.Option(False, "--dry-run", help="Plan only; no order is sent."),
) -> None:
    """Bring an account to a target allocation: plan, costs, and after a question its orders."""
    from tradewright.app.bootstrap import open_workspace
    from tradewright.domain.errors import ConfigError
    from tradewright.services.paper import PaperTrading
    from tradewright.services.portfolio import method_target, parse_weights, rebalance_account

    workspace = open_workspace()
    if bool(method) == bool(target):
        raise ConfigError("give either --target, such as AAPL=0.4,CASH=0.6, or --method")
    wanted = method_target(workspace, method) if method else parse_weights(target)
    if wanted is None:
        raise ConfigError("--target is empty: name weights such as AAPL=0.4,CASH=0.6")
    given: dict[str, Any] = {"account": account, "threshold": threshold}
    found = rebalance_account(workspace, wanted, **given)
    if not dry_run and found.status == "planned":
        plan = found.plan
        frame.confirm(
            f"send {len(plan.trades)} trades, turnover {plan.turnover:.1%}, "
            f"about {plan.cost:.2f} of costs"
        )
        found = rebalance_account(workspace, wanted, orders=PaperTrading(workspace), **given)
    frame.emit(found.to_dict(), lambda: _render_plan(found.to_dict()))
    if found.status == "deferred":
        raise typer.Exit(frame.REFUSED)


def _request(
    where: dict[str, Any],
    wishes: dict[str, Any],
    rates: dict[str, Any],
    estimation: dict[str, Any],
    *,
    method: str = "maximum_sharpe",
    stack: tuple[str, ...] = (),
) -> PortfolioRequest:
    from tradewright.app.bootstrap import open_workspace
    from tradewright.services.portfolio import Question, open_request, parse_weights
    from tradewright.services.results.named import DataChoice

    choice = DataChoice(
        where["data"],
        words(where["symbols"], upper=True),
        where["start"] or None,
        where["end"] or None,
        where["interval"],
    )
    question = Question(
        method=method,
        stack=stack,
        constraints=wishes["constraint"],
        views=wishes["views"],
        current=parse_weights(wishes["current"]),
        market=parse_weights(wishes["market"]),
        risk_tolerance=rates["risk_tolerance"],
        risk_free_rate=rates["risk_free"],
        limited=rates["limits"],
        estimation=estimation,
    )
    return open_request(open_workspace(), question, choice)


def _render(document: dict[str, Any]) -> None:
    typer.echo(
        f"{document['optimization_method']}  as of {document['as_of'][:10]}  "
        f"{document['periods']} returns  solved by {document['solver']} "
        f"in {document['solve_ms']:.1f} ms"
    )
    shares = document["risk_contributions"]
    weights = sorted(document["weights"].items(), key=lambda item: -abs(item[1]))
    for symbol, weight in weights:
        if abs(weight) > 1e-6:
            typer.echo(f"  {symbol:<10}{weight:>9.2%}   risk {shares.get(symbol, 0.0):>7.1%}")
    typer.echo(f"  {'CASH':<10}{document['cash']:>9.2%}")
    typer.echo(
        f"expected return {document['expected_return']:.2%}  volatility "
        f"{document['expected_volatility']:.2%}  Sharpe ratio {document['sharpe_ratio']:.2f}  "
        f"effective N {document['effective_n']:.1f}"
    )
    if document["turnover"]:
        typer.echo(
            f"turnover {document['turnover']:.1%}  costs {document['transaction_costs']:.3%}"
        )
    for label in ("binding_constraints", "warnings"):
        for text in document[label]:
            typer.echo(f"  {'binds' if label.startswith('b') else 'warning'}: {text}")
    typer.echo(document["message"])
    if "frontier" in document:
        points = document["frontier"]["points"]
        typer.echo("frontier (volatility, return)")
        for point in points[:: max(1, len(points) // 10)]:
            typer.echo(f"  {point['volatility']:>8.2%}  {point['expected_return']:>8.2%}")


def _render_rows(rows: list[MethodRow]) -> None:
    typer.echo(
        f"{'method':<26}{'return':>8}{'vol':>8}{'Sharpe':>8}{'eff. N':>8}{'turn':>7}{'cost':>8}"
        f"   out of sample{'return':>9}{'vol':>8}{'Sharpe':>8}{'maxDD':>8}{'turn/y':>8}"
    )
    for row in rows:
        line = f"{row.method:<26}"
        if row.result is not None:
            r = row.result
            line += (
                f"{r['expected_return']:>8.1%}{r['expected_volatility']:>8.1%}"
                f"{r['sharpe_ratio']:>8.2f}{r['effective_n']:>8.1f}{r['turnover']:>7.0%}"
                f"{r['transaction_costs']:>8.2%}"
            )
        if row.out_of_sample is not None:
            o = row.out_of_sample
            line += (
                f"{'':<16}{o['annual_return']:>9.1%}{o['annual_volatility']:>8.1%}"
                f"{o['sharpe']:>8.2f}{o['max_drawdown']:>8.1%}{o['turnover_annual']:>8.1f}"
            )
        typer.echo(f"{line}{'  ' + row.message if row.message else ''}")


def _render_plan(document: dict[str, Any]) -> None:
    for trade in document["trades"]:
        typer.echo(
            f"  {trade['side']:<5}{trade['symbol']:<10}{trade['notional']:>14,.2f}"
            f"{trade['weight_before']:>9.2%} ->{trade['weight_after']:>8.2%}"
            f"   costs {trade['cost']:.2f}"
        )
    typer.echo(
        f"{document['status']}: {document['message']}\n"
        f"turnover {document['turnover']:.1%}  costs {document['costs']:.2f} "
        f"({document['cost_fraction']:.3%})  largest drift {document['drift_before']:.1%} "
        f"-> {document['drift_after']:.1%}"
    )
    for note in document["notes"]:
        typer.echo(f"  note: {note}")


def render_holdings(document: dict[str, Any]) -> None:
    """Print what an account holds."""
    typer.echo(
        f"{document['account']}  as of {document['as_of'] or 'the start'}  equity "
        f"{document['equity']} {document['currency']}  cash {document['cash']}"
    )
    shares = document["contributions"]
    for row in document["holdings"]:
        typer.echo(
            f"  {row['symbol']:<10}{row['quantity']:>12}{row['value']:>14}"
            f"{row['weight'] or 0.0:>9.2%}   contributed {shares.get(row['symbol'], 0.0):>+8.2%}"
        )
    gains = document["realised"]
    typer.echo(
        f"{len(document['lots'])} lots ({document['lot_method']}), realised before costs "
        f"{gains['short_term']} short-term, {gains['long_term']} long-term"
    )
    found = document["performance"]
    sharpe = found["sharpe"]
    typer.echo(
        f"return {found['total_return']:.2%}  max drawdown {found['max_drawdown']:.2%}  "
        f"Sharpe ratio {'-' if sharpe is None else format(sharpe, '.2f')}"
    )

"""``tradewright data``: fetch, import, check and export market data."""

# ruff: noqa: B008
from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from tradewright.app.cli import frame
from tradewright.app.cli.features_cmd import features_command
from tradewright.domain.errors import ConfigError, DataError, TradewrightError

if TYPE_CHECKING:
    from tradewright.services.workspace import Workspace

app = frame.noun("data", "Fetch, import, check and export market data.")
app.command("features")(features_command)

SYMBOLS = typer.Option(None, "--symbols", help="Symbols, with commas between them.")
SOURCE = typer.Option(None, "--source", help="Only this source.")
INTERVAL = typer.Option("1d", "--interval", help="1m 5m 15m 1h 4h 1d 1wk 1mo.")
START = typer.Option(None, "--from", help="First day, YYYY-MM-DD.")
END = typer.Option(None, "--to", help="Day after the last one, YYYY-MM-DD.")
AS_OF = typer.Option(None, "--as-of", help="As known on this day, YYYY-MM-DD.")
ADJUST = typer.Option(None, "--adjust", help="none, splits or total_return.")


@app.command()
def fetch(
    *,
    symbols: str | None = SYMBOLS,
    symbols_file: Path | None = typer.Option(None, "--symbols-file", help="One symbol a line."),
    source: str = typer.Option("yahoo", "--source", help="sample or yahoo."),
    period: str = typer.Option("1y", "--period", help="1d 5d 1mo … 10y ytd max."),
    interval: str = typer.Option("1h", "--interval", help="1m … 1h 1d 1wk 1mo."),
    start: str | None = START,
    end: str | None = END,
    adjust: str | None = typer.Option(
        None, "--adjust", help="Shown as none, splits or total_return; stored is what traded."
    ),
) -> None:
    """Load bars from a source; a second run stores nothing twice."""
    from tradewright.domain.time import moment_ns
    from tradewright.services import data

    names = _wanted(symbols, symbols_file)
    if source == "sample" and interval == "1h":
        interval = "1d"
    ranged = start is not None or end is not None
    with frame.progress_bar("fetch") as report:
        done = data.fetch(
            _workspace(),
            names,
            source=source,
            period=None if ranged and start is not None else period,
            interval=interval,
            start_ns=moment_ns(start),
            end_ns=moment_ns(end),
            adjust=adjust,
            progress=report,
        )
    last = done.last

    def render() -> None:
        for symbol, count in done.rows.items():
            one = last.get(symbol)
            close = f"  {one['time'][:10]}  {one['close']:,.4f} {done.adjustment}" if one else ""
            typer.echo(f"  {symbol:<12} {count:>9,} bars{close}")
        for symbol, reason in done.failures.items():
            typer.echo(f"  {symbol:<12} failed: {reason}")
        for note in done.notes:
            typer.echo(f"  note: {note}")
        typer.echo(
            f"{sum(done.rows.values()):,} bars loaded from {done.source}: {done.inserted:,} new, "
            f"{done.revised:,} revised, {done.unchanged:,} known, {done.quarantined:,} refused; "
            f"{len(done.failures)} symbols failed"
        )

    frame.emit(done.to_dict(), render)
    if done.failures:
        raise typer.Exit(frame.FAILED)


@app.command("import")
def import_(
    files: list[Path] = typer.Argument(help="CSV, text, gzip, Parquet or Feather files."),
    *,
    mapping: list[str] = typer.Option(
        [], "--map", help="FIELD=COLUMN, for example close=Last; may be repeated."
    ),
    symbol: str | None = typer.Option(
        None, "--symbol", help="Symbol of a file without such a column."
    ),
    timezone: str | None = typer.Option(
        None, "--timezone", help="IANA zone of times without offset."
    ),
    day_first: bool | None = typer.Option(
        None, "--day-first/--month-first", help="Order of ambiguous dates."
    ),
    decimal: str | None = typer.Option(None, "--decimal", help="Decimal sign: . or ,"),
    interval: str | None = typer.Option(None, "--interval", help="Length of the bars."),
    stamp: str | None = typer.Option(None, "--stamp", help="open, close or session_date."),
    calendar: str | None = typer.Option(None, "--calendar", help="XNYS, 24/5, 24/7 or another."),
    adjustment: str | None = typer.Option(
        None, "--adjustment", help="none, splits, total_return or source_adjusted."
    ),
    source: str = typer.Option("csv", "--source", help="Name under which the bars are kept."),
    on_bad: str = typer.Option("raise", "--on-bad", help="raise or quarantine."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Show what would be stored."),
) -> None:
    """Import own files; what was detected is shown, nothing is guessed silently."""
    import dataclasses

    from tradewright.marketdata import ImportOptions
    from tradewright.services import data

    options = ImportOptions(
        columns=_mapping(mapping),
        symbol=symbol,
        timezone=timezone,
        day_first=day_first,
        decimal=decimal,
        interval=interval,
        stamp=stamp,
        calendar=calendar,
        adjustment=adjustment,
        source=source,
        on_bad=on_bad,
    )
    workspace = _workspace()
    done = []
    for file in files:
        try:
            done.append(data.import_file(workspace, file, options, dry_run=dry_run))
        except TradewrightError as error:
            if done and not dry_run:
                frame.say(f"stored before the failure: {', '.join(one.file for one in done)}")
            if type(error) not in (ConfigError, DataError):
                raise
            raise type(error)(_as_flags(str(error))) from error

    def render() -> None:
        for one in done:
            more = f" and {len(one.symbols) - 12:,} more" if len(one.symbols) > 12 else ""
            names = ", ".join(one.symbols[:12])
            typer.echo(f"{one.file}: {names}{more}, {one.first} to {one.last}")
            for key, value in one.detected.items():
                typer.echo(f"  {key:<12} {value}")
            for line in one.refused:
                typer.echo(f"  refused      {line}")
            what = "stored" if one.stored else "not stored (dry run)"
            typer.echo(
                f"  {one.rows_in:,} rows: {one.accepted:,} accepted, {one.quarantined:,} refused, "
                f"{one.duplicates:,} repeated; {one.inserted:,} new, {one.revised:,} revised, "
                f"{one.unchanged:,} known, {one.actions:,} actions; {what}"
            )
            if one.revised:
                typer.echo(
                    f"  note: {one.revised:,} bars were stored from source {source!r} with other "
                    "values (--as-of DAY reads what was known then); prices of another kind or "
                    "vendor belong under their own --source"
                )

    frame.emit([dataclasses.asdict(one) for one in done], render)


@app.command()
def export(
    *,
    out: Path = typer.Option(..., "--out", help="File to write: .csv or .parquet."),
    symbols: str | None = SYMBOLS,
    source: str | None = SOURCE,
    interval: str = INTERVAL,
    start: str | None = START,
    end: str | None = END,
    as_of: str | None = AS_OF,
    adjust: str | None = ADJUST,
    overwrite: bool = typer.Option(False, "--overwrite", help="Replace the file if it exists."),
) -> None:
    """Write stored bars to a file, whole or not at all."""
    import dataclasses

    from tradewright.services import data

    done = data.export(
        _workspace(),
        _split(symbols),
        out,
        overwrite=overwrite,
        adjustment=adjust,
        **_selection(interval, source, start, end, as_of),
    )

    def render() -> None:
        typer.echo(f"{done.rows:,} bars of {len(done.symbols)} symbols written to {done.file}")

    frame.emit(dataclasses.asdict(done), render)


@app.command("list")
def list_(
    source: str | None = SOURCE,
    interval: str | None = typer.Option(None, "--interval", help="Only this interval."),
    sector: str | None = typer.Option(None, "--sector", help="Only this sector."),
) -> None:
    """List stored symbols with first and last bar, coverage, source and health."""
    from tradewright.services import data

    rows = data.list_series(
        _workspace(), source=source, interval=interval, sector=sector, health=True
    )

    def render() -> None:
        if not rows:
            typer.echo("nothing is stored; try: tradewright data fetch --source sample")
            return
        typer.echo(
            f"{'symbol':<12} {'source':<8} {'int.':<5} {'first':<11} {'last':<11} {'bars':>10} "
            f"{'coverage':>9}  {'health':<12} adjustment       sector"
        )
        for row in rows:
            one = row.to_dict()
            typer.echo(
                f"{one['symbol']:<12} {one['source']:<8} {one['interval']:<5} "
                f"{one['first'][:10]:<11} {one['last'][:10]:<11} {one['rows']:>10,} "
                f"{one['coverage']:>9.2%}  {row.health:<5} {row.score or 0.0:.3f}  "
                f"{one['adjustment']:<16} {one['sector']}"
            )

    frame.emit([row.to_dict() for row in rows], render)


@app.command()
def show(
    symbol: str = typer.Argument(help="Symbol."),
    *,
    source: str | None = SOURCE,
    interval: str = INTERVAL,
    start: str | None = START,
    end: str | None = END,
    as_of: str | None = AS_OF,
    adjust: str | None = ADJUST,
    rows: int = typer.Option(10, "--rows", min=1, max=100_000, help="Bars of the end to show."),
) -> None:
    """Show one symbol: availability, last bars, splits and dividends."""
    from tradewright.services import data

    selection = _selection(interval, source, start, end, as_of)
    found = data.show(_workspace(), _name(symbol), rows=rows, adjustment=adjust, **selection)

    def render() -> None:
        about = found["instrument"]
        typer.echo(
            f"{found['symbol']}  {about['asset_class']}, {about['currency']}, "
            f"calendar {about['calendar']}  {about['sector']}"
        )
        for one in found["series"]:
            typer.echo(
                f"  {one['source']} {one['interval']}: {one['rows']:,} bars, {one['first'][:10]} "
                f"to {one['last'][:10]}, coverage {one['coverage']:.2%}, {one['adjustment']}"
            )
        for note in found["notes"]:
            typer.echo(f"  note: {note}")
        kind = "raw" if found["adjustment"] == "none" else found["adjustment"]
        typer.echo(f"  {kind} prices, last {len(found['bars'])} bars (UTC close):")
        for bar in found["bars"]:
            prices = "  ".join(_figure(bar[name]) for name in ("open", "high", "low", "close"))
            typer.echo(f"  {bar['time'][:16]}  {prices}  {_figure(bar['volume'], 0)}")
        for action in found["actions"]:
            typer.echo(f"  {action['ex_date']}  {action['kind']}  {action['value']:g}")

    frame.emit(found, render)


@app.command()
def quality(
    *,
    symbols: str | None = SYMBOLS,
    source: str | None = SOURCE,
    interval: str = INTERVAL,
    start: str | None = START,
    end: str | None = END,
    min_coverage: float = typer.Option(0.98, "--min-coverage", help="Least share of bars."),
    study: str | None = typer.Option(
        None, "--study", help="Judge the bars of this study, as its page reads them."
    ),
) -> None:
    """Print the quality report and the data-health gate's verdict; exit 3 if it fails."""
    from tradewright.services import data

    if study is None:
        selection = _selection(interval, source, start, end, None)
        verdict = data.quality(
            _workspace(), _split(symbols) or None, min_coverage=min_coverage, **selection
        )
    else:
        if symbols or source or start or end:
            raise ConfigError(
                "--study reads symbols, source and range from its page; leave --symbols, "
                "--source, --from and --to away"
            )
        from tradewright.services.studies import Study

        verdict = data.quality_of_study(_workspace(), Study.load(study).page)
    report = verdict.report

    def render() -> None:
        typer.echo(verdict.summary)
        counts = ", ".join(f"{rule} {count:,}" for rule, count in report.counts.items())
        typer.echo(f"findings by rule: {counts or 'none'}")
        for row in report.table().head(40).iter_rows(named=True):
            if row["severity"] != "info":
                typer.echo(
                    f"  {row['severity']:<8} {row['symbol']:<8} {row['rule']:<16} "
                    f"{row['start']:%Y-%m-%d %H:%M}  {row['detail']}"
                )

    frame.emit({**verdict.to_dict(), "report": report.to_dict()}, render)
    if not verdict.ok:
        raise typer.Exit(frame.REFUSED)


@app.command()
def sources() -> None:
    """List sources with their intervals, windows, limits and needs."""
    import dataclasses

    from tradewright.services import data

    rows = data.sources(_workspace())

    def render() -> None:
        for one in rows:
            typer.echo(f"{one.name}: {one.summary}")
            typer.echo(f"  ready {'yes' if one.ready else 'no'}; needs {one.needs}")
            typer.echo(f"  limits {one.limits}")
            for interval, reach in one.intervals.items():
                typer.echo(f"  {interval:<4} {reach}")

    frame.emit([dataclasses.asdict(one) for one in rows], render)


def _workspace() -> Workspace:
    from tradewright.app.bootstrap import open_workspace

    return open_workspace()


def _name(symbol: str) -> str:
    from tradewright.domain.instruments import normalise_symbol

    return normalise_symbol(symbol)


def _split(symbols: str | None) -> list[str]:
    return list(frame.symbol_list(symbols))


def _wanted(symbols: str | None, symbols_file: Path | None) -> list[str]:
    names = _split(symbols)
    if symbols_file is not None:
        from tradewright.marketdata import read_symbols_file

        more, warnings = read_symbols_file(symbols_file)
        names += more
        for warning in warnings:
            frame.say(f"warning: {warning}")
    if not names:
        frame.fail("give --symbols AAPL,MSFT or --symbols-file FILE", frame.MISUSE)
    return names


# The importer names its options as Python does.
def _as_flags(text: str) -> str:
    text = text.replace("day_first=True or False", "--day-first or --month-first")
    text = re.sub(r"columns=\{'(\w+)': '([^']*)'\}", r"--map \1='\2'", text)
    names = "symbol|timezone|stamp|interval|calendar|adjustment|decimal|on_bad"
    return re.sub(rf"\b({names})=", lambda m: f"--{m[1].replace('_', '-')} ", text)


def _mapping(pairs: list[str]) -> dict[str, str]:
    mapping = {}
    for pair in pairs:
        field, equals, column = pair.partition("=")
        if not equals or not field or not column:
            frame.fail(f"--map {pair!r}: wanted FIELD=COLUMN, as in close=Last", frame.MISUSE)
        mapping[field.strip()] = column.strip()
    return mapping


def _selection(
    interval: str, source: str | None, start: str | None, end: str | None, as_of: str | None
) -> dict[str, Any]:
    from tradewright.domain.time import moment_ns

    try:
        first, last, known = moment_ns(start), moment_ns(end), moment_ns(as_of)
    except DataError as error:
        raise ConfigError(str(error)) from error
    if first is not None and last is not None and first >= last:
        raise ConfigError(f"--from {start} is not before --to {end}")
    return {
        "interval": interval,
        "source": source,
        "start_ns": first,
        "end_ns": last,
        "as_of_ns": known,
    }


def _figure(value: float | None, decimals: int = 4) -> str:
    return f"{'–':>12}" if value is None else f"{value:>12,.{decimals}f}"

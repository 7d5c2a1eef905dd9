"""The program ``tradewright``: nouns load when they are used, errors become exit codes."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import traceback
from typing import Any, Final, NoReturn

import typer
from typer.core import TyperGroup

from tradewright.app.cli import frame
from tradewright.domain import errors
from tradewright.version import __version__

NOUNS = {
    "demo": "Run the shipped study on the embedded sample, report, and serve the page.",
    "data": "Fetch, import, check and export market data.",
    "study": "Check, run, list and repeat studies: one YAML page each.",
    "backtest": "Run, sweep, compare or stress strategies, without a study page.",
    "model": "List and show trained models.",
    "portfolio": "Optimise target weights, compare methods, show what is held.",
    "risk": "Measure risk, look at limits, stop trading and release it.",
    "paper": "Trade a study on paper.",
    "report": "Show, compare and tell apart stored runs.",
    "serve": "Serve the web page and the API.",
    "doctor": "Check this installation and say how to mend it.",
    "config": "Show the settings in force.",
}
COMMON_FLAGS = {"--json": "json", "--quiet": "quiet", "--verbose": "verbose", "--yes": "yes"}
COMMON_VALUES = {"--config": "CONFIG_FILE", "--data-dir": "TRADEWRIGHT_PATHS__DATA_DIR"}
INTERRUPTED: Final = 130  # what the command line library makes of Ctrl-C
EPILOG = (
    "Every command takes --json (one document on stdout), --quiet, --verbose, --yes, "
    "--config FILE and --data-dir DIR."
)


class LazyNouns(TyperGroup):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """Return the nouns in the order of a user's day."""
        return list(NOUNS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        """Import the noun; for the list of nouns its one line is enough."""
        if cmd_name not in NOUNS:
            return None
        if getattr(ctx, "listing", False):
            return typer.main.get_command(frame.noun(cmd_name, NOUNS[cmd_name]))
        module = importlib.import_module(f"tradewright.app.cli.{cmd_name}")
        command = typer.main.get_command(module.app)
        for leaf in [command, *getattr(command, "commands", {}).values()]:
            leaf.epilog = leaf.epilog or EPILOG
        return command

    def format_commands(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """Write the nouns from the static list: help must not import them."""
        with formatter.section("Nouns"):
            formatter.write_dl(list(NOUNS.items()))

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> Any:  # type: ignore[override]
        """Name the nearest noun when there is no such one."""
        if args and args[0] not in NOUNS:
            ctx.fail(f"no such noun {args[0]!r}; {errors.nearest(args[0], NOUNS)}")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="tradewright",
    cls=LazyNouns,
    help="From raw market data to forecasts, honest backtests, paper and live orders.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["--help", "-h"]},
)


@app.callback(invoke_without_command=True)
def root(
    ctx: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version."),
) -> None:
    """From raw market data to forecasts, honest backtests, paper and live orders."""
    if version:
        frame.emit({"version": __version__}, lambda: typer.echo(f"tradewright {__version__}"))
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        frame.fail("a noun is missing; tradewright --help lists them", frame.MISUSE)


def take_common_flags(arguments: list[str]) -> list[str]:
    """Remove the flags every command takes, wherever they stand, and remember them.

    Parameters
    ----------
    arguments : list of str
        Command line without the program's name.

    Returns
    -------
    list of str
        What is left for the command.

    Raises
    ------
    ConfigError
        If a flag that needs a value has none.
    """
    rest: list[str] = []
    queue = list(arguments)
    while queue:
        word = queue.pop(0)
        name, has_value, value = word.partition("=")
        if word == "--":
            return [*rest, word, *queue]
        if word in COMMON_FLAGS:
            setattr(frame.COMMON, COMMON_FLAGS[word], True)
        elif name in COMMON_VALUES:
            if not has_value and queue:
                value = queue.pop(0)
            if not value:
                raise errors.ConfigError(f"{name} needs a value")
            os.environ[COMMON_VALUES[name]] = value
        else:
            rest.append(word)
    return rest


def main() -> None:
    """Run the program; the console script of the package."""
    frame.COMMON = frame.Common()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code = run(sys.argv[1:])
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = frame.FAILED
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""
    try:
        left = take_common_flags(arguments)
        if left and left[0] in NOUNS and not {"--help", "-h"} & set(left):
            _set_up_logs()
        result = app(args=left, standalone_mode=False, prog_name="tradewright")
        if result == INTERRUPTED:
            return _interrupted()
        return result if isinstance(result, int) else frame.DONE
    except typer.Exit as stop:
        return int(stop.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except BrokenPipeError:
        raise
    except Exception as error:  # the last stop before the user: report, never a bare traceback
        return _report(error, arguments)


# Whoever stops a program politely (a supervisor, a container) ends it as Ctrl-C does.
def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _interrupted() -> int:
    if frame.COMMON.json and not frame.COMMON.is_told:
        frame.write_json({"error": {"kind": "Interrupted", "message": "interrupted"}})
    frame.note("interrupted")
    return frame.FAILED


def _set_up_logs() -> None:
    from tradewright.app.bootstrap import data_directory, settings
    from tradewright.app.logs import set_up_logs

    values = settings().values
    file = None
    if values.logging.file:
        file = (values.paths.log_dir or data_directory(values) / "logs") / "tradewright.log"
    level = "debug" if frame.COMMON.verbose else values.logging.level
    set_up_logs(level, as_json=values.logging.format == "json", file=file)


def _report(error: Exception, arguments: list[str]) -> int:
    if type(error).__name__ == "NoArgsIsHelpError":
        frame.note(str(error))
        return frame.MISUSE
    usage = ""
    message, code = str(error), frame.exit_code_of(error)
    if hasattr(error, "format_message"):  # a usage error of the command line library
        context = getattr(error, "ctx", None)
        usage = context.get_usage() + "\n" if context else ""
        message, code = error.format_message() + _found(error, arguments), frame.MISUSE
    elif not isinstance(error, errors.TradewrightError | OSError):
        message = f"unexpected {type(error).__name__}: {error} (--verbose shows where)"
    if frame.COMMON.verbose:
        traceback.print_exception(error)
    if frame.COMMON.json:
        frame.write_json({"error": {"kind": type(error).__name__, "message": message}})
    frame.note(f"{usage}error: {message}")
    return code


# The library that reads the flags says which one is wrong, not what was found there.
def _found(error: Exception, arguments: list[str]) -> str:
    if type(error).__name__ != "BadParameter":
        return ""
    names = getattr(getattr(error, "param", None), "opts", [])
    values = [
        given.partition("=")[2] if "=" in given else after
        for given, after in zip(arguments, [*arguments[1:], ""], strict=True)
        if given.partition("=")[0] in names
    ]
    return f"; found {values[-1]!r}" if values else ""

"""What every command shares: common flags, output, progress and exit codes."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

import typer

from tradewright.domain import errors

DONE, FAILED, MISUSE, REFUSED = 0, 1, 2, 3


@dataclass(slots=True)
class Common:
    """Flags that every command takes."""

    json: bool = False
    quiet: bool = False
    verbose: bool = False
    yes: bool = False
    is_told: bool = False  # the one document was written


COMMON = Common()


def noun(name: str, help_text: str, *, acts: bool = False) -> typer.Typer:
    """Return the command group of a noun, or of a noun that acts by itself (`acts`)."""
    return typer.Typer(
        name=name,
        help=help_text,
        no_args_is_help=not acts,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )


def emit(result: Any, render: Callable[[], None]) -> None:
    """Print a result: one JSON document with ``--json``, otherwise what `render` prints.

    Parameters
    ----------
    result : JSON-ready value
        Fractions stay fractions, times are RFC 3339 UTC text, money is decimal text.
    render : callable
        Prints for people, to stdout.
    """
    if COMMON.json:
        write_json(result)
    elif not COMMON.quiet:
        render()


def write_json(document: Any) -> None:
    """Write one JSON document to stdout; NaN and infinities become null."""
    json.dump(_finite(document), sys.stdout, default=str, allow_nan=False)
    sys.stdout.write("\n")
    COMMON.is_told = True


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def note(text: str) -> None:
    """Print a line to stderr, whatever the flags."""
    typer.echo(text, err=True)


def say(text: str) -> None:
    """Print a note to stderr, unless ``--quiet``."""
    if not COMMON.quiet:
        typer.echo(text, err=True)


def fail(message: str, code: int) -> NoReturn:
    """End the command with a message on stderr and an exit code.

    With ``--json`` the message is the document, unless the result was told already.
    """
    if COMMON.json and not COMMON.is_told:
        kind = "Failed" if code == FAILED else "Usage"
        write_json({"error": {"kind": kind, "message": message}})
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(code)


def confirm(question: str) -> None:
    """Ask once, on stderr, and end the command unless the answer is yes; ``--yes`` answers.

    Without anybody who could answer, nothing is done.
    """
    if COMMON.yes:
        return
    typer.echo(f"{question} [y/N] ", err=True, nl=False)
    answer = sys.stdin.readline() if sys.stdin is not None else ""
    if answer.strip().lower() in {"y", "yes"}:
        return
    if not answer:
        typer.echo("", err=True)
    fail("not confirmed, nothing was done; --yes answers", FAILED)


def symbol_list(text: str | None) -> tuple[str, ...]:
    """Return the symbols of a comma-separated flag, none if it was not given.

    Raises
    ------
    ConfigError
        If the flag was given and names nothing: all there are is not what was meant.
    """
    from tradewright.domain.instruments import normalise_symbol

    names = tuple(normalise_symbol(part) for part in (text or "").split(",") if part.strip())
    if text and not names:
        raise errors.ConfigError(f"--symbols {text!r} names no symbol; wanted AAPL,MSFT")
    return names


def given_once(flag: str, pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return the values of a flag that may be repeated, each name at most once.

    Raises
    ------
    ConfigError
        If a name is given twice: the first value would be dropped silently.
    """
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise errors.ConfigError(f"{flag} {name} is given twice: {found[name]}, {value}")
        found[name] = value
    return found


def exit_code_of(error: BaseException) -> int:
    """Return the exit code that an error stands for."""
    if isinstance(error, errors.ConfigError):
        return MISUSE
    if isinstance(error, errors.RefusedError | errors.RiskError):
        return REFUSED
    return FAILED


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[float, str], None]]:
    """Show progress on stderr; the value given is ``report(fraction, message)``.

    Colour and bars only on a terminal; elsewhere one line a stage and tenth.
    """
    if COMMON.quiet or COMMON.json or not sys.stderr.isatty():
        told: tuple[str, int] = ("", -1)

        def plain(fraction: float, message: str) -> None:
            nonlocal told
            stage, tenth = message.partition(":")[0], int(fraction * 10)
            if (stage, tenth) != told and not COMMON.json:
                say(f"  {fraction:4.0%}  {message}")
                told = (stage, tenth)

        yield plain
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("[bold]{task.fields[title]}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0, title=title)

        def report(fraction: float, message: str) -> None:
            bar.update(task, completed=fraction, description=message)

        yield report


def on_terminal() -> bool:
    """Return whether stdout is a terminal that may show colour."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ

"""Structured logs: one line per event, secrets masked, never in the way of results."""

from __future__ import annotations

import logging
import re
import sys
from pathlib import Path
from typing import Any

SECRET_KEY = re.compile(r"(secret|token|password|passwd|api_?key|authorization|cookie)", re.I)
EMAIL = re.compile(r"\b([\w.+-]{2})[\w.+-]*@([\w-]+\.[\w.-]+)\b")


def mask(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
    """Hide values whose key looks like a secret, shorten e-mails, escape control characters."""
    for key, value in event.items():
        if SECRET_KEY.search(key):
            event[key] = "***"
        elif isinstance(value, str):
            event[key] = EMAIL.sub(r"\1***@\2", value).replace("\r", "\\r").replace("\n", "\\n")
    return event


def set_up_logs(level: str = "warning", *, as_json: bool = False, file: Path | None = None) -> None:
    """Send structured logs to stderr, and to a file when one is given.

    Parameters
    ----------
    level : str
        Lowest level shown: debug, info, warning or error.
    as_json : bool
        JSON lines instead of text.
    file : Path, optional
        Appended to; always JSON lines.
    """
    import structlog

    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(file, encoding="utf-8"))
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
        mask,
    ]
    console = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    line = structlog.processors.JSONRenderer()
    for handler in handlers:
        renderer = line if as_json or isinstance(handler, logging.FileHandler) else console
        handler.setFormatter(
            structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared)
        )
    logging.basicConfig(level=level.upper(), handlers=handlers, force=True)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )

"""``tradewright portfolio``."""

from tradewright.app.cli.portfolio import commands as _commands
from tradewright.app.cli.portfolio import managed as _managed
from tradewright.app.cli.portfolio.frame import app

_WITH_COMMANDS = (_commands, _managed)
"""Modules that put their commands into the group when they are loaded."""

__all__ = ["app"]

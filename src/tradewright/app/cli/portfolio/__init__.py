"""``tradewright portfolio``."""

from tradewright.app.cli.portfolio.commands import app

__all__ = ["app"]

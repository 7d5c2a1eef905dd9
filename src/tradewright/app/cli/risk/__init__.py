"""``tradewright risk``: measures, limits, and the switch that stops trading."""

from tradewright.app.cli.risk.commands import app

__all__ = ["app"]

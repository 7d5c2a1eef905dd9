"""The command group of the noun ``portfolio``, and how its lists are read."""

from __future__ import annotations

from tradewright.app.cli import frame

app = frame.noun("portfolio", "Optimise target weights, compare methods, hold portfolios on paper.")


def words(text: str, *, upper: bool = False) -> tuple[str, ...]:
    """Return the comma-separated words of an option."""
    found = [word.strip() for word in text.split(",") if word.strip()]
    return tuple(word.upper() if upper else word for word in found)

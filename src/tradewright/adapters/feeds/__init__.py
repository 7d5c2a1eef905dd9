"""Market data sources."""

from __future__ import annotations

from typing import Any, Final

from tradewright.domain.errors import ConfigError, nearest
from tradewright.ports.feeds import HistoryFeed

__all__ = ["FEEDS", "open_feed"]

FEEDS: Final = ("yahoo",)
"""Sources that a network reaches; the embedded sample needs none."""


def open_feed(name: str, settings: Any = None) -> HistoryFeed:
    """Return the feed of a source; nothing is called yet.

    Parameters
    ----------
    name : str
        ``yahoo``.
    settings : object, optional
        Settings of the feeds; its attribute `name` holds those of the source, for example
        ``requests_per_second`` and ``tries``.

    Returns
    -------
    HistoryFeed
        The feed.

    Raises
    ------
    ConfigError
        If the source is not known.
    """
    if name not in FEEDS:
        known = (*FEEDS, "sample")
        raise ConfigError(f"source {name!r} is not known; {nearest(name, known)}")
    from tradewright.adapters.feeds.yahoo import YahooFeed, YahooSettings

    mine = getattr(settings, name, None)
    given = {
        field: getattr(mine, field)
        for field in YahooSettings.__dataclass_fields__
        if hasattr(mine, field)
    }
    return YahooFeed(YahooSettings(**given))

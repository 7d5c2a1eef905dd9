"""Labels by name, as a study page writes them; the labels themselves stay inside training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, nearest
from tradewright.training.labels import Labels, forward_return, three_class, triple_barrier
from tradewright.training.labels.values import ENTRIES

KINDS: Final = ("forward_return", "three_class", "triple_barrier")


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSettings:
    """What a model learns to forecast.

    Parameters
    ----------
    kind : str
        ``forward_return``, ``three_class`` or ``triple_barrier``.
    horizon : int
        Bars from entry to exit, at most.
    entry : str
        ``next_open`` or ``close``; the barriers always enter at the next open.
    threshold : float
        Half width of Hold in volatilities of the horizon (``three_class``).
    up, down : float
        Distances of the barriers in volatilities of the horizon (``triple_barrier``).

    Raises
    ------
    ConfigError
        For a value out of range.
    """

    kind: str = "forward_return"
    horizon: int = 5
    entry: str = "next_open"
    threshold: float = 0.5
    up: float = 1.0
    down: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigError(f"labels.kind is {self.kind!r}; {nearest(self.kind, KINDS)}")
        if self.entry not in ENTRIES:
            raise ConfigError(f"labels.entry is {self.entry!r}; {nearest(self.entry, ENTRIES)}")
        if self.horizon < 1:
            raise ConfigError(f"labels.horizon is {self.horizon}, wanted at least 1")
        for name in ("threshold", "up", "down"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ConfigError(f"labels.{name} is {getattr(self, name)}, wanted above 0")

    @property
    def task(self) -> str:
        """``regression`` or ``classification``."""
        return "regression" if self.kind == "forward_return" else "classification"


def build_labels(bars: Bars, settings: LabelSettings) -> Labels:
    """Label every decision on the bars.

    Raises
    ------
    ConfigError
        If the horizon is longer than the data.
    """
    if settings.kind == "forward_return":
        return forward_return(bars, settings.horizon, settings.entry)
    if settings.kind == "three_class":
        return three_class(
            bars, settings.horizon, threshold=settings.threshold, entry=settings.entry
        )
    return triple_barrier(bars, settings.horizon, up=settings.up, down=settings.down)

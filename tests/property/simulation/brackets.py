"""Random stops and targets made such that an order takes them."""

from __future__ import annotations


def sensible_children(
    side: int, entries: list[float | None], stop_loss: float | None, take_profit: float | None
) -> tuple[float | None, float | None]:
    """Return both on their side of each other and of the prices the entry names."""
    if stop_loss is not None and take_profit is not None:
        low, high = sorted((stop_loss, take_profit))
        stop_loss, take_profit = (low, high) if side > 0 else (high, low)
        if low == high:
            take_profit = None
    named = [price for price in entries if price is not None]
    if stop_loss is not None and any(side * (price - stop_loss) <= 0 for price in named):
        stop_loss = None
    if take_profit is not None and any(side * (take_profit - price) <= 0 for price in named):
        take_profit = None
    return stop_loss, take_profit

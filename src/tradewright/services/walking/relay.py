"""Decisions handed from one window to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.decisions import Signals, TargetWeights
from tradewright.domain.errors import ConfigError
from tradewright.strategies import Strategy

IntArray = NDArray[np.int64]
DISTANCES = ("stop", "target", "trail")


class Relay(Strategy):
    """Strategies that take turns: each decides on the rows it owns, positions go on.

    Parameters
    ----------
    runners : sequence of Strategy
        One a window. Each starts when its turn comes and sees the whole past through its context.
    owner : ndarray of shape (n_bars,), int64
        Number of the one that decides at each row; -1 where nobody does and nothing is held.
    carry : bool
        Whether positions go on from one to the next; else they are closed between.
    """

    name = "walk_forward"

    def __init__(self, runners: Sequence[Any], owner: IntArray, *, carry: bool = True) -> None:
        self.parameters: Mapping[str, Any] = {"windows": len(runners), "carry_positions": carry}
        self._runners, self._owner, self._carry = list(runners), owner.tolist(), carry
        self._row, self._now = -1, -1

    def on_bar(self, ctx: Any, bar: Any) -> None:
        """Let the owner of this row decide, or hold nothing where it ends."""
        self._row += 1
        before, self._now = self._now, self._owner[self._row]
        if self._now >= 0 and self._now != before:
            self._call("on_start", ctx)
        if _ends(self._owner, self._row, carry=self._carry):
            for order in ctx.open_orders:
                ctx.cancel(order.client_order_id)
            for symbol in ctx.symbols:
                if ctx.position(symbol):
                    ctx.target_weight(0.0, symbol)
        elif self._now >= 0:
            self._runners[self._now].on_bar(ctx, bar)

    def on_fill(self, ctx: Any, fill: Any) -> None:
        """Tell whose turn it is."""
        self._call("on_fill", ctx, fill)

    def on_order(self, ctx: Any, event: Any) -> None:
        """Tell whose turn it is."""
        self._call("on_order", ctx, event)

    def on_timer(self, ctx: Any, name: str) -> None:
        """Tell whose turn it is."""
        self._call("on_timer", ctx, name)

    def _call(self, hook: str, *given: Any) -> None:
        found = getattr(self._runners[self._now], hook, None) if self._now >= 0 else None
        if found is not None:
            found(*given)


def stitched(
    parts: Sequence[Signals | TargetWeights], owner: IntArray, *, carry: bool = True
) -> Signals | TargetWeights:
    """Join arrays decided by windows, each row from its owner.

    Parameters
    ----------
    parts : sequence of Signals or TargetWeights
        One a window, all of one kind, each for the rows 0 to the end of its window.
    owner : ndarray of shape (n_bars,), int64
        Number of the part that each row comes from; -1 where nobody decides.
    carry : bool
        Whether positions go on from one to the next; else they are closed between.

    Raises
    ------
    ConfigError
        If the parts are of two kinds, or their stops, targets or trails differ.
    """
    if len({type(part) for part in parts}) > 1:
        kinds = " and ".join(sorted({type(part).__name__ for part in parts}))
        raise ConfigError(f"walk-forward: make returned {kinds}, wanted one kind")
    rows = len(owner)
    ends = np.array([_ends(owner.tolist(), row, carry=carry) for row in range(rows)])
    if isinstance(parts[0], TargetWeights):
        weights = _joined([part.weights for part in parts], owner, np.nan)  # type: ignore[union-attr]
        weights[ends] = 0.0
        return TargetWeights(weights)
    signals: list[Any] = list(parts)
    for name in DISTANCES:
        if len({getattr(part, name) for part in signals}) > 1:
            raise ConfigError(
                f"walk-forward: {name} differs between windows; orders of one run share it, "
                "let make return a strategy instead"
            )
    flags: dict[str, Any] = {}
    for name in ("entries", "exits", "short_entries", "short_exits"):
        given = [getattr(part, name) for part in signals]
        if any(one is not None for one in given):
            none = np.zeros_like(signals[0].entries)
            filled = [np.resize(none, p.entries.shape) if g is None else g
                      for p, g in zip(signals, given, strict=True)]  # fmt: skip
            flags[name] = _joined(filled, owner, False)
            flags[name][ends] = name in {"exits", "short_exits"}
    sizes = [np.broadcast_to(np.reshape(p.size, (-1, 1)) if np.ndim(p.size) == 1 else p.size,
                             p.entries.shape) for p in signals]  # fmt: skip
    same = {part.size for part in signals if isinstance(part.size, float)}
    constant = len(same) == 1 and all(isinstance(part.size, float) for part in signals)
    return Signals(
        flags.pop("entries"),
        flags.pop("exits"),
        short_entries=flags.get("short_entries"),
        short_exits=flags.get("short_exits"),
        size=same.pop() if constant else _joined(sizes, owner, 1.0),
        **{name: getattr(signals[0], name) for name in DISTANCES},
    )


def _joined(parts: Sequence[NDArray[Any]], owner: IntArray, empty: Any) -> NDArray[Any]:
    found = np.full((len(owner), parts[0].shape[1]), empty, dtype=parts[0].dtype)
    for number, part in enumerate(parts):
        mine = np.flatnonzero(owner == number)
        found[mine] = part[mine]
    return found


def _ends(owner: Sequence[int], row: int, *, carry: bool) -> bool:
    # The last row of a turn after which positions are closed.
    if owner[row] < 0 or row + 1 == len(owner) or owner[row + 1] == owner[row]:
        return False
    return not carry or owner[row + 1] < 0

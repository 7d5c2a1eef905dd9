"""Reference strategies: short, complete, and the examples of the documentation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tradewright.domain.errors import ConfigError
from tradewright.strategies.protocol import Context, Strategy


def _whole(owner: str, name: str, value: int, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigError(f"{owner}: {name} is {value!r}, wanted a whole number >= {least}")
    return value


def _within(owner: str, name: str, value: float, low: float, high: float) -> float:
    if not low < value <= high:
        raise ConfigError(f"{owner}: {name} is {value!r}, wanted above {low:g}, at most {high:g}")
    return float(value)


class BuyAndHold(Strategy):
    """Buy every instrument once, in equal weights, and keep it.

    Parameters
    ----------
    weight : float
        Fraction of equity invested, over all instruments.

    Notes
    -----
    Timing: an instrument is bought at the open after its first bar.
    Missing data: an instrument that is not there yet is bought when it appears.
    """

    name = "buy_and_hold"

    def __init__(self, weight: float = 1.0) -> None:
        self.parameters = {"weight": _within(self.name, "weight", weight, 0, 3)}
        self._wanted: set[str] = set()

    def on_start(self, ctx: Context) -> None:
        """Want every instrument of the tape."""
        self._wanted = set(ctx.symbols)

    def on_bar(self, ctx: Context, bar: Any) -> None:
        """Buy what has its first bar now."""
        if not self._wanted:
            return
        share = self.parameters["weight"] / len(ctx.symbols)
        for symbol in [s for s in ctx.symbols if s in self._wanted]:
            if not math.isnan(bar[symbol].close):
                ctx.target_weight(share, symbol)
                self._wanted.discard(symbol)


class SmaCross(Strategy):
    """Hold an instrument while its fast moving average is above its slow one.

    Parameters
    ----------
    fast, slow : int
        Bars of the two simple averages of the close; ``fast < slow``.
    weight : float
        Fraction of equity invested, shared equally by the instruments.
    short : bool
        Whether to be short while the fast average is below.

    Notes
    -----
    Timing: trades only when the state changes, at the next open.
    Missing data: an instrument without `slow` closes in a row is left alone.
    """

    name = "sma_cross"

    def __init__(
        self, fast: int = 20, slow: int = 50, weight: float = 1.0, *, short: bool = False
    ) -> None:
        _whole(self.name, "fast", fast, 1)
        _whole(self.name, "slow", slow, 2)
        if fast >= slow:
            raise ConfigError(f"sma_cross: fast is {fast}, wanted below slow ({slow})")
        share = _within(self.name, "weight", weight, 0, 3)
        self.parameters = {"fast": fast, "slow": slow, "weight": share, "short": bool(short)}
        self._fast, self._slow, self._below = fast, slow, -1.0 if short else 0.0
        self._state: dict[str, float] = {}

    def on_start(self, ctx: Context) -> None:
        """Forget an earlier run."""
        self._state = {}

    def on_bar(self, ctx: Context, bar: Any) -> None:
        """Compare the averages of every instrument."""
        share = self.parameters["weight"] / len(ctx.symbols)
        for symbol in ctx.symbols:
            past = ctx.history(symbol, self._slow)
            if len(past) < self._slow:
                continue
            slow = past.sum() / self._slow
            fast = past[-self._fast :].sum() / self._fast
            if math.isnan(slow):
                continue
            state = 1.0 if fast > slow else self._below
            if state != self._state.get(symbol, 0.0):
                ctx.target_weight(state * share, symbol)
                self._state[symbol] = state


class MomentumTopN(Strategy):
    """Hold the instruments that rose most, in equal weights, and review them now and then.

    Parameters
    ----------
    top_n : int
        Instruments held.
    lookback : int
        Bars over which the return is measured.
    skip : int
        Newest bars left out of it (12-1 month momentum skips the last month).
    every : int
        Bars between reviews.
    weight : float
        Fraction of equity invested.

    Notes
    -----
    Timing: decided at the close of the review, traded at the next open.
    Missing data: an instrument needs a close at both ends of the window; falling ones are not
    held even if places stay empty. With a dated universe only its members of the review's day are
    ranked, and one that has left is sold.

    References
    ----------
    .. [1] N. Jegadeesh, S. Titman, "Returns to Buying Winners and Selling Losers", Journal of
       Finance 48(1), 1993.
    """

    name = "momentum_top_n"

    def __init__(
        self,
        top_n: int = 5,
        lookback: int = 252,
        skip: int = 21,
        every: int = 21,
        weight: float = 1.0,
    ) -> None:
        _whole(self.name, "top_n", top_n, 1)
        _whole(self.name, "lookback", lookback, 1)
        _whole(self.name, "skip", skip, 0)
        _whole(self.name, "every", every, 1)
        if skip >= lookback:
            raise ConfigError(f"momentum_top_n: skip is {skip}, wanted below lookback {lookback}")
        self.parameters = {
            "top_n": top_n,
            "lookback": lookback,
            "skip": skip,
            "every": every,
            "weight": _within(self.name, "weight", weight, 0, 3),
        }
        self._seen = 0

    def on_start(self, ctx: Context) -> None:
        """Forget an earlier run."""
        self._seen = 0

    def on_bar(self, ctx: Context, bar: Any) -> None:
        """Rank the instruments on review bars."""
        p = self.parameters
        self._seen += 1
        if self._seen <= p["lookback"] or (self._seen - p["lookback"] - 1) % p["every"]:
            return
        rises = np.full(len(ctx.symbols), -np.inf)
        members = ctx.universe
        for column, symbol in enumerate(ctx.symbols):
            if symbol not in members:
                continue
            past = ctx.history(symbol, p["lookback"] + 1)
            rise = past[-1 - p["skip"]] / past[0] - 1.0
            if rise > 0 and not math.isnan(past[-1]):
                rises[column] = rise
        best = np.argsort(-rises, kind="stable")[: p["top_n"]]
        chosen = {ctx.symbols[i] for i in best if rises[i] > 0}
        for symbol in ctx.symbols:
            if symbol in chosen:
                ctx.target_weight(p["weight"] / p["top_n"], symbol)
            elif ctx.position(symbol):
                ctx.target_weight(0.0, symbol)


class MeanReversion(Strategy):
    """Buy an instrument far below its average, leave it when it is back.

    Parameters
    ----------
    window : int
        Bars of the average and the standard deviation of the close.
    entry_z : float
        Standard deviations below the average at which to buy.
    exit_z : float
        Standard deviations below the average at which to sell; smaller than `entry_z`.
    weight : float
        Fraction of equity invested, shared equally by the instruments.

    Notes
    -----
    Timing: decided at the close, traded at the next open.
    Missing data: an instrument without `window` closes in a row is left alone.
    """

    name = "mean_reversion"

    def __init__(
        self, window: int = 20, entry_z: float = 2.0, exit_z: float = 0.0, weight: float = 1.0
    ) -> None:
        _whole(self.name, "window", window, 2)
        if not exit_z < entry_z:
            raise ConfigError(f"mean_reversion: exit_z is {exit_z}, wanted below entry_z {entry_z}")
        self.parameters = {
            "window": window,
            "entry_z": float(entry_z),
            "exit_z": float(exit_z),
            "weight": _within(self.name, "weight", weight, 0, 3),
        }

    def on_bar(self, ctx: Context, bar: Any) -> None:
        """Measure the distance of every instrument from its average."""
        p = self.parameters
        share = p["weight"] / len(ctx.symbols)
        for symbol in ctx.symbols:
            past = ctx.history(symbol, p["window"])
            if len(past) < p["window"]:
                continue
            deviation = past.std(ddof=1)
            if not deviation > 0:
                continue
            below = (past.mean() - past[-1]) / deviation
            held = ctx.position(symbol)
            if not held and below >= p["entry_z"]:
                ctx.target_weight(share, symbol)
            elif held and below <= p["exit_z"]:
                ctx.target_weight(0.0, symbol)

"""Trade dated signals: enter at the next open, leave by stop, target, time or opposite."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tradewright.domain.errors import ConfigError, DataError
from tradewright.domain.signals import Action, Signal
from tradewright.strategies.protocol import Context, Strategy


@dataclass(frozen=True, slots=True)
class DatedSignal:
    """One line of a list of signals.

    Parameters
    ----------
    ts_known : int
        UTC nanoseconds from which it may be acted on.
    symbol : str
        Instrument.
    action : Action
        BUY opens or turns long, SELL closes, or opens short where shorts are allowed.
    confidence : float
        In [0, 1]; NaN where none was given.
    size : float or None
        Fraction of equity; the strategy's own where None.
    stop, target : float or None
        Prices of the protective orders.
    hold : int or None
        Bars after which the position is closed; the strategy's own where None.

    Raises
    ------
    DataError
        If a number is out of range.
    """

    ts_known: int
    symbol: str
    action: Action
    confidence: float = math.nan
    size: float | None = None
    stop: float | None = None
    target: float | None = None
    hold: int | None = None

    def __post_init__(self) -> None:
        if self.confidence < 0 or self.confidence > 1:
            raise DataError(f"signal of {self.symbol}: confidence is {self.confidence}, wanted 0-1")
        for name in ("size", "stop", "target"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise DataError(f"signal of {self.symbol}: {name} is {value}, wanted above 0")
        if self.hold is not None and self.hold < 1:
            raise DataError(f"signal of {self.symbol}: hold is {self.hold}, wanted 1 bar or more")

    @classmethod
    def of(cls, signal: Signal) -> DatedSignal:
        """Return the line that trades a decided signal as it was sized and protected."""
        return cls(
            ts_known=signal.ts_known,
            symbol=signal.symbol,
            action=signal.action,
            confidence=signal.confidence,
            size=signal.position_size or None,
            stop=signal.stop_loss,
            target=signal.target_price,
        )


class SignalReplay(Strategy):
    """Trade a list of dated signals.

    Parameters
    ----------
    signals : sequence of DatedSignal
        In any order; at one bar the last of an instrument counts.
    size : float
        Fraction of equity of a signal that names none, in (0, 1].
    hold : int, optional
        Bars after which a position is closed; held until another exit unless given.
    short : bool
        Whether SELL opens a short position; otherwise it only closes a long one.

    Raises
    ------
    ConfigError
        If there is no signal, or a setting is out of range.

    Notes
    -----
    A signal is seen at the first bar that closes at or after `ts_known` and fills at the open
    after it. An opposite signal turns or closes the position; a signal in the direction that is
    held changes nothing.
    """

    name = "signal_replay"

    def __init__(
        self,
        signals: Sequence[DatedSignal],
        *,
        size: float = 0.1,
        hold: int | None = None,
        short: bool = False,
    ) -> None:
        if not signals:
            raise ConfigError("signals: there is none to replay")
        if not 0 < size <= 1:
            raise ConfigError(f"size is {size}, wanted a fraction of equity above 0 and up to 1")
        if hold is not None and hold < 1:
            raise ConfigError(f"hold is {hold}, wanted 1 bar or more")
        self.signals = tuple(sorted(signals, key=lambda signal: signal.ts_known))
        content = hashlib.sha256(repr(self.signals).encode()).hexdigest()[:16]
        self.parameters = {
            "signals": len(signals),
            "content": content,
            "size": size,
            "hold": hold,
            "short": short,
        }
        self._next = 0
        self._entered: dict[str, str] = {}

    def on_start(self, ctx: Context) -> None:
        """Refuse signals of instruments that the tape does not have."""
        unknown = sorted({signal.symbol for signal in self.signals} - set(ctx.symbols))
        if unknown:
            raise ConfigError(f"signals name {', '.join(unknown)}, which the bars do not have")
        self._next, self._entered = 0, {}

    def on_bar(self, ctx: Context, bar: Any) -> None:
        """Act on what became known since the last bar."""
        newest: dict[str, DatedSignal] = {}
        while self._next < len(self.signals):
            signal = self.signals[self._next]
            if signal.ts_known > ctx.now_ns:
                break
            newest[signal.symbol] = signal
            self._next += 1
        for signal in newest.values():
            self._act(ctx, signal)

    def on_timer(self, ctx: Context, name: str) -> None:
        """Close what was held long enough, unless it was turned since."""
        symbol, _, entered = name.partition("|")
        if self._entered.get(symbol) == entered:
            ctx.target_weight(0.0, symbol)

    def _act(self, ctx: Context, signal: DatedSignal) -> None:
        held = ctx.position(signal.symbol)
        wanted = {Action.BUY: 1, Action.SELL: -1, Action.HOLD: 0}[signal.action]
        if wanted == 0 or (held > 0 and wanted > 0) or (held < 0 and wanted < 0):
            return
        if wanted < 0 and not self.parameters["short"]:
            if held > 0:
                ctx.target_weight(0.0, signal.symbol)
            return
        size = signal.size if signal.size is not None else self.parameters["size"]
        ctx.target_weight(wanted * size, signal.symbol, stop=signal.stop, target=signal.target)
        bars = signal.hold if signal.hold is not None else self.parameters["hold"]
        entered = str(ctx.now_ns)
        self._entered[signal.symbol] = entered
        if bars is not None:
            ctx.set_timer(f"{signal.symbol}|{entered}", bars=bars)

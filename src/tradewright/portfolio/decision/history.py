"""Signals that were made: checked, scored, found again."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from tradewright.domain.errors import ConfigError, DataError, nearest
from tradewright.domain.signals import Action, Signal
from tradewright.domain.time import from_ns


def check_signal(signal: Signal, *, symbols: Collection[str], now_ns: int) -> None:
    """Check that a signal may be acted on now; its own sense is checked when it is made.

    Parameters
    ----------
    signal : Signal
        What was decided.
    symbols : collection of str
        Instruments that can be traded.
    now_ns : int
        UTC nanoseconds.

    Raises
    ------
    DataError
        If the symbol is not known, the signal is from the future, or it has expired.
    """
    if signal.symbol not in symbols:
        hint = nearest(signal.symbol, symbols)
        raise DataError(f"signal {signal.id}: symbol {signal.symbol!r} is not known; {hint}")
    if signal.ts_known > now_ns:
        raise DataError(
            f"signal {signal.id} of {signal.symbol} is of {signal.timestamp.isoformat()}, "
            f"after now {from_ns(now_ns).isoformat()}"
        )
    if signal.expires_at < now_ns:
        raise DataError(
            f"signal {signal.id} of {signal.symbol} expired at "
            f"{from_ns(signal.expires_at).isoformat()}, now is {from_ns(now_ns).isoformat()}"
        )


def score_of(signal: Signal) -> float:
    r"""Return the expected gain of a signal in units of its loss at the stop.

    :math:`[c\,t - (1 - c)\,d] / d` with confidence :math:`c`, distance of the target :math:`t` and
    of the stop :math:`d`: above 0 it is a good bet by its own numbers.

    Parameters
    ----------
    signal : Signal
        What was decided.

    Returns
    -------
    float
        0 for HOLD and for what only closes; NaN without stop or target.

    Examples
    --------
    >>> bought = Signal(symbol="A", action=Action.BUY, confidence=0.6, uncertainty=0.3,
    ...     position_size=0.1, price=100.0, ts_known=0, expires_at=1, stop_loss=95.0,
    ...     target_price=110.0)
    >>> round(score_of(bought), 6)
    0.8
    """
    if signal.action is Action.HOLD or not signal.position_size:
        return 0.0
    if signal.stop_loss is None or signal.target_price is None:
        return math.nan
    loss = abs(signal.stop_loss / signal.price - 1.0)
    gain = abs(signal.target_price / signal.price - 1.0)
    return (signal.confidence * gain - (1.0 - signal.confidence) * loss) / loss


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalQuery:
    """Which signals are wanted; what is not given does not matter.

    Parameters
    ----------
    symbol, model, regime, mode : str, optional
        Equal to these; `model` is any one source's name, with or without its version.
    action : str or Action, optional
        BUY, HOLD or SELL, in either case.
    since_ns, until_ns : int, optional
        `ts_known` in [since, until].
    min_confidence : float
        Smallest confidence.
    limit : int
        Most signals returned, newest first.
    """

    symbol: str | None = None
    model: str | None = None
    regime: str | None = None
    mode: str | None = None
    action: str | Action | None = None
    since_ns: int | None = None
    until_ns: int | None = None
    min_confidence: float = 0.0
    limit: int = 50

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise ConfigError(f"signal history: limit is {self.limit}, wanted at least 1")
        if self.action is not None:
            object.__setattr__(self, "action", Action.of(self.action))


class SignalHistory:
    """Signals in the order of their time.

    Parameters
    ----------
    signals : iterable of Signal
        In any order; one that is given twice counts once.
    """

    def __init__(self, signals: Iterable[Signal] = ()) -> None:
        unique = {signal.id: signal for signal in signals}
        self._signals = sorted(unique.values(), key=lambda s: (s.ts_known, s.symbol))
        self._stamps = [signal.ts_known for signal in self._signals]

    def __len__(self) -> int:
        return len(self._signals)

    @property
    def signals(self) -> tuple[Signal, ...]:
        """All of them, oldest first."""
        return tuple(self._signals)

    def find(self, query: SignalQuery | None = None) -> tuple[Signal, ...]:
        """Return the signals that a query asks for, newest first."""
        wanted = query or SignalQuery()
        first = 0 if wanted.since_ns is None else bisect_left(self._stamps, wanted.since_ns)
        last = len(self._stamps)
        if wanted.until_ns is not None:
            last = bisect_right(self._stamps, wanted.until_ns)
        found: list[Signal] = []
        for signal in reversed(self._signals[first:last]):
            if _fits(signal, wanted):
                found.append(signal)
                if len(found) == wanted.limit:
                    break
        return tuple(found)


def _fits(signal: Signal, wanted: SignalQuery) -> bool:
    names = signal.model_version.split(", ")
    return (
        wanted.symbol in (None, signal.symbol)
        and wanted.regime in (None, signal.regime)
        and wanted.mode in (None, signal.mode)
        and wanted.action in (None, signal.action)
        and signal.confidence >= wanted.min_confidence
        and (
            wanted.model is None
            or any(wanted.model in (name, name.partition("/")[0]) for name in names)
        )
    )

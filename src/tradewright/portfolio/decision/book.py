"""Signals of one bar together: they share the largest gross exposure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tradewright.domain.signals import Action, Blocked, Signal


def keep_gross(
    signals: Sequence[Signal], held: Mapping[str, float], gross: float
) -> tuple[Signal, ...]:
    """Scale what signals open down together until everything held fits.

    Parameters
    ----------
    signals : sequence of Signal
        Of one bar, one an instrument.
    held : mapping of str to float
        Signed weights held now; what no signal speaks of is kept.
    gross : float
        Largest sum of absolute weights.

    Returns
    -------
    tuple of Signal
        In the order given. Where what is kept leaves no room, what would open becomes HOLD.

    Examples
    --------
    >>> bought = Signal(symbol="A", action=Action.BUY, confidence=0.7, uncertainty=0.2,
    ...     position_size=0.6, price=1.0, ts_known=0, expires_at=1)
    >>> keep_gross([bought], {"B": 0.7}, 1.0)[0].position_size
    0.30000000000000004
    """
    acted = {s.symbol for s in signals if s.action is not Action.HOLD}
    kept = sum(abs(weight) for symbol, weight in held.items() if symbol not in acted)
    wanted = sum(signal.position_size for signal in signals)
    free = max(0.0, gross - kept)
    if wanted <= free:
        return tuple(signals)
    share = free / wanted
    return tuple(
        _scaled(signal, share, gross, held) if signal.position_size else signal
        for signal in signals
    )


def _scaled(signal: Signal, share: float, gross: float, held: Mapping[str, float]) -> Signal:
    if share <= 0:
        return replace(
            signal,
            action=Action.HOLD,
            position_size=0.0,
            stop_loss=None,
            target_price=None,
            reasons=(*signal.reasons, f"HOLD: everything held is {gross:g} of equity already"),
            blocked=Blocked("gross", sum(abs(w) for w in held.values()), gross),
        )
    size = signal.position_size * share
    risk = dict(signal.risk)
    if "weight_after" in risk:
        risk["weight_after"] *= share
    return replace(
        signal,
        position_size=size,
        reasons=(*signal.reasons, f"all sizes x {share:.3f}: together at most {gross:g} of equity"),
        sizing={**signal.sizing, "gross_share": share},
        risk=risk,
    )

"""A signal in words: why this direction, why this size, why not more."""

from __future__ import annotations

import math
from collections.abc import Mapping

from tradewright.domain.signals import Action, Signal

_FACTOR_MEANING = {
    "volatility": "annualised volatility",
    "var": "one-day value at risk",
    "regime": "market regime",
    "uncertainty": "disagreement and spread of the forecasts",
    "confidence": "confidence above the threshold",
    "concentration": "room left in the sector",
    "correlation": "correlation with what is held",
    "liquidity": "share of the traded volume",
}


def headline(signal: Signal) -> str:
    """Return the decision in one line.

    Examples
    --------
    >>> from tradewright.domain.signals import Action, Signal
    >>> headline(Signal(symbol="AAPL", action=Action.BUY, confidence=0.7, uncertainty=0.3,
    ...     position_size=0.032, price=100.0, ts_known=0, expires_at=1))
    'AAPL 1970-01-01 00:00 UTC: BUY, hold 3.2 % of equity (confidence 0.70, uncertainty 0.30)'
    """
    when = signal.timestamp.strftime("%Y-%m-%d %H:%M UTC")
    sure = f"(confidence {signal.confidence:.2f}, uncertainty {signal.uncertainty:.2f})"
    if signal.action is Action.HOLD:
        held = signal.risk.get("weight_before", 0.0)
        kept = f"keep {_percent(held)} of equity" if held else "nothing is held"
        return f"{signal.symbol} {when}: HOLD, {kept} {sure}"
    if not signal.position_size:
        return f"{signal.symbol} {when}: {signal.action.name}, close the position {sure}"
    word = "hold" if signal.action is Action.BUY else "short"
    return (
        f"{signal.symbol} {when}: {signal.action.name}, {word} "
        f"{_percent(signal.position_size)} of equity {sure}"
    )


def explain(signal: Signal) -> str:
    """Return the whole decision as text: direction, size factor by factor, limits, risk.

    Parameters
    ----------
    signal : Signal
        What was decided.

    Returns
    -------
    str
        Lines for people; every number in it is a field of the signal.
    """
    lines = [headline(signal), "", "Why this direction"]
    lines += [f"  {reason}" for reason in signal.reasons]
    for source in signal.sources:
        lines.append(
            f"  {source['name']} ({source['kind']}): score {source['score']:+.3f} "
            f"x weight {source['weight']:.3f}; confidence {source['confidence']:.3f}, "
            f"uncertainty {source['uncertainty']:.3f}, skill {source['skill']:.2f}"
        )
    if signal.sources:
        lines.append(
            f"  together: score {signal.score:+.3f}, agreement {signal.agreement:.2f}"
            + (f", regime {signal.regime}" if signal.regime else "")
        )
    if signal.sizing:
        lines += ["", "Why this size", *_size_lines(signal)]
    if signal.stop_loss is not None or signal.target_price is not None:
        lines += ["", "Protection", *_protection_lines(signal)]
    if signal.risk:
        lines += ["", "Risk", *_risk_lines(signal.risk)]
    return "\n".join(lines)


def _size_lines(signal: Signal) -> list[str]:
    steps = _named(signal.sizing, "step_")
    limits = _named(signal.sizing, "limit_")
    smallest = min(steps, key=steps.__getitem__) if steps else ""
    lines = [
        f"  {name:<16} {_percent(value):>10}{'   the smallest' if name == smallest else ''}"
        for name, value in steps.items()
    ]
    lines += [
        f"  x {name:<14} {value:>8.3f}   {_FACTOR_MEANING.get(name, '')}"
        for name, value in signal.factors.items()
    ]
    if signal.factors:
        lines.append(f"  product          {signal.sizing['product']:>8.3f}   never below its floor")
    lines += [f"  limit {name:<17} {_percent(value):>8}" for name, value in limits.items()]
    lines.append(f"  = {_percent(signal.position_size)} of equity")
    order = signal.sizing.get("order_size", 0.0)
    if order:
        lines.append(f"  first order      {_percent(order)}")
    return lines


def _protection_lines(signal: Signal) -> list[str]:
    lines = []
    for name, price in (("stop", signal.stop_loss), ("target", signal.target_price)):
        if price is not None:
            away = price / signal.price - 1.0
            lines.append(f"  {name:<8} {price:.4f} ({100 * away:+.2f} % of {signal.price:.4f})")
    return lines


def _risk_lines(risk: Mapping[str, float]) -> list[str]:
    names = {
        "volatility": "annualised volatility",
        "var_95": "value at risk 95 %, one day",
        "drawdown": "worst drawdown, 252 sessions",
        "weight_before": "weight before",
        "weight_after": "weight after the trade",
        "sector_weight_after": "weight of its sector",
    }
    lines = [
        f"  {text:<30} {_percent(risk[name])}"
        for name, text in names.items()
        if math.isfinite(risk.get(name, math.nan))
    ]
    for name, text in (("sharpe", "Sharpe, 252 sessions"), ("days_to_liquidate", "days to sell")):
        if math.isfinite(risk.get(name, math.nan)):
            lines.append(f"  {text:<30} {risk[name]:.2f}")
    return lines


def _named(values: Mapping[str, float], prefix: str) -> dict[str, float]:
    return {k.removeprefix(prefix): v for k, v in values.items() if k.startswith(prefix)}


def _percent(value: float) -> str:
    return "no limit" if math.isinf(value) else f"{100 * value:.1f} %"

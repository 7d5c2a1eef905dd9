"""Fill rules and cost model in words, for people who did not write the configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, Final

from tradewright.costs import Costs
from tradewright.domain.rules import FillRules

_COSTS: Final = {
    "fee_bps": "fees {:g} bps",
    "fee_per_share": "{:g} a unit",
    "fee_per_order": "{:g} an order",
    "fee_min": "at least {:g} an order",
    "fee_max": "at most {:g} an order",
    "sell_fee_bps": "sales {:g} bps more",
    "maker_fee_bps": "limit fills {:g} bps",
    "spread_bps": "half of a spread of {:g} bps",
    "slippage_bps": "slippage {:g} bps",
    "slippage_vol": "slippage {:g} times the daily volatility",
    "liquidation_fee_bps": "liquidations {:g} bps more",
}
_RATES: Final = {
    "borrow_rate": "borrowing {:.2%} a year",
    "debit_rate": "debt {:.2%} a year",
    "credit_rate": "cash earns {:.2%} a year",
}
_INTRABAR: Final = {
    "pessimistic": "where a bar touches two prices, the worse for the account came first",
    "optimistic": "where a bar touches two prices, the better for the account came first",
    "finer": "bars of a shorter interval say what came first inside a bar, where they are given; "
    "elsewhere the worse for the account",
    "ohlc": "a bar goes from open to low and high by the side its close lies on",
}


def assumptions_in_words(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a backtest takes for granted.

    Parameters
    ----------
    config : mapping
        Resolved configuration of a run: ``backtest.rules`` and ``costs``.

    Returns
    -------
    tuple of str
        Empty where the configuration is of another kind.
    """
    rules = config.get("backtest", {}).get("rules") if "costs" in config else None
    if not isinstance(rules, Mapping):
        return ()
    return (*rules_in_words(rules), costs_in_words(config["costs"]))


def rules_in_words(rules: Mapping[str, Any]) -> tuple[str, ...]:
    """Return how orders are filled.

    Parameters
    ----------
    rules : mapping
        Fields of `FillRules`; what is missing has its default.
    """
    known = {field.name: rules.get(field.name, field.default) for field in fields(FillRules)}
    part = known["max_participation"]
    late = known["latency_bars"]
    return (
        "a decision at a bar's close fills at the next open at the earliest"
        + (f", {late} bars later" if late else "")
        + (f", {known['latency_ms']:g} ms later" if known["latency_ms"] else ""),
        _INTRABAR[known["intrabar"]]
        + (
            "; limits fill where the price touches them"
            if known["limit_touch"] == "touch"
            else "; limits fill where the price goes a tick through them"
        ),
        "fills are not limited by volume"
        if part is None
        else f"fills take at most {part:.0%} of a bar's volume",
        f"{'long and short' if known['allow_short'] else 'long only'}, gross exposure up to "
        f"{known['leverage']:g} times equity; what cash does not suffice for is "
        f"{'cut' if known['on_insufficient'] == 'cut' else 'refused'}",
    )


def costs_in_words(costs: Mapping[str, Any] | Costs | None) -> str:
    """Return what trading costs, per side.

    Examples
    --------
    >>> costs_in_words(Costs(fee_bps=10, slippage_bps=5, borrow_rate=0.005))
    'costs a side: fees 10 bps, slippage 5 bps; borrowing 0.50% a year'
    >>> costs_in_words(None)
    'no costs are charged'
    """
    if costs is None:
        return "no costs are charged"
    given = costs if isinstance(costs, Mapping) else {f.name: getattr(costs, f.name)
                                                      for f in fields(costs)}  # fmt: skip
    trading = ", ".join(_trading(given)) or "none"
    rates = ", ".join(_rates(given))
    return f"costs a side: {trading}" + (f"; {rates}" if rates else "")


def _trading(costs: Mapping[str, Any]) -> Iterator[str]:
    for name, words in _COSTS.items():
        if costs.get(name):
            yield words.format(costs[name])
    if costs.get("fee_tiers"):
        yield f"{len(costs['fee_tiers'])} tiers of fees by the month's volume"
    if costs.get("spread_model"):
        yield "spreads estimated from highs and lows (Corwin and Schultz)"
    impact = costs.get("impact")
    if isinstance(impact, str):
        yield "market impact after Almgren and others, 2005"
    elif impact:
        yield f"market impact {impact:g} times the daily volatility by the root of its share"


def _rates(costs: Mapping[str, Any]) -> Iterator[str]:
    for name, words in _RATES.items():
        if costs.get(name):
            yield words.format(costs[name])
    if costs.get("borrow_rates"):
        yield f"{len(costs['borrow_rates'])} symbols borrowed at rates of their own"
    if costs.get("hard_to_borrow"):
        yield f"{len(costs['hard_to_borrow'])} symbols cannot be sold short"
    if costs.get("funding"):
        yield "funding of perpetuals as given"

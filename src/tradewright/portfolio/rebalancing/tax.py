"""Taxes of planned sales: young gains wait, losses may be harvested, wash sales are blocked.

Information for planning, not tax advice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from tradewright.domain.errors import ConfigError
from tradewright.portfolio.rebalancing.config import RebalancingConfig
from tradewright.portfolio.rebalancing.lots import LONG_TERM_DAYS, Disposal, Lot


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRates:
    """Rates on realised gains.

    Parameters
    ----------
    short, long : float
        On lots held for less than 366 days, and for longer; fractions.

    Raises
    ------
    ConfigError
        If a rate is not in [0, 1].
    """

    short: float = 0.35
    long: float = 0.15

    def __post_init__(self) -> None:
        for name in ("short", "long"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"portfolio.tax_{name} is {getattr(self, name)}, wanted 0 to 1")


@dataclass(frozen=True, slots=True)
class PastTrade:
    """A purchase or a sale in any account of the user, for the wash-sale rule.

    Parameters
    ----------
    symbol : str
        Instrument.
    day : date
        When it traded.
    account : str
        Where.
    gain : float or None
        Realised gain of a sale; None for a purchase.
    """

    symbol: str
    day: date
    account: str = ""
    gain: float | None = None


def tax_of(disposals: Sequence[Disposal], rates: TaxRates) -> float:
    """Return the estimated tax on realised gains.

    Short-term and long-term results are netted by themselves, then against each other; a net loss
    costs nothing and brings nothing.

    Parameters
    ----------
    disposals : sequence of Disposal
        What sales took out of lots.
    rates : TaxRates
        Of both kinds.

    Returns
    -------
    float
        In the currency of the lots; >= 0.
    """
    short = sum(d.gain for d in disposals if not d.long_term)
    long = sum(d.gain for d in disposals if d.long_term)
    if short < 0 < long:
        short, long = 0.0, max(0.0, long + short)
    elif long < 0 < short:
        short, long = max(0.0, short + long), 0.0
    return max(0.0, short) * rates.short + max(0.0, long) * rates.long


def waits_until(disposal: Disposal, on: date) -> date | None:
    """Return the day from which a gain on a young lot is long-term; None where nothing waits.

    Examples
    --------
    >>> lot = Lot("1", "A", 1, 50.0, date(2015, 1, 1))
    >>> waits_until(Disposal(lot, 1, 5.0, False), date(2015, 6, 1))
    datetime.date(2016, 1, 2)
    """
    if disposal.gain <= 0 or disposal.lot.is_long_term(on):
        return None
    return disposal.lot.acquired + timedelta(days=LONG_TERM_DAYS)


def wash_blocks(
    history: Sequence[PastTrade], on: date, config: RebalancingConfig
) -> Mapping[str, date]:
    """Return the instruments that must not be bought, each with the first day it may be again.

    Parameters
    ----------
    history : sequence of PastTrade
        Of all accounts of the user.
    on : date
        Day of the plan.
    config : RebalancingConfig
        Gives `wash_sale_days`.

    Returns
    -------
    mapping of str to date
        A sale at a loss blocks purchases in every account for 30 days after it.
    """
    blocked: dict[str, date] = {}
    for trade in history:
        if trade.gain is None or trade.gain >= 0 or trade.day > on:
            continue
        free = trade.day + timedelta(days=config.wash_sale_days + 1)
        if free > on:
            blocked[trade.symbol] = max(free, blocked.get(trade.symbol, free))
    return blocked


@dataclass(frozen=True, slots=True)
class Harvest:
    """A loss that may be realised.

    Parameters
    ----------
    lot : Lot
        What would be sold.
    loss : float
        Unrealised loss, positive.
    blocked_by : PastTrade or None
        A purchase in any account that would make it a wash sale.
    """

    lot: Lot
    loss: float
    blocked_by: PastTrade | None = None


def harvest_candidates(
    lots: Sequence[Lot],
    prices: Mapping[str, float],
    on: date,
    config: RebalancingConfig,
    *,
    history: Sequence[PastTrade] = (),
) -> tuple[Harvest, ...]:
    """Return the lots whose loss exceeds 5 % of their cost, largest loss first.

    Parameters
    ----------
    lots : sequence of Lot
        Held.
    prices : mapping of str to float
        Last prices; a lot without one is left out.
    on : date
        Day of the plan.
    config : RebalancingConfig
        Threshold and wash-sale days.
    history : sequence of PastTrade
        Purchases and sales of all accounts; a purchase of the same instrument within 30 days
        before, other than the lot itself, blocks the harvest.

    Returns
    -------
    tuple of Harvest
        Candidates, those blocked marked.
    """
    window = timedelta(days=config.wash_sale_days)
    found = []
    for lot in lots:
        price = prices.get(lot.symbol)
        if price is None or 1.0 - price / lot.price <= config.harvest_threshold + 1e-12:
            continue
        bought = [
            t
            for t in history
            if t.gain is None
            and t.symbol == lot.symbol
            and on - window <= t.day <= on
            and not (t.day == lot.acquired and t.account == lot.account)
        ]
        found.append(Harvest(lot, -lot.gain(price), bought[-1] if bought else None))
    return tuple(sorted(found, key=lambda h: -h.loss))

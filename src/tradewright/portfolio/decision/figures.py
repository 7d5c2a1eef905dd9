"""Risk figures that a signal carries."""

from __future__ import annotations

import math

import numpy as np

from tradewright.metrics.returns import annual_volatility, sharpe, value_at_risk
from tradewright.portfolio.decision.market import FEWEST_RETURNS, MarketView, PortfolioView

WINDOW_SESSIONS = 252
LIQUIDATION_SHARE = 0.10


def risk_figures(
    symbol: str,
    market: MarketView,
    portfolio: PortfolioView,
    *,
    risk_free_rate: float,
    for_sizing: bool = False,
) -> dict[str, float]:
    """Return the figures of an instrument that do not depend on the size of the trade.

    Parameters
    ----------
    symbol : str
        Instrument.
    market : MarketView
        Its past.
    portfolio : PortfolioView
        What is held.
    risk_free_rate : float
        Annual, for the Sharpe ratio.
    for_sizing : bool
        Whether only volatility and value at risk are wanted; the others are NaN then.

    Returns
    -------
    dict of str to float
        ``volatility`` (annualised), ``var_95`` (one session, a loss >= 0), ``sharpe`` and
        ``drawdown`` (worst, <= 0), all over 252 sessions; ``weight_before``. NaN with fewer than
        20 returns.
    """
    bars = max(FEWEST_RETURNS, round(WINDOW_SESSIONS * market.bars_per_session))
    past = market.returns(bars)
    out = dict.fromkeys(("volatility", "var_95", "sharpe", "drawdown"), math.nan)
    if len(past) >= FEWEST_RETURNS:
        year = market.periods_per_year
        out["volatility"] = annual_volatility(past, periods_per_year=year)
        session = math.sqrt(market.bars_per_session)
        out["var_95"] = max(0.0, value_at_risk(past, level=0.95)) * session
        if not for_sizing:
            out["sharpe"] = sharpe(past, periods_per_year=year, risk_free=risk_free_rate)
            levels = np.cumprod(np.concatenate((np.ones(1), 1.0 + past)))
            out["drawdown"] = float((levels / np.maximum.accumulate(levels) - 1.0).min())
    out["weight_before"] = portfolio.held(symbol)
    return out


def after_trade(
    symbol: str, weight: float, market: MarketView, portfolio: PortfolioView
) -> dict[str, float]:
    """Return the figures of the position as it will be.

    Parameters
    ----------
    symbol : str
        Instrument.
    weight : float
        Signed weight after the trade.
    market : MarketView
        Gives the average daily notional.
    portfolio : PortfolioView
        What else is held.

    Returns
    -------
    dict of str to float
        ``weight_after``; ``sector_weight_after`` (gross, NaN without a sector);
        ``days_to_liquidate`` at 10 % of the average daily notional (0 where the market is taken
        to be deep, infinite where nothing trades).
    """
    adv = market.adv_notional()
    notional = abs(weight) * max(portfolio.equity, 0.0)
    if not notional or math.isinf(adv):
        days = 0.0
    else:
        days = notional / (LIQUIDATION_SHARE * adv) if adv > 0 else math.inf
    return {
        "weight_after": weight,
        "sector_weight_after": portfolio.sector_weight(symbol, without=True) + abs(weight),
        "days_to_liquidate": days,
    }

"""A portfolio that is watched on every bar and rebalanced by its rules, in stages."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tradewright.costs import Costs
from tradewright.domain.errors import ConfigError, DataError
from tradewright.domain.orders import Fill
from tradewright.portfolio.rebalancing import (
    Drift,
    RebalancePlan,
    Rebalancer,
    RebalancingConfig,
    Review,
    TaxRates,
    Trigger,
    plan_rebalance,
)
from tradewright.strategies.allocation import past_returns
from tradewright.strategies.protocol import Context, StagedContext, Strategy
from tradewright.strategies.tax_book import TaxBook

FloatArray = NDArray[np.float64]
Notify = Callable[[int, str, Mapping[str, Any]], None]
FIRST: Final = "first_allocation"
LEAST_VALUE, LEAST_SHARE = 1.0, 0.001
"""A smaller change, in money and as a part of equity, is not worth an order."""
RISK_LIMIT: Final = "risk_limit"
_BY_RETURN: Final = ("maximum_sharpe", "mean_variance", "kelly")
"""Methods that weigh expected returns: for them a rebalance must gain more than it costs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioTerms:
    """How a portfolio is held.

    Parameters
    ----------
    method : str
        One of the twelve of `portfolio.optimisation`.
    window : int
        Past returns behind the moments.
    estimate_bars : int
        Bars between two estimates of the target weights; drift is watched on every bar.
    max_weight : float
        Largest weight of one instrument; what the instruments cannot take stays cash.
    risk_free_rate : float
        A year.
    rebalancing : RebalancingConfig
        Triggers, intervals, costs, taxes.
    largest_order : float
        Largest order as a fraction of equity.
    costs : Costs or None
        What plans are estimated with.
    taxes : TaxRates
        On realised gains.
    lot_method : str
        Which lots a sale takes.
    """

    method: str = "risk_parity"
    window: int = 252
    estimate_bars: int = 21
    max_weight: float = 1.0
    risk_free_rate: float = 0.02
    rebalancing: RebalancingConfig = field(default_factory=RebalancingConfig)
    largest_order: float = math.inf
    costs: Costs | None = None
    taxes: TaxRates = field(default_factory=TaxRates)
    lot_method: str = "fifo"

    def __post_init__(self) -> None:
        from tradewright.portfolio.optimisation import parse_method
        from tradewright.portfolio.rebalancing import LOT_METHODS

        object.__setattr__(self, "method", parse_method(self.method).value)
        least = 252 if self.method == "factor_based" else 20
        if isinstance(self.window, bool) or self.window < least:
            raise ConfigError(f"portfolio.window is {self.window}, wanted {least} or more")
        if self.estimate_bars < 1:
            raise ConfigError(f"portfolio.estimate_bars is {self.estimate_bars}, wanted 1 or more")
        if not 0 < self.max_weight <= 1:
            raise ConfigError(f"portfolio.max_weight is {self.max_weight}, wanted above 0, to 1")
        if not self.largest_order > 0:
            raise ConfigError(f"portfolio.largest_order is {self.largest_order}, wanted above 0")
        if self.lot_method not in LOT_METHODS[:-1]:
            known = ", ".join(LOT_METHODS[:-1])
            raise ConfigError(f"portfolio.lot_method is {self.lot_method!r}; known: {known}")


class ManagedPortfolio(Strategy):
    """Hold the weights of an optimisation method; rebalance when the rules say so.

    Target weights are estimated anew every `estimate_bars`; on every bar the portfolio is looked
    at, and a trade needs a trigger of the `RebalancingConfig`, an interval that has passed, costs
    below its threshold. A breached risk limit trades at once. The trades run in stages: what
    shrinks first, what grows when its cash is there.

    Parameters
    ----------
    terms : PortfolioTerms
        Method, rules and limits.

    Notes
    -----
    Timing: decided at the close of a bar with returns up to it, traded from the next open on.
    Missing data: an instrument without a price is left as it is; where the weights cannot be
    estimated the former ones stay in force and nothing is ordered.
    """

    name = "portfolio"

    def __init__(self, terms: PortfolioTerms) -> None:
        self.terms = terms
        self.parameters = {
            "method": terms.method,
            "window": terms.window,
            "estimate_bars": terms.estimate_bars,
        }
        self.notify: Notify = lambda ts, kind, details: None
        self._reset()

    def _reset(self) -> None:
        from tradewright.portfolio.optimisation import PortfolioOptimizer

        self._optimizer = PortfolioOptimizer(self.terms.risk_free_rate)
        self._now = 0
        self._bars = 0
        self._estimated = -1
        self.targets: dict[str, float] = {}
        self._moments: tuple[tuple[str, ...], FloatArray, FloatArray] | None = None
        self._underway: RebalancePlan | None = None
        self._outcome: dict[str, Any] = {}
        self._limit: Trigger | None = None
        self._told_of: str = ""
        self._trigger: dict[str, Any] | None = None
        self._idle: tuple[Any, Any] | None = None
        self._taxes = TaxBook(self.terms.taxes, method=self.terms.lot_method)
        self._rebalancer = Rebalancer(self.terms.rebalancing, self, notify=self._tell)

    # -- the clock of the rebalancer: the time of the bar ------------------------------------------

    def now_ns(self) -> int:
        """Return the close of the present bar."""
        return self._now

    def sleep_until(self, ts_ns: int) -> bool:
        """Return at once: a bar does not wait."""
        return True

    # -- hooks -------------------------------------------------------------------------------------

    def on_start(self, ctx: Context) -> None:
        """Begin without positions, lots and weights."""
        self._reset()

    def on_fill(self, ctx: Context, fill: Fill) -> None:
        """Keep the lots; what a fill changed is looked at on its own bar."""
        self._taxes.fill(fill)

    def on_limit(self, rule: str, scope: str, value: float, limit: float) -> None:
        """Take a breached risk limit: the next review trades at once."""
        self._limit = Trigger(RISK_LIMIT, f"{rule} of {scope}", value, limit)

    def on_bar(self, ctx: StagedContext, bar: Any) -> None:  # type: ignore[override]
        """Look at what was ordered, estimate when it is due, review."""
        self._now, self._bars = ctx.now_ns, self._bars + 1
        if self._underway is not None:
            status, why = ctx.rebalancing
            if status == "working":
                return
            self._outcome = {"status": status, "reasons": list(why)}
            self._rebalancer.completed(self._underway)
            self._underway, self._outcome = None, {}
        if self._bars <= self.terms.window:
            return
        if self._estimated < 0 or self._bars - self._estimated >= self.terms.estimate_bars:
            self._estimate(ctx, bar)
        if self.targets:
            self._review(ctx)

    # -- inside ------------------------------------------------------------------------------------

    def _estimate(self, ctx: Context, bar: Any) -> None:
        there = [s for s in ctx.symbols if not np.isnan(bar[s].close)]
        try:
            weights = self._weights(ctx, there)
        except (ConfigError, DataError) as error:
            self._keep(error)
            return
        self._estimated, self._told_of = self._bars, ""
        self.targets = {**dict.fromkeys(ctx.symbols, 0.0), **weights}

    def _keep(self, error: Exception) -> None:
        # The former weights stay in force and nothing is ordered; told once.
        if str(error) != self._told_of:
            self._told_of = str(error)
            self._tell("kept", {"reason": f"the former weights stay: {error}"})

    def _weights(self, ctx: Context, symbols: Sequence[str]) -> dict[str, float]:
        from tradewright.portfolio.constraints import OptimizationConstraints
        from tradewright.portfolio.covariance import EstimationSettings, estimate_moments
        from tradewright.portfolio.optimisation import MethodInputs

        terms = self.terms
        returns = past_returns(ctx, symbols, terms.window)
        settings = EstimationSettings(window=terms.window, min_observations=min(60, terms.window))
        full = min(1.0, terms.max_weight * len(symbols))
        result = self._optimizer.optimize_returns(
            returns,
            terms.method,
            OptimizationConstraints(max_weight=terms.max_weight, min_net=full, max_net=full),
            None,
            estimation=settings,
            inputs=MethodInputs(symbols=symbols),
        )
        found = estimate_moments(returns, symbols, settings)
        self._moments = (found.symbols, found.mean, found.covariance)
        if result.fallback_used:
            ctx.log(f"{result.optimization_method}: {result.message}")
        # Solvers leave weights of 1e-12.
        return {s: round(w, 9) for s, w in result.weights.items() if abs(w) > 1e-6}

    def _review(self, ctx: StagedContext) -> None:
        drift = self._drift(ctx)
        breach = self._breach(drift)
        tax = self._taxes.situation(self._now)
        if breach is not None and breach.method == RISK_LIMIT:
            tax = replace(tax, may_wait=lambda symbol: False)
        prices = {symbol: _last(ctx, symbol) for symbol in ctx.symbols}

        def plan(given: Drift) -> RebalancePlan:
            made = plan_rebalance(
                given,
                self.terms.rebalancing,
                equity=ctx.equity,
                prices=prices,
                costs=self.terms.costs,
                tax=tax,
            )
            least = max(LEAST_VALUE, LEAST_SHARE * made.equity)
            if all(trade.notional < least for trade in made.trades):
                return replace(made, trades=(), weights_after=made.weights_before)
            return made

        try:
            found = self._rebalancer.review(drift, plan, breached_limit=breach)
        except DataError as error:
            self._keep(error)
            return
        self._limit = None
        self._tell_of_idle(found)
        if found.action == "trade" and found.plan is not None:
            self._trade(ctx, found, found.plan)

    def _trade(self, ctx: StagedContext, review: Review, plan: RebalancePlan) -> None:
        after = dict(zip(plan.symbols, plan.weights_after.tolist(), strict=True))
        moved = {trade.symbol: after[trade.symbol] for trade in plan.trades}
        costs = self.terms.costs
        rate = 0.0 if costs is None else plan.cost / max(_bought(plan), 1e-9)
        ctx.rebalance(
            moved,
            largest=self.terms.largest_order,
            cost_rate=min(rate, 0.05) if math.isfinite(rate) else 0.0,
        )
        ctx.log(f"rebalance {plan.plan_id}: {review.reason}")
        self._underway = plan

    def _drift(self, ctx: Context) -> Drift:
        symbols = tuple(ctx.symbols)
        targets = np.array([self.targets.get(s, 0.0) for s in symbols])
        mean: FloatArray | None = None
        covariance: FloatArray | None = None
        if self._moments is not None and set(self._moments[0]) == set(symbols):
            at = [self._moments[0].index(symbol) for symbol in symbols]
            covariance = self._moments[2][np.ix_(at, at)]
            if self.terms.method in _BY_RETURN:
                mean = self._moments[1][at]
        return Drift(
            symbols=symbols,
            weights=np.asarray(ctx.weights(), dtype=np.float64),
            targets=targets,
            covariance=covariance,
            expected_returns=mean,
        )

    def _breach(self, drift: Drift) -> Trigger | None:
        if self._limit is not None:
            return self._limit
        if self._rebalancer.state.last is None:
            return Trigger(FIRST, "portfolio", 0.0, 0.0)
        # A holding that is allowed may grow into the band before it counts as breached.
        config, most = self.terms.rebalancing, self.terms.max_weight
        band = config.rebalance_threshold
        limit = most + band if config.threshold_method == "absolute" else most * (1.0 + band)
        at = int(np.argmax(np.abs(drift.weights)))
        found = float(abs(drift.weights[at]))
        if found <= limit:
            return None
        return Trigger(RISK_LIMIT, drift.symbols[at], found, limit)

    def _tell(self, kind: str, details: Mapping[str, Any]) -> None:
        told = {**details, **self._outcome}
        if told.get("method") == FIRST:
            told["reason"] = "the first allocation"
        if kind == "trigger":
            self._trigger = told  # told with what becomes of it
            return
        if self._trigger is not None:
            self.notify(self._now, "trigger", self._trigger)
            self._trigger, self._idle = None, None
        self.notify(self._now, kind, told)

    def _tell_of_idle(self, review: Review) -> None:
        # A trigger that leads to no trade, because taxes or prices forbid it, fires every day.
        if self._trigger is None:
            return
        told, self._trigger = {**self._trigger, "outcome": review.reason}, None
        subject = review.trigger.subject if review.trigger else ""
        if self._idle != (told.get("method"), subject):
            self._idle = told.get("method"), subject
            self.notify(self._now, "trigger", told)


def _bought(plan: RebalancePlan) -> float:
    return math.fsum(trade.notional for trade in plan.trades)


def _last(ctx: Context, symbol: str) -> float:
    past = ctx.history(symbol, 10)
    known = past[np.isfinite(past)]
    return float(known[-1]) if len(known) else math.nan

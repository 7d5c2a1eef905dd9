"""The order of the rules: risk first, then intervals, triggers, costs and benefit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from tradewright.domain.errors import DataError
from tradewright.domain.time import from_ns
from tradewright.portfolio.rebalancing.benefit import Benefit, benefit_of
from tradewright.portfolio.rebalancing.config import RebalancingConfig
from tradewright.portfolio.rebalancing.plan import RebalancePlan
from tradewright.portfolio.rebalancing.triggers import Drift, Trigger, triggered
from tradewright.ports.clock import Clock

Planner = Callable[[Drift], RebalancePlan]
Notify = Callable[[str, dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class RebalanceState:
    """What is remembered between reviews.

    Parameters
    ----------
    last : date or None
        Day of the last rebalance; None before the first.
    deferred_on : date or None
        Day on which a plan was last deferred for its costs.
    previous_session : date or None
        Day of the last review, for the calendar trigger.
    """

    last: date | None = None
    deferred_on: date | None = None
    previous_session: date | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Review:
    """What one review found.

    Parameters
    ----------
    action : str
        ``trade``, ``wait`` (the minimum interval), ``hold`` (nothing is due), ``defer`` (too dear)
        or ``forgo`` (costs more than it brings).
    reason : str
        In words.
    trigger : Trigger or None
        Why it was looked at.
    plan : RebalancePlan or None
        What would be, or is to be, traded.
    benefit : Benefit or None
        Gain beside cost, where it was asked.
    """

    action: str
    reason: str
    trigger: Trigger | None = None
    plan: RebalancePlan | None = None
    benefit: Benefit | None = None


class Rebalancer:
    """Decides day by day whether to rebalance.

    1. A breached risk limit trades at once.
    2. Within the minimum interval nothing else does.
    3. After the maximum interval it trades even without a trigger.
    4. Otherwise a trigger must fire.
    5. A plan that costs more than the threshold is deferred, with an event, and looked at again
       on the next day.
    6. Where expected returns and a covariance are known, it must bring more than it costs.

    Parameters
    ----------
    config : RebalancingConfig
        Triggers, intervals and costs.
    clock : Clock
        Tells the day.
    notify : callable, optional
        ``notify(kind, details)`` for each ``trigger``, ``plan``, ``deferral`` and ``completion``.
    state : RebalanceState, optional
        What an earlier rebalancer remembered.
    """

    def __init__(
        self,
        config: RebalancingConfig,
        clock: Clock,
        *,
        notify: Notify | None = None,
        state: RebalanceState | None = None,
    ) -> None:
        self.config, self.clock = config, clock
        self.state = state or RebalanceState()
        self._notify: Notify = notify or (lambda kind, details: None)

    @property
    def today(self) -> date:
        """The day the clock shows, UTC."""
        return from_ns(self.clock.now_ns()).date()

    def review(
        self, drift: Drift, planner: Planner, *, breached_limit: Trigger | None = None
    ) -> Review:
        """Look at the portfolio once.

        Parameters
        ----------
        drift : Drift
            Where it is and should be.
        planner : callable
            Makes the plan from the drift, see `plan.plan_rebalance`.
        breached_limit : Trigger, optional
            The risk limit that is breached.

        Returns
        -------
        Review
            A ``trade`` is to be executed and reported with `completed`.

        Raises
        ------
        DataError
            If the clock went back.
        """
        today = self.today
        seen = self.state.previous_session
        if seen is not None and today < seen:
            raise DataError(f"rebalancing: the clock shows {today}, after a review on {seen}")
        if breached_limit is not None:
            found = self._planned("trade", breached_limit, drift, planner)
        else:
            found = self._by_rules(today, drift, planner)
        self.state = replace(self.state, previous_session=today)
        return found

    def completed(self, plan: RebalancePlan) -> None:
        """Note that a plan was executed; the intervals start again.

        Parameters
        ----------
        plan : RebalancePlan
            What was traded.
        """
        self.state = replace(self.state, last=self.today, deferred_on=None)
        self._notify("completion", plan.to_dict())

    def _by_rules(self, today: date, drift: Drift, planner: Planner) -> Review:
        config, state = self.config, self.state
        days = None if state.last is None else (today - state.last).days
        if days is not None and days < config.min_rebalance_interval:
            return Review(
                "wait",
                f"last rebalanced {days} days ago, at least {config.min_rebalance_interval} wanted",
            )
        if state.deferred_on == today:
            return Review("defer", "deferred today already, looked at again tomorrow")
        if days is not None and days >= config.max_rebalance_interval:
            limit = float(config.max_rebalance_interval)
            trigger: Trigger | None = Trigger("max_interval", "portfolio", float(days), limit)
        else:
            trigger = triggered(
                drift, config, session=today, previous_session=state.previous_session
            )
        if trigger is None and state.deferred_on is not None:
            # What was deferred is tested again even where its trigger, as the first session of a
            # month, fires on one day only.
            trigger = Trigger("deferred", "portfolio", float(state.deferred_on.toordinal()), 0.0)
        if trigger is None:
            return Review("hold", "no trigger")
        return self._planned("", trigger, drift, planner)

    def _planned(self, forced: str, trigger: Trigger, drift: Drift, planner: Planner) -> Review:
        self._notify("trigger", {"method": trigger.method, "reason": str(trigger)})
        plan = planner(drift)
        benefit = self._benefit(drift, plan)
        limit = self.config.transaction_cost_threshold
        if not plan.trades:
            self.state = replace(self.state, deferred_on=None)
            return Review("hold", f"{trigger}: nothing to trade", trigger, plan)
        if not forced and plan.cost_fraction > limit:
            self.state = replace(self.state, deferred_on=self.today)
            why = f"costs {plan.cost_fraction:.4%} of equity, at most {limit:.4%} wanted"
            self._notify("deferral", {"plan_id": plan.plan_id, "reason": why})
            return Review("defer", why, trigger, plan, benefit)
        if not forced and benefit is not None and not benefit.pays:
            self.state = replace(self.state, deferred_on=None)
            why = (
                f"expected gain {benefit.gain:.4%} does not exceed "
                f"{benefit.multiple:g} x cost {benefit.cost:.4%}"
            )
            return Review("forgo", why, trigger, plan, benefit)
        self._notify("plan", plan.to_dict())
        return Review("trade", str(trigger), trigger, plan, benefit)

    def _benefit(self, drift: Drift, plan: RebalancePlan) -> Benefit | None:
        if drift.expected_returns is None or drift.covariance is None:
            return None
        return benefit_of(drift, plan.weights_after, plan.cost_fraction, self.config)

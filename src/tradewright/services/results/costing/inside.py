"""What the order of prices inside a bar is worth: the same run, the worse or the better first."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tradewright.domain.money import minor_exponent
from tradewright.domain.outcome import RunStatus

if TYPE_CHECKING:
    from tradewright.services.runs import Run

SIDES: Final = ("pessimistic", "optimistic")


def path_bounds(run: Run) -> Mapping[str, float]:
    """Return the final equity if the worse, and if the better, always came first inside a bar.

    Parameters
    ----------
    run : Run
        A run that knows how it was made, or was stored with its bounds.

    Returns
    -------
    mapping
        ``pessimistic`` and ``optimistic``, major units; on the bars alone where finer ones were
        read. Empty where the run cannot be made again from here.
    """
    outcome, plan = run.outcome, run.made_of
    if run.extras.path_bounds or not len(outcome.equity) or not run.is_complete:
        return run.extras.path_bounds
    major = 10 ** minor_exponent(outcome.currency)
    if outcome.path_dependent_fills == 0 and (plan is None or plan.finer is None):
        final = float(outcome.equity[-1]) / major
        return {side: final for side in SIDES}  # noqa: C420 - typed as a mapping of text
    if plan is None:
        return {}
    from tradewright.services.backtest import run_again

    found: dict[str, float] = {}
    for side in SIDES:
        if plan.config.rules.intrabar == side:
            found[side] = float(outcome.equity[-1]) / major
            continue
        rules = replace(plan.config.rules, intrabar=side)
        other = run_again(replace(plan, config=plan.config.changed(rules=rules), finer=None))
        if other is None or other.status is not RunStatus.COMPLETED:
            return {}
        found[side] = float(other.equity[-1]) / major
    return found


def path_gap(run: Run) -> float:
    """Return the distance of the two bounds as a share of the profit; NaN where unknown.

    A run that read finer bars has no gap: they say what came first.
    """
    bounds = run.path_bounds
    if not bounds or (run.made_of is not None and run.made_of.finer is not None):
        return math.nan
    gap = abs(bounds["optimistic"] - bounds["pessimistic"])
    if gap == 0.0:
        return 0.0
    major = 10 ** minor_exponent(run.outcome.currency)
    profit = abs(float(run.outcome.equity[-1] - run.outcome.initial_cash)) / major
    return gap / profit if profit else math.inf


def path_in_words(run: Run) -> tuple[str, ...]:
    """Return the line of a report about fills that depend on the order of prices inside a bar."""
    count, fills = run.outcome.path_dependent_fills, len(run.outcome.fills)
    if not fills:
        return ()
    told = f"{count:,} of {fills:,} fills depend on the order of prices inside a bar"
    bounds = run.path_bounds
    if bounds and count:
        told += (
            f"; final equity is {bounds['pessimistic']:,.2f} {run.outcome.currency} if the worse "
            f"always came first, {bounds['optimistic']:,.2f} if the better did"
        )
    return (f"{told}.",)

"""What other costs would leave of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from tradewright.domain.money import minor_exponent
from tradewright.metrics.returns import performance, returns_of
from tradewright.services.results.extras import Rows

if TYPE_CHECKING:
    from tradewright.services.runs import Run

COST_MULTIPLES: Final = (0.0, 0.5, 1.0, 2.0, 3.0)


def cost_sensitivity(run: Run) -> Rows:
    """Measure the run at other multiples of its costs.

    Returns
    -------
    tuple of mapping
        ``{"multiple", "total_return", "annual_return", "sharpe", "final_equity"}``; the study's
        own reruns where it made them, otherwise the same fills charged more or less, exact to the
        minor unit (money saved is not invested again). `final_equity` in major units.
    """
    if run.extras.cost_sensitivity:
        return run.extras.cost_sensitivity
    outcome, timeline = run.outcome, run.timeline
    fills = outcome.fills
    charged = outcome.financing.astype(np.int64).copy()
    per_fill = fills["fee"] + fills["spread"] + fills["slippage"] + fills["impact"]
    np.add.at(charged, fills["bar"], per_fill)
    paid = np.cumsum(charged)
    paid_at = (paid[timeline.rows] - (paid[timeline.first] if timeline.first else 0)).astype(float)
    major = 10 ** minor_exponent(outcome.currency)
    rows = []
    for multiple in COST_MULTIPLES:
        levels = timeline.levels + paid_at * (1.0 - multiple)
        figures = performance(
            returns_of(levels),
            periods_per_year=timeline.periods_per_year,
            risk_free=run.risk_free,
        )
        rows.append(
            {
                "multiple": multiple,
                "total_return": figures["total_return"],
                "annual_return": figures["annual_return"],
                "sharpe": figures["sharpe"],
                "final_equity": float(levels[-1]) / major,
            }
        )
    return tuple(rows)

"""The page of a sweep: what `reports` needs of it, put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tradewright.domain.time import from_ns
from tradewright.reports.sweep_page import SweepContent, render_sweep
from tradewright.services.sweeping.found import axis_of

if TYPE_CHECKING:
    from tradewright.domain.bars import Bars
    from tradewright.services.sweeping.found import Sweep


def shown_rows(found: Sweep) -> list[dict[str, Any]]:
    """Return the sets, highest Sharpe ratio first, with their figures and plateaus.

    Parameters
    ----------
    found : Sweep
        Any.

    Returns
    -------
    list of dict
        Columns of `Sweep.table` and of `Sweep.stability`.
    """
    more = found.stability.drop("sharpe")
    table = found.table.unique(subset=list(found.parameters), keep="first", maintain_order=True)
    plateaus = more.unique(subset=list(found.parameters), keep="first", maintain_order=True)
    joined = table.join(plateaus, on=list(found.parameters), how="left", nulls_equal=True)
    return joined.sort("sharpe", descending=True, nulls_last=True, maintain_order=True).to_dicts()


def luck_of(found: Sweep) -> float:
    """Return the annual Sharpe ratio that the best of so many sets reaches without skill."""
    from tradewright.metrics.statistics import expected_maximum_sharpe

    known = found.table["sharpe"].drop_nulls().to_numpy()
    spread = float(known.var(ddof=1)) if len(known) > 1 else 0.0
    return expected_maximum_sharpe(spread, found.trials)


def sweep_page(found: Sweep, title: str, luck: Mapping[str, Any] | None = None) -> str:
    """Return the page of a sweep.

    Parameters
    ----------
    found : Sweep
        Any.
    title : str
        Of the page.
    luck : mapping, optional
        ``counted``, ``luck``, ``overfitting``, ``spa`` of `SweepContent`; those of this sweep
        alone unless given.

    Returns
    -------
    str
        HTML without network.
    """
    rows = shown_rows(found)
    bars = None if found._tester is None else found._tester.bars
    subtitle = [f"{len(rows):,} sets of {', '.join(found.parameters)}"]
    if bars is not None:
        subtitle = [*about(bars), *subtitle]
    return render_sweep(
        SweepContent(
            title,
            subtitle,
            {name: list(axis_of([row[name] for row in rows])) for name in found.parameters},
            rows,
            failures=found.failures,
            **({"luck": luck_of(found)} if luck is None else luck),
        )
    )


def about(bars: Bars) -> Sequence[str]:
    """Return what the bars are: symbols, dates, interval."""
    names = bars.symbols
    shown = ", ".join(names) if len(names) <= 4 else f"{len(names)} instruments"
    first, last = from_ns(int(bars.ts[0])).date(), from_ns(int(bars.ts[-1])).date()
    return shown, f"{first} to {last}", f"{bars.n_bars:,} bars of {bars.interval}"

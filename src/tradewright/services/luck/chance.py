"""A run beside chance: resampled paths, shuffled trades, random entries, later entries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.money import minor_exponent
from tradewright.metrics.acceptance import AcceptanceLimits
from tradewright.metrics.chance.entries import (
    DELAYS,
    EntryFigures,
    EntryTest,
    Holdings,
    entry_test,
)
from tradewright.metrics.chance.paths import PathOutcomes, resampled_paths, shuffled_trades
from tradewright.services.luck.profits import entry_values, profits_of

if TYPE_CHECKING:
    from tradewright.services.runs import Run

STREAM: Final = 45
"""Keeps these draws apart from others of the same seed."""


@dataclass(frozen=True, slots=True)
class RandomEntries:
    """The same holdings entered at random times.

    Parameters
    ----------
    draws : int
        Random strategies.
    p_value : float
        Of the run's Sharpe ratio among theirs; NaN where it is undefined.
    pass_share : float
        Share of them that meets every acceptance threshold.
    pass_shares : mapping of str to float
        Share that meets each threshold.
    sharpe_quantiles : tuple of float
        5, 50 and 95 % of their Sharpe ratios.
    observed_sharpe : float
        Of the run's own entries, priced in the same way.
    delays : tuple of mapping
        ``{"bars", "total_return", "sharpe", "max_drawdown"}`` with every entry and exit later; 0
        bars first.
    """

    draws: int
    p_value: float
    pass_share: float
    pass_shares: Mapping[str, float]
    sharpe_quantiles: tuple[float, ...]
    observed_sharpe: float
    delays: tuple[Mapping[str, float], ...]


@dataclass(frozen=True, slots=True)
class Chance:
    """What chance alone makes of a run.

    Parameters
    ----------
    paths : PathOutcomes or None
        Equity paths of the same length from blocks of its sessions.
    trades : PathOutcomes or None
        Its closed round trips in other orders; None with fewer than two.
    entries : RandomEntries or None
        None without a round trip, or where those of one instrument overlap.
    """

    paths: PathOutcomes | None
    trades: PathOutcomes | None
    entries: RandomEntries | None

    def as_document(self) -> dict[str, Any]:
        """Return the same as plain mappings, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Chance:
        """Read what `as_document` wrote."""
        return cls(
            _outcomes(document.get("paths")),
            _outcomes(document.get("trades")),
            _entries(document.get("entries")),
        )


def chance_of(run: Run, limits: AcceptanceLimits | None = None) -> Chance:
    """Put a run beside chance.

    Parameters
    ----------
    run : Run
        One that may show performance; measured on its test windows where it has any.
    limits : AcceptanceLimits, optional
        The defaults unless given.

    Returns
    -------
    Chance
        Seeded by the run's seed, so that it repeats.

    Notes
    -----
    A run whose many short bars were stored as sessions has no entries to move: None.
    """
    rng = np.random.default_rng([abs(run.seed), STREAM])
    returns = run.timeline.returns
    paths = resampled_paths(returns, rng) if len(returns) >= 2 else None
    closed = run.trips[~run.trips["is_open"]]
    start = float(run.timeline.levels[0])
    enough = len(closed) >= 2 and start > 0
    trades = (
        shuffled_trades(closed["pnl"].astype(float), rng, start_equity=start) if enough else None
    )
    test = None if run.is_condensed or len(returns) < 2 else _test(run, rng)
    return Chance(paths, trades, None if test is None else _shares(test, limits))


def _test(run: Run, rng: np.random.Generator) -> EntryTest | None:
    holdings = _holdings(run)
    if not len(holdings.entry):
        return None
    room = len(run.outcome.ts) - 1 - run.timeline.first
    if np.bincount(holdings.instrument, weights=holdings.bars).max() > room:
        return None  # several books held one instrument at once: nothing to shuffle in
    return entry_test(
        holdings,
        run.comparable.open,
        run.comparable.close,
        rng,
        rows=run.timeline.rows,
        periods_per_year=run.timeline.periods_per_year,
        risk_free=run.risk_free,
    )


def _holdings(run: Run) -> Holdings:
    trips = run.trips[run.trips["entry_bar"] >= run.timeline.first]
    before = np.concatenate(([run.outcome.initial_cash], run.outcome.equity))[trips["entry_bar"]]
    trips, before = trips[before > 0], before[before > 0].astype(np.float64)
    notional = entry_values(run, trips)
    entry, last = trips["entry_bar"].astype(np.int64), trips["exit_bar"].astype(np.int64)
    held = _mean_weights(run, trips["instrument"], entry, last)
    return Holdings(
        instrument=trips["instrument"].astype(np.int64),
        entry=entry,
        bars=last - entry,
        weight=np.where(last > entry, held, trips["side"] * notional / before),
        cost=trips["cost"] / before,
    )


def _mean_weights(
    run: Run, columns: NDArray[np.int32], entry: NDArray[np.int64], last: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the mean share of equity held at the closes from each entry to before each exit."""
    minor = 10 ** minor_exponent(run.outcome.currency)
    profits = profits_of(run)
    equity = run.outcome.equity[:, None] / minor
    shares = np.where(equity > 0, profits.values / np.where(equity > 0, equity, 1.0), 0.0)
    sums = np.vstack([np.zeros((1, shares.shape[1])), np.cumsum(shares, axis=0)])
    mean: NDArray[np.float64] = (sums[last, columns] - sums[entry, columns]) / np.maximum(
        last - entry, 1
    )
    return mean


def _shares(test: EntryTest, limits: AcceptanceLimits | None) -> RandomEntries:
    wanted, drawn = limits or AcceptanceLimits(), test.random
    with np.errstate(invalid="ignore"):
        met = {
            "min_sharpe_ratio": drawn.sharpe >= wanted.min_sharpe_ratio,
            "max_drawdown_threshold": drawn.max_drawdown >= -wanted.max_drawdown_threshold,
            "min_win_rate": drawn.win_rate >= wanted.min_win_rate,
        }
    known = drawn.sharpe[~np.isnan(drawn.sharpe)]
    quantiles = np.quantile(known, [0.05, 0.5, 0.95]) if len(known) else [np.nan] * 3
    rows = [_delay(0, test.observed, 0)]
    rows += [_delay(bars, test.delayed, at) for at, bars in enumerate(DELAYS)]
    return RandomEntries(
        draws=len(drawn.sharpe),
        p_value=test.p_value,
        pass_share=float(np.mean(np.all(list(met.values()), axis=0))),
        pass_shares={name: float(np.mean(flags)) for name, flags in met.items()},
        sharpe_quantiles=tuple(float(x) for x in quantiles),
        observed_sharpe=float(test.observed.sharpe[0]),
        delays=tuple(rows),
    )


def _delay(bars: int, figures: EntryFigures, at: int) -> dict[str, float]:
    return {
        "bars": bars,
        "total_return": float(figures.total_return[at]),
        "sharpe": float(figures.sharpe[at]),
        "max_drawdown": float(figures.max_drawdown[at]),
    }


def _outcomes(document: Mapping[str, Any] | None) -> PathOutcomes | None:
    if document is None:
        return None
    known: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in document.items()}
    return PathOutcomes(**known)


def _entries(document: Mapping[str, Any] | None) -> RandomEntries | None:
    if document is None:
        return None
    known: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in document.items()}
    for name in ("p_value", "observed_sharpe"):
        known[name] = np.nan if known[name] is None else float(known[name])
    return RandomEntries(**known)

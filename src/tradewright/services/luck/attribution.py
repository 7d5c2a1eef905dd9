"""Where the profit of a run came from: instruments, sides, times, sectors, factors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.currencies.worth import in_currency
from tradewright.domain.errors import DataError
from tradewright.domain.money import minor_exponent
from tradewright.metrics.attribution.brinson import brinson_fachler
from tradewright.metrics.attribution.factors import factor_regression
from tradewright.metrics.attribution.profits import Profits, grouped
from tradewright.services.luck.profits import profits_of
from tradewright.services.results.extras import Rows

if TYPE_CHECKING:
    import polars as pl

    from tradewright.services.runs import Run

FloatArray = NDArray[np.float64]
FINANCING: Final = "(financing)"
FUNDING: Final = "(funding)"
CURRENCY: Final = "(currency {})"
REST: Final = "(conversion, rounding)"
CASH: Final = "(cash)"
OTHER: Final = "other"
WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
SLOW: Final = 100
FAST: Final = 21


@dataclass(frozen=True, slots=True)
class Attribution:
    """Profit by origin; the contributions of each table but `factors` sum to what it splits.

    Parameters
    ----------
    total_return : float
        Of the measured span.
    instruments, sides, weekdays, hours, regimes : tuple of mapping
        ``{"group", "profit", "contribution", "count"}``: major units, and fraction of the equity
        at the start; they sum to `total_return`. Hours (UTC, of the close) only for bars shorter
        than a day.
    sectors : tuple of mapping
        ``{"sector", "allocation", "selection", "interaction", "total"}`` (Brinson-Fachler, linked
        after Cariño); they sum to `excess_return`. Instruments where no sector is known.
    excess_return : float
        Total return over that of the benchmark.
    factors : tuple of mapping
        ``{"factor", "loading", "t", "p", "contribution"}`` of the regression on the benchmarks;
        contributions a year sum to the mean excess return a year.
    """

    total_return: float
    instruments: Rows
    sides: Rows
    weekdays: Rows
    hours: Rows
    regimes: Rows
    sectors: Rows
    excess_return: float
    factors: Rows
    _run: Run | None = field(default=None, repr=False, compare=False)

    def explain(self, factors: pl.DataFrame) -> Rows:
        """Explain the excess returns by factors of your own; see `factors_of`."""
        if self._run is None:
            raise DataError("attribution: it was read without its run, factors have no returns")
        return factors_of(self._run, factors)

    def as_document(self) -> dict[str, Any]:
        """Return the same as plain mappings, ready for JSON."""
        names = [name for name in self.__dataclass_fields__ if not name.startswith("_")]
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_document(cls, document: Mapping[str, Any], run: Run | None = None) -> Attribution:
        """Read what `as_document` wrote."""
        known: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in document.items()
        }
        return cls(**known, _run=run)


def attribution_of(run: Run, sectors: Mapping[str, str] | None = None) -> Attribution | None:
    """Split the profit of a run.

    Parameters
    ----------
    run : Run
        One that may show performance.
    sectors : mapping of str to str, optional
        Sector of each symbol; those of the embedded sample where they are known unless given.

    Returns
    -------
    Attribution or None
        None where the bars were stored as sessions, or equity was not above 0 throughout.
    """
    timeline = run.timeline
    levels = timeline.levels / 10 ** minor_exponent(run.outcome.currency)
    if run.is_condensed or len(levels) < 2 or not (levels > 0).all():
        return None
    profits = profits_of(run)
    change = np.diff(levels)
    ts = run.outcome.ts[timeline.rows][1:]
    days = (ts - 1).view("datetime64[ns]").astype("datetime64[D]").astype(np.int64)
    start = float(levels[0])
    rows, excess = _brinson(run, profits, levels, sectors)
    return Attribution(
        total_return=float(levels[-1] / levels[0] - 1.0),
        instruments=_instruments(run, profits, change, start),
        sides=_sides(run, profits, change, start),
        weekdays=_named(grouped(change, ((days + 3) % 7).tolist(), start_equity=start), WEEKDAYS),
        hours=_hours(run, start),
        regimes=tuple(grouped(change, _regimes(run), start_equity=start)),
        sectors=rows,
        excess_return=excess,
        factors=factors_of(run),
        _run=run,
    )


def factors_of(run: Run, table: pl.DataFrame | None = None) -> Rows:
    """Explain the excess returns of a run by factors.

    Parameters
    ----------
    run : Run
        One that may show performance.
    table : polars.DataFrame, optional
        ``time`` (aware UTC, or a date) and one column of excess returns a factor, fractions a
        session; sessions are matched by date and those missing left out. The benchmarks of the
        run less the risk-free rate unless given.

    Returns
    -------
    tuple of mapping
        ``{"factor", "loading", "t", "p", "contribution"}``, alpha first; its loading and all
        contributions are fractions a year. Empty where nothing varies.

    Raises
    ------
    DataError
        If the table has no common session with the run, or the factors are collinear.
    """
    timeline = run.timeline
    free = run.risk_free / timeline.periods_per_year
    returns = timeline.returns - free
    if table is None:
        held = {b.name: b.returns - free for b in run.benchmarks if np.ptp(b.returns) > 1e-12}
        names = list(held)
        values = np.column_stack(list(held.values())) if held else np.empty((len(returns), 0))
        if np.linalg.matrix_rank(values) < len(names):
            names, values = names[:1], values[:, :1]
    else:
        names = [name for name in table.columns if name != "time"]
        keep, values = _aligned(run, table, names)
        returns = returns[keep]
    if not names or len(returns) < len(names) + 3 or np.ptp(returns) <= 1e-12:
        return ()
    fit = factor_regression(returns, values, names)
    year = timeline.periods_per_year
    return tuple(
        {
            "factor": name,
            "loading": float(fit.coefficients[k]) * (year if k == 0 else 1.0),
            "t": float(fit.t[k]),
            "p": float(fit.p[k]),
            "contribution": float(fit.contributions[k]) * year,
        }
        for k, name in enumerate(fit.names)
    )


def _aligned(
    run: Run, table: pl.DataFrame, names: Sequence[str]
) -> tuple[NDArray[np.int64], FloatArray]:
    import polars as pl

    if "time" not in table.columns or not names:
        raise DataError(f"factors: columns {table.columns}, wanted time and at least one factor")
    own = run.outcome.ts[run.timeline.rows][1:].view("datetime64[ns]").astype("datetime64[D]")
    theirs = table["time"].cast(pl.Date).to_numpy().astype("datetime64[D]")
    _, mine, other = np.intersect1d(own, theirs, return_indices=True)
    if not len(mine):
        raise DataError(
            f"factors: no session between {own[0]} and {own[-1]} is in the table, "
            f"which runs from {theirs.min()} to {theirs.max()}"
        )
    return mine, table.select(names).to_numpy()[other].astype(np.float64)


def _instruments(run: Run, profits: Profits, change: FloatArray, start: float) -> Rows:
    first = run.timeline.first
    sums = profits.traded[first + 1 :].sum(axis=0)
    traded = np.bincount(run.measured_fills["instrument"], minlength=len(sums))
    held = (profits.values[first + 1 :] != 0).sum(axis=0)
    rows: list[dict[str, Any]] = [
        {"group": symbol, "profit": float(sums[j]), "contribution": float(sums[j]) / start,
         "count": int(held[j])}
        for j, symbol in enumerate(run.bars.symbols) if traded[j] or held[j]
    ]  # fmt: skip
    rows.sort(key=_by_profit)
    rows += _currencies(run, profits, start)
    left = float(change.sum()) - sum(float(row["profit"]) for row in rows)
    return (*rows, *_rest(run, left, start))


def _currencies(run: Run, profits: Profits, start: float) -> list[dict[str, Any]]:
    """Return what the rates of exchange did to what was held, by currency."""
    codes = [instrument.currency for instrument in run.bars.instruments]
    line = profits.currency[run.timeline.first + 1 :]
    found = []
    for code in sorted({code for code in codes if code != run.outcome.currency}):
        own = line[:, [one == code for one in codes]]
        if own.any():
            value = float(own.sum())
            found.append(
                {"group": CURRENCY.format(code), "profit": value, "contribution": value / start,
                 "count": int((own != 0).any(axis=1).sum())}
            )  # fmt: skip
    return found


def _by_profit(row: Mapping[str, Any]) -> float:
    return -float(row["profit"])


def _rest(run: Run, left: float, start: float) -> list[dict[str, Any]]:
    """Return financing, and what neither holdings nor financing explain."""
    minor = 10 ** minor_exponent(run.outcome.currency)
    outcome, first = run.outcome, run.timeline.first + 1
    paid = {FINANCING: outcome.interest, FUNDING: outcome.financing - outcome.interest}
    found = [(name, -float(line[first:].sum()) / minor) for name, line in paid.items()]
    found = [(name, value) for name, value in found if value]
    found.append((REST, left - sum(value for _, value in found)))
    return [
        {"group": name, "profit": value, "contribution": value / start, "count": 0}
        for name, value in found
    ]


def _sides(run: Run, profits: Profits, change: FloatArray, start: float) -> Rows:
    first = run.timeline.first + 1
    parts = {"long": profits.long[first:], "short": profits.short[first:]}
    rows: list[dict[str, Any]] = [
        {"group": name, "profit": float(part.sum()), "contribution": float(part.sum()) / start,
         "count": int((part != 0).any(axis=1).sum())}
        for name, part in parts.items()
    ]  # fmt: skip
    rows += _currencies(run, profits, start)
    left = float(change.sum()) - sum(float(row["profit"]) for row in rows)
    return (*rows, *_rest(run, left, start))


def _named(rows: list[dict[str, Any]], names: Sequence[str]) -> Rows:
    return tuple({**row, "group": names[int(row["group"])]} for row in rows)


def _hours(run: Run, start: float) -> Rows:
    if run.timeline.interval in ("1d", "1wk", "1mo"):
        return ()
    first = run.timeline.first
    change = np.diff(run.outcome.equity[first:]) / 10 ** minor_exponent(run.outcome.currency)
    hours = (run.outcome.ts[first + 1 :] // 3_600_000_000_000) % 24
    rows = grouped(change, hours.tolist(), start_equity=start)
    return tuple({**row, "group": f"{row['group']:02d}:00"} for row in rows)


def _regimes(run: Run) -> list[str]:
    """Name the trend and the volatility of the benchmark, as known before each session."""
    levels, returns = run.benchmarks[0].levels, run.benchmarks[0].returns
    n = len(returns)
    sums = np.concatenate(([0.0], np.cumsum(levels)))
    squares = np.concatenate(([0.0], np.cumsum(returns**2)))
    at = np.arange(n)
    slow = np.maximum(at + 1 - SLOW, 0)
    rising = levels[:-1] >= (sums[at + 1] - sums[slow]) / (at + 1 - slow)
    fast = np.maximum(at - FAST, 0)
    size = np.sqrt((squares[at] - squares[fast]) / np.maximum(at - fast, 1))
    known = at >= FAST
    cuts = np.quantile(size[known], [1 / 3, 2 / 3]) if known.any() else np.zeros(2)
    words = np.array(["calm", "usual", "wild"])[np.searchsorted(cuts, size)]
    return [
        f"{'rising' if up else 'falling'}, {word}" if seen else "too early to say"
        for up, word, seen in zip(rising, words, known, strict=True)
    ]


def _brinson(
    run: Run, profits: Profits, levels: FloatArray, sectors: Mapping[str, str] | None
) -> tuple[Rows, float]:
    rows = run.timeline.rows
    names, places = _groups(run.bars.symbols, sectors)
    k = len(names)
    member = np.zeros((len(places), k))
    member[np.arange(len(places)), places] = 1.0
    summed = np.add.reduceat(profits.total[rows[0] + 1 :], rows[:-1] - rows[0], axis=0)
    contributions = summed @ member / levels[:-1, None]
    weights = profits.values[rows[:-1]] @ member / levels[:-1, None]
    ours = np.diff(levels) / levels[:-1]
    cash = np.column_stack([1.0 - weights.sum(axis=1), ours - contributions.sum(axis=1)])
    parts_of_benchmark = _benchmark_parts(run, member)
    if parts_of_benchmark is None:
        return (), float(levels[-1] / levels[0] - run.benchmarks[0].levels[-1])
    held, moves = parts_of_benchmark
    zero = np.zeros((len(ours), 1))
    found = brinson_fachler(
        np.column_stack([weights, cash[:, 0]]),
        np.column_stack([contributions, cash[:, 1]]),
        np.column_stack([held, zero]),
        np.column_stack([moves, zero]),
    )
    parts = (found.allocation, found.selection, found.interaction, found.total)
    keys = ("allocation", "selection", "interaction", "total")
    told = tuple(
        {"sector": name, **{key: float(x[j]) for key, x in zip(keys, parts, strict=True)}}
        for j, name in enumerate([*names, CASH])
    )
    return told, found.portfolio_return - found.benchmark_return


def _benchmark_parts(run: Run, member: FloatArray) -> tuple[FloatArray, FloatArray] | None:
    """Return weights at the start of each session and returns of the benchmark by group.

    None where it holds nothing at the start.
    """
    close = in_currency(run.comparable, run.outcome.currency).close[run.timeline.rows]
    rows = np.where(np.isnan(close), 0, np.arange(len(close))[:, None])
    close = np.take_along_axis(close, np.maximum.accumulate(rows, axis=0), axis=0)
    symbols = run.bars.symbols
    if run.benchmark_symbol is not None:
        chosen = np.array([symbol == run.benchmark_symbol for symbol in symbols])
    else:
        traded = [s not in run.extras.reference for s in symbols]
        chosen = np.array(traded if any(traded) else [True] * len(symbols))
    alive = chosen & ~np.isnan(close[0])
    levels = np.where(alive, close / np.where(alive, close[0], 1.0), 0.0)
    total = levels.sum(axis=1, keepdims=True)
    if not (total > 0).all():
        return None
    shares = levels[:-1] / total[:-1]
    held = shares @ member
    earned = ((levels[1:] - levels[:-1]) / total[:-1]) @ member
    whole = earned.sum(axis=1, keepdims=True)
    inside = held > 1e-12
    return held, np.where(inside, earned / np.where(inside, held, 1.0), whole)


def _groups(
    symbols: Sequence[str], sectors: Mapping[str, str] | None
) -> tuple[list[str], NDArray[np.int64]]:
    if sectors is None:
        from tradewright.marketdata import sectors as sample_sectors

        sectors = sample_sectors()
    known = [sectors.get(symbol, "") for symbol in symbols]
    named = [sector or OTHER for sector in known] if any(known) else list(symbols)
    names = sorted(set(named))
    return names, np.array([names.index(name) for name in named], dtype=np.int64)

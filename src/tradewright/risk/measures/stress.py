"""What a portfolio would lose at once, without trading: shocks, repricing, reverse stress."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from tradewright.domain.errors import ConfigError, DataError, nearest
from tradewright.risk.measures.dependence import raised
from tradewright.risk.measures.estimates import FloatArray
from tradewright.risk.measures.euler import parametric_var
from tradewright.risk.scenarios.catalogue import SCENARIOS


@dataclass(frozen=True, slots=True)
class Shock:
    """A scenario for a portfolio that stands still.

    Parameters
    ----------
    name : str
        Key.
    market : float
        Return of the market, times each instrument's beta.
    volatility : float
        Volatilities are multiplied by this for the value at risk after the shock; > 0.
    correlation : float
        Added to the average correlation, which stays at most 0.95.
    """

    name: str
    market: float
    volatility: float = 1.0
    correlation: float = 0.0

    def __post_init__(self) -> None:
        if not -1 <= self.market <= 1:
            raise ConfigError(f"{self.name}: market is {self.market}, wanted -1 to 1")
        if not self.volatility > 0:
            raise ConfigError(f"{self.name}: volatility is {self.volatility}, wanted above 0")


SHOCKS: Final = tuple(
    Shock(
        row.name,
        row.market_shock_magnitude,
        row.volatility_multiplier,
        row.correlation_increase,
    )
    for row in SCENARIOS.values()
)
"""The named scenarios of the stress tests, taken as one instant move."""


@dataclass(frozen=True, slots=True, eq=False)
class Portfolio:
    """A portfolio as stress tests look at it; weights are fractions of equity.

    Parameters
    ----------
    symbols : sequence of str
        Of each position.
    weights : ndarray of shape (n,)
        Signed market value over equity.
    betas : ndarray of shape (n,)
        Against the market; NaN is unknown and counts as 1 for a long and for a short position
        whatever hurts: see `instant_loss`.
    covariance : ndarray of shape (n, n)
        Of returns per session.
    durations : ndarray of shape (n,)
        Modified duration in years; 0 for what is no bond.
    currencies : sequence of str
        Of each price.
    spreads : ndarray of shape (n,)
        Relative bid-ask spread; NaN is unknown.

    Raises
    ------
    DataError
        If lengths differ or a weight is not finite.
    """

    symbols: Sequence[str]
    weights: FloatArray
    betas: FloatArray
    covariance: FloatArray
    durations: FloatArray
    currencies: Sequence[str]
    spreads: FloatArray

    def __post_init__(self) -> None:
        n = len(self.symbols)
        for name in ("weights", "betas", "durations", "spreads"):
            if getattr(self, name).shape != (n,):
                raise DataError(f"{name}: shape {getattr(self, name).shape}, wanted ({n},)")
        if len(self.currencies) != n or self.covariance.shape != (n, n):
            raise DataError(f"currencies and covariance must cover {n} positions")
        if not np.isfinite(self.weights).all():
            at = int(np.argmin(np.isfinite(self.weights)))
            raise DataError(f"{self.symbols[at]}: a position without a price has no stress test")


@dataclass(frozen=True, slots=True)
class StressResult:
    """What one scenario does.

    Parameters
    ----------
    name : str
        Scenario.
    loss : float
        Fraction of equity lost at once; negative is a gain.
    var : float
        Gaussian value at risk (95 %, one session) after it; NaN where it does not change.
    by_symbol : dict of str to float
        Loss of each position.
    notes : tuple of str
        What was assumed, for example betas that are not known.
    """

    name: str
    loss: float
    var: float
    by_symbol: dict[str, float]
    notes: tuple[str, ...] = ()


def instant_loss(portfolio: Portfolio, shock: Shock, *, level: float = 0.95) -> StressResult:
    r"""Move the market at once.

    .. math:: L = -\sum_i w_i \beta_i s

    No instrument loses more than all. Where a beta is not known, the position moves against its
    holder with beta 1, and a note says so.

    Parameters
    ----------
    portfolio : Portfolio
        What is held.
    shock : Shock
        Move of the market, and the volatility and correlation after it.
    level : float
        Confidence of the value at risk after it.

    Returns
    -------
    StressResult
        With the value at risk on multiplied volatilities and raised correlations.
    """
    held = portfolio.weights
    unknown = np.isnan(portfolio.betas) & (held != 0)
    against = -np.sign(held) * abs(shock.market)
    moves = np.where(unknown, against, np.where(unknown, 0.0, portfolio.betas) * shock.market)
    moves = np.maximum(np.where(held == 0, 0.0, moves), -1.0)
    notes: tuple[str, ...] = ()
    if unknown.any():
        names = ", ".join(np.array(portfolio.symbols)[unknown].tolist())
        notes = (f"beta not known, taken as 1 against the position: {names}",)
    return _result(shock.name, portfolio, moves, _shocked_var(portfolio, shock, level), notes)


def single_name(portfolio: Portfolio, symbol: str, move: float = -0.30) -> StressResult:
    """Move one instrument, by default down 30 %; a short position is hit by the move up."""
    if symbol not in portfolio.symbols:
        raise ConfigError(f"{symbol} is not held; {nearest(symbol, portfolio.symbols)}")
    at = list(portfolio.symbols).index(symbol)
    moves = np.zeros(len(portfolio.weights))
    moves[at] = -abs(move) if portfolio.weights[at] >= 0 else abs(move)
    return _result(f"single_name {symbol}", portfolio, moves)


def rates(portfolio: Portfolio, bps: float) -> StressResult:
    """Shift every interest rate: bonds move by minus their modified duration."""
    moves = np.maximum(-portfolio.durations * bps / 10_000.0, -1.0)
    note = () if portfolio.durations.any() else ("nothing held has a duration",)
    return _result(f"rates {bps:+g} bps", portfolio, moves, notes=note)


def currency(portfolio: Portfolio, base: str, move: float) -> StressResult:
    """Move every currency that is not the base against it."""
    foreign = np.array([code != base for code in portfolio.currencies])
    note = () if foreign.any() else (f"everything held is priced in {base}",)
    return _result(f"fx {move:+.0%}", portfolio, np.where(foreign, move, 0.0), notes=note)


def spreads(portfolio: Portfolio, times: float = 5.0) -> StressResult:
    """Close everything at half of a spread that is `times` as wide.

    Raises
    ------
    DataError
        If the spread of something held is not known.
    """
    held = portfolio.weights
    bad = (held != 0) & ~(portfolio.spreads >= 0)
    if bad.any():
        at = int(np.argmax(bad))
        raise DataError(f"{portfolio.symbols[at]}: its spread is not known")
    wide = np.where(held != 0, portfolio.spreads, 0.0) * times / 2.0
    return _result(f"spreads x{times:g}", portfolio, -np.sign(held) * wide)


def historical_replay(
    portfolio: Portfolio, name: str, moves: ArrayLike, market: float
) -> StressResult:
    """Repeat a window of history: actual returns where they exist, beta times market elsewhere.

    Parameters
    ----------
    portfolio : Portfolio
        What is held.
    name : str
        Of the window.
    moves : array_like of shape (n,)
        Total return of each instrument over the window; NaN where it has none.
    market : float
        Total return of the market over the window.

    Returns
    -------
    StressResult
        A note lists the positions that were moved by beta.
    """
    actual = np.asarray(moves, dtype=np.float64)
    missing = np.isnan(actual) & (portfolio.weights != 0)
    by_beta = instant_loss(portfolio, Shock(name, max(market, -1.0)))
    filled = np.where(np.isnan(actual), _moves_of(by_beta, portfolio), actual)
    names = ", ".join(np.array(portfolio.symbols)[missing].tolist())
    notes = (f"by beta, no prices in the window: {names}",) if missing.any() else ()
    return _result(name, portfolio, np.maximum(filled, -1.0), notes=notes + by_beta.notes)


def reverse_stress(
    portfolio: Portfolio, limits: Mapping[str, float]
) -> dict[str, tuple[float, str]]:
    r"""Return the smallest fall of the market that breaches each loss limit.

    The loss of an instant shock is linear in the shock until an instrument has lost all:
    :math:`s = -\ell / \sum_i w_i \beta_i` with unknown betas against the holder; beyond that
    point the next piece is taken, so that the answer is exact.

    Parameters
    ----------
    portfolio : Portfolio
        What is held.
    limits : mapping of str to float
        Loss limit by name, as a positive fraction of equity.

    Returns
    -------
    dict of str to (float, str)
        Move of the market (negative is a fall), and a word on it; NaN where no move between
        -100 % and +100 % breaches the limit.
    """
    found: dict[str, tuple[float, str]] = {}
    for name, limit in limits.items():
        sizes = [
            size for sign in (-1.0, 1.0) if math.isfinite(size := _smallest(portfolio, limit, sign))
        ]
        if not sizes:
            found[name] = (math.nan, "no move of the market breaches it")
            continue
        best = min(sizes, key=abs)
        found[name] = (best, "a fall breaches it" if best < 0 else "a rise breaches it")
    return found


def standard_stress(portfolio: Portfolio, *, base: str = "USD") -> list[StressResult]:
    """Run every standard scenario: shocks, rates, currencies, the largest name, spreads.

    Parameters
    ----------
    portfolio : Portfolio
        What is held.
    base : str
        Base currency.

    Returns
    -------
    list of StressResult
        The spread test is left out where a spread is not known.
    """
    out = [instant_loss(portfolio, shock) for shock in SHOCKS]
    out += [rates(portfolio, bps) for bps in (-200.0, 200.0)]
    out += [currency(portfolio, base, move) for move in (-0.10, 0.10)]
    if portfolio.weights.any():
        largest = int(np.argmax(np.abs(portfolio.weights)))
        out.append(single_name(portfolio, portfolio.symbols[largest]))
    held = portfolio.weights != 0
    if (portfolio.spreads[held] >= 0).all():
        out.append(spreads(portfolio))
    return out


def _smallest(portfolio: Portfolio, limit: float, sign: float) -> float:
    # The loss is linear in the shock between the sizes at which an instrument has lost all.
    def loss(size: float) -> float:
        return instant_loss(portfolio, Shock("reverse", sign * size)).loss

    known = np.abs(portfolio.betas[np.abs(portfolio.betas) > 1.0])
    before, lost = 0.0, 0.0
    for size in [*np.unique(1.0 / known).tolist(), 1.0]:
        reached = loss(size)
        if reached >= limit:
            share = (limit - lost) / (reached - lost)
            return sign * float(before + share * (size - before))
        before, lost = size, reached
    return math.nan


def _shocked_var(portfolio: Portfolio, shock: Shock, level: float) -> float:
    deviations = np.sqrt(np.maximum(np.diag(portfolio.covariance), 0.0))
    safe = np.where(deviations > 0, deviations, 1.0)
    matrix = portfolio.covariance / safe / safe[:, None]
    moved = raised(matrix, shock.correlation)
    wide = deviations * shock.volatility
    return parametric_var(portfolio.weights, moved * wide * wide[:, None], level=level)


def _moves_of(result: StressResult, portfolio: Portfolio) -> FloatArray:
    losses = np.array([result.by_symbol[s] for s in portfolio.symbols])
    safe = np.where(portfolio.weights != 0, portfolio.weights, 1.0)
    return -losses / safe


def _result(
    name: str,
    portfolio: Portfolio,
    moves: FloatArray,
    var: float = math.nan,
    notes: tuple[str, ...] = (),
) -> StressResult:
    losses = -portfolio.weights * moves
    by_symbol = dict(zip(portfolio.symbols, losses.tolist(), strict=True))
    return StressResult(name, math.fsum(losses.tolist()), var, by_symbol, notes)

"""One door to all methods: moments or a panel in, weights with their reasons out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import ConfigError, DataError
from tradewright.portfolio.constraints.weights import OptimizationConstraints
from tradewright.portfolio.covariance.checking import check_covariance
from tradewright.portfolio.covariance.moments import EstimationSettings, Moments, estimate_moments
from tradewright.portfolio.optimisation.dispatch import prepare
from tradewright.portfolio.optimisation.feasibility import binding, violations, volatility_of
from tradewright.portfolio.optimisation.frontier import POINTS, Frontier, trace_frontier
from tradewright.portfolio.optimisation.inputs import MethodInputs
from tradewright.portfolio.optimisation.ladder import Answer, answer
from tradewright.portfolio.optimisation.methods import OptimizationMethod, parse_method
from tradewright.portfolio.optimisation.problem import Problem, build_problem, weights_of
from tradewright.portfolio.optimisation.programmes import Found
from tradewright.portfolio.optimisation.result import (
    OptimizationResult,
    diversification_warnings,
    effective_number,
)
from tradewright.portfolio.optimisation.result_cache import ResultCache, key_of
from tradewright.portfolio.optimisation.stacking import method_shares
from tradewright.portfolio.solvers.threads import one_thread

FloatArray = NDArray[np.float64]
Weights = Mapping[str, float] | FloatArray
NO_INPUTS: Final = MethodInputs()


class PortfolioOptimizer:
    """Target weights by any of twelve methods.

    Parameters
    ----------
    risk_free_rate : float
        A year.
    cache : ResultCache, optional
        Where results are kept for 300 seconds; each optimizer has its own by default.

    Examples
    --------
    >>> optimizer = PortfolioOptimizer(risk_free_rate=0.02)
    >>> result = optimizer.optimize_portfolio(
    ...     np.array([0.08, 0.12]), np.diag([0.04, 0.09]), "maximum_sharpe"
    ... )
    >>> {name: round(weight, 4) for name, weight in result.weights.items()}
    {'A0': 0.5745, 'A1': 0.4255}
    """

    def __init__(self, risk_free_rate: float = 0.02, *, cache: ResultCache | None = None) -> None:
        if not np.isfinite(risk_free_rate):
            raise ConfigError(f"risk_free_rate is {risk_free_rate}, wanted a finite number")
        self.risk_free_rate = float(risk_free_rate)
        self.cache = ResultCache() if cache is None else cache
        self.from_cache = False

    def optimize_portfolio(
        self,
        expected_returns: Any,
        covariance_matrix: Any,
        method: str | OptimizationMethod = OptimizationMethod.MAXIMUM_SHARPE,
        constraints: OptimizationConstraints | None = None,
        current_weights: Weights | None = None,
        *,
        inputs: MethodInputs | None = None,
    ) -> OptimizationResult:
        """Optimise from moments.

        Parameters
        ----------
        expected_returns : array-like of shape (n,)
            Simple returns a year; a labelled series names the instruments.
        covariance_matrix : array-like of shape (n, n)
            Covariance a year, checked by `check_covariance`.
        method : str or OptimizationMethod
            In lower or upper case.
        constraints : OptimizationConstraints, optional
            Long only and fully invested when left out.
        current_weights : mapping of str to float or array-like of shape (n,), optional
            What is held now; without it trading is taken to cost nothing.
        inputs : MethodInputs, optional
            Names, and what single methods need.

        Returns
        -------
        OptimizationResult
            From the cache when the same was asked within 300 seconds; `from_cache` then is True.

        Raises
        ------
        ConfigError
            If the method is unknown, an input is missing, or constraints contradict each other;
            naming the pair.
        DataError
            If moments are not finite, of the wrong shape or not symmetric.
        MissingExtraError
            If the problem needs the conic solver and the extra ``portfolio`` is not installed.
        """
        chosen, given = parse_method(method), inputs or NO_INPUTS
        limits = constraints or OptimizationConstraints()
        mean, matrix, symbols = _named(expected_returns, covariance_matrix, given.symbols)
        current = _current(current_weights, symbols)
        key = key_of(chosen, self.risk_free_rate, mean, matrix, symbols, limits, current, given)
        kept = self.cache.get(key)
        self.from_cache = kept is not None
        if kept is not None:
            return kept
        started = time.perf_counter()
        with one_thread():
            problem, notes = self._problem(mean, matrix, symbols, limits, current)
            own, solve = prepare(chosen, problem, given)
            found = answer(own, solve)
        spent = (time.perf_counter() - started) * 1e3
        warnings = (*given.notes, *notes)
        result = _result(found, own, limits, name=chosen.value, warnings=warnings, spent_ms=spent)
        self.cache.put(key, result)
        return result

    def optimize_returns(
        self,
        returns: Any,
        method: str | OptimizationMethod = OptimizationMethod.MAXIMUM_SHARPE,
        constraints: OptimizationConstraints | None = None,
        current_weights: Mapping[str, float] | None = None,
        *,
        estimation: EstimationSettings | None = None,
        prior: Any = None,
        inputs: MethodInputs | None = None,
    ) -> OptimizationResult:
        """Optimise from a panel of returns.

        Parameters
        ----------
        returns : array-like of shape (n_periods, n)
            Simple returns, oldest first, NaN where none was observed; a labelled frame names the
            instruments.
        method, constraints, current_weights, inputs
            See `optimize_portfolio`.
        estimation : EstimationSettings, optional
            How moments are estimated.
        prior : skfolio prior estimator, optional
            Gives the moments instead.

        Returns
        -------
        OptimizationResult
            Instruments without enough returns have weight 0, with the reason in the warnings.

        Raises
        ------
        DataError
            If nothing can be estimated.
        """
        given = inputs or NO_INPUTS
        panel = np.asarray(returns, dtype=np.float64)
        symbols = _symbols(getattr(returns, "columns", None), given.symbols, panel.shape[-1])
        with one_thread():
            moments = estimate_moments(panel, symbols, estimation, prior=prior)
        settings = estimation or EstimationSettings()
        result = self.optimize_portfolio(
            moments.mean,
            moments.covariance,
            method,
            _kept_only(constraints, moments),
            _of(current_weights, symbols, moments),
            inputs=replace(
                _inputs_of(given, moments),
                symbols=moments.symbols,
                returns=moments.returns,
                periods_per_year=settings.periods_per_year,
                notes=(*_inputs_of(given, moments).notes, *moments.warnings),
            ),
        )
        return _with_zeros(result, symbols, moments)

    def stack_returns(
        self,
        returns: Any,
        methods: Sequence[str | OptimizationMethod],
        constraints: OptimizationConstraints | None = None,
        current_weights: Mapping[str, float] | None = None,
        *,
        estimation: EstimationSettings | None = None,
        inputs: MethodInputs | None = None,
        folds: int = 5,
    ) -> OptimizationResult:
        """Mix several methods by shares from cross-validation; see `stacking.method_shares`.

        Parameters
        ----------
        returns, constraints, current_weights, estimation, inputs
            See `optimize_returns`.
        methods : sequence of str or OptimizationMethod
            Two or more; ``factor_based`` needs 252 rows in every fold's remainder.
        folds : int
            Blocks of the cross-validation.

        Returns
        -------
        OptimizationResult
            Its method is ``stacked``; the message tells the shares. Mixtures of weights satisfy
            convex constraints; a limit of counts that they break makes `success` False.

        Raises
        ------
        ConfigError
            If there are fewer than two methods or folds.
        DataError
            If there are too few rows.
        """
        settings, given = estimation or EstimationSettings(), inputs or NO_INPUTS
        chosen = [parse_method(method) for method in methods]
        started = time.perf_counter()
        panel = np.asarray(returns, dtype=np.float64)
        names = _symbols(getattr(returns, "columns", None), given.symbols, panel.shape[-1])
        with one_thread():
            moments = estimate_moments(panel, names, settings)
        own = replace(_inputs_of(given, moments), symbols=moments.symbols)
        limits = _kept_only(constraints, moments) or OptimizationConstraints()
        held = _of(current_weights, names, moments)

        def fit(method: OptimizationMethod, rows: FloatArray) -> FloatArray:
            fewer = replace(settings, window=len(rows), min_observations=min(len(rows), 20))
            found = self.optimize_returns(rows, method, limits, held, estimation=fewer, inputs=own)
            return np.array([found.weights[name] for name in moments.symbols])

        shares, notes = method_shares(
            moments.returns,
            chosen,
            fit,
            folds=folds,
            risk_free_rate=self.risk_free_rate,
            periods_per_year=settings.periods_per_year,
        )
        parts = np.array([fit(method, moments.returns) for method in chosen])
        weights = shares @ parts
        current = _current(held, moments.symbols)
        problem, _ = self._problem(
            moments.mean, moments.covariance, moments.symbols, limits, current
        )
        missed = violations(problem, weights)
        found = Answer(Found(weights, "stacked"), problem, not missed, None, (*notes, *missed))
        result = _result(
            found,
            problem,
            limits,
            name="stacked",
            warnings=(*own.notes, *moments.warnings),
            spent_ms=(time.perf_counter() - started) * 1e3,
        )
        return _with_zeros(result, names, moments)

    def efficient_frontier(
        self,
        expected_returns: Any,
        covariance_matrix: Any,
        constraints: OptimizationConstraints | None = None,
        current_weights: Weights | None = None,
        *,
        symbols: Any = None,
        points: int = POINTS,
    ) -> Frontier:
        """Trace the efficient frontier under the constraints; see `trace_frontier`."""
        mean, matrix, names = _named(expected_returns, covariance_matrix, symbols)
        limits = constraints or OptimizationConstraints()
        problem, _ = self._problem(mean, matrix, names, limits, _current(current_weights, names))
        return trace_frontier(problem, points=points)

    def _problem(
        self,
        mean: FloatArray,
        matrix: FloatArray,
        symbols: tuple[str, ...],
        limits: OptimizationConstraints,
        current: FloatArray | None,
    ) -> tuple[Problem, tuple[str, ...]]:
        checked, notes = check_covariance(matrix, symbols)
        if not (np.diagonal(checked) > 0).any():
            raise DataError("covariance is 0 everywhere: nothing moves")
        problem = build_problem(
            mean,
            checked,
            symbols,
            limits,
            risk_free_rate=self.risk_free_rate,
            current=current,
        )
        return problem, notes


def _named(
    expected_returns: Any, covariance: Any, symbols: Any
) -> tuple[FloatArray, FloatArray, tuple[str, ...]]:
    mean = np.asarray(expected_returns, dtype=np.float64)
    matrix = np.asarray(covariance, dtype=np.float64)
    if mean.ndim != 1 or not mean.size:
        raise DataError(f"expected returns have shape {mean.shape}, wanted one for each instrument")
    if matrix.shape != (len(mean), len(mean)):
        raise DataError(
            f"covariance has shape {matrix.shape}, wanted {(len(mean), len(mean))} as there are "
            f"{len(mean)} expected returns"
        )
    index = getattr(expected_returns, "index", None)
    labels = index if index is not None and not callable(index) else None
    columns = getattr(covariance, "columns", None)
    names = _symbols(labels if labels is not None else columns, symbols, len(mean))
    if labels is not None and columns is not None and tuple(map(str, columns)) != names:
        raise DataError("expected returns and covariance name their instruments differently")
    return mean, matrix, names


def _symbols(labels: Any, symbols: Any, count: int) -> tuple[str, ...]:
    if symbols is not None:
        names = tuple(str(s) for s in symbols)
    elif labels is not None:
        names = tuple(str(s) for s in labels)
    else:
        names = tuple(f"A{i}" for i in range(count))
    if len(names) != count:
        raise DataError(f"{len(names)} symbols are named for {count} instruments")
    if len(set(names)) != count:
        twice = next(n for n in names if names.count(n) > 1)
        raise DataError(f"symbol {twice!r} is named twice")
    return names


def _current(given: Weights | None, symbols: tuple[str, ...]) -> FloatArray | None:
    if given is None:
        return None
    if isinstance(given, Mapping):
        return weights_of(given, symbols, "current_weights")
    weights = np.asarray(given, dtype=np.float64)
    if weights.shape != (len(symbols),):
        raise DataError(f"current weights have shape {weights.shape}, wanted ({len(symbols)},)")
    return weights


def _of(
    given: Mapping[str, float] | None, symbols: tuple[str, ...], moments: Moments
) -> dict[str, float] | None:
    # What is held of an instrument without estimate is no part of the problem.
    if given is None:
        return None
    weights_of(given, symbols, "current_weights")
    return {name: weight for name, weight in given.items() if name not in moments.left_out}


def _inputs_of(given: MethodInputs, moments: Moments) -> MethodInputs:
    gone = moments.left_out
    if not gone:
        return given
    kept = {
        name: None if found is None else {s: v for s, v in found.items() if s not in gone}
        for name, found in (("budgets", given.budgets), ("market_weights", given.market_weights))
    }
    views = tuple(view for view in given.views if not set(view.portfolio) & set(gone))
    notes = given.notes
    if len(views) < len(given.views):
        notes = (*notes, "views of instruments without estimate are left out")
    return replace(
        given,
        budgets=kept["budgets"],
        market_weights=kept["market_weights"],
        views=views,
        notes=notes,
    )


def _with_zeros(
    result: OptimizationResult, symbols: tuple[str, ...], moments: Moments
) -> OptimizationResult:
    if not moments.left_out:
        return result
    zeros = dict.fromkeys(symbols, 0.0)
    return replace(
        result,
        weights={**zeros, **result.weights},
        risk_contributions={**zeros, **result.risk_contributions},
    )


def _kept_only(
    constraints: OptimizationConstraints | None, moments: Moments
) -> OptimizationConstraints | None:
    # Bounds of instruments that have no estimate are no constraints: their weight is 0.
    if constraints is None or not moments.left_out:
        return constraints
    out = {}
    for name in ("min_weights", "max_weights"):
        out[name] = {s: v for s, v in getattr(constraints, name).items() if s in moments.symbols}
    if constraints.benchmark_weights is not None:
        left = constraints.benchmark_weights.items()
        kept = {name: weight for name, weight in left if name in moments.symbols}
        return replace(constraints, **out, benchmark_weights=kept)  # type: ignore[arg-type]
    return replace(constraints, **out)  # type: ignore[arg-type]


def _result(
    found: Answer,
    problem: Problem,
    limits: OptimizationConstraints,
    *,
    name: str,
    warnings: tuple[str, ...],
    spent_ms: float,
) -> OptimizationResult:
    weights = found.found.weights + 0.0  # no negative zeros
    symbols = problem.symbols
    expected = float(problem.mean @ weights)
    volatility = volatility_of(problem, weights)
    sharpe = (expected - problem.risk_free_rate) / volatility if volatility > 0 else 0.0
    marginal = weights * (problem.covariance @ weights)
    shares = marginal / marginal.sum() if volatility > 0 else np.zeros(len(weights))
    trades = problem.trades(weights)
    rates = limits.transaction_cost
    cost = (
        sum(rates.get(s, 0.0) * t for s, t in zip(symbols, trades.tolist(), strict=True))
        if isinstance(rates, Mapping)
        else float(rates) * float(trades.sum())
    )
    said = [_sentence(text) for text in found.notes] or ["Solved."]
    return OptimizationResult(
        weights=dict(zip(symbols, weights.tolist(), strict=True)),
        expected_return=expected,
        expected_volatility=volatility,
        sharpe_ratio=sharpe,
        optimization_method=name,
        success=found.success,
        message=" ".join(said),
        transaction_costs=cost,
        turnover=0.5 * float(trades.sum()),
        binding_constraints=binding(found.problem, weights),
        risk_contributions=dict(zip(symbols, shares.tolist(), strict=True)),
        solver=found.found.solver,
        solve_ms=spent_ms,
        fallback_used=found.fallback,
        effective_n=effective_number(weights),
        largest_weight=float(np.abs(weights).max()),
        warnings=(*warnings, *diversification_warnings(symbols, weights, limits.sectors)),
    )


def _sentence(text: str) -> str:
    # Names of settings keep their spelling at the start of a sentence.
    first = text.split(" ", 1)[0]
    head = text[0] if "_" in first else text[0].upper()
    return head + text[1:].rstrip(".") + "."

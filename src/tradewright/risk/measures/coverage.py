"""A measure on its own record: whether losses passed it as often, and as far, as it said."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc, xlogy

from tradewright.domain.errors import DataError
from tradewright.risk.measures.estimates import (
    LEAST,
    FloatArray,
    MeasureSettings,
    check_sample,
    method_named,
)
from tradewright.risk.measures.parametric import student_t, student_tail

RECORD: Final = 250
FAILS_AT: Final = 0.01
_TAIL_DOF: Final = 5.0
_RECORDS: Final = 20_000


@dataclass(frozen=True, slots=True)
class CoverageTest:
    """One test: its statistic and the probability of one as large if the measure is right."""

    name: str
    statistic: float
    p_value: float


@dataclass(frozen=True, slots=True, eq=False)
class CoverageRecord:
    """A measure's forecasts beside what happened.

    Parameters
    ----------
    method : str
        Which measure.
    level : float
        Its confidence.
    returns, var, es : ndarray of shape (n,)
        What happened, and what was forecast the session before.
    tests : tuple of CoverageTest
        Kupiec, Christoffersen (independence, conditional coverage), Acerbi-Szekely.
    fails : tuple of str
        Names of the tests failed at 1 %; not empty marks the method.
    """

    method: str
    level: float
    returns: FloatArray
    var: FloatArray
    es: FloatArray
    tests: tuple[CoverageTest, ...]
    fails: tuple[str, ...]

    @property
    def exceptions(self) -> NDArray[np.int64]:
        """Sessions whose loss passed the value at risk."""
        return np.flatnonzero(self.returns < -self.var)

    @property
    def expected(self) -> float:
        """How many exceptions the level allows."""
        return len(self.returns) * (1.0 - self.level)


def kupiec(exceptions: ArrayLike, level: float) -> CoverageTest:
    r"""Test whether losses passed the value at risk as often as its level says.

    .. math:: LR = -2\ln\frac{\alpha^x (1-\alpha)^{n-x}}{\hat\pi^x (1-\hat\pi)^{n-x}}
       \sim \chi^2_1

    Parameters
    ----------
    exceptions : array_like of bool, shape (n,)
        Whether each session's loss passed it.
    level : float
        Confidence.

    Returns
    -------
    CoverageTest
        With the asymptotic p-value.

    References
    ----------
    .. [1] P. Kupiec, "Techniques for Verifying the Accuracy of Risk Measurement Models",
       Journal of Derivatives 3(2), 1995.

    Examples
    --------
    >>> hits = np.zeros(250, bool); hits[:21] = True
    >>> found = kupiec(hits, 0.95); round(found.statistic, 3), round(found.p_value, 4)
    (5.097, 0.024)
    """
    hits = _hits(exceptions)
    n, x = len(hits), int(hits.sum())
    alpha, share = 1.0 - level, x / n
    said = xlogy(x, alpha) + xlogy(n - x, 1.0 - alpha)
    seen = xlogy(x, share) + xlogy(n - x, 1.0 - share)
    return _chi_square("kupiec", 2.0 * float(seen - said), 1)


def christoffersen(exceptions: ArrayLike, level: float) -> tuple[CoverageTest, CoverageTest]:
    r"""Test whether exceptions come one after another, and coverage with independence together.

    With :math:`n_{ij}` the sessions in state j after state i and
    :math:`\pi_i = n_{i1}/(n_{i0}+n_{i1})`, the independence statistic is twice the log-likelihood
    gained over one :math:`\pi`, :math:`\chi^2_1`; with Kupiec's it is :math:`\chi^2_2`.

    Parameters
    ----------
    exceptions : array_like of bool, shape (n,)
        Whether each session's loss passed the value at risk, in order.
    level : float
        Confidence.

    Returns
    -------
    tuple of CoverageTest
        Independence and conditional coverage.

    References
    ----------
    .. [1] P. Christoffersen, "Evaluating Interval Forecasts", International Economic Review 39,
       1998.
    """
    hits = _hits(exceptions)
    before, after = hits[:-1], hits[1:]
    n11 = int((before & after).sum())
    n10 = int((before & ~after).sum())
    n01 = int((~before & after).sum())
    n00 = int((~before & ~after).sum())
    total = max(n00 + n01 + n10 + n11, 1)
    pooled = (n01 + n11) / total
    calm = n01 / (n00 + n01) if n00 + n01 else 0.0
    hit = n11 / (n10 + n11) if n10 + n11 else 0.0
    one = xlogy(n00 + n10, 1 - pooled) + xlogy(n01 + n11, pooled)
    two = xlogy(n00, 1 - calm) + xlogy(n01, calm) + xlogy(n10, 1 - hit) + xlogy(n11, hit)
    independence = max(2.0 * float(two - one), 0.0)
    both = independence + kupiec(hits, level).statistic
    return (
        _chi_square("christoffersen", independence, 1),
        _chi_square("conditional_coverage", both, 2),
    )


def acerbi_szekely(
    returns: ArrayLike,
    var: ArrayLike,
    es: ArrayLike,
    level: float,
    *,
    tail_dof: float = _TAIL_DOF,
    seed: int = 0,
) -> CoverageTest:
    r"""Test whether losses beyond the value at risk were as large as the expected shortfall.

    .. math:: Z_2 = \sum_t \frac{r_t I_t}{n\,\alpha\,ES_t} + 1

    is 0 in the mean for a right measure and negative where risk is understated (their second
    test). Its distribution depends little on the tail; it is drawn here, seeded, for exceptions
    of a Student-t.

    Parameters
    ----------
    returns, var, es : array_like of shape (n,)
        What happened and what was forecast; losses positive in `var` and `es`.
    level : float
        Confidence.
    tail_dof : float
        Degrees of freedom of the tail under the hypothesis.
    seed : int
        Of the 20 000 records drawn.

    Returns
    -------
    CoverageTest
        One-sided: small p-values say that losses were larger or more frequent than forecast.

    Raises
    ------
    DataError
        If shapes differ or an expected shortfall is not positive.

    References
    ----------
    .. [1] C. Acerbi, B. Szekely, "Backtesting Expected Shortfall", Risk, December 2014.
    """
    r, v, e = (np.asarray(x, dtype=np.float64) for x in (returns, var, es))
    if not r.shape == v.shape == e.shape or r.ndim != 1:
        raise DataError(f"returns {r.shape}, var {v.shape} and es {e.shape} differ in shape")
    if not (e > 0).all():
        raise DataError(f"es: row {int(np.argmin(e > 0))} is not above 0")
    n, alpha = len(r), 1.0 - level
    hits = r < -v
    statistic = float((r[hits] / e[hits]).sum()) / (n * alpha) + 1.0
    drawn = _null_of_z2(n, alpha, tail_dof, seed)
    return CoverageTest("acerbi_szekely", statistic, float((drawn <= statistic).mean()))


def record_of(
    returns: ArrayLike,
    method: str = "historical",
    settings: MeasureSettings | None = None,
    *,
    record: int = RECORD,
) -> CoverageRecord:
    """Forecast each of the last sessions from those before it, and test the forecasts.

    Parameters
    ----------
    returns : array_like of shape (n,)
        Simple returns, oldest first; `window` + `record` of them give a full record.
    method : str
        See `measure`.
    settings : MeasureSettings, optional
        The horizon must be one session.
    record : int
        Sessions tested.

    Returns
    -------
    CoverageRecord
        Forecasts, exceptions and tests.

    Raises
    ------
    DataError
        If the horizon is longer, or fewer than 30 + `record` returns are given.

    Notes
    -----
    Timing: the forecast of a session uses the returns before it alone. The GARCH model and
    the Student-t are fitted anew each ``refit`` sessions; in between the variance is filtered and
    the distribution kept.
    """
    chosen = settings or MeasureSettings()
    if chosen.horizon != 1:
        raise DataError(f"horizon is {chosen.horizon}: a record is tested session by session")
    series = check_sample(returns, window=None)
    if len(series) < LEAST + record:
        raise DataError(
            f"returns: {len(series)} observations, wanted at least {LEAST + record} for a record "
            f"of {record}"
        )
    var, es = np.empty(record), np.empty(record)
    first = len(series) - record
    if method == "garch":
        _garch_record(series, first, chosen, var, es)
    elif method == "student_t":
        _student_record(series, first, chosen, var, es)
    else:
        estimate = method_named(method)
        for i in range(record):
            stop = first + i
            start = 0 if chosen.window is None else max(0, stop - chosen.window)
            var[i], es[i], _ = estimate(series[start:stop], chosen)
    es = np.maximum(es, var)
    seen = series[first:]
    hits = seen < -var
    tests: tuple[CoverageTest, ...] = (
        kupiec(hits, chosen.level),
        *christoffersen(hits, chosen.level),
    )
    if (es > 0).all():
        tests = (*tests, acerbi_szekely(seen, var, es, chosen.level, seed=chosen.seed))
    fails = tuple(test.name for test in tests if test.p_value < FAILS_AT)
    return CoverageRecord(method, chosen.level, seen, var, es, tests, fails)


def _student_record(
    series: FloatArray, first: int, settings: MeasureSettings, var: FloatArray, es: FloatArray
) -> None:
    for i in range(0, len(var), settings.refit):
        stop = first + i
        start = 0 if settings.window is None else max(0, stop - settings.window)
        rows = slice(i, i + settings.refit)
        var[rows], es[rows], _ = student_t(series[start:stop], settings)


def _garch_record(
    series: FloatArray, first: int, settings: MeasureSettings, var: FloatArray, es: FloatArray
) -> None:
    from tradewright.metrics.returns import expected_shortfall, value_at_risk
    from tradewright.risk.measures.volatility import filter_garch, fit_garch

    fit = None
    for i in range(len(var)):
        stop = first + i
        start = 0 if settings.window is None else max(0, stop - settings.window)
        past = series[start:stop]
        if fit is None or i % settings.refit == 0:
            fit = fit_garch(past)
        else:
            fit = replace(fit, variances=filter_garch(fit, past))
        shocks = fit.standardised(past)
        spread = math.sqrt(float(fit.variances[-1]))
        var[i] = value_at_risk(shocks, level=settings.level) * spread - fit.mean
        es[i] = expected_shortfall(shocks, level=settings.level) * spread - fit.mean


@lru_cache(maxsize=16)
def _null_of_z2(n: int, alpha: float, dof: float, seed: int) -> FloatArray:
    # Records of a right measure: a binomial number of exceptions, each drawn from the tail.
    from scipy.special import stdtrit

    random = np.random.default_rng(seed)
    _, es = student_tail(dof, alpha)
    counts = random.binomial(n, alpha, _RECORDS)
    losses = -stdtrit(dof, alpha * (1.0 - random.random(int(counts.sum())))) / es
    ends = np.cumsum(counts)
    summed = np.concatenate(([0.0], np.cumsum(losses)))
    totals: FloatArray = summed[ends] - summed[ends - counts]
    return 1.0 - totals / (n * alpha)


def _hits(exceptions: ArrayLike) -> NDArray[np.bool_]:
    hits = np.asarray(exceptions)
    if hits.ndim != 1 or hits.dtype != np.bool_ or len(hits) < 2:
        raise DataError(
            f"exceptions: {hits.dtype} of shape {hits.shape}, wanted one series of true and false"
        )
    return hits


def _chi_square(name: str, statistic: float, dof: int) -> CoverageTest:
    value = max(statistic, 0.0)
    return CoverageTest(name, value, float(chdtrc(dof, value)))

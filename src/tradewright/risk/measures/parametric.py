"""Value at risk and expected shortfall from a fitted distribution."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import digamma, gammaln, ndtri, stdtr, stdtrit

from tradewright.metrics.returns import kurtosis, skewness
from tradewright.risk.measures.estimates import FloatArray, MeasureSettings, Tail

_SQRT_2PI = math.sqrt(2.0 * math.pi)
_LEAST_DOF, _MOST_DOF = 1.05, 1000.0


def normal_density(z: float) -> float:
    """Return the density of the standard normal distribution."""
    return math.exp(-0.5 * z * z) / _SQRT_2PI


def normal_tail(level: float) -> tuple[float, float]:
    r"""Return the quantile and the expected shortfall of the standard normal loss.

    .. math:: z_c = \Phi^{-1}(c), \qquad ES = \varphi(z_c) / (1 - c)

    Examples
    --------
    >>> tuple(round(x, 6) for x in normal_tail(0.95))
    (1.644854, 2.062713)
    """
    z = float(ndtri(level))
    return z, normal_density(z) / (1.0 - level)


def gaussian(returns: FloatArray, settings: MeasureSettings) -> Tail:
    r"""Assume independent normal returns.

    .. math:: VaR = -(h\mu) + z_c\,\sigma\sqrt h, \qquad ES = -h\mu + \sigma\sqrt h\,
       \varphi(z_c)/(1-c)

    with the sample mean and the sample standard deviation (ddof 1).

    Parameters
    ----------
    returns : ndarray of shape (n,)
        Finite returns.
    settings : MeasureSettings
        Level and horizon.

    Returns
    -------
    tuple
        Value at risk, expected shortfall, notes.
    """
    mean = float(returns.mean()) * settings.horizon
    spread = float(returns.std(ddof=1)) * math.sqrt(settings.horizon)
    z, es = normal_tail(settings.level)
    return z * spread - mean, es * spread - mean, ()


def cornish_fisher(returns: FloatArray, settings: MeasureSettings) -> Tail:
    r"""Bend the normal quantile by sample skewness S and excess kurtosis K.

    .. math:: q(z) = z + (z^2-1)\frac S6 + (z^3-3z)\frac K{24} - (2z^3-5z)\frac{S^2}{36}

    The expected shortfall is the mean of :math:`q` below the quantile, which the normal moments
    :math:`E[z]=-\varphi/\alpha`, :math:`E[z^2]=1-z\varphi/\alpha`,
    :math:`E[z^3]=-(z^2+2)\varphi/\alpha` of the tail give in closed form. Over `h` independent
    sessions S falls by :math:`\sqrt h` and K by `h`.

    Parameters
    ----------
    returns : ndarray of shape (n,)
        Finite returns.
    settings : MeasureSettings
        Level and horizon.

    Returns
    -------
    tuple
        Value at risk, expected shortfall, notes: one where the expansion is not increasing in
        the tail, so that its quantile means nothing and the larger of both figures is given.

    References
    ----------
    .. [1] E. A. Cornish, R. A. Fisher, "Moments and Cumulants in the Specification of
       Distributions", Revue de l'Institut International de Statistique 5, 1938.
    .. [2] D. Maillard, "A User's Guide to the Cornish Fisher Expansion", 2012 (domain).
    """
    root = math.sqrt(settings.horizon)
    mean = float(returns.mean()) * settings.horizon
    spread = float(returns.std(ddof=1)) * root
    if not spread > 0:
        return -mean, -mean, ("the returns do not vary",)
    skew, excess = skewness(returns) / root, (kurtosis(returns) - 3.0) / settings.horizon
    mass = 1.0 - settings.level
    z = float(ndtri(mass))
    density = normal_density(z) / mass
    bent = _bend(skew, excess, z, z**2, z**3)
    es = _bend(skew, excess, -density, 1.0 - z * density, -(z**2 + 2.0) * density)
    grid = np.linspace(-4.0, z, 64)
    slope = 1.0 + grid * skew / 3 + (3 * grid**2 - 3) * excess / 24
    slope -= (6 * grid**2 - 5) * skew**2 / 36
    notes: tuple[str, ...] = ()
    if (slope <= 0).any():
        notes = (f"skewness {skew:.2f} and excess kurtosis {excess:.2f} are outside its domain",)
    var = -(mean + spread * bent)
    return var, max(var, -(mean + spread * es)), notes


def _bend(skew: float, excess: float, z: float, z2: float, z3: float) -> float:
    return (
        z
        + (z2 - 1.0) * skew / 6.0
        + (z3 - 3.0 * z) * excess / 24.0
        - (2.0 * z3 - 5.0 * z) * skew**2 / 36.0
    )


def student_t(returns: FloatArray, settings: MeasureSettings) -> Tail:
    r"""Fit a Student-t distribution with location and scale by maximum likelihood.

    .. math:: VaR = -\mu - s\,t_\nu^{-1}(\alpha), \qquad ES = -\mu + s\,
       \frac{f_\nu(t_\alpha)}{\alpha}\frac{\nu + t_\alpha^2}{\nu - 1}

    Parameters
    ----------
    returns : ndarray of shape (n,)
        Finite returns.
    settings : MeasureSettings
        Level and horizon; the spread grows with the square root of time, the mean with time.

    Returns
    -------
    tuple
        Value at risk, expected shortfall, notes with the degrees of freedom.

    References
    ----------
    .. [1] A. J. McNeil, R. Frey, P. Embrechts, "Quantitative Risk Management", 2nd ed.,
       Princeton, 2015, eq. 2.25.
    """
    if not np.ptp(returns) > 0:
        return -float(returns[0]) * settings.horizon, -float(returns[0]) * settings.horizon, ()
    dof, location, scale = fit_student_t(returns)
    mass = 1.0 - settings.level
    q, tail = student_tail(dof, mass)
    mean, spread = location * settings.horizon, scale * math.sqrt(settings.horizon)
    return -(mean + spread * q), -mean + spread * tail, (f"{dof:.2f} degrees of freedom",)


def student_tail(dof: float, mass: float) -> tuple[float, float]:
    """Return the quantile at `mass` (negative) and the mean loss beyond it (positive).

    Examples
    --------
    >>> tuple(round(x, 4) for x in student_tail(4.0, 0.05))
    (-2.1318, 3.2029)
    """
    q = float(stdtrit(dof, mass))
    log_density = (
        gammaln((dof + 1) / 2)
        - gammaln(dof / 2)
        - 0.5 * math.log(dof * math.pi)
        - (dof + 1) / 2 * math.log1p(q * q / dof)
    )
    return q, math.exp(log_density) / mass * (dof + q * q) / (dof - 1.0)


def student_probability(dof: float, x: FloatArray) -> FloatArray:
    """Return the distribution function of the standard Student-t."""
    values: FloatArray = stdtr(dof, x)
    return values


def fit_student_t(returns: FloatArray) -> tuple[float, float, float]:
    """Return degrees of freedom, location and scale of greatest likelihood.

    Parameters
    ----------
    returns : ndarray of shape (n,)
        Finite and not all equal.

    Returns
    -------
    tuple of float
        Degrees of freedom between 1.05 (below it the mean loss does not exist) and 1000 (normal
        to every purpose), location, scale > 0.
    """
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    centre = float(np.median(returns))
    # Quartiles stand nearer to the scale of a heavy tail than the standard deviation.
    low, high = np.quantile(returns, (0.25, 0.75))
    unit = float(high - low) / 1.5 or float(returns.std())
    x = (returns - centre) / unit

    def loss(parameters: FloatArray) -> tuple[float, FloatArray]:
        location, log_scale, log_dof = parameters
        scale, dof = math.exp(log_scale), math.exp(log_dof)
        z = (x - location) / scale
        square = z * z / dof
        weight = (dof + 1) / dof * z / (1.0 + square)
        logs = np.log1p(square)
        constant = gammaln((dof + 1) / 2) - gammaln(dof / 2) - 0.5 * math.log(dof * math.pi)
        value = -(constant - log_scale - (dof + 1) / 2 * float(logs.mean()))
        by_location = -float(weight.mean()) / scale
        by_scale = 1.0 - float((weight * z).mean())
        by_dof = -0.5 * (
            digamma((dof + 1) / 2)
            - digamma(dof / 2)
            - 1.0 / dof
            - float(logs.mean())
            + (dof + 1) / dof * float((square / (1.0 + square)).mean())
        )
        return value, np.array([by_location, by_scale, by_dof * dof])

    bounds = [(None, None), (-12.0, 12.0), (math.log(_LEAST_DOF), math.log(_MOST_DOF))]
    with threadpool_limits(limits=1):  # threads only spin on three parameters
        found = minimize(
            loss,
            np.array([0.0, 0.0, math.log(5.0)]),
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"ftol": 1e-15, "gtol": 1e-10, "maxiter": 500},
        )
    location, log_scale, log_dof = found.x
    return math.exp(log_dof), centre + unit * float(location), unit * math.exp(log_scale)

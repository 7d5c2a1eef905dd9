"""Small markets for the optimiser's tests."""

from __future__ import annotations

import numpy as np


def factor_market(n: int, seed: int = 0, periods: int = 300):
    """Daily returns of `n` instruments with three common factors."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(3e-4, 0.008, (periods, 3))
    loadings = rng.normal(0.8, 0.4, (3, n))
    own = rng.normal(0.0, 1.0, (periods, n)) * rng.uniform(0.006, 0.02, n)
    return factors @ loadings + own + rng.normal(0, 3e-4, n)


def moments(n: int, seed: int = 0):
    """Yearly mean and covariance of `factor_market`."""
    returns = factor_market(n, seed)
    return returns.mean(axis=0) * 252, np.cov(returns, rowvar=False) * 252

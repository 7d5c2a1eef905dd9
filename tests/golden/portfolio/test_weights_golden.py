"""Weights of twenty real stocks against skfolio, Riskfolio-Lib and PyPortfolioOpt."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tradewright.portfolio.optimisation import MethodInputs, PortfolioOptimizer

DATA = Path(__file__).parent / "data" / "weights_sp20.json"
GOLDEN = json.loads(DATA.read_text(encoding="utf-8"))["results"]


@pytest.fixture(scope="module")
def returns():
    datasets = pytest.importorskip("skfolio.datasets")
    from skfolio.preprocessing import prices_to_returns

    return prices_to_returns(datasets.load_sp500_dataset())


@pytest.mark.parametrize(
    ("method", "names"),
    [
        ("minimum_variance", ["minvar_skfolio", "minvar_riskfolio", "minvar_pypfopt"]),
        ("maximum_sharpe", ["maxsharpe_skfolio", "maxsharpe_riskfolio", "maxsharpe_pypfopt"]),
        ("risk_parity", ["riskparity_var_skfolio", "riskparity_var_riskfolio"]),
        ("minimum_cvar", ["mincvar95_skfolio", "mincvar95_riskfolio"]),
        ("hierarchical_risk_parity", ["hrp_skfolio_default", "hrp_riskfolio_ward"]),
        ("maximum_diversification", ["maxdiv_skfolio"]),
        ("inverse_volatility", ["invvol_skfolio"]),
    ],
)
def test_weights_equal_independent_libraries(returns, method, names):
    inputs = MethodInputs(returns=returns.to_numpy(), periods_per_year=1.0)
    result = PortfolioOptimizer(0.0).optimize_portfolio(
        returns.mean(), returns.cov(), method, inputs=inputs
    )
    assert result.success
    for name in names:
        golden = GOLDEN[name]["weights"]
        assert set(golden) == set(result.weights)
        gap = max(abs(result.weights[symbol] - golden[symbol]) for symbol in golden)
        assert gap < 1e-4, f"{name} differs by {gap:.2e}"


def test_objectives_are_no_worse_than_any_library(returns):
    mean, covariance = returns.mean().to_numpy(), returns.cov().to_numpy()
    order = list(returns.columns)
    optimizer = PortfolioOptimizer(0.0)

    def vector(weights):
        return np.array([weights[symbol] for symbol in order])

    calm = vector(
        optimizer.optimize_portfolio(returns.mean(), returns.cov(), "minimum_variance").weights
    )
    best = vector(
        optimizer.optimize_portfolio(returns.mean(), returns.cov(), "maximum_sharpe").weights
    )
    for source in ("skfolio", "riskfolio", "pypfopt"):
        theirs = vector(GOLDEN[f"minvar_{source}"]["weights"])
        theirs = theirs / theirs.sum()
        assert calm @ covariance @ calm <= (theirs @ covariance @ theirs) * (1 + 1e-8)
        theirs = vector(GOLDEN[f"maxsharpe_{source}"]["weights"])
        theirs = theirs / theirs.sum()
        ours = best @ mean / np.sqrt(best @ covariance @ best)
        assert ours >= theirs @ mean / np.sqrt(theirs @ covariance @ theirs) * (1 - 1e-8)

"""Black and Litterman's published example, factor scores and forecasts as views."""

from __future__ import annotations

import numpy as np
import pytest
from optimiser_markets import factor_market, moments

from tradewright.domain.errors import ConfigError, DataError, ModelError
from tradewright.portfolio.constraints import OptimizationConstraints
from tradewright.portfolio.optimisation import MethodInputs, PortfolioOptimizer
from tradewright.portfolio.views import (
    View,
    black_litterman,
    factor_returns,
    factor_scores,
    forecast_views,
)

# He and Litterman 1999, tables 1, 2 and 4.
COUNTRIES = ["AUL", "CAN", "FRA", "GER", "JAP", "UKG", "USA"]
VOLATILITY = np.array([16.0, 20.3, 24.8, 27.1, 21.0, 20.0, 18.7]) / 100
MARKET = np.array([1.6, 2.2, 5.2, 5.5, 11.6, 12.4, 61.5]) / 100
_LOWER = [
    [0.488],
    [0.478, 0.664],
    [0.515, 0.655, 0.861],
    [0.439, 0.310, 0.355, 0.354],
    [0.512, 0.608, 0.783, 0.777, 0.405],
    [0.491, 0.779, 0.668, 0.653, 0.306, 0.652],
]
CORRELATION = np.eye(7)
for _i, _row in enumerate(_LOWER, start=1):
    CORRELATION[_i, :_i] = CORRELATION[:_i, _i] = _row
SIGMA = CORRELATION * np.outer(VOLATILITY, VOLATILITY)


def test_equilibrium_is_the_published_one():
    prior = black_litterman(SIGMA, COUNTRIES, MARKET).prior
    assert (prior * 100).round(1).tolist() == [3.9, 6.9, 8.4, 9.0, 4.3, 6.8, 7.6]


def test_view_on_germany_is_the_published_one():
    view = View(portfolio={"GER": 1.0, "FRA": -0.295, "UKG": -0.705}, value=0.05)
    posterior = black_litterman(SIGMA, COUNTRIES, MARKET, [view])
    assert (posterior.mean * 100).round(1).tolist() == [4.3, 7.6, 9.3, 11.0, 4.5, 7.0, 8.1]
    weights = np.linalg.solve(2.5 * posterior.covariance, posterior.mean) * 100
    published = [1.5, 2.1, -4.0, 35.4, 11.0, -9.5, 58.6]
    assert weights == pytest.approx(published, abs=0.1)


def test_no_views_give_the_market_weights():
    result = PortfolioOptimizer(0.0).optimize_portfolio(
        np.zeros(7),
        SIGMA,
        "black_litterman",
        inputs=MethodInputs(
            symbols=COUNTRIES, market_weights=dict(zip(COUNTRIES, MARKET, strict=True))
        ),
    )
    assert list(result.weights.values()) == pytest.approx(MARKET.tolist(), abs=1e-12)


def test_optimum_of_the_unmoved_posterior_is_the_market():
    # The same through the programme: the market is optimal for its own implied returns.
    pytest.importorskip("clarabel")
    prior = black_litterman(SIGMA, COUNTRIES, MARKET).prior
    result = PortfolioOptimizer(0.0).optimize_portfolio(
        prior, SIGMA, "mean_variance", inputs=MethodInputs(symbols=COUNTRIES, risk_aversion=2.5)
    )
    assert list(result.weights.values()) == pytest.approx(MARKET.tolist(), abs=1e-5)


@pytest.mark.parametrize("confidence", [0.1, 0.5, 0.9, 1.0])
def test_confidence_is_the_share_of_the_way_to_the_view(confidence):
    pick = {"USA": 1.0, "JAP": -1.0}
    vector = np.array([pick.get(c, 0.0) for c in COUNTRIES])
    prior = black_litterman(SIGMA, COUNTRIES, MARKET).prior
    view = View(portfolio=pick, value=0.20, confidence=confidence)
    moved = black_litterman(SIGMA, COUNTRIES, MARKET, [view]).mean
    way = (vector @ moved - vector @ prior) / (0.20 - vector @ prior)
    assert way == pytest.approx(confidence, abs=1e-10)


def test_risk_aversion_can_come_from_the_market():
    shares = dict(zip(COUNTRIES, MARKET, strict=True))
    variance = float(MARKET @ SIGMA @ MARKET)
    asked = {"symbols": COUNTRIES, "market_weights": shares}
    optimizer = PortfolioOptimizer(0.02)
    found = optimizer.optimize_portfolio(
        np.zeros(7),
        SIGMA,
        "black_litterman",
        inputs=MethodInputs(**asked, market_return=0.02 + 3.0 * variance),
    )
    # Without views the expected return is what was said of the market.
    assert found.expected_return == pytest.approx(0.02 + 3.0 * variance)
    with pytest.raises(ConfigError, match="above the risk-free rate"):
        optimizer.optimize_portfolio(
            np.zeros(7),
            SIGMA,
            "black_litterman",
            inputs=MethodInputs(**asked, market_return=0.01),
        )


def test_view_moves_weights_its_way():
    pytest.importorskip("clarabel")
    shares = dict(zip(COUNTRIES, MARKET, strict=True))
    view = View(portfolio={"GER": 1.0}, value=0.15, confidence=0.6)
    result = PortfolioOptimizer(0.0).optimize_portfolio(
        np.zeros(7),
        SIGMA,
        "black_litterman",
        inputs=MethodInputs(symbols=COUNTRIES, market_weights=shares, views=[view]),
    )
    assert result.weights["GER"] > 2 * shares["GER"]


@pytest.mark.parametrize(
    ("view", "says"),
    [
        ({"portfolio": {}, "value": 0.1}, "at least one"),
        ({"portfolio": {"A": 1}, "value": np.nan}, "value of a view"),
        ({"portfolio": {"A": 1}, "value": 0.1, "confidence": 0.0}, "confidence"),
        ({"portfolio": {"A": 1}, "value": 0.1, "confidence": 0.5, "variance": 1.0}, "not both"),
    ],
)
def test_wrong_view_is_refused(view, says):
    with pytest.raises(ConfigError, match=says):
        View(**view)
    with pytest.raises(ConfigError, match="did you mean 'GER'"):
        black_litterman(SIGMA, COUNTRIES, MARKET, [View(portfolio={"GERM": 1.0}, value=0.1)])


def test_scores_of_a_hand_made_cross_section():
    # Three instruments that grow steadily by 3, 2 and 1 a thousand a day, with equal noise.
    wave = 0.01 * np.where(np.arange(252) % 2 == 0, 1.0, -1.0)
    returns = wave[:, None] + np.array([0.003, 0.002, 0.001])
    momentum = np.prod(1 + returns[:-21], axis=0) - 1
    steady = returns[-126:].mean(axis=0) / returns[-126:].std(axis=0, ddof=1)
    expected = sum(0.5 * (v - v.mean()) / v.std(ddof=1) for v in (momentum, steady))
    scores = factor_scores(returns)
    assert scores == pytest.approx(expected)
    assert scores[0] > scores[1] > scores[2]
    assert factor_returns(scores, np.full(3, 0.2)) == pytest.approx(0.05 * 0.2 * scores)


def test_scores_are_cut_at_three():
    returns = np.random.default_rng(0).normal(0, 0.001, (252, 60))
    returns[:, 0] += 0.05
    assert factor_scores(returns)[0] == 3.0


def test_scores_do_not_see_beyond_their_rows():
    returns = factor_market(5, 3, periods=320)
    now = factor_scores(returns[:300])
    longer = returns.copy()
    longer[300:] = 9.0
    assert factor_scores(longer[:300]) == pytest.approx(now)
    last = returns[:300].copy()
    last[-21:] += 0.01 * np.arange(5)
    # The last month is no part of the momentum, but it is of the half year.
    assert factor_scores(last) != pytest.approx(now)
    with pytest.raises(DataError, match="252"):
        factor_scores(returns[:251])


def test_forecasts_without_skill_leave_the_prior_alone():
    pytest.importorskip("clarabel")
    mean, covariance = moments(8, 5)
    names = [f"S{i}" for i in range(8)]
    market = dict.fromkeys(names, 1 / 8)
    rng = np.random.default_rng(0)
    sd = np.sqrt(np.diag(covariance) * 5 / 252)
    views = forecast_views(
        names, rng.normal(0, 1e-3, 8), sd, horizon_periods=5, calibration_error=1.3
    )
    result = PortfolioOptimizer(0.0).optimize_portfolio(
        mean,
        covariance,
        "black_litterman",
        OptimizationConstraints(min_weight=-1.0),
        inputs=MethodInputs(symbols=names, market_weights=market, views=views),
    )
    assert max(abs(result.weights[n] - market[n]) for n in names) < 0.01


def test_planted_skill_earns_more_out_of_sample():
    pytest.importorskip("clarabel")
    rng = np.random.default_rng(1)
    n, horizon = 8, 21
    names = [f"S{i}" for i in range(n)]
    market = dict.fromkeys(names, 1 / n)
    _, covariance = moments(n, 6)
    root = np.linalg.cholesky(covariance * horizon / 252)
    sd = np.sqrt(np.diag(covariance) * horizon / 252)
    optimizer = PortfolioOptimizer(0.0)
    earned = {"skill": 0.0, "prior": 0.0}
    for _ in range(24):
        future = root @ rng.normal(size=n)
        known = 0.6 * future + 0.3 * sd * rng.normal(size=n)
        views = forecast_views(names, known, 0.3 * sd, horizon_periods=horizon)
        for name, given in (("skill", views), ("prior", ())):
            result = optimizer.optimize_portfolio(
                np.zeros(n),
                covariance,
                "black_litterman",
                inputs=MethodInputs(symbols=names, market_weights=market, views=given),
            )
            earned[name] += sum(result.weights[s] * r for s, r in zip(names, future, strict=True))
    assert earned["skill"] > earned["prior"] + 0.05


def test_forecast_that_cannot_be_a_view_is_refused():
    with pytest.raises(ModelError, match="horizon"):
        forecast_views(["A"], np.ones(1), np.ones(1), horizon_periods=0)
    with pytest.raises(ModelError, match="forecast of A"):
        forecast_views(["A"], np.ones(1), np.zeros(1), horizon_periods=5)
    assert forecast_views(["A"], np.array([np.nan]), np.ones(1), horizon_periods=5) == ()

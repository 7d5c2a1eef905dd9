"""Metrics against other libraries' answers on real data (their files name the data)."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tradewright.metrics.benchmark import relative_performance
from tradewright.metrics.drawdowns import drawdown_series
from tradewright.metrics.returns import (
    expected_shortfall,
    kurtosis,
    performance,
    skewness,
    value_at_risk,
)
from tradewright.metrics.statistics import probabilistic_sharpe, sharpe_moments

GOLDEN = Path(__file__).parent / "data"


@cache
def golden() -> dict[str, Any]:
    return json.loads((GOLDEN / "metrics_goog_sma.json").read_text())


@cache
def series() -> np.ndarray:
    return np.array(golden()["returns"])


@cache
def goog() -> np.ndarray:
    close = pytest.importorskip("backtesting.test").GOOG["Close"].to_numpy()
    return close[1:] / close[:-1] - 1


@pytest.mark.parametrize(
    ("ours", "library", "theirs", "sign"),
    [
        ("total_return", "empyrical", "cum_returns_final", 1),
        ("annual_return", "empyrical", "annual_return", 1),
        ("annual_volatility", "empyrical", "annual_volatility", 1),
        ("sharpe", "empyrical", "sharpe_ratio", 1),
        ("sortino", "empyrical", "sortino_ratio", 1),
        ("omega", "empyrical", "omega_ratio", 1),
        ("tail_ratio", "empyrical", "tail_ratio", 1),
        ("var_95", "empyrical", "value_at_risk", -1),
        ("cvar_95", "empyrical", "conditional_value_at_risk", -1),
        ("sharpe", "quantstats", "sharpe", 1),
        ("sortino", "quantstats", "sortino", 1),
        ("annual_return", "quantstats", "cagr", 1),
        ("gain_to_pain", "quantstats", "gain_to_pain_ratio", 1),
        ("best_session", "quantstats", "best", 1),
        ("worst_session", "quantstats", "worst", 1),
        ("skew", "formula", "skew_biased", 1),
        ("kurtosis", "formula", "exkurt_biased", 1),
    ],
)
def test_metric_equals_the_library(ours: str, library: str, theirs: str, sign: int) -> None:
    found = performance(series(), periods_per_year=252, risk_free=0.0)[ours]
    assert found == pytest.approx(sign * golden()[library][theirs], rel=1e-9)


@pytest.mark.parametrize(
    ("ours", "library", "theirs"),
    [
        ("beta", "empyrical", "beta"),
        ("information_ratio", "quantstats", "information_ratio"),
    ],
)
def test_relative_metric_equals_the_library(ours: str, library: str, theirs: str) -> None:
    found = relative_performance(series(), goog(), periods_per_year=252, risk_free=0.0)[ours]
    scale = np.sqrt(252) if ours == "information_ratio" else 1.0
    assert found == pytest.approx(scale * golden()[library][theirs], rel=1e-9)


def test_alpha_is_annualised_by_multiplication_as_quantstats_does() -> None:
    found = relative_performance(series(), goog(), periods_per_year=252, risk_free=0.0)
    assert found["alpha"] == pytest.approx(golden()["quantstats"]["greeks"]["alpha"], rel=1e-9)
    assert found["correlation"] ** 2 == pytest.approx(golden()["quantstats"]["r_squared"], rel=1e-9)


def test_drawdown_and_ulcer_equal_the_libraries() -> None:
    falls = drawdown_series(np.cumprod(np.append(1.0, 1 + series())))
    assert falls.min() == pytest.approx(golden()["empyrical"]["max_drawdown"], rel=1e-9)
    n = len(falls) - 1
    ulcer = np.sqrt((falls[1:] ** 2).sum() / (n - 1))  # quantstats divides by n - 1
    assert ulcer == pytest.approx(golden()["quantstats"]["ulcer_index"], rel=1e-9)


def test_probabilistic_sharpe_is_near_quantstats() -> None:
    """Quantstats takes the unbiased excess kurtosis where the paper has the kurtosis itself."""
    found = probabilistic_sharpe(sharpe_moments(series()))
    wanted = golden()["quantstats"]["probabilistic_sharpe_ratio"]
    assert found == pytest.approx(wanted, abs=2e-4)


@pytest.mark.parametrize("kind", ["log", "simple"])
@pytest.mark.parametrize("row", [1, 3])
def test_value_at_risk_and_shortfall_on_the_index(kind: str, row: int) -> None:
    arch_data = pytest.importorskip("arch.data.sp500")
    close = arch_data.load()["Adj Close"].to_numpy()
    returns = np.diff(np.log(close)) if kind == "log" else close[1:] / close[:-1] - 1
    wanted = json.loads((GOLDEN / "var_es_sp500.json").read_text())["results"][kind]
    level = 1 - wanted["rows"][row]["alpha"]
    assert len(returns) == wanted["n"]
    assert value_at_risk(returns, level=level) == pytest.approx(wanted["rows"][row]["hist_var"])
    shortfall = wanted["rows"][row]["hist_es_mean_le_q"]
    assert expected_shortfall(returns, level=level) == pytest.approx(shortfall)
    assert skewness(returns) == pytest.approx(wanted["skew_biased"])
    assert kurtosis(returns) - 3 == pytest.approx(wanted["excess_kurtosis_biased"])

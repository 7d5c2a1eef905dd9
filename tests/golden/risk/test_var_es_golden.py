"""Value at risk on the S&P 500, 1999 to 2018, against other libraries' answers."""

import json
import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tradewright.risk.measures import MeasureSettings, measure
from tradewright.risk.measures.parametric import fit_student_t
from tradewright.risk.measures.volatility import ewma_variance, fit_garch

GOLDEN = Path(__file__).parents[1] / "metrics" / "data" / "var_es_sp500.json"
KEYS = {
    "historical": ("hist_var", "hist_es_mean_le_q"),
    "gaussian": ("gauss_var", "gauss_es"),
    "cornish_fisher": ("cf_var", "cf_es_numeric"),
    "student_t": ("t_var", "t_es"),
}


@cache
def golden():
    return json.loads(GOLDEN.read_text())["results"]["simple"]


@cache
def sp500():
    level = pytest.importorskip("arch.data.sp500").load()["Adj Close"].to_numpy()
    return level[1:] / level[:-1] - 1


@pytest.mark.parametrize("method", KEYS)
@pytest.mark.parametrize("row", range(5))
def test_measure_equals_the_published_figures(method, row):
    wanted = golden()["rows"][row]
    found = measure(sp500(), method, MeasureSettings(level=1 - wanted["alpha"], window=None))
    # Their Student-t search stops short of the greatest likelihood: see the next test.
    slack = 2e-6 if method == "student_t" else 1e-6
    assert found.var == pytest.approx(wanted[KEYS[method][0]], abs=slack)
    assert found.es == pytest.approx(wanted[KEYS[method][1]], abs=slack)
    assert (found.n_observations, found.low_sample) == (5030, False)


def test_student_t_is_at_least_as_likely_as_the_published_fit():
    from scipy.stats import t

    theirs = golden()["student_t_fit"]
    ours = fit_student_t(sp500())
    told = t.logpdf(sp500(), theirs["nu"], theirs["loc"], theirs["scale"]).sum()
    assert t.logpdf(sp500(), *ours).sum() >= told
    assert ours == pytest.approx((theirs["nu"], theirs["loc"], theirs["scale"]), rel=5e-5)


def test_ewma_equals_its_recursion_written_out():
    variance, weight = 0.0, 0.0
    for r in sp500()[-500:]:
        variance, weight = 0.94 * variance + 0.06 * r * r, 0.94 * weight + 0.06
    assert ewma_variance(sp500()[-500:], 0.94) == pytest.approx(variance / weight, rel=1e-12)
    found = measure(sp500(), "ewma")
    assert found.var == pytest.approx(1.6448536269514722 * math.sqrt(variance / weight), rel=1e-9)


def test_garch_equals_the_arch_package():
    arch = pytest.importorskip("arch")
    theirs = arch.arch_model(sp500() * 100, mean="Constant", vol="GARCH", rescale=False)
    fitted = theirs.fit(disp="off")
    ours = fit_garch(sp500())
    mean, omega, alpha, beta = fitted.params.to_numpy()
    assert (ours.alpha, ours.beta) == pytest.approx((alpha, beta), abs=2e-4)
    assert (ours.mean, ours.omega) == pytest.approx((mean / 100, omega / 1e4), rel=2e-3)
    told = fitted.forecast(horizon=1).variance.to_numpy()[-1, 0] / 1e4
    assert ours.variances[-1] == pytest.approx(told, rel=1e-4)
    shocks = (sp500() - mean / 100) / (fitted.conditional_volatility / 100)
    wanted = -(mean / 100) - math.sqrt(told) * np.quantile(shocks, 0.01)
    found = measure(sp500(), "garch", MeasureSettings(level=0.99, window=None))
    assert found.var == pytest.approx(wanted, rel=2e-4)


def test_age_weights_are_those_of_the_paper():
    """Boudoukh, Richardson and Whitelaw (1998), table of the hybrid approach, K = 100."""
    from tradewright.risk.measures.historical import age_weights

    published = {3: 0.0221, 2: 0.0226, 65: 0.0063, 45: 0.0095, 5: 0.0213, 30: 0.0128}
    weights = age_weights(100, 0.98)
    assert {age: round(float(weights[-age]), 4) for age in published} == published
    # The six worst returns of the table, the rest above them: 2.70 % is where 5 % is reached.
    returns = np.full(100, 0.001)
    worst = {3: -0.033, 2: -0.029, 65: -0.027, 45: -0.025, 5: -0.024, 30: -0.023}
    for age, value in worst.items():
        returns[-age] = value
    found = measure(returns, "age_weighted", MeasureSettings(window=100))
    assert found.var == pytest.approx(0.027)
    w3, w2 = weights[-3], weights[-2]
    by_hand = (0.033 * w3 + 0.029 * w2 + 0.027 * (0.05 - w3 - w2)) / 0.05
    assert found.es == pytest.approx(by_hand, rel=1e-12)

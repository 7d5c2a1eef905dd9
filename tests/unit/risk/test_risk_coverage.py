"""Tests of a measure's own record: size where it is right, power where it is wrong."""

import numpy as np
import pytest
from scipy.stats import chi2, t

from tradewright.domain.errors import DataError
from tradewright.risk.measures import (
    MeasureSettings,
    acerbi_szekely,
    christoffersen,
    kupiec,
    record_of,
)


def hits_of(text):
    return np.array([c == "1" for c in text])


def test_kupiec_by_hand():
    hits = np.zeros(250, bool)
    hits[:21] = True
    wanted = 2 * (
        21 * np.log(21 / 250) + 229 * np.log(229 / 250) - 21 * np.log(0.05) - 229 * np.log(0.95)
    )
    found = kupiec(hits, 0.95)
    assert found.statistic == pytest.approx(wanted)
    assert found.p_value == pytest.approx(chi2.sf(wanted, 1))
    none = kupiec(np.zeros(250, bool), 0.95)
    assert none.statistic == pytest.approx(-2 * 250 * np.log(0.95))


def test_christoffersen_by_hand():
    hits = hits_of("0011000110" * 5)
    n00, n01, n10, n11 = 19, 10, 10, 10
    before, after = hits[:-1], hits[1:]
    counted = (
        (~before & ~after).sum(), (~before & after).sum(),
        (before & ~after).sum(), (before & after).sum(),
    )  # fmt: skip
    assert counted == (n00, n01, n10, n11)
    pooled = 20 / 49
    wanted = 2 * (
        n00 * np.log(19 / 29) + n01 * np.log(10 / 29) + n10 * np.log(0.5) + n11 * np.log(0.5)
        - 29 * np.log(1 - pooled) - 20 * np.log(pooled)
    )  # fmt: skip
    independence, both = christoffersen(hits, 0.6)
    assert independence.statistic == pytest.approx(wanted)
    assert both.statistic == pytest.approx(wanted + kupiec(hits, 0.6).statistic)
    assert both.p_value == pytest.approx(chi2.sf(both.statistic, 2))


@pytest.mark.parametrize("text", ["0" * 100, "1" * 100, "0" * 99 + "1"])
def test_degenerate_records_have_finite_statistics(text):
    for found in (kupiec(hits_of(text), 0.95), *christoffersen(hits_of(text), 0.95)):
        assert np.isfinite(found.statistic)
        assert 0 <= found.p_value <= 1


def test_acerbi_szekely_by_hand():
    returns = np.zeros(40)
    returns[[3, 9]] = -0.04, -0.02
    var, es = np.full(40, 0.01), np.full(40, 0.02)
    # 1 - (0.04 + 0.02) / 0.02 / (40 * 0.05)
    assert acerbi_szekely(returns, var, es, 0.95).statistic == pytest.approx(-0.5)


def test_critical_value_of_acerbi_szekely_is_the_published_one():
    """Table in the paper: -0.70 at 5 % for 250 days at 97.5 %, whatever the tail."""
    from tradewright.risk.measures.coverage import _null_of_z2

    for dof in (5.0, 10.0, 100.0):
        assert np.quantile(_null_of_z2(250, 0.025, dof, 0), 0.05) == pytest.approx(-0.70, abs=0.06)


def rejections(dof_true, scale, tests=300, level=0.95, n=250, at=0.05):
    """Share of records on which each test rejects a Gaussian forecast of scale 1."""
    random = np.random.default_rng(11)
    var, es = np.full(n, 1.6448536), np.full(n, 2.0627128)
    found = {"kupiec": 0, "christoffersen": 0, "acerbi_szekely": 0}
    for _ in range(tests):
        if dof_true is None:
            returns = random.standard_normal(n) * scale
        else:
            returns = t.rvs(dof_true, size=n, random_state=random) * scale
        hits = returns < -var
        found["kupiec"] += kupiec(hits, level).p_value < at
        found["christoffersen"] += christoffersen(hits, level)[0].p_value < at
        found["acerbi_szekely"] += (
            acerbi_szekely(returns, var, es, level, tail_dof=100.0).p_value < at
        )
    return {name: count / tests for name, count in found.items()}


def test_size_of_the_tests_where_the_measure_is_right():
    found = rejections(None, 1.0)
    assert 0.02 <= found["kupiec"] <= 0.09
    assert found["christoffersen"] <= 0.10  # discrete: few exceptions follow one another
    assert 0.02 <= found["acerbi_szekely"] <= 0.09


def test_power_of_the_tests_where_risk_is_understated():
    found = rejections(None, 1.5)
    assert found["kupiec"] > 0.9
    assert found["acerbi_szekely"] > 0.9


def test_independence_test_sees_clusters_of_exceptions():
    random = np.random.default_rng(2)
    rejected = 0
    for _ in range(200):
        state, hits = False, np.zeros(250, bool)
        for i in range(250):
            state = random.random() < (0.5 if state else 0.03)
            hits[i] = state
        rejected += christoffersen(hits, 0.95)[0].p_value < 0.05
    assert rejected / 200 > 0.8


@pytest.mark.parametrize("method", ["historical", "gaussian", "ewma", "garch", "student_t"])
def test_record_of_a_right_measure_passes_and_uses_the_past_alone(method):
    returns = np.random.default_rng(7).standard_normal(800) * 0.01
    found = record_of(returns, method, MeasureSettings(refit=125))
    assert len(found.var) == 250
    assert found.fails == ()
    assert [test.name for test in found.tests] == [
        "kupiec", "christoffersen", "conditional_coverage", "acerbi_szekely",
    ]  # fmt: skip
    cut = record_of(np.concatenate((returns[:-1], [-0.5])), method, MeasureSettings(refit=125))
    np.testing.assert_array_equal(cut.var, found.var)
    assert len(cut.exceptions) in {len(found.exceptions), len(found.exceptions) + 1}


def test_method_that_fails_is_marked():
    random = np.random.default_rng(9)
    returns = np.concatenate(
        (random.standard_normal(500) * 0.005, random.standard_normal(250) * 0.03)
    )
    found = record_of(returns, "historical")
    assert "kupiec" in found.fails
    assert "acerbi_szekely" in found.fails
    assert len(found.exceptions) > 3 * found.expected


def test_wrong_records_are_refused():
    with pytest.raises(DataError, match="wanted at least 280"):
        record_of(np.zeros(279) + 0.01)
    with pytest.raises(DataError, match="session by session"):
        record_of(np.zeros(900), settings=MeasureSettings(horizon=5))
    with pytest.raises(DataError, match="true and false"):
        kupiec(np.zeros(10), 0.95)
    with pytest.raises(DataError, match="row 0 is not above 0"):
        acerbi_szekely(np.zeros(3), np.ones(3), np.zeros(3), 0.95)

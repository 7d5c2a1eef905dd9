"""Sources on one scale, their weights and what they say together: worked by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright.domain.errors import DataError, ModelError
from tradewright.domain.forecasts import Forecast
from tradewright.portfolio.decision import SignalSettings, SourceView, combine, skill_of, view_of
from tradewright.portfolio.decision.combining import outlook_of
from tradewright.portfolio.decision.skill import information_coefficient

DAY = 86_400_000_000_000
S = SignalSettings()


def forecast(**given):
    return Forecast(**{"symbol": "AAPL", "model": "m", "ts_known": 1, "horizon_ns": DAY, **given})


def viewed(cost=0.0, volatility=0.02, **given):
    return view_of(forecast(**given), volatility=volatility, cost=cost)


def test_score_of_each_kind_of_source():
    assert viewed(exposure=-0.4).score == -0.4
    assert viewed(probabilities=(0.2, 0.3, 0.5)).score == pytest.approx(0.3)
    assert viewed(mean=0.01, sd=0.02).score == pytest.approx(0.25)
    assert viewed(mean=0.1, sd=0.02).score == 1.0
    assert viewed(mean=-0.01, volatility=0.05).score == pytest.approx(-0.1)


def test_confidence_of_each_kind_of_source():
    assert viewed(probabilities=(0.2, 0.3, 0.5)).confidence == 0.5
    assert viewed(probabilities=(0.7, 0.1, 0.2)).confidence == 0.7
    # Phi(1) = 0.8413447460685429
    assert viewed(mean=-0.03, sd=0.02, cost=0.01).confidence == pytest.approx(0.8413447460685429)
    assert viewed(exposure=-0.4).confidence == 0.4
    assert viewed(exposure=-0.4, confidence=0.9).confidence == 0.9


def test_uncertainty_of_each_kind_of_source():
    assert viewed(probabilities=(1 / 3, 1 / 3, 1 / 3)).uncertainty == pytest.approx(1.0)
    assert viewed(probabilities=(0.0, 0.0, 1.0)).uncertainty == 0.0
    half = -2 * 0.5 * math.log(0.5) / math.log(3)
    assert viewed(probabilities=(0.5, 0.0, 0.5)).uncertainty == pytest.approx(half)
    assert viewed(mean=0.01, sd=0.03).uncertainty == pytest.approx(0.75)
    assert viewed(mean=0.01, sd=0.03, spread=0.2).uncertainty == 0.2
    assert viewed(exposure=0.4, confidence=0.9).uncertainty == pytest.approx(0.1)


def test_mean_without_any_deviation_is_not_traded_with_confidence():
    view = viewed(mean=0.01, volatility=math.nan)
    assert (view.score, view.confidence, view.uncertainty) == (0.0, 0.5, 1.0)


def test_worked_example_of_the_combination():
    # raw 0.6·0.8 = 0.48 and 0.4·0.6 = 0.24: weights 2/3 and 1/3; both are positive, a = 1
    model = SourceView("m", "model", 0.5, 0.8, 0.2)
    agent = SourceView("a", "agent", 0.3, 0.6, 0.4)
    found = combine([model, agent], S, "bullish/stable")
    assert found.weights == pytest.approx((2 / 3, 1 / 3))
    assert found.score == pytest.approx(2 / 3 * 0.5 + 1 / 3 * 0.3)
    assert found.agreement == pytest.approx(1.0)
    assert found.uncertainty == pytest.approx(2 / 3 * 0.2 + 1 / 3 * 0.4)
    assert found.confidence == pytest.approx((2 / 3 * 0.8 + 1 / 3 * 0.6) - 0.25 * 4 / 15)
    # Opposite signs: a = 1/3, the uncertainty grows by a third and the confidence falls.
    against = combine([model, SourceView("a", "agent", -0.3, 0.6, 0.4)], S, "bullish/stable")
    assert against.agreement == pytest.approx(1 / 3)
    assert against.uncertainty == pytest.approx(4 / 15 + 1 / 3)
    sure = (2 / 3 * 0.8 + 1 / 3 * 0.6) * (0.5 + 0.5 / 3) - 0.25 * (4 / 15 + 1 / 3)
    assert against.confidence == pytest.approx(sure)


def test_base_weight_is_shared_inside_a_group_and_moves_to_the_other_when_one_is_empty():
    one = SourceView("m1", "model", 0.5, 0.5, 0.2)
    two = SourceView("m2", "model", 0.5, 0.5, 0.2)
    agent = SourceView("a", "agent", 0.5, 0.5, 0.2)
    assert combine([one, two, agent], S, "mixed").weights == pytest.approx((0.3, 0.3, 0.4))
    assert combine([one, two], S, "mixed").weights == pytest.approx((0.5, 0.5))
    assert combine([agent], S, "mixed").weights == (1.0,)


def test_regime_and_skill_move_the_weights():
    model = SourceView("m", "model", 0.5, 0.5, 0.2, skill=1.5)
    agent = SourceView("a", "agent", 0.5, 0.5, 0.2, skill=0.5)
    found = combine([model, agent], S, "bullish/stable")
    assert found.weights == pytest.approx((0.9 / 1.1, 0.2 / 1.1))
    table = {"m": {"mixed": 0.0}, "agent": {"mixed": 2.0}}
    told = SignalSettings(source_regimes=table)
    assert combine([model, agent], told, "mixed").weights == pytest.approx((0.0, 1.0))
    assert combine([model, agent], told, "bullish/stable").weights == found.weights


def test_sources_without_any_confidence_keep_their_base():
    views = [SourceView("m", "model", 0.5, 0, 1), SourceView("a", "agent", -0.5, 0, 1)]
    assert combine(views, S, "mixed").weights == pytest.approx((0.6, 0.4))


view = st.builds(
    SourceView,
    st.sampled_from("abc"),
    st.sampled_from(["model", "agent"]),
    st.floats(-1, 1),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0.5, 1.5),
)


@settings(max_examples=120, deadline=None)
@given(st.lists(view, min_size=1, max_size=6))
def test_weights_sum_to_one_and_everything_keeps_its_range(views):
    found = combine(views, S, "mixed")
    assert sum(found.weights) == pytest.approx(1.0)
    assert min(found.weights) >= 0
    assert -1 <= found.score <= 1
    for value in (found.confidence, found.uncertainty, found.agreement):
        assert 0 <= value <= 1


@settings(max_examples=120, deadline=None)
@given(
    st.lists(view, min_size=2, max_size=4), st.integers(0, 3), st.floats(0, 1), st.floats(0.5, 1.5)
)
def test_more_confidence_or_skill_never_lowers_a_weight_nor_doubt_the_result(
    views, at, value, skill
):
    at %= len(views)
    one = views[at]
    before = combine(views, S, "mixed")

    def changed(**to):
        given = {**{n: getattr(one, n) for n in one.__slots__}, **to}
        return combine([*views[:at], SourceView(**given), *views[at + 1 :]], S, "mixed")

    low, high = sorted((one.confidence, value))
    if sum(v.confidence for i, v in enumerate(views) if i != at) > 0 and low > 0:
        assert changed(confidence=high).weights[at] >= changed(confidence=low).weights[at] - 1e-12
    low, high = sorted((one.skill, skill))
    assert changed(skill=high).weights[at] >= changed(skill=low).weights[at] - 1e-12
    low, high = sorted((one.uncertainty, value))
    assert changed(uncertainty=high).confidence <= changed(uncertainty=low).confidence + 1e-12
    assert changed(uncertainty=high).uncertainty >= changed(uncertainty=low).uncertainty - 1e-12
    low, high = sorted((one.score, 2 * value - 1))
    assert changed(score=high).score >= changed(score=low).score - 1e-12
    assert before == combine(views, S, "mixed")


def test_skill_needs_thirty_outcomes_and_uses_the_last_sixty():
    up = np.arange(100.0)
    assert skill_of(up[:29], up[:29]) == 1.0
    assert skill_of(up[:30], up[:30]) == 1.5
    assert skill_of(up[:30], -up[:30]) == 0.5
    assert skill_of(up, np.where(np.arange(100) < 40, -up, up)) == 1.5
    unknown = np.where(np.arange(40) < 11, np.nan, np.arange(40.0))
    assert skill_of(np.arange(40.0), unknown) == 1.0
    assert skill_of(np.zeros(40), np.arange(40.0)) == 1.0
    with pytest.raises(DataError, match="skill: "):
        skill_of([1.0], [1.0, 2.0])


def test_information_coefficient_is_spearmans_with_ties():
    from scipy.stats import spearmanr

    rng = np.random.default_rng(3)
    a, b = rng.integers(0, 6, 50).astype(float), rng.integers(0, 6, 50).astype(float)
    assert information_coefficient(a, b) == pytest.approx(spearmanr(a, b).statistic)


def test_outlook_scales_to_the_shortest_horizon():
    short = forecast(mean=0.01, sd=0.02)
    long = forecast(mean=0.08, sd=0.06, horizon_ns=4 * DAY)
    found = outlook_of([short, long], [0.5, 0.5], volatility_per_ns=0.0)
    assert found.horizon_ns == DAY
    assert found.mean == pytest.approx(0.5 * 0.01 + 0.5 * 0.02)
    square = 0.5 * (0.02**2 + 0.01**2) + 0.5 * (0.03**2 + 0.02**2)
    assert found.sd == pytest.approx(math.sqrt(square - 0.015**2))
    # z(0.95) = 1.6448536269514722
    expected = 0.5 * (0.01 - 1.6448536269514722 * 0.02) + 0.5 * (0.02 - 1.6448536269514722 * 0.03)
    assert found.quantiles[0.05] == pytest.approx(expected)


def test_given_quantiles_are_interpolated_and_short_ladders_left_out():
    told = {0.01: -0.06, 0.05: -0.04, 0.5: 0.0, 0.95: 0.04, 0.99: 0.06}
    found = outlook_of([forecast(mean=0.0, quantiles=told)], [1.0], volatility_per_ns=0.0)
    assert found.quantiles[0.05] == pytest.approx(-0.04)
    assert found.quantiles[0.90] == pytest.approx(0.04 * 40 / 45)
    narrow = forecast(mean=0.0, quantiles={0.25: -0.01, 0.75: 0.01})
    assert outlook_of([narrow], [1.0], volatility_per_ns=0.0).quantiles == {}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"mean": math.nan}, "mean is nan"),
        ({}, "neither mean, probabilities nor exposure"),
        ({"mean": 0.1, "horizon_ns": 0}, "horizon is 0"),
        ({"mean": 0.1, "sd": -1.0}, "sd is -1.0"),
        ({"probabilities": (0.5, 0.5, 0.5)}, "with sum 1"),
        ({"exposure": 1.5}, "exposure is 1.5"),
        ({"mean": 0.0, "quantiles": {0.1: 0.2, 0.9: 0.1}}, "quantiles are"),
    ],
)
def test_forecast_that_makes_no_sense_is_refused(wrong, says):
    with pytest.raises(ModelError, match=says):
        forecast(**wrong)

"""The decision rule, by hand-worked rows and by what must always hold."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewright.domain.errors import ConfigError, ModelError
from tradewright.portfolio import DecisionSettings, confidence_of, decide

MEAN = np.array([0.03, -0.02, 0.01, 0.02, np.nan])


def decided(mean=MEAN, **settings):
    row = {k: settings.pop(k) for k in ("sd", "probability_up", "volatility", "held")
           if k in settings}  # fmt: skip
    return decide(np.asarray(mean), DecisionSettings(**settings), **row).tolist()


def weights(*values):
    return pytest.approx(list(values), nan_ok=True)


def test_top_k_gives_each_of_the_best_a_slot():
    assert decided(top_k=2, max_weight=1) == weights(0.5, 0, 0, 0.5, math.nan)
    assert decided(top_k=4, max_weight=1) == weights(0.25, 0, 0.25, 0.25, math.nan)


def test_long_short_takes_the_strongest_of_both_signs():
    assert decided(top_k=2, direction="long_short", max_weight=1) == weights(
        0.5, -0.5, 0, 0, math.nan
    )


def test_proportional_shares_by_forecast():
    assert decided(rule="proportional", max_weight=1) == weights(0.5, 0, 1 / 6, 1 / 3, math.nan)


def test_inverse_volatility_halves_what_moves_twice_as_much():
    vol = np.array([0.2, 0.1, 0.1, 0.1, 0.1])
    assert decided(top_k=2, max_weight=1, volatility_scaled=True, volatility=vol) == weights(
        1 / 3, 0, 0, 2 / 3, math.nan
    )


def test_a_cap_is_kept_as_cash():
    assert decided(top_k=2, max_weight=0.3) == weights(0.3, 0, 0, 0.3, math.nan)


def test_entries_need_to_clear_their_cost_but_holdings_stay():
    assert decided(cost_hurdle=0.025, top_k=2, max_weight=1) == weights(0.5, 0, 0, 0, math.nan)
    held = np.array([0, 0, 0, 0.4, 0])
    assert decided(cost_hurdle=0.025, top_k=2, max_weight=1, held=held) == weights(
        0.5, 0, 0, 0.5, math.nan
    )


def test_entries_need_confidence():
    p = np.array([0.55, 0.4, 0.7, 0.65, 0.9])
    assert decided(min_confidence=0.6, probability_up=p, top_k=2, max_weight=1) == weights(
        0, 0, 0.5, 0.5, math.nan
    )


def test_small_changes_are_left_alone_but_leaving_is_not():
    held = np.array([0.49, 0.02, 0, 0, 0])
    assert decided(top_k=2, max_weight=1, no_trade_band=0.05, held=held) == weights(
        math.nan, 0, math.nan, 0.5, math.nan
    )


def test_what_is_held_without_forecast_takes_its_share_of_gross():
    held = np.array([0, 0, 0, 0, 0.5])
    assert decided(top_k=2, max_weight=1, held=held) == weights(0.25, 0, 0, 0.25, math.nan)


def test_confidence_is_the_normal_probability_of_beating_the_cost():
    # one standard deviation: Phi(1) = 0.8413447460685429 (tables)
    got = confidence_of(np.array([0.03, -0.03, np.nan]), sd=np.full(3, 0.02), cost=0.01)
    np.testing.assert_allclose(got, [0.8413447460685429, 0.8413447460685429, np.nan])
    assert confidence_of(np.array([1.0, np.nan]))[0] == 1.0


@given(
    st.lists(st.one_of(st.floats(-0.2, 0.2), st.just(math.nan)), min_size=1, max_size=12),
    st.sampled_from(["top_k", "proportional"]),
    st.sampled_from(["long", "long_short"]),
    st.floats(0.01, 1.0),
    st.floats(0.1, 2.0),
    st.integers(1, 6),
)
def test_weights_keep_every_limit_and_the_sign_of_their_forecast(
    mean, rule, direction, cap, gross, k
):
    mean = np.array(mean)
    settings = DecisionSettings(
        rule=rule, direction=direction, max_weight=cap, gross=gross, top_k=k
    )
    weights = decide(mean, settings)
    assert (np.isnan(weights) == np.isnan(mean)).all()
    w = np.nan_to_num(weights)
    assert (np.abs(w) <= cap + 1e-12).all()
    assert np.abs(w).sum() <= gross + 1e-9
    assert (w * np.nan_to_num(mean) >= 0).all()
    if direction == "long":
        assert (w >= 0).all()
    if rule == "top_k":
        assert (w != 0).sum() <= k
    # A stronger forecast never gets less.
    order = np.argsort(-np.abs(np.nan_to_num(mean)))
    kept = [abs(w[i]) for i in order if w[i] != 0]
    assert all(a >= b - 1e-12 for a, b in itertools.pairwise(kept))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"rule": "topk"}, "decision.rule is 'topk'; did you mean 'top_k'"),
        ({"direction": "short"}, "decision.direction"),
        ({"top_k": 0}, "decision.top_k is 0, wanted a whole number >= 1"),
        ({"top_k": 2.5}, "decision.top_k"),
        ({"min_confidence": 1.2}, "decision.min_confidence is 1.2, wanted 0.0 to 1.0"),
        ({"gross": 0.0}, "nothing could ever be held"),
        ({"stop_loss": 0.0}, "decision.stop_loss"),
        ({"rebalance_bars": True}, "decision.rebalance_bars"),
    ],
)
def test_wrong_settings_are_named(wrong, says):
    with pytest.raises(ConfigError, match=says):
        DecisionSettings(**wrong)


def test_bad_rows_are_refused():
    with pytest.raises(ModelError, match="column 1 is infinite"):
        decided([0.1, math.inf])
    with pytest.raises(ModelError, match="needs volatilities"):
        decided(volatility_scaled=True)

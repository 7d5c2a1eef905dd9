"""Features as text."""

import pytest

from tradewright import features as tf
from tradewright.domain.errors import ConfigError
from tradewright.features.document import example_spec
from tradewright.features.registry import definitions


def names(*texts, **options):
    return [str(spec) for spec in tf.parse_features(texts, **options)]


@pytest.mark.parametrize("definition", definitions(), ids=lambda d: d.about.name)
def test_every_feature_reads_back_from_its_own_text(definition):
    spec = example_spec(definition)
    assert tf.parse_features(str(spec)) == (spec,)


def test_range_stands_for_one_feature_each():
    assert names("lag(return(1), 1..3)") == [f"lag(return(1), {k})" for k in (1, 2, 3)]
    assert names("return(1..2)") == ["return(1)", "return(2)"]
    assert len(names("volatility_ratio(1..3, 10..12)".replace("1..3", "5..7"))) == 9


def test_numbers_by_position_keyword_default_and_suffix_are_the_same():
    assert names("rsi(14)", "rsi", "rsi(n=14)", "rsi_14", " RSI ( 14 ) ") == ["rsi(14)"]


def test_set_of_indicators_gives_thirteen_stationary_features():
    specs = tf.parse_features(["technical_indicators"], allow_levels=False)
    assert len(specs) == 13
    assert {spec.role for spec in specs} == {tf.Role.STATIONARY}
    assert len(tf.parse_features("technical_levels")) == 13


def test_same_feature_twice_is_one_column():
    assert names("technical_indicators", "rsi(14)").count("rsi(14)") == 1


def test_raw_level_in_a_model_is_refused_with_its_stationary_form():
    with pytest.raises(ConfigError, match=r"sma\(20\).*close_to_sma.*allow_levels: true"):
        tf.parse_features(["sma(20)"], allow_levels=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rsj(14)", "did you mean 'rsi'"),
        ("zscore(volume, m=60)", "unknown parameter 'm'"),
        ("zscore(60)", "takes 1 feature"),
        ("rsi(volume, 14)", "takes 0 feature"),
        ("rsi(14, 15)", "takes 1 number"),
        ("rsi(1)", "wanted 2 to"),
        ("rsi(14.5)", "whole number"),
        ("rsi(14", "missing"),
        ("rsi 14", "too much"),
        ("rsi(14))", "too much"),
        ("(14)", "name must stand"),
        ("", "the end"),
        ("lag(return(1), 5..1)", "must rise"),
        ("rsi(n=3, n=4)", "given twice"),
        ("rsi(@)", "cannot read"),
    ],
)
def test_unreadable_feature_is_refused_with_a_hint(text, message):
    with pytest.raises(ConfigError, match=message):
        tf.parse_features([text])


def test_warm_up_adds_up_through_nested_features():
    spec = tf.parse_features("zscore(lag(rsi(14), 3), 60)")[0]
    assert spec.min_rows == 15 + 3 + 59
    assert spec.settle_rows == 373 + 3 + 59
    assert spec.inputs == ("close",)
    assert tf.parse_features("mean(obv, 5)")[0].settle_rows is None


def test_declared_memory_is_what_the_weights_say():
    assert tf.memory(2 / 13) == 166
    assert tf.memory(1 / 14) == 373
    for stages in (2, 3, 6):
        k = tf.memory(2 / 21, stages=stages)
        assert _tail(2 / 21, stages, k) < 1e-12 <= _tail(2 / 21, stages, k - 1)


def _tail(alpha, stages, k):
    """Weight that `stages` exponential means leave on rows older than k, by convolution."""
    import numpy as np

    kernel = alpha * (1 - alpha) ** np.arange(4000)
    weights = kernel
    for _ in range(stages - 1):
        weights = np.convolve(weights, kernel)[:4000]
    return weights[k - stages + 1 :].sum()


def test_user_feature_joins_the_catalogue_and_leaves_it():
    @tf.feature(tf.About(name="twice", family="user", formula="2 close", role="level"))
    def twice(bars):
        """Twice the close."""
        return 2.0 * bars.close

    try:
        assert names("zscore(twice, 20)") == ["zscore(twice, 20)"]
        assert "twice" in tf.catalogue("user")["name"].to_list()
        with pytest.raises(ConfigError, match=r"defined twice.*2 close.*3 close"):
            tf.feature(tf.About(name="twice", family="user", formula="3 close"))(lambda bars: bars)
        with pytest.raises(ConfigError, match="'rsi' is defined twice"):
            tf.feature(tf.About(name="rsi", family="user", formula="mine"))(lambda bars: bars)
    finally:
        tf.forget("twice")
    with pytest.raises(ConfigError):
        tf.parse_features("twice")
    tf.forget("rsi")
    assert names("rsi") == ["rsi(14)"]

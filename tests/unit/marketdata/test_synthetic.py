"""Made-up markets keep to the law they name."""

import math

import numpy as np
import pytest

import tradewright as tw
from tradewright.domain.errors import ConfigError
from tradewright.marketdata import check_health
from tradewright.marketdata.synthetic import MODELS

ALL = pytest.mark.parametrize("model", sorted(MODELS))


def log_returns(bars):
    return np.diff(np.log(bars.close), axis=0)


@ALL
def test_bars_are_valid_complete_and_the_same_again(model):
    bars = tw.synthetic_bars(model, 3, 600, seed=5)
    again = tw.synthetic_bars(model, 3, 600, seed=5)
    other = tw.synthetic_bars(model, 3, 600, seed=6)
    assert bars.data_version == again.data_version != other.data_version
    assert bars.close.shape == (600, 3)
    for values in (bars.open, bars.high, bars.low, bars.close, bars.volume):
        assert np.isfinite(values).all()
    assert (bars.low > 0).all()
    assert (bars.high >= np.maximum(bars.open, bars.close)).all()
    assert (bars.low <= np.minimum(bars.open, bars.close)).all()
    assert (bars.source, bars.interval) == ("synthetic", "1d")
    assert model in bars.notes[0]


@ALL
def test_variance_a_year_and_correlation_are_those_asked_for(model):
    bars = tw.synthetic_bars(
        model, 40, 2500, drift=0.0, volatility=0.3, correlation=0.5, seed=1, start="2005-01-03"
    )
    returns = log_returns(bars)
    assert math.sqrt(returns.var(axis=0).mean() * 252) == pytest.approx(0.3, rel=0.06)
    pairs = np.corrcoef(returns.T)[np.triu_indices(40, 1)]
    wanted = 0.5 * (0.75 if model == "jumps" else 1.0)  # jumps come to each alone
    assert pairs.mean() == pytest.approx(wanted, abs=0.05)


def test_the_drift_is_the_expected_return_a_year():
    bars = tw.synthetic_bars(
        "random_walk", 400, 2500, drift=0.12, correlation=0.0, seed=2, start="2005-01-03"
    )
    years = (bars.ts[-1] - bars.ts[0]) / (365.25 * 86_400e9)
    growth = (bars.close[-1] / bars.close[0]).mean() ** (1 / years)
    assert growth == pytest.approx(math.exp(0.12), abs=0.01)


def test_each_model_shows_what_it_is_named_for():
    def made(model):
        return log_returns(
            tw.synthetic_bars(model, 60, 2500, correlation=0.0, seed=3, start="2005-01-03")
        )

    def kurtosis(returns):
        z = (returns - returns.mean(axis=0)) / returns.std(axis=0)
        return float((z**4).mean())

    def clustering(returns):
        size = np.abs(returns)
        return float(np.mean([np.corrcoef(c[1:], c[:-1])[0, 1] for c in size.T]))

    found = {model: made(model) for model in MODELS}
    assert kurtosis(found["random_walk"]) == pytest.approx(3.0, abs=0.1)
    # Merton: kurtosis 3 + 3 JUMP_SHARE^2 / (jumps a bar), the jumps being normal.
    assert kurtosis(found["jumps"]) == pytest.approx(3 + 3 * 0.25**2 / (6 / 252), rel=0.15)
    assert abs(clustering(found["random_walk"])) < 0.02
    assert clustering(found["garch"]) > 0.08
    assert clustering(found["regimes"]) > 0.2
    levels = np.cumsum(found["mean_reverting"], axis=0)
    rows = np.arange(len(levels))
    levels -= np.polynomial.polynomial.polyval(
        rows, np.polynomial.polynomial.polyfit(rows, levels, 1)
    ).T
    half_way = np.mean([np.corrcoef(c[21:], c[:-21])[0, 1] for c in levels.T])
    assert half_way == pytest.approx(0.5, abs=0.06)


def test_highs_have_the_law_of_a_brownian_maximum():
    bars = tw.synthetic_bars(
        "random_walk", 50, 2000, drift=0.0, volatility=0.5, correlation=0.0, calendar="24/7", seed=4
    )
    sigma = 0.5 / math.sqrt(365.25) * math.sqrt(0.75)  # a quarter of it is the gap
    expected = sigma * math.sqrt(2 / math.pi)  # E max of a Brownian motion over one bar
    assert np.log(bars.high / bars.open).mean() == pytest.approx(expected, rel=0.02)
    assert np.log(bars.open / bars.low).mean() == pytest.approx(expected, rel=0.02)
    gaps = np.log(bars.open[1:] / bars.close[:-1])
    assert gaps.std() == pytest.approx(0.5 / math.sqrt(365.25) * 0.5, rel=0.03)


def test_hours_follow_the_sessions_of_their_calendar():
    bars = tw.synthetic_bars("random_walk", 1, 70, interval="1h", start="2023-11-20")
    assert [str(t)[:16] for t in bars.times[:8:7]] == ["2023-11-20T15:30", "2023-11-21T15:30"]
    day_after = bars.times.astype("datetime64[D]") == np.datetime64("2023-11-24")
    assert day_after.sum() == 4  # the half day after Thanksgiving
    assert check_health(bars).ok
    inside = np.flatnonzero(~day_after)[1]
    assert bars.open[inside] == pytest.approx(bars.close[inside - 1], abs=0.011)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"model": "garhc"}, "did you mean 'garch'"),
        ({"n_instruments": 0}, "n_instruments is 0"),
        ({"n_bars": 1}, "n_bars is 1"),
        ({"n_bars": 2.5}, "n_bars is 2.5"),
        ({"n_bars": 100_000}, "bars from 2010-01-04 to the end of its calendar"),
        ({"volatility": 0.0}, "volatility is 0.0"),
        ({"volatility": float("nan")}, "volatility is nan"),
        ({"correlation": 1.0}, "correlation is 1.0"),
        ({"drift": float("inf")}, "drift is inf"),
        ({"seed": -1}, "seed is -1"),
        ({"symbols": ["A", "a"], "n_instruments": 2}, "2 different names"),
        ({"interval": "7q"}, "7q"),
    ],
)
def test_what_cannot_be_made_is_named(options, told):
    with pytest.raises(ConfigError, match=told):
        tw.synthetic_bars(**options)


def test_extreme_numbers_stay_valid_bars():
    bars = tw.synthetic_bars("jumps", 5, 2000, drift=-8.0, volatility=5.0, seed=9)
    assert np.isfinite(bars.close).all()
    assert (bars.low >= 0.01).all()


def test_a_mean_reverting_market_pays_mean_reversion_and_a_random_walk_does_not():
    def profit(model):
        bars = tw.synthetic_bars(model, 30, 1500, drift=0.0, correlation=0.0, seed=8)
        run = tw.backtest("mean_reversion", bars, costs=None)
        return run.metrics["sharpe"]

    assert profit("mean_reverting") > 1.5
    assert profit("random_walk") < 1.0

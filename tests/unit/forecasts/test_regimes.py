"""Regimes by rule: against the definition written over the whole past, and on planted markets."""

import numpy as np
import pytest

from tradewright.domain.errors import ConfigError, DataError
from tradewright.forecasts import RegimeSettings, RegimeTracker

SMALL = RegimeSettings(long_bars=40, short_bars=10, halflife_bars=5.0, window_bars=60)


def followed(closes, settings=SMALL):
    tracker = RegimeTracker(closes.shape[1], settings)
    found = []
    for row in closes:
        tracker.update(row)
        found.append(tracker.regimes())
    return found


def defined(past, settings, was_volatile):
    """Trend and volatility of one instrument from all its closes so far."""
    s = settings
    returns = np.diff(past) / past[:-1]
    ages = np.arange(len(returns))[::-1]
    weights = 0.5 ** (ages / s.halflife_bars)
    series = [
        np.sqrt(np.average(returns[: i + 1] ** 2, weights=weights[-(i + 1) :]))
        for i in range(len(returns))
    ]
    ranked = np.array(series[-s.window_bars :])
    below = (ranked < ranked[-1]).mean()
    volatile = below > s.high or (was_volatile and below >= s.low)
    long, short = past[-s.long_bars :].mean(), past[-s.short_bars :].mean()
    if past[-1] > long * 1.02 and short > long:
        trend = "bullish"
    elif past[-1] < long * 0.98 and short < long:
        trend = "bearish"
    else:
        trend = "sideways"
    return trend, volatile


def test_tracker_equals_the_definition_bar_by_bar():
    rng = np.random.default_rng(4)
    scale = np.repeat([0.008, 0.02, 0.008, 0.03], 60)
    closes = 100 * np.cumprod(1 + scale * rng.normal(size=240))
    found = followed(closes[:, None])
    volatile, seen = False, set()
    for row in range(240):
        past = closes[: row + 1]
        if row < SMALL.window_bars:
            assert found[row] == ("mixed",)
            if row > 0:
                returns = np.diff(past) / past[:-1]
                weights = 0.5 ** (np.arange(len(returns))[::-1] / SMALL.halflife_bars)
                series = [
                    np.sqrt(np.average(returns[: i + 1] ** 2, weights=weights[-(i + 1) :]))
                    for i in range(len(returns))
                ]
                below = (np.array(series) < series[-1]).sum() / SMALL.window_bars
                volatile = below > SMALL.high or (volatile and below >= SMALL.low)
            continue
        trend, volatile = defined(past, SMALL, volatile)
        assert found[row] == (f"{trend}/{'volatile' if volatile else 'stable'}",)
        seen.add(found[row][0])
    assert len(seen) >= 4


def test_planted_regimes_are_recognised():
    rng = np.random.default_rng(8)
    drift = np.repeat([0.003, -0.003], 400)
    closes = 100 * np.cumprod(1 + drift + 0.004 * rng.normal(size=800))
    found = [r[0].partition("/")[0] for r in followed(closes[:, None], RegimeSettings())]
    assert found[300:400].count("bullish") > 90
    assert found[550:800].count("bearish") > 240


def test_nothing_later_changes_an_earlier_regime():
    rng = np.random.default_rng(9)
    closes = 100 * np.cumprod(1 + 0.02 * rng.normal(size=(160, 2)), axis=0)
    assert followed(closes)[:120] == followed(closes[:120])


def test_missing_closes_repeat_the_last_one_and_add_no_volatility():
    rng = np.random.default_rng(2)
    closes = 100 * np.cumprod(1 + 0.01 * rng.normal(size=(150, 2)), axis=0)
    gaps = closes.copy()
    gaps[100:110, 1] = np.nan
    found = followed(gaps)
    assert all(regime != "mixed" for regime in found[-1])
    assert found[90] == followed(closes)[90]
    late = closes.copy()
    late[:100, 1] = np.nan
    assert followed(late)[120][1] == "mixed"


def test_wrong_settings_and_shapes_are_refused():
    with pytest.raises(ConfigError, match="short_bars 50, long_bars 50"):
        RegimeSettings(long_bars=50)
    with pytest.raises(ConfigError, match=r"low 0.9, high 0.8"):
        RegimeSettings(low=0.9)
    with pytest.raises(ConfigError, match="halflife_bars is 0"):
        RegimeSettings(halflife_bars=0)
    with pytest.raises(DataError, match="closes have shape"):
        RegimeTracker(2).update(np.zeros(3))

"""The shocked panel has the moments that the scenario asks for, and nothing before it changes."""

from __future__ import annotations

import numpy as np
import pytest

from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError
from tradewright.marketdata import sample_bars
from tradewright.risk.scenarios import (
    SCENARIOS,
    StressTestScenario,
    choose_scenarios,
    onsets,
    read_scenarios,
    shocked_bars,
)

ASKED = {
    "market_crash": (-0.35, 180, 365, 2.5, 0.3),
    "covid_shock": (-0.25, 45, 180, 3.0, 0.4),
    "high_volatility": (0.0, 252, 0, 2.0, 0.0),
    "correlation_shock": (-0.10, 60, 120, 1.5, 0.5),
    "hist_2000_2002": (-0.49, 637, 1166, 1.5, 0.1),
    "hist_2007_2009": (-0.57, 355, 1021, 2.5, 0.3),
    "hist_2011": (-0.19, 108, 99, 2.0, 0.3),
    "hist_2020": (-0.34, 23, 103, 4.0, 0.4),
    "hist_2022_rates": (-0.25, 195, 320, 1.4, 0.2),
    "one_day_1987": (-0.20, 1, 400, 5.0, 0.5),
    "flash_crash": (-0.09, 1, 0, 5.0, 0.5),
}


@pytest.fixture(scope="module")
def bars() -> Bars:
    return sample_bars(start="2011-01-01", end="2016-01-01")


def test_table_of_scenarios() -> None:
    found = {
        name: (
            row.market_shock_magnitude,
            row.shock_duration_days,
            row.recovery_duration_days,
            row.volatility_multiplier,
            row.correlation_increase,
        )
        for name, row in SCENARIOS.items()
    }
    assert found == ASKED
    assert SCENARIOS["market_crash"].description == "Market Crash 2008"
    assert SCENARIOS["covid_shock"].description == "COVID-19 Shock"


@pytest.mark.parametrize("name", ["market_crash", "high_volatility", "correlation_shock"])
def test_moments_of_the_shocked_panel(bars: Bars, name: str) -> None:
    scenario = SCENARIOS[name]
    onset = onsets(bars.n_bars, scenario)[2]
    real = np.diff(np.log(bars.close), axis=0)
    moved = np.diff(np.log(shocked_bars(bars, scenario, onset).close), axis=0)
    before = real[onset.row - 1 - 252 : onset.row - 1]
    during = moved[onset.row - 1 : onset.shock_end - 1]
    market = before.mean(axis=1)
    beta = np.array([np.cov(x, market)[0, 1] / market.var(ddof=1) for x in before.T])
    fall = beta * np.log1p(scenario.market_shock_magnitude)
    np.testing.assert_allclose(during.sum(axis=0), fall, atol=1e-9)
    n = len(during)
    ratio = during.std(axis=0, ddof=1) / before.std(axis=0, ddof=1)
    np.testing.assert_allclose(ratio, scenario.volatility_multiplier, rtol=0.15)
    pairs = np.triu_indices(bars.n_instruments, 1)
    usual = np.corrcoef(before, rowvar=False)[pairs].mean()
    herding = np.corrcoef(during, rowvar=False)[pairs].mean()
    assert herding == pytest.approx(min(0.95, usual + scenario.correlation_increase), abs=0.08)
    assert n == scenario.shock_duration_days


def test_recovery_regains_the_fall_and_fades(bars: Bars) -> None:
    scenario = SCENARIOS["covid_shock"]
    onset = onsets(bars.n_bars, scenario)[1]
    shocked = shocked_bars(bars, scenario, onset)
    start, low, end = (
        shocked.close[row - 1] for row in (onset.row, onset.shock_end, onset.recovery_end)
    )
    fall, rise = np.log(low / start).mean(), np.log(end / low).mean()
    assert fall == pytest.approx(np.log(0.75), abs=1e-9)  # betas have a mean of 1
    assert rise == pytest.approx(-fall, abs=0.25)
    after = np.diff(np.log(shocked.close[onset.recovery_end - 1 :]), axis=0)
    real = np.diff(np.log(bars.close[onset.recovery_end - 1 :]), axis=0)
    np.testing.assert_allclose(after, real, atol=1e-12)


@pytest.mark.parametrize("name", sorted(ASKED))
def test_past_is_untouched_and_bars_stay_possible(bars: Bars, name: str) -> None:
    scenario = SCENARIOS[name]
    onset = onsets(bars.n_bars, scenario)[0]
    shocked = shocked_bars(bars, scenario, onset)
    for field in ("open", "high", "low", "close", "volume"):
        np.testing.assert_array_equal(
            getattr(shocked, field)[: onset.row], getattr(bars, field)[: onset.row]
        )
    np.testing.assert_array_equal(np.isnan(shocked.low), np.isnan(bars.low))
    body = np.stack([shocked.open, shocked.close])
    assert not (shocked.low <= 0).any()
    assert not (shocked.high < body.max(axis=0) * (1 - 1e-12)).any()
    assert not (shocked.low > body.min(axis=0) * (1 + 1e-12)).any()
    assert shocked.data_version != bars.data_version
    assert scenario.name in shocked.notes[-1]


def test_flash_crash_is_back_by_the_close(bars: Bars) -> None:
    scenario = SCENARIOS["flash_crash"]
    onset = onsets(bars.n_bars, scenario)[1]
    shocked = shocked_bars(bars, scenario, onset)
    row = onset.row
    fall = shocked.low[row] / np.minimum(shocked.open[row], shocked.close[row]) - 1
    assert np.median(fall) == pytest.approx(-0.09, abs=0.03)


def test_missing_bars_stay_missing_and_late_listings_are_real(bars: Bars) -> None:
    scenario = SCENARIOS["covid_shock"]
    onset = onsets(bars.n_bars, scenario)[1]
    arrays = {f: getattr(bars, f).copy() for f in ("open", "high", "low", "close", "volume")}
    for array in arrays.values():
        array[onset.row + 3, 0] = np.nan
        array[: onset.row + 10, 1] = np.nan
    holed = Bars(instruments=bars.instruments, ts=bars.ts, **arrays)
    shocked = shocked_bars(holed, scenario, onset)
    assert np.isnan(shocked.close[onset.row + 3, 0])
    assert np.isnan(shocked.close[: onset.row + 10, 1]).all()
    np.testing.assert_array_equal(
        shocked.close[onset.row + 10 :, 1], bars.close[onset.row + 10 :, 1]
    )
    assert not np.isnan(shocked.close[onset.row + 4, 0])


def test_one_instrument_alone() -> None:
    bars = sample_bars(["AAPL"], start="2013-01-01", end="2016-01-01")
    scenario = SCENARIOS["covid_shock"]
    onset = onsets(bars.n_bars, scenario)[0]
    shocked = shocked_bars(bars, scenario, onset)
    fall = shocked.close[onset.shock_end - 1, 0] / shocked.close[onset.row - 1, 0]
    assert fall == pytest.approx(0.75, abs=1e-9)


def test_onsets_are_evenly_spaced_and_say_when_the_data_end() -> None:
    rows = onsets(1008, SCENARIOS["covid_shock"])
    steps = np.diff([onset.row for onset in rows])
    assert len(rows) == 5
    assert steps.max() - steps.min() <= 1
    assert not any(onset.is_cut for onset in rows)
    assert all(onset.is_cut for onset in onsets(1008, SCENARIOS["hist_2000_2002"]))
    with pytest.raises(ConfigError, match="at least 62 sessions, found 61"):
        onsets(61, SCENARIOS["covid_shock"])


def test_own_scenarios_are_read_and_wrong_ones_named() -> None:
    page = {
        "bleed": {
            "market_shock_magnitude": -0.4,
            "shock_duration_days": 500,
            "recovery_duration_days": 0,
            "volatility_multiplier": 1.0,
            "correlation_increase": 0.1,
        }
    }
    own = read_scenarios(page)
    assert choose_scenarios(["bleed"], own)[0].shock_duration_days == 500
    assert choose_scenarios(None, own)[-1].name == "bleed"
    with pytest.raises(ConfigError, match="did you mean 'volatility_multiplier'"):
        read_scenarios({"bleed": {**page["bleed"], "volatility_multiplyer": 2}})
    with pytest.raises(ConfigError, match="lacks shock_duration_days"):
        read_scenarios({"x": {k: v for k, v in page["bleed"].items() if "shock_dur" not in k}})
    with pytest.raises(ConfigError, match="bleed is 3"):
        read_scenarios({"bleed": 3})
    with pytest.raises(ConfigError, match="scenario bleed: "):
        read_scenarios({"bleed": {**page["bleed"], "volatility_multiplier": "much"}})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("market_shock_magnitude", -1.0),
        ("market_shock_magnitude", float("nan")),
        ("shock_duration_days", 0),
        ("shock_duration_days", 2.5),
        ("recovery_duration_days", -1),
        ("volatility_multiplier", 0.0),
        ("correlation_increase", 1.5),
    ],
)
def test_value_out_of_range_is_named(key: str, value: float) -> None:
    given = {
        "market_shock_magnitude": -0.1,
        "shock_duration_days": 10,
        "recovery_duration_days": 10,
        "volatility_multiplier": 1.0,
        "correlation_increase": 0.0,
    }
    with pytest.raises(ConfigError, match=key):
        StressTestScenario("mine", "mine", **{**given, key: value})


def test_unknown_scenario_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'covid_shock'"):
        choose_scenarios(["covid"])

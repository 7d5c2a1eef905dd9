import dataclasses
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from tradewright.domain.actions import ActionKind, CorporateAction
from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, RefusedError
from tradewright.marketdata import (
    ImportOptions,
    check_health,
    import_bars,
    quality_report,
    sample_bars,
)

SHARED = Path(__file__).parents[4] / "shared" / "data" / "raw"


@pytest.fixture(scope="module")
def sample() -> Bars:
    return sample_bars()


@pytest.fixture(scope="module")
def verdict(sample):
    return check_health(sample)


@pytest.fixture(scope="module")
def few() -> Bars:
    return sample_bars(["IBM", "KO", "SPY", "XOM"], "2013-01-01", "2015-01-01")


def planted(bars: Bars, row, factor=None, column=0, **values) -> Bars:
    """Change a field of some rows of one instrument."""
    arrays = {n: getattr(bars, n).copy() for n in ("open", "high", "low", "close", "volume")}
    if factor is not None:
        for name in ("open", "high", "low", "close"):
            arrays[name][row, column] *= factor
    for name, value in values.items():
        arrays[name][row, column] = value
    return dataclasses.replace(bars, **arrays)


def rules_of(verdict, symbol="IBM") -> set[str]:
    return {f.rule for f in verdict.findings if f.symbol == symbol}


def test_embedded_sample_is_healthy(verdict):
    assert verdict.ok
    assert "healthy" in verdict.summary
    verdict.require()


def test_known_gaps_and_days_without_volume_of_the_sample_are_warnings(verdict):
    gaps = {(f.symbol, f.as_dict()["start"].date().isoformat())
            for f in verdict.warnings if f.rule == "gap"}  # fmt: skip
    assert gaps == {
        ("SPY", "2011-02-17"),
        ("GLD", "2011-02-17"),
        ("NEE", "2011-02-17"),
        ("TLT", "2011-02-17"),
        ("CVX", "2010-11-19"),
    }
    empty = [f.as_dict()["start"].date() for f in verdict.warnings if f.rule == "zero_volume"]
    assert set(empty) == {date(2010, 4, 26), date(2010, 7, 23)}


def test_moves_of_the_crisis_are_confirmed_by_the_market(verdict):
    crisis = [
        f
        for f in verdict.report.findings
        if f.rule == "outlier" and f.as_dict()["start"].year in (2008, 2009)
    ]
    assert crisis
    assert all(f.severity != "error" for f in crisis)


@pytest.mark.parametrize("symbol", ["BAC", "PG", "AMZN", "GLD"])
def test_single_instruments_of_the_sample_are_healthy(sample, symbol):
    assert check_health(sample.select([symbol])).ok


def test_clean_bars_have_no_failures(few):
    assert check_health(few).findings == ()


def test_hundredfold_error_fails(few):
    assert "suspected_split" in rules_of(check_health(planted(few, 200, 100.0)))
    assert "suspected_split" in rules_of(check_health(planted(few, slice(200, 220), 0.01)))


def test_unadjusted_split_fails_and_an_action_explains_it(few):
    halved = planted(few, slice(300, None), 0.5)
    verdict = check_health(halved)
    assert rules_of(verdict) == {"suspected_split"}
    day = few.times[300].astype("datetime64[D]").item()
    split = CorporateAction("IBM", ActionKind.SPLIT, day, 2.0, 0)
    assert check_health(dataclasses.replace(halved, adjustment="none"), actions=[split]).ok


def test_split_applied_to_some_rows_only_fails(few):
    places = [f.start_ns for f in check_health(planted(few, slice(300, 305), 1 / 3)).findings]
    assert int(few.ts[300]) in places
    assert int(few.ts[305]) in places


def test_missing_month_fails(few):
    verdict = check_health(planted(few, slice(100, 121), np.nan, volume=np.nan))
    assert rules_of(verdict) == {"long_gap", "gap"}
    gap = next(f for f in verdict.findings if f.rule == "long_gap")
    assert (gap.n_bars, gap.start_ns, gap.end_ns) == (21, few.ts[100], few.ts[120])


def test_missing_month_of_all_instruments_fails(few):
    rest = np.r_[0:100, 121 : few.n_bars]
    cut = Bars(
        few.instruments, few.ts[rest],
        *(getattr(few, n)[rest] for n in ("open", "high", "low", "close", "volume")),
    )  # fmt: skip
    assert len({f.symbol for f in check_health(cut).findings if f.rule == "long_gap"}) == 4


def test_low_coverage_fails(few):
    holes = planted(few, slice(10, 480, 20), np.nan, volume=np.nan)
    assert rules_of(check_health(holes)) == {"gap"}
    assert check_health(holes, min_coverage=0.9).ok


def test_stale_run_fails(few):
    row = few.close[250, 0]
    still = planted(few, slice(250, 256), None, open=row, high=row, low=row, close=row)
    verdict = check_health(still)
    assert rules_of(verdict) == {"stale"}
    repeated = few.close.copy(), few.open.copy(), few.high.copy(), few.low.copy()
    for values in repeated:
        values[251:256, 0] = values[250, 0]
    close, opened, high, low = repeated
    same = dataclasses.replace(few, close=close, open=opened, high=high, low=low)
    assert rules_of(check_health(same)) == {"stale"}


@pytest.mark.parametrize("factor", [1.25, 0.8, 1.6])
def test_spike_that_comes_back_fails(few, factor):
    verdict = check_health(planted(few, 250, factor))
    assert rules_of(verdict) & {"outlier", "suspected_split"}


def test_broken_bar_fails(few):
    assert "invalid_bar" in rules_of(check_health(planted(few, 50, None, high=1.0)))
    assert "invalid_bar" in rules_of(check_health(planted(few, 50, None, volume=-5.0)))
    assert "invalid_bar" in rules_of(check_health(planted(few, 50, None, low=-5.0)))


def test_bar_of_the_future_fails(few):
    assert check_health(few, now_ns=int(few.ts[-1])).ok
    late = check_health(few, now_ns=int(few.ts[-2]))
    assert "future" in late.findings[0].detail


def test_bars_outside_the_sessions_fail(few):
    verdict = check_health(dataclasses.replace(few, ts=few.ts + 3_600_000_000_000))
    assert {"out_of_session"} <= {f.rule for f in verdict.findings}


def test_too_few_bars_for_the_warm_up_fail(few):
    assert not check_health(few, min_bars=10_000).ok


def test_failure_is_refused_with_instrument_rule_place_and_fix(few):
    verdict = check_health(planted(few, 200, 100.0))
    day = str(few.times[200])[:10]
    with pytest.raises(RefusedError, match=f"IBM  suspected_split  {day}.*import the split"):
        verdict.require()


def test_wrong_threshold_is_refused(few):
    with pytest.raises(ConfigError, match="min_coverage"):
        check_health(few, min_coverage=98.0)


def test_score_falls_with_coverage_and_findings(few):
    clean = quality_report(few).scores["IBM"]
    holes = quality_report(planted(few, slice(100, 121), np.nan, volume=np.nan))
    present, expected = 504 - 21, 504
    assert holes.coverage["IBM"] == pytest.approx(present / expected)
    assert holes.scores["IBM"] == pytest.approx(clean * present / expected, abs=2e-3)
    broken = quality_report(planted(few, 50, None, volume=-5.0))
    assert broken.scores["IBM"] == pytest.approx(clean - 1 / 504, abs=1e-3)
    assert 0 <= holes.score <= 1


def test_table_and_json_hold_every_finding(few):
    report = quality_report(planted(few, 200, 100.0))
    assert report.table().height == len(report.findings) == len(report.to_dict()["findings"])
    assert report.counts["suspected_split"] == 2


@pytest.mark.skipif(
    not SHARED.is_dir(), reason="the shared data folder is not beside this checkout"
)
@pytest.mark.parametrize(
    ("name", "calendar", "rule"),
    [
        ("AET-L-1d-100x-error.csv", "XLON", "suspected_split"),
        ("ALPHA-PA-1d-bad-stock-split.csv", "XPAR", "suspected_split"),
        ("SSNLF-1d-bad-div.csv", "XNYS", "stale"),
    ],
)
def test_naturally_dirty_files_fail(name, calendar, rule):
    options = ImportOptions(symbol="X", calendar=calendar, on_bad="quarantine")
    found = import_bars(SHARED / "yfinance" / name, options)
    assert found.rows_in == found.bars.n_bars + found.quarantined.height + found.duplicates
    assert rule in rules_of(check_health(found.bars), "X")


@pytest.mark.skipif(
    not SHARED.is_dir(), reason="the shared data folder is not beside this checkout"
)
def test_hundredfold_errors_are_found_at_both_edges():
    options = ImportOptions(symbol="X", calendar="XLON")
    bars = import_bars(SHARED / "yfinance" / "AET-L-1d-100x-error.csv", options).bars
    days = [
        f.as_dict()["start"].date().isoformat()
        for f in check_health(bars).findings
        if f.rule == "suspected_split"
    ]
    assert days == ["2022-05-09", "2022-05-20"]

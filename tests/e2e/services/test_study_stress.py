"""A study under stress: the whole chain on the shocked bars, and the result kept with the run."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from planted_market import planted_bars

import tradewright as tw
from tradewright.domain.errors import ConfigError, DataError
from tradewright.risk.scenarios import StressTestScenario, onsets, shocked_bars
from tradewright.services.runs import Run
from tradewright.services.stress import scenarios_of
from tradewright.services.stressing.kept import chain_of, stress_cost, stress_stored
from tradewright.services.studies import Study

FALL = StressTestScenario("fall", "a fall", -0.4, 60, 100, 2.0, 0.3)


@pytest.fixture
def studied(space, planted_page):
    """A finished study over planted bars."""
    space.bars.write(planted_bars(0.9), ts_known=space.clock.now_ns())
    return Study.from_mapping(planted_page).run(space, changes={"validation.controls": 2})


def shifted(onset, rows):
    return replace(
        onset,
        row=onset.row + rows,
        shock_end=onset.shock_end + rows,
        recovery_end=onset.recovery_end + rows,
    )


def test_refit_is_the_study_itself_run_on_the_shocked_market(
    space, studied, planted_page, tmp_path
) -> None:
    chain = chain_of(studied, space, models="refit")
    first, end = chain.rows
    onset = shifted(onsets(end - first, FALL, count=1)[0], first)
    trial = chain.run(FALL, onset, end)
    # The oracle: the same page run from its bars on, where the bars are the shocked ones.
    bars = replace(shocked_bars(chain.bars, FALL, onset), source="shocked")
    space.bars.write(bars, ts_known=space.clock.now_ns())
    page = {**planted_page, "data": {"source": "shocked"}}
    whole = Study.from_mapping(page).run(space, changes={"validation.controls": 0}, save=False)
    ts = trial.stressed.ts
    assert ts[0] <= whole.outcome.ts[0] or onset.row - 252 > first
    shared = np.intersect1d(ts, whole.outcome.ts)
    mine = trial.stressed.equity[np.isin(ts, shared)]
    theirs = whole.outcome.equity[np.isin(whole.outcome.ts, shared)]
    assert len(shared) > 300
    np.testing.assert_array_equal(mine, theirs)


def test_frozen_and_refit_agree_until_the_next_window_learns(space, studied) -> None:
    frozen = chain_of(studied, space, models="frozen")
    refit = chain_of(studied, space, models="refit")
    first, end = frozen.rows
    onset = shifted(onsets(end - first, FALL, count=1)[0], first)
    one, other = (chain.run(FALL, onset, end).stressed for chain in (frozen, refit))
    begins = min(w.test_start_ns for w in studied.extras.windows
                 if w.test_start_ns > frozen.bars.ts[onset.row])  # fmt: skip
    before = one.ts <= begins
    np.testing.assert_array_equal(one.equity[before], other.equity[before])
    assert (one.equity[~before] != other.equity[~before]).any()


def test_result_is_kept_with_the_run_and_shown(space, studied) -> None:
    wanted = scenarios_of(["covid_shock", "high_volatility"])
    cost = stress_cost(Run.load(studied.run_id, space), wanted, starts=2)
    assert (cost.runs, cost.fits) == (4, len(studied.extras.windows))
    assert cost.seconds > 0
    again = stress_cost(Run.load(studied.run_id, space), wanted, starts=2, models="refit")
    assert again.fits > cost.fits
    run, found = stress_stored(studied.run_id, space, wanted, starts=2)
    assert any("stays in force" in note for note in found.notes)
    stored = Run.load(studied.run_id, space)
    assert stored.stress == json.loads(json.dumps(found.as_document()))
    assert stored.digest == studied.digest == run.digest
    assert stored.n_trials == studied.n_trials  # looking at a crash tries no other configuration
    assert len(space.runs.load(studied.run_id, "forecasts.parquet")) > 0
    page = space.runs.load(studied.run_id, "report.html").decode()
    assert "Stress resilience score" in page
    assert "covid_shock" in page


def test_changed_data_and_wrong_words_are_refused(space, studied) -> None:
    stored = Run.load(studied.run_id, space)
    with pytest.raises(ConfigError, match="did you mean 'frozen'"):
        chain_of(stored, space, models="frozn")
    stored.manifest["data_version"] = "0" * 32
    with pytest.raises(DataError, match="run it again"):
        chain_of(stored, space)
    with pytest.raises(ConfigError, match="leave bars out"):
        tw.stress(stored, planted_bars(0.9))

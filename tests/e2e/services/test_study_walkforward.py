"""Walk-forward of a whole study: the same run, and every window measured alone."""

import json

import pytest
from planted_market import planted_bars

from tradewright.services.studies import Study


def test_windows_are_measured_alone_and_the_run_is_that_of_the_study(space, planted_page) -> None:
    space.bars.write(planted_bars(0.9), ts_known=space.clock.now_ns())
    page = {**planted_page, "validation": {**planted_page["validation"], "controls": 0}}
    study = Study.from_mapping(page)
    walk = study.walkforward(space, changes={"validation.overlap_days": 21})
    plain = study.run(space, changes={"validation.overlap_days": 21}, save=False)
    assert walk.run.digest == plain.digest
    assert len(walk.rows) == len(walk.run.extras.windows) > 2
    first, second = walk.rows[:2]
    assert second["test_from"] < first["test_to"]  # overlapping days are in both rows
    assert all(row["in_sample_sharpe"] > 1 for row in walk.rows)  # the signal is planted
    assert walk.efficiency == pytest.approx(
        walk.run.metrics["annual_return"] / walk.in_sample_return
    )
    assert walk.seconds["windows"] > 0
    stored = json.loads(space.runs.load(walk.run.run_id, "extras.json"))
    assert stored["windows"][0]["scores"]["in_sample_sharpe"] == first["in_sample_sharpe"]


def test_paths_find_the_planted_signal_in_every_order_of_history(space, planted_page) -> None:
    space.bars.write(planted_bars(0.9), ts_known=space.clock.now_ns())
    study = Study.from_mapping(planted_page)
    paths = study.paths(space, groups=4)
    assert (len(paths.rows), paths.folds.n_splits) == (3, 6)
    assert all(row["sharpe"] > 1 for row in paths.rows)
    assert paths.sentence.startswith("3 paths of 6 splits")
    run = study.run(space, changes={"validation.controls": 0})
    assert run.extras.n_trials == 2  # the paths were looked at too

"""A rule's walk that was stopped goes on from its finished windows and is the same."""

import pytest
from test_rule_walk import tape, trend

from tradewright.domain.errors import CancelledError, ConfigError
from tradewright.services.walking.rules import RuleWalk, walk_forward
from tradewright.training.splits import WalkForward

SETTINGS = RuleWalk(scheme=WalkForward(training=100, testing=50), costs=None)
GRID = {"days": [5, 20, 60]}


def test_finished_windows_are_not_chosen_again(tmp_path) -> None:
    bars, file, spans = tape(), tmp_path / "walk.jsonl", []

    def noted(bars, days):
        spans.append(bars.n_bars)
        return trend(bars, days)

    whole = walk_forward(noted, bars, GRID, settings=SETTINGS)
    every = len(spans)

    def stop(fraction: float, message: str) -> None:
        if message.startswith("window 4"):
            raise CancelledError("enough")

    with pytest.raises(CancelledError):
        walk_forward(noted, bars, GRID, settings=SETTINGS, progress=stop, resume=file)
    assert len(file.read_text().splitlines()) == 4
    spans.clear()
    again = walk_forward(noted, bars, GRID, settings=SETTINGS, resume=file)
    # Three windows are read: of each only the decisions of its test are made again.
    assert every - len(spans) == 3 * len(GRID["days"])
    assert again.run.digest == whole.run.digest
    assert again.table.equals(whole.table, null_equal=True)
    assert (again.trials, again.stability) == (whole.trials, whole.stability)
    assert again.run.extras.trials == whole.run.extras.trials
    assert not file.exists()


def test_the_file_of_another_walk_is_refused(tmp_path) -> None:
    file = tmp_path / "walk.jsonl"

    def stop(fraction: float, message: str) -> None:
        if message.startswith("window 2"):
            raise CancelledError("enough")

    with pytest.raises(CancelledError):
        walk_forward(trend, tape(), GRID, settings=SETTINGS, progress=stop, resume=file)
    with pytest.raises(ConfigError, match="belongs to another sweep"):
        walk_forward(trend, tape(), {"days": [5, 20]}, settings=SETTINGS, resume=file)

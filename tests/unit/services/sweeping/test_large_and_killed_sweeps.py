"""Very many sets ask first; a killed sweep goes on and ends as if nothing had happened."""

import json
import re

import numpy as np
import pytest

import tradewright as tw
from tradewright.domain.errors import ConfigError
from tradewright.services.sweeping import journal as journals
from tradewright.services.sweeping.size import count_sets

BARS = tw.sample_bars(["AAPL"], start="2016-01-01")
GRID = {"days": list(range(2, 32)), "late": [0, 1]}


def trend(days: int, late: int) -> tw.Signals | None:
    if days == 7:
        return None  # left out
    up = np.zeros(BARS.close.shape, dtype=bool)
    up[days + late :] = (
        BARS.close[days + late :] > BARS.close[late : -days or None][: len(up) - days - late]
    )
    return tw.Signals(up, ~up)


def test_a_million_sets_ask_with_their_time_and_memory() -> None:
    made = []

    def counted(days: int, late: int) -> tw.Signals | None:
        made.append(days)
        return trend(8 + days % 9, late)

    huge = {"days": range(500_000), "late": [0, 1]}
    with pytest.raises(ConfigError) as refused:
        tw.sweep(counted, BARS, huge)
    said = str(refused.value)
    assert re.search(
        r"1,000,000 sets of parameters would take about [\d.,]+ (s|minutes|hours)", said
    )
    assert re.search(r"1,2\d\d MB", said)
    assert "confirm=True" in said
    assert len(made) < 20
    assert tw.sweep(counted, BARS, huge, search="random:5").trials == 5


def test_sets_are_counted_for_each_search() -> None:
    values = {"a": range(1000), "b": range(1000)}
    assert count_sets(values, "grid") == 1_000_000
    assert count_sets(values, "random:20") == 20
    assert count_sets({"a": range(3)}, "random:20") == 3
    assert count_sets(values, "optuna:30") == 30


@pytest.mark.parametrize("search", ["grid", "random:40", "optuna:40"])
def test_a_killed_sweep_goes_on_and_ends_the_same(tmp_path, monkeypatch, search: str) -> None:
    monkeypatch.setattr(journals, "BLOCK", 16)
    grid = GRID if search != "optuna:40" else {"days": list(range(8, 40)), "late": [0, 1]}
    file = tmp_path / "sweep.jsonl"
    made: list[int] = []

    def counts(days: int, late: int) -> tw.Signals | None:
        made.append(days)
        return trend(days, late)

    whole = tw.sweep(counts, BARS, grid, search=search)
    every = len(made)
    made.clear()

    class Killed(BaseException):
        pass

    def dies(days: int, late: int) -> tw.Signals | None:
        made.append(days)
        if len(made) > 36:
            raise Killed
        return trend(days, late)

    dies.__qualname__ = counts.__qualname__
    with pytest.raises(Killed):
        tw.sweep(dies, BARS, grid, search=search, resume=file)
    kept = sum(len(json.loads(line)[1]) for line in file.read_text().splitlines()[1:])
    assert 16 <= kept <= 36
    with file.open("a") as torn:
        torn.write("[36, [[0.1, 0.")  # killed while writing
    made.clear()
    again = tw.sweep(counts, BARS, grid, search=search, resume=file)
    assert len(made) == every - kept
    assert again.table.equals(whole.table, null_equal=True)
    assert not file.exists()


def test_the_file_of_another_sweep_is_refused(tmp_path) -> None:
    file = tmp_path / "sweep.jsonl"
    file.write_text(json.dumps({"sweep": "other"}) + "\n")
    with pytest.raises(ConfigError, match="belongs to another sweep"):
        tw.sweep(trend, BARS, GRID, resume=file)
    file.write_text("no journal\n")
    with pytest.raises(ConfigError, match="belongs to another sweep"):
        tw.sweep(trend, BARS, GRID, resume=file)
    assert file.read_text() == "no journal\n"

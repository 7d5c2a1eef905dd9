"""Parameters and grids as they are typed; trials counted once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from tradewright.adapters.stores.journal import MemoryJournal
from tradewright.adapters.stores.memory_runs import MemoryRunStore
from tradewright.app.clock import WallClock
from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, NoDataError
from tradewright.services.results.named import count_trials, parse_grid, parse_parameter
from tradewright.services.runs import Run


def space(folder: Path) -> SimpleNamespace:
    return SimpleNamespace(
        runs=MemoryRunStore(), journal=MemoryJournal(), data_dir=folder, clock=WallClock()
    )


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("fast=5:20:5", ("fast", [5, 10, 15, 20])),
        ("fast=5:21:5", ("fast", [5, 10, 15, 20])),
        ("fast=3:5", ("fast", [3, 4, 5])),
        ("level=0.1:0.3:0.1", ("level", pytest.approx([0.1, 0.2, 0.3]))),
        ("level=1,2.5", ("level", [1, 2.5])),
        ("kind=a,b", ("kind", ["a", "b"])),
        ("short=true,false", ("short", [True, False])),
    ],
)
def test_grid_is_read(text: str, wanted: tuple[str, list[object]]) -> None:
    assert parse_grid(text, {"fast": 1, "level": 1.0, "kind": "a", "short": False}) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "fast",
        "fast=",
        "=1:2:1",
        "fast=5:1:1",
        "fast=1:5:0",
        "fast=1:2:3:4",
        "fast=1:1e9:1",
        "fast=a:b:c",
    ],
)
def test_bad_grid_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"grid|fast"):
        parse_grid(text, {"fast": 1})


def test_parameter_takes_the_type_of_its_default() -> None:
    assert parse_parameter("short=yes", {"short": False}) == ("short", True)
    assert parse_parameter("x = 0.5", {"x": 1.0}) == ("x", 0.5)
    assert parse_parameter("kind=a=b", {}) == ("kind", "a=b")
    with pytest.raises(ConfigError, match="wanted true or false"):
        parse_parameter("short=maybe", {"short": False})


def test_trials_are_counted_once_for_one_run(make_run: Callable[..., Run], tmp_path: Path) -> None:
    from tradewright.services.results.documents import write_documents

    workspace = space(tmp_path)
    workspace.runs.add_trials("family", [0.01, 0.02])
    run = make_run()
    alone = run.statistics["deflated_sharpe"]
    count_trials(run, workspace, "family", [0.03])  # type: ignore[arg-type]
    assert run.extras.trials == (0.01, 0.02, 0.03)
    assert run.manifest["trials"] == {"family": "family", "count": 3}
    assert run.statistics["deflated_sharpe"] < alone
    workspace.runs.save(run.summary, write_documents(run))
    count_trials(run, workspace, "family", [0.03])  # type: ignore[arg-type]
    assert len(workspace.runs.trials("family")) == 3


def test_sweep_and_run_are_counted_in_one_family(
    make_bars: Callable[..., Bars], tmp_path: Path
) -> None:
    from tradewright.services.results.named import NamedRun, run_named
    from tradewright.services.results.sweeping import sweep_named

    workspace = space(tmp_path)
    bars = make_bars(90)
    grid = {"fast": [3, 5, 8], "slow": [20, 30]}
    found = sweep_named(workspace, NamedRun("sma_cross"), bars, grid)  # type: ignore[arg-type]
    assert (len(found.table), found.counted) == (6, 6)
    ratios = [ratio for ratio in found.table["sharpe"] if ratio is not None]
    assert ratios == sorted(ratios, reverse=True)
    wanted = NamedRun("sma_cross", {"fast": 3, "slow": 20}, fee_bps=10.0, slippage_bps=5.0)
    run = run_named(workspace, wanted, bars)  # type: ignore[arg-type]
    assert run.n_trials == 7
    assert "7 configurations were tried" in run.html()
    told = found.as_document()["overfitting"]
    assert told["n_splits"] == 12_870
    assert run.statistics["overfitting"] == told["probability"]
    assert 0.0 < found.as_document()["superiority"]["spa"] <= 1.0
    assert workspace.runs.list_runs()[0].run_id == run.run_id


def test_bars_are_chosen_by_name_file_and_dates(tmp_path: Path) -> None:
    from tradewright.services.results.named import DataChoice, open_bars

    space = SimpleNamespace()
    choice = DataChoice("sample", ("SPY", "AAPL"), "2012-01-03", "2012-01-05")
    bars = open_bars(space, choice)  # type: ignore[arg-type]
    assert (bars.symbols, bars.n_bars) == (("SPY", "AAPL"), 3)
    file = tmp_path / "SPY.csv"
    rows = [f"2020-01-0{day},1,2,0.5,1.5,100" for day in (2, 3, 6)]
    file.write_text("\n".join(["Date,Open,High,Low,Close,Volume", *rows]))
    read = open_bars(space, DataChoice(str(file)))  # type: ignore[arg-type]
    assert read.n_bars == 3
    with pytest.raises(NoDataError, match="no such file"):
        open_bars(space, DataChoice("gone.csv"))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="before"):
        open_bars(space, DataChoice(start="2013-01-01", end="2012-01-01"))  # type: ignore[arg-type]

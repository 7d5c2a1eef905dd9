"""A run's figures and tables against the plain loop that made it."""

from __future__ import annotations

import gc
import json
import math
import subprocess
import sys
import weakref
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tradewright.adapters.stores.memory_runs import MemoryRunStore
from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, DataError, NoDataError, RefusedError
from tradewright.domain.instruments import AssetClass, Instrument
from tradewright.domain.outcome import FILL_DTYPE, ORDER_DTYPE, Outcome
from tradewright.services.results.documents import plain
from tradewright.services.results.stored import load_run
from tradewright.services.runs import Guard, Run, RunExtras, Window, compare


def saved(run: Run) -> MemoryRunStore:
    from tradewright.services.results.documents import write_documents

    store = MemoryRunStore()
    store.save(run.summary, write_documents(run))
    return store


def test_return_is_that_of_the_account(run: Run) -> None:
    equity = run.outcome.equity
    assert run.metrics["total_return"] == pytest.approx(equity[-1] / equity[0] - 1)


def test_costs_are_those_the_loop_charged(run: Run) -> None:
    fills = run.outcome.fills
    wanted = int(fills["fee"].sum() + fills["slippage"].sum()) / 100
    assert run.metrics["total_costs"] == pytest.approx(wanted)
    assert run.costs["total"].sum() == pytest.approx(wanted)
    assert run.metrics["fees"] == pytest.approx(run.fills["fee"].sum())


def test_costs_are_what_separates_equity_at_no_cost(run: Run) -> None:
    by_multiple = {row["multiple"]: row["final_equity"] for row in run.cost_sensitivity}
    paid = run.metrics["total_costs"]
    assert by_multiple[0.0] - by_multiple[1.0] == pytest.approx(paid, abs=1e-6)
    assert by_multiple[1.0] - by_multiple[3.0] == pytest.approx(2 * paid, abs=1e-6)
    assert by_multiple[1.0] == pytest.approx(run.outcome.equity[-1] / 100)


def test_profit_of_trips_is_the_change_of_equity(run: Run) -> None:
    change = (run.outcome.equity[-1] - run.outcome.initial_cash) / 100
    assert run.trades["pnl"].sum() == pytest.approx(change, abs=0.05)


def test_tables_have_aware_utc_times_and_documented_columns(run: Run) -> None:
    for frame, columns in (
        (run.trades, ("entry_time", "exit_time")),
        (run.fills, ("time",)),
        (run.orders, ("time", "done_time")),
        (run.equity, ("time",)),
        (run.exposure, ("time",)),
        (run.benchmark, ("time",)),
    ):
        for column in columns:
            assert frame.schema[column] == pl.Datetime("ns", "UTC")
    assert run.equity["equity"][-1] == run.outcome.equity[-1] / 100


def test_positions_held_are_counted_from_fills(run: Run) -> None:
    held, wanted = np.zeros(3, np.int64), []
    fills = run.outcome.fills
    for bar in range(len(run.outcome.ts)):
        for fill in fills[fills["bar"] == bar]:
            held[fill["instrument"]] += int(fill["side"]) * int(fill["qty"])
        wanted.append(int((held != 0).sum()))
    assert run.exposure["positions"].to_list() == wanted


def test_gross_exposure_is_long_plus_short_over_equity(run: Run) -> None:
    o = run.outcome
    wanted = float(np.mean((o.long_value - o.short_value) / o.equity))
    assert run.metrics["mean_gross_exposure"] == pytest.approx(wanted)
    assert run.exposure["gross"].mean() == pytest.approx(wanted)


def test_turnover_is_half_of_what_was_traded_per_year_over_mean_equity(run: Run) -> None:
    years = (len(run.outcome.ts) - 1) / 252
    wanted = run.fills["notional"].sum() / 2 / run.equity["equity"].mean() / years
    assert run.metrics["turnover"] == pytest.approx(wanted)


def test_longest_time_under_water_and_recovery_in_sessions(run: Run) -> None:
    equity = run.outcome.equity.astype(float)
    peak = np.maximum.accumulate(equity)
    longest, since = 0, 0
    for row in range(len(equity)):
        since = row if equity[row] >= peak[row] else since
        longest = max(longest, row - since)
    assert run.metrics["max_drawdown_sessions"] == longest
    trough = int(np.argmin(equity / peak))
    regained = np.flatnonzero(equity[trough:] >= peak[trough])
    wanted = float(regained[0]) if len(regained) else math.nan
    assert run.metrics["recovery_sessions"] == pytest.approx(wanted, nan_ok=True)


def test_loaded_study_is_made_again_from_its_stored_page(make_run: Callable[..., Run]) -> None:
    from types import SimpleNamespace

    study = make_run(kind="study", config={"universe": {"symbls": ["AAA"]}})
    loaded = Run.load("latest", SimpleNamespace(runs=saved(study)))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="symbls"):
        loaded.rerun()


def test_benchmark_is_the_universe_and_the_market(run: Run) -> None:
    close = run.bars.close
    assert [held.name for held in run.benchmarks] == ["the 3 instruments at equal weight", "SPY"]
    wanted = float((close[-1] / close[0]).mean() - 1)
    assert run.metrics["benchmark_return"] == pytest.approx(wanted)
    assert run.benchmark["market"][-1] == pytest.approx(close[-1, 2] / close[0, 2])


def test_benchmark_may_be_named(make_run: Callable[..., Run]) -> None:
    named = make_run(benchmark="BBB")
    close = named.bars.close[:, 1]
    assert named.metrics["benchmark_return"] == pytest.approx(close[-1] / close[0] - 1)
    with pytest.raises(NoDataError, match="ZZZ"):
        _ = make_run(benchmark="ZZZ").benchmarks


def test_metrics_start_with_the_first_test_window(make_run: Callable[..., Run], run: Run) -> None:
    ts, equity = run.outcome.ts, run.outcome.equity
    window = Window(1, int(ts[0]), int(ts[99]), int(ts[100]), int(ts[-1]))
    tested = make_run(extras=RunExtras(windows=(window,)))
    assert tested.metrics["total_return"] == pytest.approx(equity[-1] / equity[100] - 1)
    fills = run.outcome.fills[run.outcome.fills["bar"] >= 100]
    assert tested.metrics["fees"] == pytest.approx(fills["fee"].sum() / 100)


def test_unknown_metric_names_the_nearest(run: Run) -> None:
    with pytest.raises(ConfigError, match="did you mean 'sharpe'"):
        _ = run.metrics["sharp"]
    assert run.metrics.get("nothing") is None
    assert "sharpe" in run.metrics
    assert len(dict(run.metrics)) >= 30


def test_more_trials_weaken_the_verdict(make_run: Callable[..., Run]) -> None:
    alone, tried = make_run(), make_run(extras=RunExtras(trials=(0.0, 0.1, -0.1), n_trials=500))
    assert tried.statistics["trials"] == 500
    assert tried.statistics["deflated_sharpe"] < alone.statistics["deflated_sharpe"]


def minute_run(n_days: int = 6) -> Run:
    day = np.busday_offset("2021-03-09", np.arange(n_days)).astype("datetime64[ns]").view("i8")
    ts = (day[:, None] + (14 * 60 + 31 + np.arange(300)) * 60_000_000_000).ravel()
    rng = np.random.default_rng(2)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 1e-3, len(ts))))[:, None]
    bars = Bars((Instrument("AAA"),), ts, close, close, close, close, close * 0 + 1, interval="1m")
    zero = np.zeros(len(ts), np.int64)
    equity = np.rint(close[:, 0] * 1e5).astype(np.int64)
    outcome = Outcome(
        bars.instruments, ts, equity, equity, zero, zero, np.zeros(0, FILL_DTYPE),
        np.zeros(0, ORDER_DTYPE), zero, int(equity[0]), close[-1],
    )  # fmt: skip
    return Run(outcome, bars, created_ns=1)


def test_minutes_are_annualised_by_session() -> None:
    run = minute_run()
    equity = run.outcome.equity.astype(float)
    levels = np.concatenate((equity[:1], equity[299::300]))
    returns = levels[1:] / levels[:-1] - 1
    assert run.timeline.returns == pytest.approx(returns)
    assert run.metrics["annual_volatility"] == pytest.approx(returns.std(ddof=1) * math.sqrt(252))
    falls = equity / np.maximum.accumulate(equity) - 1
    assert run.metrics["max_drawdown"] == pytest.approx(falls.min())


def test_crypto_counts_365_days() -> None:
    run = minute_run()
    coin = Instrument("BTC-USD", asset_class=AssetClass.CRYPTO, calendar="24/7")
    bars = Bars((coin,), run.bars.ts, *(run.bars.close,) * 5, interval="1m")
    from dataclasses import replace

    assert Run(replace(run.outcome, instruments=(coin,)), bars).timeline.periods_per_year == 365


def test_stored_run_comes_back_with_everything(make_run: Callable[..., Run]) -> None:
    extras = RunExtras(
        leak=Guard(True, "fine", ({"column": "a"},)),
        trials=(0.1, 0.2),
        n_trials=9,
        features=("x",),
        controls=({"control": "c", "p_value": 0.5},),
        windows=(Window(1, 0, 1, 10**18, 2 * 10**18, scores={"ic": 0.1}),),
    )
    run = make_run(extras=extras, config={"a": {"b": [1, 2]}}, benchmark="AAA")
    back = load_run(saved(run), "latest")
    assert back.digest == run.digest
    assert back.run_id == run.run_id
    assert back.extras == run.extras
    assert back.manifest == plain(run.manifest)
    assert plain(dict(back.metrics)) == plain(dict(run.metrics))
    assert plain(back.statistics.as_document()) == plain(run.statistics.as_document())
    assert back.verdict == run.verdict
    for name in ("trades", "fills", "orders", "equity", "exposure", "costs", "benchmark"):
        assert getattr(back, name).equals(getattr(run, name)), name
    assert back.html() == run.html()
    assert back.summary == run.summary


def test_stored_run_keeps_its_figures_when_the_formulas_change(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted, store = run.metrics["sharpe"], saved(run)
    monkeypatch.setattr("tradewright.services.results.figures.performance", None)
    assert load_run(store, "latest").metrics["sharpe"] == wanted


def test_long_minute_run_is_stored_as_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradewright.services.results.documents.MOST_CELLS", 1000)
    run = minute_run()
    back = load_run(saved(run), "latest")
    assert back.is_condensed
    assert back.bars.n_bars == 6
    assert back.bars.high[0, 0] == run.bars.high[:300].max()
    assert back.bars.open[1, 0] == run.bars.open[300, 0]
    assert back.equity.equals(run.equity)
    assert back.benchmark.equals(run.benchmark)
    assert plain(dict(back.metrics)) == plain(dict(run.metrics))
    assert "kept with the run as sessions" in back.html()


@pytest.mark.parametrize("name", ["outcome.json", "equity.parquet", "fills.parquet", "extras.json"])
def test_damaged_file_of_a_run_is_named(run: Run, name: str) -> None:
    store = saved(run)
    store._runs[run.run_id][1][name] = b"\x00broken"
    with pytest.raises(DataError, match=name):
        load_run(store, "latest")


def test_run_that_stopped_before_its_first_bar_is_stored_and_shown(
    make_run: Callable[..., Run],
) -> None:
    from dataclasses import replace

    from tradewright.domain.outcome import RunStatus

    whole = make_run()
    none = {name: np.empty(0, np.int64) for name in ("ts", "equity", "cash", "financing")}
    outcome = replace(
        whole.outcome, **none, long_value=none["ts"], short_value=none["ts"],
        fills=np.empty(0, FILL_DTYPE), orders=np.empty(0, ORDER_DTYPE),
        status=RunStatus.FAILED, message="bar 0: the strategy raised",
    )  # fmt: skip
    back = load_run(saved(Run(outcome, whole.bars, created_ns=1)), "latest")
    assert back.verdict.word == "incomplete"
    assert "bar 0: the strategy raised" in back.html()
    assert len(back.equity) == len(back.trades) == 0


def test_missing_run_is_named() -> None:
    with pytest.raises(NoDataError, match="no run is stored yet"):
        load_run(MemoryRunStore(), "latest")


def test_outcome_that_is_not_of_these_bars_is_refused(
    run: Run, make_bars: Callable[..., Bars]
) -> None:
    other = Run(run.outcome, make_bars(300))
    with pytest.raises(DataError, match="400 bars are not among"):
        _ = other.bars


def test_json_is_strict_and_complete(run: Run) -> None:
    document = json.loads(str(run.to_json()), parse_constant=lambda text: pytest.fail(text))
    assert document["manifest"]["result_digest"] == run.digest
    assert document["metrics"]["sharpe"] == pytest.approx(run.metrics["sharpe"])
    assert len(document["trades"]) == len(run.trades)
    assert document["equity"]["time"][0].endswith("+00:00")


def test_exports_write_every_table(run: Run, tmp_path: Path) -> None:
    csv = run.to_csv(tmp_path / "csv")
    assert sorted(p.stem for p in csv) == sorted(
        ["trades", "fills", "orders", "equity", "exposure", "costs", "benchmark"]
    )
    parquet = run.to_parquet(tmp_path / "parquet")
    found = {p.stem: pl.read_parquet(p) for p in parquet}
    assert found["fills"].equals(run.fills)
    page = run.to_html(tmp_path / "deep" / "r.html")
    assert page.read_text("utf-8") == run.html()
    assert [p.name for p in page.parent.iterdir()] == ["r.html"]


def test_export_to_a_refusing_disk_leaves_the_former_file(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tradewright.domain.errors import EdgeError

    target = tmp_path / "r.json"
    target.write_text("before")

    def full(_number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(EdgeError, match=r"cannot write .*r\.json: No space left"):
        run.to_json(target)
    assert target.read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["r.json"]


def test_plot_draws_strategy_and_benchmarks(run: Run) -> None:
    figure = run.plot()
    lines = figure.axes[0].get_lines()
    assert len(lines) == 4
    assert lines[0].get_ydata()[-1] == pytest.approx(run.benchmark["strategy"][-1])


def test_plot_without_matplotlib_names_the_extra(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ConfigError, match=r"tradewright\[reports\]"):
        run.plot()


def test_rerun_calls_its_maker_or_says_how(make_run: Callable[..., Run]) -> None:
    again = make_run()
    assert make_run(rerunner=lambda: again).rerun() is again
    with pytest.raises(ConfigError, match="only a study and"):
        again.rerun()


def test_run_id_follows_config_seed_and_result(make_run: Callable[..., Run]) -> None:
    ids = {
        make_run().run_id,
        make_run(config={"a": 1}).run_id,
        make_run(n_bars=300).run_id,
        make_run(seed=4).run_id,
    }
    assert len(ids) == 4
    assert make_run().run_id in ids


def test_digest_is_the_same_in_other_processes(run: Run) -> None:
    folder = Path(__file__).parent
    code = (
        f"import sys; sys.path.insert(0, {str(folder)!r}); import conftest; "
        "print(conftest.a_run().digest)"
    )
    for seed in ("0", "1", "random"):
        done = subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stdout.strip() == run.digest


def test_digest_changes_with_one_cent(run: Run) -> None:
    from dataclasses import replace

    equity = run.outcome.equity.copy()
    equity[7] += 1
    assert Run(replace(run.outcome, equity=equity), run.bars).digest != run.digest


def test_compare_measures_over_shared_sessions(make_run: Callable[..., Run]) -> None:
    one, two = make_run(name="a"), make_run(name="b", n_bars=300, manifest={"data_version": "v1"})
    found = compare(one, two)
    assert len(found.ts) == 300
    assert found.levels[0].tolist() == [1.0, 1.0]
    equity = one.outcome.equity
    assert found.metrics[0]["total_return"] == pytest.approx(equity[299] / equity[0] - 1)
    assert found.table["run"].to_list() == ["a", "b"]


def test_compare_of_a_run_with_itself_finds_no_difference(make_run: Callable[..., Run]) -> None:
    found = compare(make_run(name="a"), make_run(name="b"))
    interval = found.differences[1].intervals["sharpe_difference"]
    assert interval.low_95 == interval.high_95 == 0.0
    assert found.config_differences == ()


def test_compare_refuses_other_data_unless_told(make_run: Callable[..., Run]) -> None:
    one, two = make_run(), make_run(name="b", manifest={"data_version": "v2"})
    with pytest.raises(RefusedError, match="allow-different-data"):
        compare(one, two)
    assert not compare(one, two, allow_different_data=True).data_equal
    with pytest.raises(ConfigError, match="two or more"):
        compare(one)


def test_compare_refuses_a_leak(make_run: Callable[..., Run]) -> None:
    leaky = make_run(extras=RunExtras(leak=Guard(False, "x")))
    with pytest.raises(RefusedError, match="sees the future"):
        compare(make_run(), leaky)


def test_measured_run_is_freed_without_the_garbage_collector(run: Run) -> None:
    twin = Run(run.outcome, run.bars)
    assert twin.metrics["sharpe"] == run.metrics["sharpe"]
    assert twin.metrics["mean_gross_exposure"] > 0
    gone = weakref.ref(twin)
    gc.disable()
    try:
        del twin
        assert gone() is None
    finally:
        gc.enable()

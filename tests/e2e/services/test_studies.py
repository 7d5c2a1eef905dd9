"""Whole studies on real stores: skill is found, nothing is made up, every end is stored."""

import io
import json

import numpy as np
import polars as pl
import pytest
from planted_market import planted_bars

from tradewright.domain.errors import (
    CancelledError,
    ConfigError,
    LeakError,
    NoDataError,
    RefusedError,
)
from tradewright.features import About, feature, forget
from tradewright.forecasts import load_model
from tradewright.services.beside.repeating import rerun
from tradewright.services.runs import Run
from tradewright.services.studies import Study
from tradewright.services.study.trading import scaled_costs

QUICK = {"validation.controls": 2, "data.end": "2013-06-01"}


@pytest.fixture
def planted(space, planted_page):
    space.bars.write(planted_bars(0.9), ts_known=space.clock.now_ns())
    return Study.from_mapping(planted_page)


def stored(space, run_id, name):
    return json.loads(space.runs.load(run_id, name))


def test_planted_signal_is_found_and_beats_its_controls(space, planted):
    run = planted.run(space)
    scores = {row["metric"]: row for row in run.extras.scores}
    assert scores["ic"]["value"] > 0.15
    assert scores["ic"]["value"] > scores["ic"]["baseline"] + 0.1
    assert scores["accuracy"]["value"] > scores["accuracy"]["baseline"] + 0.03
    shuffled = next(row for row in run.extras.controls if row["control"] == "shuffled labels")
    assert shuffled["p_value"] == pytest.approx(0.1)
    assert run.metrics["sharpe"] > 1
    assert run.metrics["total_return"] > run.metrics["benchmark_return"]
    assert run.extras.leak.ok
    assert run.extras.health.ok


def test_a_study_holds_an_instrument_only_while_it_is_a_member(space, planted_page):
    space.bars.write(planted_bars(0.9), ts_known=space.clock.now_ns())
    names = planted_page["universe"]["symbols"]
    rows = [[names[0], "2011-06-01", "2011-12-30"], *([name, None, None] for name in names[1:])]
    planted_page["universe"] = {**planted_page["universe"], "members": rows}
    run = Study.from_mapping(planted_page).run(space, save=False)
    own = run.fills.filter(pl.col("symbol") == names[0])["time"].to_list()
    assert own
    assert f"{own[0]:%Y-%m-%d}" > "2011-06-01"
    last = run.trades.filter(pl.col("symbol") == names[0])["exit_time"].max()
    assert f"{last:%Y-%m-%d}" < "2012-01-12"  # sold at the next decision


def test_random_walk_shows_no_skill(space, planted_page):
    space.bars.write(planted_bars(0.0), ts_known=space.clock.now_ns())
    run = Study.from_mapping(planted_page).run(space, save=False)
    scores = {row["metric"]: row for row in run.extras.scores}
    assert abs(scores["ic"]["value"]) < 0.05
    assert run.verdict.word == "no evidence"


def test_run_is_stored_with_everything_it_was_made_from(space, planted):
    run = planted.run(space)
    manifest = stored(space, run.run_id, "manifest.json")
    assert manifest["config"] == planted.resolved
    assert manifest["config_hash"] == planted.page.config_hash
    assert manifest["result_digest"] == run.digest
    assert manifest["seed"] == 3
    assert {"numpy", "scikit-learn", "polars"} <= set(manifest["libraries"])
    assert len(manifest["models"]) == 3
    assert all(len(row["content_hash"]) == 64 for row in manifest["models"])
    assert {"data", "fit", "leak guard"} <= set(manifest["stage_seconds"])
    assert b"<html" in space.runs.load(run.run_id, "report.html")[:200]
    (line,) = space.runs.list_runs()
    assert (line.run_id, line.status, line.kind) == (run.run_id, "COMPLETED", "study")


def test_forecasts_are_stored_out_of_sample_only(space, planted):
    run = planted.run(space)
    frame = pl.read_parquet(io.BytesIO(space.runs.load(run.run_id, "forecasts.parquet")))
    assert frame.columns[:3] == ["ts", "symbol", "mean"]
    first = run.extras.windows[0].test_start_ns
    assert frame["ts"].dt.timestamp("ns").min() == first
    assert frame["mean"].is_finite().all()
    for window in run.extras.windows:
        assert window.train_end_ns < window.test_start_ns


def test_newest_model_is_registered_and_forecasts_what_was_stored(space, planted):
    run = planted.run(space)
    (version,) = space.models.list_models()
    assert (version.name, version.model_type, version.run_id) == ("planted", "ridge", run.run_id)
    assert version.content_hash == run.manifest["models"][-1]["content_hash"]
    model = load_model(space.models.load("planted"))
    assert model.describe()["features"] == ["return(5)", "return(1)", "volatility(21)"]
    assert version.metrics["oos_ic"] == pytest.approx(
        next(row["value"] for row in run.extras.scores if row["metric"] == "ic")
    )


def test_trials_are_counted_once_a_configuration(space, planted):
    assert planted.run(space).n_trials == 1
    assert planted.run(space).n_trials == 1  # the very same run is no new trial
    other = planted.run(space, changes={"decision.top_k": 3, "validation.controls": 0})
    assert other.n_trials == 2
    assert len(other.extras.trials) == 2
    changed = planted.run(space, changes={"labels.horizon": 3, "validation.controls": 0})
    assert changed.n_trials == 1  # another label is another family


def test_declared_trials_count_once_for_the_whole_family(space, planted_page):
    space.bars.write(planted_bars(0.0), ts_known=space.clock.now_ns())
    planted = Study.from_mapping(planted_page)
    quick = {"validation.controls": 0}
    plain = planted.run(space, changes=quick)
    declared = planted.run(space, changes={**quick, "validation.prior_trials": 6})
    assert (plain.n_trials, declared.n_trials) == (1, 2 + 6)
    assert declared.statistics["trials"] == 8
    assert declared.statistics["deflated_sharpe"] < declared.statistics["probabilistic_sharpe"]
    assert declared.manifest["trials"]["count"] == 8
    # another page of the family meets the declared ones too, and the largest number holds
    other = planted.run(space, changes={**quick, "decision.top_k": 3})
    assert other.n_trials == 3 + 6
    more = planted.run(space, changes={**quick, "validation.prior_trials": 7})
    assert more.n_trials == 4 + 7
    fewer = planted.run(space, changes={**quick, "seed": 4, "validation.prior_trials": 2})
    assert fewer.n_trials == 5 + 7


def test_cost_sensitivity_reruns_the_engine(space, planted):
    run = planted.run(space, changes={"validation.controls": 0})
    rows = {row["multiple"]: row for row in run.extras.cost_sensitivity}
    assert list(rows) == [0.0, 0.5, 1.0, 2.0, 3.0]
    returns = [row["total_return"] for row in rows.values()]
    assert returns == sorted(returns, reverse=True)
    assert rows[1.0]["total_return"] == pytest.approx(run.metrics["total_return"])
    assert rows[1.0]["sharpe"] == pytest.approx(run.metrics["sharpe"])
    assert rows[1.0]["max_drawdown"] == pytest.approx(run.metrics["max_drawdown"])
    doubled = planted.run(space, changes={"costs.fee_bps": 2, "validation.controls": 0})
    assert rows[2.0]["total_return"] == pytest.approx(doubled.metrics["total_return"])
    offsets = [row["offset"] for row in run.extras.start_sensitivity]
    assert offsets == [0, 5, 10, 15, 20]


def test_scaled_costs_scale_every_rate():
    from tradewright.costs import Costs

    costs = scaled_costs(Costs(fee_bps=10, fee_min=1, impact=None, borrow_rate=0.01), 0.5)
    assert (costs.fee_bps, costs.fee_min, costs.impact, costs.borrow_rate) == (5, 0.5, None, 0.005)


def test_rerun_gives_the_same_digest_and_is_not_stored(space, planted):
    run = planted.run(space)
    found = rerun("latest", space, workers=1)
    assert found.equal, str(found)
    assert found.digest_after == run.digest
    assert found.differences == ()
    assert run.rerun().digest == run.digest
    assert len(space.runs.list_runs()) == 1
    assert Run.load(run.run_id, space).n_trials == 1


def test_rerun_reads_the_data_as_they_were_known(space, planted):
    run = planted.run(space, changes={"validation.controls": 0})
    revised = planted_bars(0.9, seed=2)
    space.bars.write(revised, ts_known=space.clock.now_ns())
    assert rerun(run.run_id, space).equal
    assert planted.run(space, changes={"validation.controls": 0}).digest != run.digest


def test_rerun_names_what_differs(space, planted, monkeypatch):
    run = planted.run(space, changes={"validation.controls": 0})
    manifest = stored(space, run.run_id, "manifest.json")
    manifest["config"]["decision"]["top_k"] = 3
    manifest["libraries"]["numpy"] = "1.0"
    summary = space.runs.list_runs()[0]
    documents = {
        name: space.runs.load(run.run_id, name)
        for name in (
            *("metrics.json", "extras.json", "outcome.json", "equity.parquet", "fills.parquet"),
            *("orders.parquet", "bars.parquet", "trades.parquet", "benchmark.parquet"),
        )
    }
    space.runs.save(summary, {**documents, "manifest.json": json.dumps(manifest).encode()})
    found = rerun(run.run_id, space)
    assert not found.equal
    assert any(text.startswith("config: config_hash was") for text in found.differences)
    assert any(text.startswith("libraries: numpy was 1.0, is") for text in found.differences)
    assert found.first_difference.startswith("order ")
    assert "does not repeat" in str(found)


def test_leaky_feature_is_refused_and_the_run_says_so(space, planted):
    @feature(About("tomorrow", family="price", formula="close of tomorrow", min_rows=1))
    def tomorrow(bars):
        """Return the next close."""
        return np.vstack([bars.close[1:], bars.close[-1:]]) / bars.close - 1

    try:
        study = planted.with_settings({"features": ["return(5)", "tomorrow"]})
        with pytest.raises(LeakError, match="tomorrow"):
            study.run(space)
    finally:
        forget("tomorrow")
    (line,) = space.runs.list_runs()
    assert (line.status, line.verdict, dict(line.metrics)) == ("FAILED", "leak", {})
    assert "tomorrow" in stored(space, line.run_id, "extras.json")["leak"]["summary"]
    assert stored(space, line.run_id, "metrics.json")["metrics"] is None
    assert list(space.models.list_models()) == []


def test_unhealthy_data_are_refused_unless_allowed(space, planted_page):
    bars = planted_bars(0.9)
    holes = np.ones(bars.n_bars, dtype=bool)
    holes[100:180] = False
    fields = {name: getattr(bars, name)[holes] for name in ("open", "high", "low", "close")}
    from tradewright.domain.bars import Bars

    space.bars.write(
        Bars(bars.instruments, bars.ts[holes], **fields, volume=bars.volume[holes],
             source="planted"),
        ts_known=space.clock.now_ns(),
    )  # fmt: skip
    study = Study.from_mapping(planted_page).with_settings({"validation.controls": 0})
    with pytest.raises(RefusedError, match="data-health gate"):
        study.run(space)
    assert space.runs.list_runs()[0].status == "FAILED"
    run = study.run(space, allow_unhealthy=True)
    assert run.extras.health.ok is False
    assert "allowed by hand" in run.extras.notes[0]


@pytest.mark.parametrize("stop", [CancelledError("stop"), KeyboardInterrupt()])
@pytest.mark.parametrize("stage", ["leak guard", "fit", "backtest", "controls"])
def test_stopped_run_is_stored_as_cancelled_and_nothing_else(space, planted, stage, stop):
    def progress(fraction, message):
        if message.startswith(stage):
            raise stop

    with pytest.raises(CancelledError):
        planted.run(space, progress=progress)
    (line,) = space.runs.list_runs()
    assert (line.status, dict(line.metrics)) == ("CANCELLED", {})
    assert list(space.models.list_models()) == []
    assert not [p for p in (space.data_dir / "runs").iterdir() if p.name.startswith(".")]


def test_progress_never_falls_and_ends_at_one(space, planted):
    seen = []
    planted.run(space, progress=lambda fraction, message: seen.append((fraction, message)))
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert {message.split(":")[0] for _, message in seen} >= {"data", "fit", "controls", "report"}


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"data.start": "2030-01-01"}, NoDataError, "AAA|range"),
        ({"universe.symbols": ["AAA", "ZZZ"], "decision.top_k": 1}, NoDataError, "ZZZ"),
        ({"universe.symbols": ["AAA"], "decision.top_k": 1}, ConfigError, "cannot be ranked"),
        ({"decision.top_k": 9}, ConfigError, "top_k: found 9, but the universe has 8"),
        ({"validation.training_days": 2000}, ConfigError, "sessions are available"),
        ({"labels.horizon": 3000}, ConfigError, "labels.horizon: found 3000 bars"),
        ({"data.adjust": "source_adjusted"}, Exception, "source_adjusted"),
    ],
)
def test_impossible_study_is_refused_before_any_work(space, planted, changes, error, message):
    with pytest.raises(error, match=message):
        planted.run(space, changes=changes)
    assert list(space.runs.list_runs()) == []


def test_warm_up_longer_than_the_data_is_named(space, planted):
    with pytest.raises(ConfigError, match=r"sma\(740\)|warm-up"):
        planted.run(space, changes={"features": ["close_to_sma(740)"]})


def test_one_instrument_can_be_timed(space, planted):
    changes = {
        "universe.symbols": ["AAA"],
        "decision.rule": "proportional",
        "decision.max_weight": 1.0,
        "validation.controls": 0,
    }
    run = planted.run(space, changes=changes, save=False)
    assert run.is_complete


def test_check_runs_nothing_and_tells_what_a_run_would_do(space, planted):
    found = planted.check(space, quick=True)
    assert found.ok
    assert (found.windows, found.fits, found.n_instruments) == (3, 30, 8)
    assert found.warm_up_bars == 21
    assert found.seconds > 0
    assert found.memory_mb > 100
    assert list(space.runs.list_runs()) == []


def test_three_classes_and_barriers_run_too(space, planted):
    for kind in ("three_class", "triple_barrier"):
        run = planted.run(
            space,
            changes={
                "labels.kind": kind,
                "labels.horizon": 3,
                "model.type": "logistic",
                "validation.controls": 0,
            },
            save=False,
        )
        scores = {row["metric"]: row for row in run.extras.scores}
        assert scores["ic"]["value"] > 0.1
        assert scores["accuracy"]["value"] > scores["accuracy"]["baseline"]

"""A run beside chance and split by origin; what is stored comes back the same."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from tradewright.adapters.stores.memory_runs import MemoryRunStore
from tradewright.domain.bars import Bars
from tradewright.domain.errors import DataError
from tradewright.domain.outcome import Outcome
from tradewright.metrics.acceptance import AcceptanceLimits
from tradewright.services.luck.attribution import Attribution, attribution_of
from tradewright.services.luck.chance import chance_of
from tradewright.services.results.documents import plain
from tradewright.services.results.extras import Window
from tradewright.services.runs import Run, RunExtras

SPLITS = ("instruments", "sides", "weekdays", "regimes")


def sums(found: Attribution) -> dict[str, float]:
    return {
        name: sum(float(row["contribution"]) for row in getattr(found, name)) for name in SPLITS
    }


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_split_sums_to_the_total_return(make_run: Callable[..., Run], seed: int) -> None:
    run = make_run(seed=seed)
    found = run.attribution
    assert found is not None
    assert found.total_return == pytest.approx(run.metrics["total_return"], abs=1e-12)
    for name, total in sums(found).items():
        assert total == pytest.approx(found.total_return, abs=1e-9), name
    rest = found.instruments[-1]
    assert rest["group"].startswith("(conversion")
    assert abs(rest["contribution"]) < 2e-5  # cents lost in rounding, nothing else
    assert run.trips["pnl"].sum() / 100 == pytest.approx(
        sum(row["profit"] for row in found.instruments), abs=1.0
    )


def test_brinson_effects_sum_to_the_excess_return(make_run: Callable[..., Run]) -> None:
    run = make_run()
    found = attribution_of(run, {"AAA": "Energy", "BBB": "Energy", "SPY": "Funds"})
    assert found is not None
    assert [row["sector"] for row in found.sectors] == ["Energy", "Funds", "(cash)"]
    total = sum(row["total"] for row in found.sectors)
    assert total == pytest.approx(run.metrics["excess_return"], abs=1e-9)
    assert found.excess_return == pytest.approx(run.metrics["excess_return"], abs=1e-9)


def test_brinson_against_one_instrument_sums_too(make_run: Callable[..., Run]) -> None:
    run = make_run(benchmark="SPY")
    assert run.attribution is not None
    total = sum(row["total"] for row in run.attribution.sectors)
    assert total == pytest.approx(run.metrics["excess_return"], abs=1e-9)


def test_only_the_measured_span_is_split(make_run: Callable[..., Run]) -> None:
    whole = make_run()
    ts = whole.outcome.ts
    window = Window(1, 0, int(ts[199]), int(ts[200]), int(ts[-1]))
    run = make_run(extras=RunExtras(windows=(window,)))
    found = run.attribution
    assert found is not None
    assert found.total_return != whole.attribution.total_return
    for total in sums(found).values():
        assert total == pytest.approx(run.metrics["total_return"], abs=1e-9)


def test_alpha_and_loading_on_the_benchmark_are_those_of_the_metrics(
    make_run: Callable[..., Run],
) -> None:
    run = make_run(benchmark="SPY")
    alpha, held = run.attribution.factors
    assert alpha["loading"] == pytest.approx(run.metrics["alpha"])
    assert held["loading"] == pytest.approx(run.metrics["beta"])
    assert alpha["t"] == pytest.approx(run.statistics["t_alpha"])
    mean = run.timeline.returns.mean() * 252 - run.risk_free
    assert alpha["contribution"] + held["contribution"] == pytest.approx(mean)


def test_factors_of_the_user_are_matched_by_date(make_run: Callable[..., Run]) -> None:
    run = make_run()
    days = run.benchmark["time"][1:].cast(pl.Date)
    excess = run.timeline.returns - run.risk_free / 252
    rng = np.random.default_rng(1)
    table = pl.DataFrame({"time": days, "own": excess * 2, "noise": rng.normal(0, 0.01, len(days))})
    rows = run.attribution.explain(table[5:].sample(fraction=1.0, shuffle=True, seed=3))
    assert [row["factor"] for row in rows] == ["alpha", "own", "noise"]
    assert rows[1]["loading"] == pytest.approx(0.5)
    with pytest.raises(DataError, match="no session between"):
        run.attribution.explain(table.with_columns(time=pl.date(1990, 1, 1)))
    with pytest.raises(DataError, match="wanted time and at least one factor"):
        run.attribution.explain(table.drop("time"))


def test_chance_repeats_with_the_seed_of_the_run(make_run: Callable[..., Run]) -> None:
    one, two, other = make_run(), make_run(), make_run()
    other.seed = 99
    assert plain(one.chance.as_document()) == plain(two.chance.as_document())
    assert plain(one.chance.as_document()) != plain(other.chance.as_document())


def test_random_walk_traded_at_random_stays_within_chance(make_run: Callable[..., Run]) -> None:
    found = [make_run(seed=seed).chance.entries.p_value for seed in range(12)]
    assert 0.2 < float(np.mean(found)) < 0.8
    assert min(found) > 0.002


def test_share_of_random_entries_that_pass_follows_the_limits(
    make_run: Callable[..., Run],
) -> None:
    run = make_run()
    easy = chance_of(run, AcceptanceLimits(-9.0, 1.0, 0.0)).entries
    hard = chance_of(run, AcceptanceLimits(9.0, 0.01, 1.0)).entries
    assert (easy.pass_share, hard.pass_share) == (1.0, 0.0)
    usual = run.chance.entries
    assert usual.draws == 1_000
    assert usual.pass_share <= min(usual.pass_shares.values())
    assert [row["bars"] for row in usual.delays] == [0, 1, 2, 3, 4, 5]
    assert usual.delays[0]["sharpe"] == usual.observed_sharpe


def test_observed_entries_come_close_to_the_account(
    make_bars: Callable[..., Bars], make_outcome: Callable[..., Outcome]
) -> None:
    """Same entries, exits and costs; only the sizes are smoothed over each holding."""
    bars = make_bars()
    held = (np.arange(400)[:, None] // [7, 11, 19]) % 2
    run = Run(make_outcome(bars, held * 500), bars, name="steps", created_ns=1)
    found = run.chance.entries
    assert found.observed_sharpe == pytest.approx(run.metrics["sharpe"], abs=0.12)
    assert found.delays[0]["total_return"] == pytest.approx(run.metrics["total_return"], abs=0.03)
    assert found.delays[0]["max_drawdown"] == pytest.approx(run.metrics["max_drawdown"], abs=0.03)


def test_luck_and_attribution_come_back_from_the_store(make_run: Callable[..., Run]) -> None:
    workspace = SimpleNamespace(runs=MemoryRunStore())
    run = make_run()
    run.save(workspace, report=False)
    back = Run.load(run.run_id, workspace)
    assert plain(back.chance.as_document()) == plain(run.chance.as_document())
    assert plain(back.attribution.as_document()) == plain(run.attribution.as_document())
    days = run.benchmark["time"][1:].cast(pl.Date)
    table = pl.DataFrame({"time": days, "x": run.timeline.returns})
    assert back.attribution.explain(table)[1]["loading"] == pytest.approx(1.0)


def test_a_run_without_trades_has_nothing_to_move(make_run: Callable[..., Run]) -> None:
    run = make_run()
    n = len(run.outcome.ts)
    flat = replace(
        run.outcome,
        fills=run.outcome.fills[:0],
        orders=run.outcome.orders[:0],
        equity=np.full(n, 10**7),
        cash=np.full(n, 10**7),
        long_value=np.zeros(n, np.int64),
        short_value=np.zeros(n, np.int64),
    )
    idle = Run(flat, run.bars, name="idle", created_ns=1)
    assert idle.chance.entries is None
    assert idle.chance.trades is None
    assert idle.chance.paths.probability_of_loss == 0.0
    assert all(math.isclose(total, 0.0) for total in sums(idle.attribution).values())
    assert idle.verdict.word == "no evidence"


def test_summary_tells_luck_in_words(
    make_run: Callable[..., Run], capsys: pytest.CaptureFixture[str]
) -> None:
    from tradewright.app.cli.summary import render_summary

    run = make_run(extras=RunExtras(overfitting=0.43))
    render_summary(run)
    text = capsys.readouterr().out
    assert "Probability of overfitting in its sweep  0.43" in text
    assert f"does not explain  {run.statistics['t_alpha']:+.2f}" in text
    assert f"p = {run.chance.entries.p_value:.3f}; {run.chance.entries.pass_share:.0%} of" in text

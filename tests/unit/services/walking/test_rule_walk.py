"""Walk-forward of rules: what is chosen, from what, and how the windows are joined."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from tradewright.adapters.stores.journal import MemoryJournal
from tradewright.adapters.stores.memory_runs import MemoryRunStore
from tradewright.domain.bars import Bars
from tradewright.domain.decisions import Signals, TargetWeights
from tradewright.domain.errors import ConfigError
from tradewright.domain.instruments import Instrument
from tradewright.services.walking.relay import Relay, stitched
from tradewright.services.walking.rules import RuleWalk, walk_forward
from tradewright.services.walking.spans import windows_in_rows
from tradewright.strategies import Strategy
from tradewright.training.splits import WalkForward, newest_window

DAY = 86_400_000_000_000
START = 1_325_600_000_000_000_000


def tape(rows: int = 400, columns: int = 2, seed: int = 5) -> Bars:
    random = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(random.normal(3e-4, 0.01, (rows, columns)), axis=0))
    opened = np.vstack([close[:1], close[:-1]])
    return Bars(
        instruments=tuple(Instrument(f"S{at}", calendar="24/7") for at in range(columns)),
        ts=START + np.arange(rows) * DAY,
        open=opened,
        high=np.maximum(opened, close) * 1.001,
        low=np.minimum(opened, close) * 0.999,
        close=close,
        volume=np.full(close.shape, 1e6),
        source="made",
        data_version="made",
    )


def trend(bars: Bars, days: int) -> TargetWeights:
    weights = np.zeros(bars.close.shape)
    weights[days:] = (bars.close[days:] > bars.close[:-days]) / bars.n_instruments
    return TargetWeights(weights)


def walk(make=trend, grid=None, bars=None, carry=True, **scheme):
    windows = WalkForward(**{"training": 100, "testing": 50, **scheme})
    settings = RuleWalk(scheme=windows, costs=None, carry_positions=carry)
    given = grid or {"days": [5, 20, 60]}
    return walk_forward(make, tape() if bars is None else bars, given, settings=settings)


def test_every_window_has_its_row_and_the_run_covers_each_test_day_once() -> None:
    found = walk()
    assert [row["window"] for row in found.rows] == [1, 2, 3, 4, 5, 6]
    assert {row["days"] for row in found.rows} <= {5, 20, 60}
    windows = found.run.extras.windows
    assert [window.parameters["days"] for window in windows] == [row["days"] for row in found.rows]
    ends = [window.test_end_ns for window in windows]
    assert [window.test_start_ns - DAY for window in windows[1:]] == ends[:-1]
    assert found.run.timeline.first == 100  # figures begin with the first test day
    assert found.trials == 3


def test_nothing_after_a_training_window_decides_what_it_chooses() -> None:
    bars = tape()
    before = walk(bars=bars).rows
    changed = {}
    for name in ("open", "high", "low", "close"):
        values = getattr(bars, name).copy()
        values[200:] *= np.linspace(1, 3, 200)[::-1, None]
        changed[name] = values
    after = walk(bars=replace(bars, **changed)).rows
    chosen = [(row["days"], row["in_sample_sharpe"]) for row in before[:3]]
    assert [(row["days"], row["in_sample_sharpe"]) for row in after[:3]] == chosen
    assert before[5]["in_sample_sharpe"] != after[5]["in_sample_sharpe"]


def test_the_best_of_the_training_window_is_chosen() -> None:
    bars = tape(columns=1)

    def hold(bars: Bars, weight: float) -> TargetWeights:
        return TargetWeights(np.full(bars.close.shape, weight))

    found = walk(hold, {"weight": [0.0, 1.0]}, bars)
    for number, row in enumerate(found.rows):
        rose = bars.close[50 * number + 99, 0] > 1.02 * bars.close[50 * number, 0]
        if rose:
            assert row["weight"] == 1.0


def test_embargo_keeps_sessions_out_of_the_choice() -> None:
    free, kept = walk(), walk(embargo=10)
    for window, other in zip(free.run.extras.windows, kept.run.extras.windows, strict=True):
        assert window.train_end_ns - other.train_end_ns == 10 * DAY
        assert window.test_start_ns == other.test_start_ns


def test_arrays_are_joined_from_the_newest_window() -> None:
    owner = newest_window(WalkForward(training=2, testing=3, overlap=1).windows(9), 9)
    parts = [
        TargetWeights(np.full((rows, 1), value)) for rows, value in ((5, 1.0), (7, 2.0), (9, 3.0))
    ]
    joined = stitched(parts, owner)
    assert isinstance(joined, TargetWeights)
    expected = [np.nan, np.nan, 1, 1, 2, 2, 3, 3, 3]
    np.testing.assert_array_equal(joined.weights[:, 0], expected)


def test_positions_go_on_over_a_border_or_are_closed_there() -> None:
    bars = tape(columns=1)

    def hold(bars: Bars, weight: float) -> TargetWeights:
        return TargetWeights(np.full(bars.close.shape, weight))

    grid = {"weight": [0.5]}
    carried = walk(hold, grid, bars).run.outcome
    assert (carried.long_value[101:] > 0).all()
    closed = walk(hold, grid, bars, carry=False).run.outcome
    held = closed.long_value > 0
    assert [row for row in range(100, 399) if not held[row]] == [100, 150, 200, 250, 300, 350]


def test_fixed_windows_hold_nothing_between_them() -> None:
    def hold(bars: Bars, weight: float) -> TargetWeights:
        return TargetWeights(np.full(bars.close.shape, weight))

    found = walk(hold, {"weight": [1.0]}, tape(columns=1), scheme="fixed")
    held = found.run.outcome.long_value > 0
    assert len(found.rows) == 2
    assert held[102:150].all()
    assert not held[151:250].any()
    assert held[252:].all()


class Holder(Strategy):
    name = "holder"

    def __init__(self, weight: float) -> None:
        self.parameters = {"weight": weight}
        self.started = 0

    def on_start(self, ctx) -> None:
        self.started += 1

    def on_bar(self, ctx, bar) -> None:
        for symbol in ctx.symbols:
            ctx.target_weight(self.parameters["weight"] / len(ctx.symbols), symbol)


@pytest.mark.parametrize("carry", [True, False])
def test_strategies_take_turns_like_arrays(carry: bool) -> None:
    def arrays(bars: Bars, weight: float) -> TargetWeights:
        return TargetWeights(np.full(bars.close.shape, weight / bars.n_instruments))

    grid = {"weight": [0.3, 0.6]}
    one = walk(arrays, grid, carry=carry)
    other = walk(lambda bars, weight: Holder(weight), grid, carry=carry)
    assert [row["weight"] for row in one.rows] == [row["weight"] for row in other.rows]
    assert len(other.run.outcome.fills) > 100
    np.testing.assert_allclose(other.run.outcome.equity, one.run.outcome.equity, rtol=2e-3)
    flat = other.run.outcome.long_value[100:] == 0
    assert flat.sum() == (1 if carry else 6)


def test_each_strategy_starts_when_its_turn_comes() -> None:
    import tradewright as tw

    runners = [Holder(0.5), Holder(0.2)]
    owner = np.repeat([-1, 0, 1, -1], 10)
    run = tw.backtest(Relay(runners, owner), tape(40, 1))
    assert [runner.started for runner in runners] == [1, 1]
    held = run.outcome.long_value > 0
    assert not held[:11].any()
    assert held[11:30].all()
    assert not held[31:].any()


def test_signals_are_joined_with_their_sizes_and_one_stop() -> None:
    owner = np.array([-1, 0, 0, 1, 1])
    up = np.ones((5, 1), dtype=bool)
    parts = [Signals(up, ~up, size=0.5, stop=0.1), Signals(~up, up, size=0.25, stop=0.1)]
    joined = stitched(parts, owner)
    assert isinstance(joined, Signals)
    assert joined.entries[:, 0].tolist() == [False, True, True, False, False]
    assert joined.exits[:, 0].tolist() == [False, False, False, True, True]
    assert np.ravel(joined.size).tolist() == [1.0, 0.5, 0.5, 0.25, 0.25]
    with pytest.raises(ConfigError, match="stop differs between windows"):
        stitched([parts[0], Signals(up, ~up, stop=0.2)], owner)
    with pytest.raises(ConfigError, match="Signals and TargetWeights, wanted one kind"):
        stitched([parts[0], TargetWeights(np.zeros((5, 1)))], owner)


def test_efficiency_is_the_annual_return_kept_out_of_sample() -> None:
    found = walk()
    inside = np.mean([row["in_sample_return"] for row in found.rows])
    outside = found.run.metrics["annual_return"]
    assert found.efficiency == pytest.approx(outside / inside)
    assert f"efficiency {found.efficiency:.2f}" in found.sentence
    lost = replace(found, rows=tuple({**row, "in_sample_return": -0.1} for row in found.rows))
    assert np.isnan(lost.efficiency)


def test_stability_is_the_share_of_choices_kept() -> None:
    found = walk()
    days = [row["days"] for row in found.rows]
    kept = sum(a == b for a, b in pairwise(days)) / 5
    assert found.stability == {"days": pytest.approx(kept)}


def test_windows_are_cut_in_sessions_also_on_hours() -> None:
    bars = tape(10 * 24, 1)
    hourly = replace(bars, ts=START - START % DAY + np.arange(1, 241) * (DAY // 24), interval="1h")
    windows = windows_in_rows(WalkForward(training=4, testing=2), hourly)
    assert [(w.train_first, w.test_first, w.test_last) for w in windows] == [
        (0, 96, 144),
        (48, 144, 192),
        (96, 192, 240),
    ]


def test_too_short_a_history_and_no_set_at_all_are_named() -> None:
    with pytest.raises(ConfigError, match="120 sessions are available"):
        walk(bars=tape(120))
    with pytest.raises(ConfigError, match="make returned None for every set"):
        walk(lambda bars, days: None)


def test_every_set_tried_is_a_trial_of_the_verdict() -> None:
    class Space:
        runs = MemoryRunStore()
        journal = MemoryJournal()

    settings = RuleWalk(scheme=WalkForward(training=100, testing=50))
    for expected in (3, 6):
        found = walk_forward(
            trend, tape(), {"days": [5, 20, 60]}, settings=settings, workspace=Space, family="f"
        )
        assert found.run.extras.n_trials == expected
        assert found.run.statistics["trials"] == expected

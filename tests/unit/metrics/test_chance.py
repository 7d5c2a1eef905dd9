"""Simulated paths, orders and entries against plain loops, closed forms and uniform p-values."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from scipy.stats import kstest, norm

from tradewright.domain.errors import DataError
from tradewright.metrics.chance.entries import Holdings, _spread, entry_test
from tradewright.metrics.chance.paths import resampled_paths, shuffled_trades


def test_shuffled_trades_equal_every_order_there_is() -> None:
    profits, start = np.array([60.0, -30.0, -40.0, 20.0]), 100.0
    falls, halves = [], []
    for order in itertools.permutations(profits):
        walk = np.concatenate(([start], start + np.cumsum(order)))
        falls.append((walk / np.maximum.accumulate(walk) - 1).min())
        halves.append(walk.min() <= 50.0)
    found = shuffled_trades(profits, np.random.default_rng(1), start_equity=start, paths=20_000)
    assert found.terminal == pytest.approx([0.1] * 5)
    assert found.probability_of_half == pytest.approx(np.mean(halves), abs=0.02)
    assert found.drawdown[0] == pytest.approx(min(falls))
    own = (np.array([100, 160, 130, 90, 110]) / np.array([100, 160, 160, 160, 160]) - 1).min()
    assert found.worse_drawdown == pytest.approx(np.mean(np.array(falls) <= own + 1e-9), abs=0.02)


def test_independent_paths_end_where_the_normal_says() -> None:
    """Sums of many independent log returns: quantiles of a normal."""
    r = np.expm1(np.random.default_rng(2).normal(0.0003, 0.01, 5000))
    found = resampled_paths(r, np.random.default_rng(3), sessions=500, paths=8000, block_length=1.0)
    logs = np.log1p(r)
    ends = [
        500 * logs.mean() + norm.ppf(q) * logs.std() * math.sqrt(500) for q in (0.05, 0.5, 0.95)
    ]
    assert np.log1p(found.terminal)[[0, 2, 4]] == pytest.approx(ends, abs=0.012)
    loss = norm.cdf(-500 * logs.mean() / (logs.std() * math.sqrt(500)))
    assert found.probability_of_loss == pytest.approx(loss, abs=0.02)


def test_half_is_lost_as_often_as_the_reflected_walk_says() -> None:
    """P(min of a driftless walk <= b) = 2 P(end <= b), for many small steps."""
    r = np.expm1(np.random.default_rng(2).normal(0.0, 0.02, 20_000))
    r = np.expm1(np.log1p(r) - np.log1p(r).mean())
    found = resampled_paths(
        r, np.random.default_rng(4), sessions=1500, paths=6000, block_length=1.0
    )
    wanted = 2 * norm.cdf((math.log(0.5) - 0.583 * 0.02) / (0.02 * math.sqrt(1500)))
    assert found.probability_of_half == pytest.approx(wanted, abs=0.02)


def test_a_total_loss_ends_a_path() -> None:
    found = resampled_paths(np.array([0.0, -1.0] * 20), np.random.default_rng(1))
    assert found.terminal[2] == pytest.approx(-1.0)
    assert found.probability_of_half == 1.0


def test_paths_repeat_with_their_seed_and_differ_with_another() -> None:
    r = np.random.default_rng(1).normal(0, 0.01, 300)
    one, two, other = (resampled_paths(r, np.random.default_rng(s), paths=200) for s in (5, 5, 6))
    assert one == two
    assert one != other


@pytest.mark.parametrize(("profits", "start"), [([1.0], 100.0), ([1.0, 2.0], 0.0)])
def test_too_little_to_shuffle_is_refused(profits: list[float], start: float) -> None:
    with pytest.raises(DataError, match="shuffled trades"):
        shuffled_trades(np.array(profits), np.random.default_rng(0), start_equity=start)
    with pytest.raises(DataError, match="paths: 1 returns"):
        resampled_paths(np.array([0.1]), np.random.default_rng(0))


def walk(seed: int, n: int, k: int = 1, drift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    steps = rng.normal(drift, 0.01, (2 * n, k))
    levels = 100 * np.exp(np.cumsum(steps, axis=0))
    return levels[0::2], levels[1::2]


def holdings(*trips: tuple[int, int, int, float, float]) -> Holdings:
    columns = np.array(trips, dtype=float).T
    whole = [column.astype(np.int64) for column in columns[:3]]
    return Holdings(*whole, columns[3], columns[4])


def settings(n: int) -> dict[str, object]:
    return {"rows": np.arange(n), "periods_per_year": 252.0, "risk_free": 0.0}


@pytest.mark.parametrize("free", [1, 3])
@pytest.mark.parametrize("m", [1, 2, 3])
def test_every_way_to_share_out_the_time_is_equally_likely(free: int, m: int) -> None:
    rng = np.random.default_rng(free * 10 + m)
    seen = Counter(tuple(_spread(free, m, rng).tolist()) for _ in range(12_000))
    ways = list(itertools.combinations_with_replacement(range(free + 1), m))
    assert sorted(seen) == ways
    assert min(seen.values()) > 0.8 * 12_000 / len(ways)
    assert max(seen.values()) < 1.2 * 12_000 / len(ways)


def test_observed_figures_are_those_of_the_account() -> None:
    """One long of everything, one short of half: day by day, from open to open."""
    opens, close = walk(1, 12)
    trips = holdings((0, 2, 3, 1.0, 0.002), (0, 7, 2, -0.5, 0.0))
    found = entry_test(trips, opens, close, np.random.default_rng(0), **settings(12)).observed
    o, c = opens[:, 0], close[:, 0]
    change = np.zeros(12)
    change[2] = c[2] / o[2] - 1 - 0.001
    change[3], change[4] = c[3] / c[2] - 1, c[4] / c[3] - 1
    change[5] = o[5] / c[4] - 1 - 0.001
    change[7] = -0.5 * (c[7] / o[7] - 1)
    change[8], change[9] = -0.5 * (c[8] / c[7] - 1), -0.5 * (o[9] / c[8] - 1)
    r = change[1:]
    level = np.concatenate(([1.0], np.cumprod(1 + r)))
    assert found.total_return[0] == pytest.approx(level[-1] - 1)
    assert found.sharpe[0] == pytest.approx(r.mean() / r.std(ddof=1) * math.sqrt(252))
    assert found.max_drawdown[0] == pytest.approx((level / np.maximum.accumulate(level) - 1).min())
    wins = [o[5] / o[2] - 1 - 0.002 > 0, o[9] / o[7] < 1]
    assert found.win_rate[0] == pytest.approx(np.mean(wins))


def test_delay_moves_every_entry_and_exit() -> None:
    opens, close = walk(2, 40)
    here = holdings((0, 5, 4, 1.0, 0.0), (0, 20, 6, 1.0, 0.0))
    later = holdings((0, 8, 4, 1.0, 0.0), (0, 23, 6, 1.0, 0.0))
    given = settings(40)
    one = entry_test(here, opens, close, np.random.default_rng(0), **given).delayed
    two = entry_test(later, opens, close, np.random.default_rng(0), **given).observed
    assert len(one.sharpe) == 5
    assert one.sharpe[2] == pytest.approx(two.sharpe[0])


def test_missing_bars_cost_nothing_and_gain_nothing() -> None:
    opens, close = walk(3, 30)
    opens[10:14] = close[10:14] = np.nan
    found = entry_test(
        holdings((0, 9, 6, 1.0, 0.0)), opens, close, np.random.default_rng(0), **settings(30)
    ).observed
    assert found.total_return[0] == pytest.approx(opens[15, 0] / opens[9, 0] - 1)


def random_trips(rng: np.random.Generator, n: int) -> list[tuple[int, int, int, float, float]]:
    """Enter and leave by the toss of a coin."""
    trips, t = [], 1
    while True:
        t += int(rng.geometric(0.08)) - 1
        length = int(rng.integers(1, 12))
        if t + length >= n:
            return trips
        trips.append((0, t, length, 0.9, 0.001))
        t += length


def test_p_values_of_random_entries_are_uniform() -> None:
    found = []
    for seed in range(250):
        rng = np.random.default_rng(seed)
        opens, close = walk(seed + 9000, 260, drift=0.0004)
        trips = holdings(*random_trips(rng, 260))
        test = entry_test(trips, opens, close, rng, **settings(260), draws=199)
        found.append(test.p_value)
    assert kstest(found, "uniform").pvalue > 0.01


def test_entries_before_rises_are_not_random() -> None:
    opens, close = walk(5, 400)
    best = np.argsort(opens[2:-2:4, 0] / opens[6::4, 0][: len(opens[2:-2:4])])[:25] * 4 + 2
    trips = holdings(*((0, int(t), 4, 0.9, 0.0) for t in np.sort(best)))
    found = entry_test(trips, opens, close, np.random.default_rng(1), **settings(400))
    assert found.p_value < 0.01
    assert found.delayed.sharpe[3] < found.observed.sharpe[0]


def test_same_seed_draws_the_same_entries() -> None:
    opens, close = walk(5, 100)
    trips = holdings((0, 9, 6, 1.0, 0.0), (0, 40, 3, -1.0, 0.0))
    one, two = (
        entry_test(trips, opens, close, np.random.default_rng(4), **settings(100)).random.sharpe
        for _ in range(2)
    )
    np.testing.assert_array_equal(one, two)


def test_holdings_beyond_the_bars_are_refused() -> None:
    opens, close = walk(5, 20)
    with pytest.raises(DataError, match="reaches beyond the 20 bars"):
        entry_test(
            holdings((0, 15, 6, 1.0, 0.0)), opens, close, np.random.default_rng(0), **settings(20)
        )
    overlapping = holdings((0, 1, 12, 1.0, 0.0), (0, 2, 12, 1.0, 0.0))
    with pytest.raises(DataError, match="take 24 bars, wanted at most 19; they overlap"):
        entry_test(overlapping, opens, close, np.random.default_rng(0), **settings(20))
    with pytest.raises(DataError, match="no round trip"):
        none = Holdings(*(np.zeros(0, np.int64),) * 3, np.zeros(0), np.zeros(0))
        entry_test(none, opens, close, np.random.default_rng(0), **settings(20))

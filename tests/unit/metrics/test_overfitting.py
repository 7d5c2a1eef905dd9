"""Overfitting against a plain enumeration, the family tests against arch and simulation."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from tradewright.domain.errors import DataError
from tradewright.metrics.trials.overfitting import backtest_overfitting
from tradewright.metrics.trials.superiority import (
    judge_family,
    long_run_variance,
    superiority,
)


def plain_overfitting(returns: np.ndarray, blocks: int) -> tuple[float, float, float]:
    """The published procedure word by word: join blocks, take ratios, rank, logit."""
    parts = np.split(returns, blocks)
    logits, losses, pairs = [], [], []
    for chosen in itertools.combinations(range(blocks), blocks // 2):
        rest = [b for b in range(blocks) if b not in chosen]
        inside = np.concatenate([parts[b] for b in chosen])
        outside = np.concatenate([parts[b] for b in rest])
        best = int(np.argmax(inside.mean(axis=0) / inside.std(axis=0)))
        ratios = outside.mean(axis=0) / outside.std(axis=0)
        rank = 1 + sum(ratios[k] < ratios[best] for k in range(len(ratios)))
        omega = rank / (len(ratios) + 1)
        logits.append(math.log(omega / (1 - omega)))
        losses.append(outside[:, best].mean() <= 0)
        pairs.append(((inside.mean(axis=0) / inside.std(axis=0))[best], ratios[best]))
    slope = np.polyfit(*np.array(pairs).T, 1)[0]
    return float(np.mean(np.array(logits) <= 1e-12)), float(np.mean(losses)), float(slope)


def noise(seed: int, sessions: int = 640, trials: int = 40) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, 0.01, (sessions, trials))


@pytest.mark.parametrize(("blocks", "trials"), [(4, 2), (6, 5), (8, 12)])
def test_overfitting_equals_the_published_procedure(blocks: int, trials: int) -> None:
    table = noise(blocks, 240, trials) + np.linspace(0.0, 0.001, trials)
    found = backtest_overfitting(table, blocks=blocks)
    wanted = plain_overfitting(table, blocks)
    assert (found.probability, found.probability_of_loss) == pytest.approx(wanted[:2])
    assert found.degradation_slope == pytest.approx(wanted[2], rel=1e-9)


def test_sixteen_blocks_make_12870_splits() -> None:
    assert backtest_overfitting(noise(1)).n_splits == 12_870


def test_choice_among_noise_is_overfitted_half_of_the_time() -> None:
    found = [backtest_overfitting(noise(seed)).probability for seed in range(20)]
    assert 0.4 <= float(np.mean(found)) <= 0.6


def test_one_true_edge_among_noise_is_not_overfitted() -> None:
    table = noise(3)
    table[:, 11] += 0.004
    found = backtest_overfitting(table)
    assert found.probability < 0.05
    assert found.probability_of_loss < 0.05
    assert found.median_logit > 1.0


def test_copies_of_one_trial_rank_in_the_middle() -> None:
    table = np.repeat(noise(2, trials=1), 7, axis=1)
    assert backtest_overfitting(table).median_logit == pytest.approx(0.0, abs=1e-9)


def test_overfitting_does_not_depend_on_scale_or_order_of_trials() -> None:
    table = noise(5, 320, 9)
    found = backtest_overfitting(table)
    again = backtest_overfitting(table[:, ::-1] * 1e-3)
    assert again.probability == found.probability
    assert again.degradation_slope == pytest.approx(found.degradation_slope, rel=1e-6)


@pytest.mark.parametrize(
    ("table", "blocks", "match"),
    [
        (np.zeros((100, 1)), 4, "1 trials"),
        (np.zeros((100, 3)), 5, "even number"),
        (np.zeros((20, 3)), 16, "20 sessions"),
        (np.full((64, 3), np.nan), 4, "trial 0"),
    ],
)
def test_overfitting_of_wrong_input_is_refused(table: np.ndarray, blocks: int, match: str) -> None:
    with pytest.raises(DataError, match=match):
        backtest_overfitting(table, blocks=blocks)


def arch_resamples(table: np.ndarray, length: int, count: int, seed: int) -> np.ndarray:
    from arch.bootstrap import StationaryBootstrap

    drawn = StationaryBootstrap(length, table, seed=seed).bootstrap(count)
    return np.array([positional[0].mean(axis=0) for positional, _ in drawn])


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_p_values_equal_arch_on_its_own_resamples(seed: int) -> None:
    """Arch compares means that are not divided by their error: so do we with errors of one."""
    from arch.bootstrap import SPA

    table = noise(seed, 300, 8) + np.linspace(-0.002, 0.0012, 8)
    theirs = SPA(np.zeros(300), -table, block_size=5, reps=400, seed=seed)
    theirs.compute()
    # Arch centres at its own long-run error; ours is checked to be the same below.
    errors = np.sqrt(long_run_variance(table, 5.0) / 300)
    np.testing.assert_allclose(errors**2 * 300, theirs._loss_diff_var)
    resampled = arch_resamples(table, 5, 400, seed)
    ours = judge_family(table.mean(axis=0), np.ones(8), resampled, n=300, size=0.05)
    share = {name: (1 + 400 * value) / 401 for name, value in theirs.pvalues.items()}
    assert ours["reality_check"] == pytest.approx(share["upper"], abs=1e-12)
    assert ours["spa_lower"] == pytest.approx(share["lower"], abs=1e-12)
    assert ours["spa_upper"] == pytest.approx(share["upper"], abs=1e-12)


def test_stepwise_choice_equals_arch_on_its_own_resamples() -> None:
    from arch.bootstrap import StepM

    table = noise(9, 400, 12)
    table[:, [2, 7]] += [0.0018, 0.003]
    theirs = StepM(np.zeros(400), -table, size=0.05, block_size=4, reps=400, seed=9)
    theirs.compute()
    resampled = arch_resamples(table, 4, 400, 9)
    ours = judge_family(table.mean(axis=0), np.ones(12), resampled, n=400, size=0.05)
    assert sorted(ours["superior"]) == list(theirs.superior_models)
    assert ours["superior"][0] == 7


def test_scores_are_divided_by_their_error() -> None:
    """Hansen 2005 by hand: a wild trial must not hide a calm one that is better for sure."""
    table = noise(4, 500, 2) * [1.0, 40.0]
    table[:, 0] += 0.002
    found = superiority(table, np.zeros(500), np.random.default_rng(1))
    assert found.spa < 0.01
    assert 0 in found.superior
    assert found.reality_check > 0.05


def test_bad_trials_do_not_hide_a_good_one() -> None:
    table = noise(6, 500, 60)
    table[:, 1:] -= 0.004
    table[:, 0] += 0.0011
    found = superiority(table, np.zeros(500), np.random.default_rng(2))
    assert found.spa_lower <= found.spa <= found.spa_upper
    assert found.spa < found.spa_upper


def test_family_equal_to_its_benchmark_cannot_be_tested() -> None:
    held = noise(1, 100, 1)[:, 0]
    found = superiority(np.column_stack([held, held]), held, np.random.default_rng(0))
    assert math.isnan(found.spa)
    assert found.superior == ()


def test_superiority_repeats_with_its_seed() -> None:
    table = noise(3, 200, 5)
    one, two = (superiority(table, table[:, 0], np.random.default_rng(5)) for _ in range(2))
    assert one == two


def rejections(count: int, level: float, sessions: int) -> tuple[float, float, float]:
    """Share of families without skill that each test calls better, on dependent returns."""
    hits = np.zeros(3)
    for seed in range(count):
        rng = np.random.default_rng(seed + 100)
        shocks = rng.normal(0.0, 0.01, (sessions + 1, 10))
        shocks += rng.normal(0.0, 0.006, (sessions + 1, 1))
        table = shocks[1:] + 0.05 * shocks[:-1]
        found = superiority(table, np.zeros(sessions), rng, resamples=300, size=level)
        hits += [found.reality_check < level, found.spa < level, len(found.superior) > 0]
    return tuple(hits / count)


@pytest.mark.slow
def test_five_percent_tests_reject_at_most_six_in_a_hundred_families_of_noise() -> None:
    assert max(rejections(1500, 0.05, 1000)) <= 0.06


def test_tests_of_noise_rarely_reject() -> None:
    assert max(rejections(120, 0.10, 250)) <= 0.16


def test_misshapen_family_is_refused() -> None:
    with pytest.raises(DataError, match="wanted \\(n_sessions, n_trials\\)"):
        superiority(np.zeros((30, 2)), np.zeros(29), np.random.default_rng(0))
    with pytest.raises(DataError, match="trial 1 has no finite return in session 4"):
        table = np.zeros((30, 2))
        table[4, 1] = np.inf
        superiority(table, np.zeros(30), np.random.default_rng(0))

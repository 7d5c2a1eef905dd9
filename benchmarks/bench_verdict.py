"""How often the verdict is wrong: strategies without skill, and strategies with planted skill.

Run: ``python -m benchmarks.bench_verdict``. Each strategy is a whole backtest with its own verdict,
as a user would see it. Without skill: entries and exits at random, long or long and short, on one
to ten instruments, with standard costs, half on the sample data and half on bars resampled from it
in blocks. With skill: positions whose net Sharpe ratio over the risk-free rate is 1.5 a year in
truth, over ten years, in a market with a drift of its own.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator

import numpy as np

import tradewright as tw
from benchmarks.measure import seconds, tell
from tradewright.domain.instruments import Instrument

DAY = 86_400 * 10**9
YEAR = 252


def resampled(bars: tw.Bars, rng: np.random.Generator, *, block: float = 20.0) -> tw.Bars:
    """Return bars put together from blocks of sessions of the sample, all instruments at once."""
    n = bars.n_bars
    rows = np.empty(n - 1, dtype=np.int64)
    rows[0] = rng.integers(1, n)
    for t in range(1, n - 1):
        rows[t] = rng.integers(1, n) if rng.random() < 1 / block else rows[t - 1] % (n - 1) + 1
    with np.errstate(invalid="ignore"):
        before = bars.close[rows - 1]
        change = np.nan_to_num(bars.close[rows] / before, nan=1.0)
        shape = {
            name: np.nan_to_num(getattr(bars, name)[rows] / bars.close[rows], nan=1.0)
            for name in ("open", "high", "low")
        }
    close = np.vstack([np.full((1, bars.n_instruments), 100.0), 100.0 * change.cumprod(axis=0)])
    panels = {
        name: np.vstack([close[:1], close[1:] * ratio]).round(6) for name, ratio in shape.items()
    }
    volume = np.full(close.shape, 1e8)
    return tw.Bars(
        bars.instruments, bars.ts, panels["open"], panels["high"], panels["low"], close.round(6),
        volume,
    )  # fmt: skip


def without_skill(bars: tw.Bars, rng: np.random.Generator) -> tw.TargetWeights:
    """Return weights drawn at random: who is held, how long, how much, and whether short too."""
    n, k = bars.close.shape
    chosen = rng.choice(k, size=min(int(rng.integers(1, 11)), k), replace=False)
    days, both = float(rng.uniform(3, 250)), bool(rng.random() < 0.3)
    weights = np.zeros((n, k))
    for column in chosen:
        turns = rng.random(n) < 1 / days
        states = rng.choice([-1.0, 0.0, 1.0] if both else [0.0, 1.0], size=int(turns.sum()) + 1)
        weights[:, column] = states[np.cumsum(turns)] * 0.95 / len(chosen)
    weights[np.isnan(bars.close)] = 0.0
    moved = np.vstack([np.ones((1, k), dtype=bool), np.diff(weights, axis=0) != 0])
    return tw.TargetWeights(np.where(moved, weights, np.nan))


def with_skill(
    rng: np.random.Generator, *, sharpe: float, years: int
) -> tuple[tw.Bars, tw.TargetWeights]:
    """Return bars and weights that know a little: the Sharpe ratio is `sharpe` in truth."""
    n, vol, weight = years * YEAR + 1, 0.16 / np.sqrt(YEAR), 0.9
    side = rng.choice([-1.0, 1.0], size=n)
    known = (sharpe * vol * weight / np.sqrt(YEAR) + 0.02 / YEAR) / weight
    change = np.concatenate([[0.0], side[:-1] * known + vol * rng.standard_normal(n - 1)])
    close = 100.0 * np.cumprod(1.0 + change)
    opened = np.concatenate([close[:1], close[:-1]])
    panel = [x[:, None] for x in (opened, np.maximum(opened, close), np.minimum(opened, close))]
    bars = tw.Bars(
        (Instrument("A", tick_size=1e-8),), np.arange(1, n + 1) * DAY, *panel, close[:, None],
        np.full((n, 1), 1e9),
    )  # fmt: skip
    return bars, tw.TargetWeights(side[:, None] * weight)


def words(runs: Iterator[tw.Run]) -> Counter[str]:
    return Counter(run.verdict.word for run in runs)


def nothing(count: int, sample: tw.Bars, *, resample: bool) -> Iterator[tw.Run]:
    for seed in range(count):
        rng = np.random.default_rng([seed, int(resample)])
        bars = resampled(sample, rng) if resample else sample
        yield tw.backtest(without_skill(bars, rng), bars)


def searched(count: int, sample: tw.Bars, *, sets: int = 20) -> Iterator[tw.Run]:
    """Yield the best of some random strategies, judged with all of them as its trials."""
    for search in range(count):
        found = tw.sweep(
            lambda seed, search=search: without_skill(
                sample, np.random.default_rng([search, seed, 3])
            ),
            sample,
            {"seed": range(sets)},
        )
        yield found.run()


def planted(count: int, *, sharpe: float, years: int) -> Iterator[tw.Run]:
    for seed in range(count):
        rng = np.random.default_rng([seed, 7])
        bars, weights = with_skill(rng, sharpe=sharpe, years=years)
        yield tw.backtest(weights, bars, costs=None)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--without", type=int, default=500)
    parser.add_argument("--planted", type=int, default=200)
    parser.add_argument("--searches", type=int, default=100)
    parser.add_argument("--only", default="", help="Part of the name of a case.")
    given = parser.parse_args()
    sample = tw.sample_bars()
    half = given.without // 2
    cases = (
        ("verdict_sample", "random strategies on the sample data", "<= 5 % supported", half,
         lambda: nothing(half, sample, resample=False)),
        ("verdict_resampled", "random strategies on resampled data", "<= 5 % supported", half,
         lambda: nothing(half, sample, resample=True)),
        ("verdict_searched", "searches, the best of 20 random strategies", "<= 5 % supported",
         given.searches, lambda: searched(given.searches, sample)),
        ("verdict_planted", "true Sharpe ratio 1.5 over 10 years", ">= 80 % supported",
         given.planted, lambda: planted(given.planted, sharpe=1.5, years=10)),
        ("verdict_planted_weak", "true Sharpe ratio 0.5 over 10 years", "as measured",
         given.planted, lambda: planted(given.planted, sharpe=0.5, years=10)),
    )  # fmt: skip
    for case, what, goal, count, make in cases:
        if given.only not in case:
            continue
        found: Counter[str] = Counter()
        took = seconds(lambda make=make, found=found: found.update(words(make())))
        shares = {word: round(found[word] / count, 3) for word in sorted(found)}
        text = ", ".join(f"{word} {share:.1%}" for word, share in shares.items())
        tell(
            case, work=f"{count} {what}: {text}", ours_s=round(took, 2), goal=goal, count=count,
            supported=round(found["supported"] / count, 4), words=shares,
        )  # fmt: skip


if __name__ == "__main__":
    main()

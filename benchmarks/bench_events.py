"""A Python strategy called per bar with bracket orders, 100,000 minute bars.

Run: ``python -m benchmarks.bench_events``. Both sides do the whole job that a user waits for:
bars in, strategy called on each, every order matched, every metric, the table of trades and the
equity curve out. backtesting.py always makes these three; here they are asked for. backtrader is
timed without any of them.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import tradewright as tw
from benchmarks.bench_arrays import minute_bars
from benchmarks.beside import run_peer
from benchmarks.measure import median_seconds, peak_mb, tell

STOP, TARGET = 0.0012, 0.0012


class Brackets(tw.Strategy):
    """Enter with stop and target where a flag says so and nothing is held."""

    def __init__(self, entries: NDArray[np.bool_]) -> None:
        self.entries = entries
        self.row = -1

    def on_bar(self, ctx: Any, bar: Any) -> None:
        """Decide at the close of a bar."""
        self.row += 1
        if self.entries[self.row] and ctx.position() == 0:
            price = bar.close
            ctx.bracket(10, stop=price * (1 - STOP), target=price * (1 + TARGET))


class Listening(Brackets):
    """The same, told of every fill and every change of an order."""

    def __init__(self, entries: NDArray[np.bool_]) -> None:
        super().__init__(entries)
        self.told = 0

    def on_fill(self, ctx: Any, fill: Any) -> None:
        """Count."""
        self.told += 1

    def on_order(self, ctx: Any, event: Any) -> None:
        """Count."""
        self.told += 1


def same_trades(run: tw.Run, folder: Path) -> bool:
    """Whether entry and exit bars and prices are those of backtesting.py."""
    names = ("EntryBar", "ExitBar", "EntryPrice", "ExitPrice")
    peer = {name: np.load(folder / f"bt_{name}.npy") for name in names}
    order = np.argsort(peer["EntryBar"], kind="stable")
    peer = {name: column[order] for name, column in peer.items()}
    fills = run.outcome.fills
    bought, sold = fills[fills["side"] > 0], fills[fills["side"] < 0]
    count = min(len(sold), len(order))
    return bool(
        abs(len(bought) - len(order)) <= 1
        and (bought["bar"][:count] == peer["EntryBar"][:count]).all()
        and (sold["bar"][:count] == peer["ExitBar"][:count]).all()
        and np.allclose(bought["px"][:count] / 1e8, peer["EntryPrice"][:count], rtol=1e-9)
        and np.allclose(sold["px"][:count] / 1e8, peer["ExitPrice"][:count], rtol=1e-9)
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--bars", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    bars = minute_bars(given.bars, seed=3)
    entries = np.random.default_rng(4).random(given.bars) < 0.2
    costs = tw.Costs(fee_bps=1)

    def ours(kind: type[Brackets] = Brackets) -> tw.Run:
        run = tw.backtest(kind(entries), bars, costs=costs)
        figures = {name: run.metrics[name] for name in run.metrics}
        assert len(figures) > 50
        assert len(run.trades) == figures["trades"] + figures["open_trades"]
        assert len(run.equity) == given.bars
        return run

    run = ours()
    share = len(np.unique(run.outcome.orders["bar"])) / given.bars
    seconds = median_seconds(ours, given.rounds)
    memory = peak_mb()
    panel = {n: getattr(bars, n)[:, 0] for n in ("open", "high", "low", "close")}
    listening = median_seconds(lambda: ours(Listening), given.rounds)
    tell(
        "events_listening",
        work=f"the same with on_fill and on_order, {given.bars:,} bars",
        ours_s=round(listening, 4),
        bars_per_second=round(given.bars / listening),
        goal=">= 200,000 bars/s",
    )
    peers = (
        ("backtesting_events", "backtesting.py", 3, ">= 3x"),
        ("backtrader_events", "backtrader", 1, ">= 15x (this or nautilus_trader)"),
    )
    for script, peer, rounds, goal in peers:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            told = run_peer(script, folder, rounds=rounds, **panel, entries=entries)
            figures = {"trades": told["trades"]}
            if script == "backtesting_events":
                figures["same_trades"] = same_trades(run, folder)
        tell(
            script.replace("backtesting_events", "events_backtesting").replace(
                "backtrader_events", "events_backtrader"
            ),
            work=f"Python strategy, brackets, {given.bars:,} bars, orders on {share:.0%} of them",
            ours_s=round(seconds, 4),
            peer=peer,
            peer_s=round(told["seconds"], 3),
            ratio=round(told["seconds"] / seconds, 1),
            bars_per_second=round(given.bars / seconds),
            our_trades=int(run.metrics["trades"]),
            peak_mb=round(memory),
            goal=goal,
            **figures,
        )


if __name__ == "__main__":
    main()

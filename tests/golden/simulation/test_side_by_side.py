"""The same strategies in backtesting.py, vectorbt and backtrader, run here and now, trade by trade.

Optional: it needs the peers' environment, which the benchmarks make (``make bench``).
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import tradewright as tw
from tradewright.domain.bars import Bars
from tradewright.domain.instruments import Instrument

ROOT = Path(__file__).parents[3]
PEERS = ROOT / ".venv-peers" / "bin" / "python"
SCRIPT = ROOT / "benchmarks" / "peers" / "side_by_side.py"
SHARED = ROOT.parent / "shared" / "data"
STOP, TARGET, SIZE = 0.02, 0.03, 10.0
FIELDS = ("open", "high", "low", "close")
FILES = {
    "bitcoin by the hour": ("crypto/btcusd_hour_bitfinex.parquet", "BTCUSD"),
    "euro by the hour": ("fx/eurusd_hour_oanda.parquet", "EURUSD"),
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PEERS.exists(), reason="no .venv-peers here; 'make bench' makes it"),
]


def bars_of(name: str) -> Bars:
    if name == "a share by the day":
        bars = tw.sample_bars(["AAPL"])
        panels = [getattr(bars, field) for field in FIELDS]
        ts, interval = bars.ts, "1d"
    else:
        path, symbol = SHARED / FILES[name][0], FILES[name][1]
        if not path.exists():
            pytest.skip(f"{path.name} is not beside this checkout")
        frame = pl.read_parquet(path).filter(pl.col("symbol") == symbol).sort("timestamp")
        frame = frame.head(8_000)
        panels = [frame[field].to_numpy().astype(float)[:, None] for field in FIELDS]
        ts = frame["timestamp"].dt.timestamp("ns").to_numpy().astype(np.int64)
        interval = "1h"
    names = (Instrument("A", calendar="24/7", lot_size=1e-8, tick_size=1e-8),)
    return Bars(names, ts, *panels, np.full_like(panels[0], 1e9), interval=interval)


def crosses(close: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    quick, calm = moving_average(close, 10), moving_average(close, 30)
    above = quick > calm
    up, down = np.zeros((2, len(close)), dtype=bool)
    up[31:] = above[31:] & ~above[30:-1]
    down[31:] = ~above[31:] & above[30:-1]
    return up, down


def moving_average(close: np.ndarray, window: int) -> np.ndarray:
    out = np.full(len(close), np.nan)
    out[window - 1 :] = np.lib.stride_tricks.sliding_window_view(close, window).mean(axis=1)
    return out


class Flags(tw.Strategy):
    """Ten units in and out where flags say so, or out by stop and target."""

    def __init__(self, entries: np.ndarray, exits: np.ndarray, *, brackets: bool) -> None:
        self.entries, self.exits, self.brackets = entries, exits, brackets

    def on_bar(self, ctx, bar):
        if not self.brackets and self.exits[bar.row] and ctx.position():
            ctx.sell(SIZE)
        elif self.entries[bar.row] and not ctx.position():
            if self.brackets:
                price = bar.close
                ctx.bracket(SIZE, stop=price * (1 - STOP), target=price * (1 + TARGET))
            else:
                ctx.buy(SIZE)


def trades_of(bars: Bars, strategy: Flags) -> np.ndarray:
    run = tw.backtest(strategy, bars, cash=10_000_000.0, costs=None)
    fills = run.outcome.fills
    count = len(fills) // 2 * 2
    entry, leave = fills[:count:2], fills[1:count:2]
    assert (entry["side"] > 0).all()
    assert (leave["side"] < 0).all()
    return np.column_stack((entry["bar"], leave["bar"], entry["px"] / 1e8, leave["px"] / 1e8))


@pytest.mark.parametrize("name", ["a share by the day", *FILES])
def test_three_engines_make_the_same_trades_on_real_bars(name: str, tmp_path: Path) -> None:
    bars = bars_of(name)
    entries, exits = crosses(bars.close[:, 0])
    for field in FIELDS:
        np.save(tmp_path / f"{field}.npy", getattr(bars, field)[:, 0])
    for key, given in (("entries", entries), ("exits", exits), ("stop", STOP), ("target", TARGET)):
        np.save(tmp_path / f"{key}.npy", given)
    ran = subprocess.run(
        [str(PEERS), str(SCRIPT), str(tmp_path), "1"],
        capture_output=True,
        text=True,
        check=False,
        cwd=SCRIPT.parent,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    crossed = trades_of(bars, Flags(entries, exits, brackets=False))
    bracketed = trades_of(bars, Flags(entries, exits, brackets=True))
    for peer, ours in (
        ("backtesting", crossed),
        ("vectorbt", crossed),
        ("backtrader", crossed),
        ("backtesting_brackets", bracketed),
    ):
        theirs = np.load(tmp_path / f"trades_{peer}.npy")
        assert len(theirs) > 5, peer
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-8, err_msg=peer)

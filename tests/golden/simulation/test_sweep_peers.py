"""A sweep of 200 pairs of averages, row by row against two other engines."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import tradewright as tw
from tradewright.domain.bars import Bars
from tradewright.domain.instruments import Instrument

FACTS = json.loads((Path(__file__).parent / "goog_sweep_peers.json").read_text())
ROWS = [dict(zip(FACTS["columns"], row, strict=True)) for row in FACTS["rows"]]


def averages(values: np.ndarray, window: int) -> np.ndarray:
    out = np.full(len(values), np.nan)
    out[window - 1 :] = np.lib.stride_tricks.sliding_window_view(values, window).mean(axis=1)
    return out


@pytest.mark.parametrize("engine", ["vectorbt", "backtesting"])
@pytest.mark.parametrize("workers", [1, 2])
def test_200_pairs_give_the_return_drawdown_and_trades_of_another_engine(engine, workers) -> None:
    frame = pytest.importorskip("backtesting.test").GOOG
    columns = [frame[name].to_numpy(np.float64)[:, None] for name in frame.columns[:5]]
    ts = frame.index.to_numpy().astype("datetime64[ns]").astype(np.int64)
    bars = Bars((Instrument("GOOG", tick_size=1e-8),), ts, *columns)
    close = bars.close[:, 0]

    def cross(fast: int, slow: int) -> tw.Signals:
        quick, calm = averages(close, fast), averages(close, slow)
        up, down = np.zeros((2, len(close)), dtype=bool)
        up[1:] = (quick[:-1] <= calm[:-1]) & (quick[1:] > calm[1:])
        down[1:] = (quick[:-1] >= calm[:-1]) & (quick[1:] < calm[1:])
        return tw.Signals(up, down)

    grid = {name: list(dict.fromkeys(row[name] for row in ROWS)) for name in ("fast", "slow")}
    found = tw.sweep(cross, bars, grid, costs=tw.Costs(fee_bps=10), workers=workers)
    assert found.trials == len(ROWS) == 200
    for ours, theirs in zip(found.table.to_dicts(), ROWS, strict=True):
        assert (ours["fast"], ours["slow"]) == (theirs["fast"], theirs["slow"])
        assert ours["trades"] == theirs[f"{engine}_trades"]
        # Cash is kept in cents: half a cent for each notional and fee, grown by what follows.
        cents = 4 * (ours["trades"] + 1) * 0.005 / FACTS["cash"]
        growth = 1 + theirs[f"{engine}_return"]
        assert ours["total_return"] == pytest.approx(
            theirs[f"{engine}_return"], abs=cents * max(growth, 1)
        )
        assert ours["max_drawdown"] == pytest.approx(theirs[f"{engine}_drawdown"], abs=2 * cents)

"""`backtest run --finer`: what happens inside a bar is read from finer bars."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import tradewright as tw
from tradewright.domain.bars import Bars
from tradewright.domain.instruments import Instrument
from tradewright.marketdata import resample


@pytest.fixture
def stored(tradewright, tmp_path: Path) -> tuple[str, ...]:
    rng = np.random.default_rng(8)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.002, (1_440 * 3, 1)), axis=0)).round(4)
    first = np.vstack((close[:1], close[:-1]))
    high, low = np.maximum(first, close) + 0.02, np.minimum(first, close) - 0.02
    ts = (np.arange(len(close)) + 1 + 1_440 * 17_000) * 60_000_000_000
    names = (Instrument("COIN", calendar="24/7"),)
    fine = Bars(names, ts, first, high, low, close, np.full_like(close, 1e6), interval="1m")
    for bars in (resample(fine, "1h"), fine):
        path = tmp_path / f"coin-{bars.interval}.parquet"
        stamp = pl.col("timestamp").dt.replace_time_zone("UTC")
        pl.DataFrame(bars.columns()).with_columns(stamp).write_parquet(path)
        code, _, err = tradewright("data", "import", str(path), "--stamp", "close")
        assert code == 0, err
    return ("--data", "store", "--interval", "1h", "--symbols", "COIN")


def test_finer_bars_change_the_fills_and_the_run_repeats(tradewright, stored) -> None:
    call = ("backtest", "run", "--strategy", "mean_reversion", *stored, "--fee-bps", "1")
    code, out, err = tradewright(*call, "--finer", "1m", "--json")
    assert code == 0, err
    run = tw.Run.load(json.loads(out)["run_id"])
    assert "72 of 72 bars were walked through" in " ".join(run.outcome.notes)
    assert run.config["backtest"]["rules"]["intrabar"] == "finer"
    assert run.config["finer"]["interval"] == "1m"
    code, out, _ = tradewright("study", "rerun", run.run_id, "--json")
    assert code == 0
    assert json.loads(out)["equal"]


def test_finer_bars_that_will_not_do_are_named(tradewright, stored) -> None:
    call = ("backtest", "run", "--strategy", "buy_and_hold", *stored)
    code, _, err = tradewright(*call, "--finer", "5m")
    assert code == 1
    assert "COIN" in err
    assert "5m" in err
    code, _, err = tradewright(*call, "--finer", "1h")
    assert code == 2
    assert "wanted an interval within a day that is shorter" in err

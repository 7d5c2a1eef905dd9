"""The same bytes whatever surrounds the program: hash seed, workers, threads, zone, language."""

from __future__ import annotations

import json
import os
import subprocess
import sys

SCRIPT = """
import hashlib, json, random, re, sys
import numpy as np
import polars as pl
import tradewright as tw
from tradewright.app import bootstrap
from tradewright.services.results.documents import plain
from tradewright.strategies import create_strategy

workers = int(sys.argv[1])
said = lambda value: hashlib.sha256(json.dumps(plain(value), sort_keys=True).encode()).hexdigest()
bars = tw.sample_bars(["AAPL", "KO", "XOM"], start="2011-01-01", end="2013-06-01")

class Dips(tw.Strategy):
    def on_bar(self, ctx, bar):
        for symbol in ctx.symbols:
            past = ctx.history(symbol, 10)
            if len(past) == 10 and not ctx.position(symbol) and past[-1] < past.min() * 1.001:
                price = past[-1]
                ctx.bracket(100.0, symbol, stop=price * 0.95, target=price * 1.04)

events = tw.backtest(Dips(), bars)

def make(fast, slow):
    mean = lambda n: pl.DataFrame(bars.close).select(pl.all().rolling_mean(n)).to_numpy()
    above = mean(fast) > mean(slow)
    return tw.Signals(above, ~above, size=0.3)

sweep = tw.sweep(make, bars, {"fast": [5, 10], "slow": [20, 40]}, workers=workers)
ruled = tw.sweep(
    lambda fast: create_strategy("sma_cross", fast=fast, slow=40), bars, {"fast": [5, 10, 20]},
    workers=workers)

table = pl.DataFrame(bars.columns()).with_columns(pl.col("timestamp").dt.replace_time_zone("UTC"))
rows = table.to_dicts()
random.Random().shuffle(rows)
mixed = tw.read_bars(pl.DataFrame(rows, schema=table.schema))

changes = {"data.end": "2013-01-01", "validation.controls": 1, "model.type": "lightgbm",
           "model.params": {"rounds": 20}}
study = tw.Study.load("ridge").run(
    bootstrap.open_workspace(), changes=changes, save=False, workers=workers)
def page_of(run):  # the manifest says when and how long
    page = run.html().split('<section id="manifest">')[0]
    page = re.sub("made 20[-0-9 :]+|in [0-9.]+ s[.]|<dt>seconds</dt><dd>[0-9.]+", "", page)
    return hashlib.sha256(page.encode()).hexdigest()

def table(frame):
    assert frame.height > 0
    return hashlib.sha256(frame.write_csv().encode()).hexdigest()

made_up = tw.synthetic_bars("regimes", 3, 300, seed=4)
print(json.dumps({
    "events": events.digest, "event figures": said(dict(events.metrics)),
    "sweep": said(sweep.table.sort("fast", "slow").to_dicts()),
    "sweep of strategies": ruled.digest,
    "data": mixed.data_version,
    "orders": table(events.orders), "fills": table(events.fills), "equity": table(events.equity),
    "trades": table(events.trades), "event report": page_of(events), "report": page_of(study),
    "made up": made_up.data_version,
    "study": study.digest, "study figures": said(dict(study.metrics)),
    "run id": study.run_id,
}))
"""

SURROUNDINGS = (
    {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C.UTF-8", "OMP_NUM_THREADS": "1"},
    {"PYTHONHASHSEED": "1", "TZ": "America/New_York", "LC_ALL": "C", "OMP_NUM_THREADS": "2"},
    {
        "PYTHONHASHSEED": "42",
        "TZ": "Asia/Kolkata",
        "LANG": "de_DE.UTF-8",
        "POLARS_MAX_THREADS": "1",
    },
    {"PYTHONHASHSEED": "random", "TZ": "Pacific/Apia", "OPENBLAS_NUM_THREADS": "1"},
    {
        "PYTHONHASHSEED": "7",
        "TZ": "Pacific/Kiritimati",
        "LC_ALL": "tr_TR.UTF-8",
        "OPENBLAS_NUM_THREADS": "2",
        "PYTHONUTF8": "0",
    },
)


def test_same_bytes_in_every_surrounding(tmp_path) -> None:
    told = []
    for number, (surrounding, workers) in enumerate(
        zip(SURROUNDINGS, (1, 2, 4, 2, 3), strict=True)
    ):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(workers)],
            env={**os.environ, "DATA_DIR": str(tmp_path / str(number)), **surrounding},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        told.append(json.loads(done.stdout))
    for other in told[1:]:
        assert other == told[0]
    assert len(told[0]["study"]) == 64

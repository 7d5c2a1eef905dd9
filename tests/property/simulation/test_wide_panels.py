"""Many symbols in one batch: each trades as it would alone, and nobody's orders touch another's."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright.costs import Costs
from tradewright.domain.bars import Bars
from tradewright.domain.decisions import Signals
from tradewright.domain.instruments import Instrument
from tradewright.domain.rules import FillRules
from tradewright.simulation import run_signals

DAY_NS = 86_400 * 10**9
RICH = 10**13


def panel(rng: np.random.Generator, n_bars: int, width: int, missing: float) -> Bars:
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.02, (n_bars, width)), axis=0))
    first = np.vstack([close[:1], close[:-1]]) * np.exp(rng.normal(0, 0.01, (n_bars, width)))
    spread = np.abs(rng.normal(0, 0.01, (2, n_bars, width)))
    high = np.maximum(first, close) * (1 + spread[0])
    low = np.minimum(first, close) * (1 - spread[1])
    gone = rng.random((n_bars, width)) < missing
    gone[:3] = False
    for array in (first, high, low, close):
        array[gone] = np.nan
    names = tuple(Instrument(f"S{at:03d}", lot_size=1e-8) for at in range(width))
    ts = np.arange(1, n_bars + 1) * DAY_NS
    return Bars(names, ts, first, high, low, close, np.full_like(close, 1e6))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(5, 90), st.integers(20, 120))
def test_brackets_of_many_symbols_are_those_of_each_alone(
    seed: int, width: int, n_bars: int
) -> None:
    rng = np.random.default_rng(seed)
    bars = panel(rng, n_bars, width, float(rng.choice([0.0, 0.03])))
    entries, exits = rng.random((2, *bars.close.shape)) < [[[0.15]], [[0.03]]]
    short_entries = rng.random(bars.close.shape) < 0.05
    for flags in (entries, exits, short_entries):
        flags[np.isnan(bars.close)] = False
    how: dict[str, Any] = {"size": 0.5 / width, "stop": 0.03, "target": 0.04, "trail": 0.05}
    account: dict[str, Any] = {
        "cash_minor": RICH,
        "costs": Costs(fee_bps=5),
        "rules": FillRules(max_stale_bars=99),
    }
    together = run_signals(
        bars,
        Signals(entries, exits, short_entries=short_entries, short_exits=exits, **how),
        **account,
    )
    for column in range(0, width, 7):
        rows = np.flatnonzero(~np.isnan(bars.close[:, column]))
        enter, leave, short = (f[rows, column][:, None] for f in (entries, exits, short_entries))
        alone = run_signals(
            bars.select([bars.symbols[column]]),
            Signals(enter, leave, short_entries=short, short_exits=leave, **how),
            **account,
        )
        mine = together.fills[together.fills["instrument"] == column]
        assert mine["bar"].tolist() == rows[alone.fills["bar"]].tolist()
        for name in ("side", "px", "reason"):
            assert mine[name].tolist() == alone.fills[name].tolist()

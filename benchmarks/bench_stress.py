"""Four stress scenarios on 28 stocks over four years with a rule strategy.

Run: ``python -m benchmarks.bench_stress``. Five onsets each: 20 stressed runs and the unstressed
runs beside them.
"""

from __future__ import annotations

from benchmarks.measure import median_seconds, tell
from tradewright.marketdata import sample_bars
from tradewright.risk.scenarios.catalogue import NAMED_FOUR
from tradewright.services.backtest import backtest
from tradewright.services.stress import stress

FUNDS = {"SPY", "QQQ", "TLT", "GLD"}


def main() -> None:
    """Measure, after a warm-up."""
    bars = sample_bars(start="2012-01-01", end="2016-01-01")
    bars = bars.select([symbol for symbol in bars.symbols if symbol not in FUNDS])
    backtest("sma_cross", bars)
    ours = median_seconds(lambda: stress("sma_cross", bars, NAMED_FOUR), 3)
    once = median_seconds(lambda: backtest("sma_cross", bars), 3)
    tell(
        "stress",
        work=f"4 scenarios x 5 onsets, {bars.n_instruments} stocks x {bars.n_bars} sessions",
        ours_s=ours,
        peer="one plain backtest",
        peer_s=once,
        ratio=once / ours,
        goal="< 5 s",
    )


if __name__ == "__main__":
    main()

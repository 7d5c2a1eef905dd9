"""The kernel without its rare phases: the same fills, and a stop where it lacks one."""

import numpy as np
import pytest

from tradewright.costs import Costs
from tradewright.domain.bars import Bars
from tradewright.domain.decisions import Signals
from tradewright.domain.instruments import Instrument
from tradewright.domain.outcome import Outcome
from tradewright.domain.rules import INTRABAR, FillRules
from tradewright.simulation import batch, run_signals
from tradewright.simulation import codes as c
from tradewright.simulation.kernel import run

DAY_NS = 86_400 * 10**9


def outcome(intrabar: str = "pessimistic") -> Outcome:
    rng = np.random.default_rng(5)
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.02, (400, 2)), axis=0))
    high, low = close * 1.02, close * 0.98
    names = (Instrument("A"), Instrument("B"))
    ts = np.arange(1, 401) * DAY_NS
    bars = Bars(names, ts, close, high, low, close, np.full_like(close, 1e6))
    entries, exits, shorts = rng.random((3, 400, 2)) < 0.1
    signals = Signals(entries, exits, short_entries=shorts, size=0.4, stop=0.03, target=0.05)
    rules = FillRules(intrabar=intrabar)
    return run_signals(bars, signals, cash_minor=10**8, costs=Costs(fee_bps=5), rules=rules)


def test_it_gives_what_the_whole_kernel_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    lean = outcome()
    monkeypatch.setattr(batch, "kernel_of", lambda books: run)
    whole = outcome()
    assert len(lean.fills) > 100
    for table in ("orders", "fills", "equity"):
        assert np.array_equal(getattr(lean, table), getattr(whole, table))


def test_it_is_chosen_where_no_rare_phase_can_come(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = []
    choose = batch.kernel_of
    monkeypatch.setattr(batch, "kernel_of", lambda books: chosen.append(choose(books)) or run)
    for intrabar in INTRABAR[:3]:
        outcome(intrabar)
    assert [kernel is run.lean for kernel in chosen] == [True, True, False]


def test_an_account_it_cannot_serve_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "kernel_of", lambda books: run.lean)
    with pytest.raises(AssertionError, match="lean kernel"):
        outcome("ohlc")
    assert c.LEFT_OUT not in (c.DONE, c.NEEDS_ROOM)

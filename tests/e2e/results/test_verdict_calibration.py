"""The verdict on strategies that are known to have no skill, and on some that are known to."""

from __future__ import annotations

from collections import Counter

import pytest
from benchmarks.bench_verdict import nothing, planted, words

import tradewright as tw

YEARS = {"start": "2012-01-01", "end": "2016-12-31"}


@pytest.mark.parametrize("resample", [False, True])
def test_few_strategies_without_skill_are_believed(resample: bool) -> None:
    found = words(nothing(40, tw.sample_bars(**YEARS), resample=resample))
    assert found.total() == 40
    assert found["supported"] <= 2
    assert found["leak"] == found["incomplete"] == 0


def test_planted_skill_is_believed_and_half_of_it_less_often() -> None:
    strong: Counter[str] = words(planted(12, sharpe=1.5, years=10))
    faint: Counter[str] = words(planted(12, sharpe=0.3, years=10))
    assert strong["supported"] >= 10
    assert faint["supported"] < strong["supported"]


def test_buying_and_holding_a_rising_market_is_no_skill() -> None:
    run = tw.backtest("buy_and_hold", tw.sample_bars(["AAPL"], start="2003-01-01"))
    assert run.statistics["deflated_sharpe"] > 0.95
    assert run.verdict.word == "weak"
    assert "holding AAPL may explain it" in run.verdict.sentence

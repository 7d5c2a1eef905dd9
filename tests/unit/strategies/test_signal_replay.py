"""Twelve signals on a tape made by hand: every entry, exit and figure is known."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

import tradewright as tw
from tradewright.domain.errors import ConfigError, DataError
from tradewright.domain.signals import Action
from tradewright.services.signals import judge_signals, read_signals
from tradewright.strategies import DatedSignal, SignalReplay

DAYS = 24
LINES = [
    ("2020-01-02", "UP", "BUY", 0.9, None, None, None),  # enters 3rd, leaves by the opposite
    ("2020-01-03", "UP", "BUY", 0.8, None, None, None),  # already long: nothing
    ("2020-01-06", "UP", "HOLD", 0.5, None, None, None),  # nothing
    ("2020-01-08", "UP", "SELL", 0.6, None, None, None),  # closes at the open of the 9th
    ("2020-01-09", "UP", "SELL", 0.7, None, None, None),  # flat and no shorts: nothing
    ("2020-01-10", "UP", "BUY", 0.7, None, None, 3),  # enters 13th, leaves after 3 bars, 16th
    ("2020-01-02", "DOWN", "BUY", 0.6, 95.0, None, None),  # enters 3rd, stopped at 95
    ("2020-01-15", "DOWN", "BUY", 0.5, None, None, 2),  # enters 16th, leaves 21st (20th is off)
    ("2020-01-21", "UP", "BUY", 0.9, None, 119.5, None),  # enters 22nd, 119.5 on the 30th
    ("2020-01-24", "DOWN", "SELL", 0.8, None, None, None),  # flat and no shorts: nothing
    ("2020-02-03", "DOWN", "BUY", 0.7, None, None, None),  # enters 4th, held to the end
    ("2020-02-05", "UP", "BUY", 0.5, None, None, None),  # the last bar: never filled
]


@pytest.fixture
def bars(tmp_path):
    days = [str(d) for d in np.arange("2020-01-02", "2020-02-06", dtype="datetime64[D]")]
    days = [d for d in days if np.is_busday(d) and d != "2020-01-20"]
    assert len(days) == DAYS
    rows = []
    for number, day in enumerate(days):
        for symbol, price in (("UP", 100.0 + number), ("DOWN", 100.0 - number)):
            rows.append((symbol, day, price, price + 0.6, price - 0.6, price, 1e6))
    names = ["Symbol", "Date", "Open", "High", "Low", "Close", "Volume"]
    page = tmp_path / "tape.csv"
    pl.DataFrame(rows, schema=names, orient="row").write_csv(page)
    return tw.read_bars(page)


@pytest.fixture
def listed(tmp_path):
    names = ["timestamp", "symbol", "action", "confidence", "stop", "target", "hold"]
    page = tmp_path / "signals.csv"
    pl.DataFrame(LINES, schema=names, orient="row").write_csv(page)
    return read_signals(page)


def trips_of(run):
    table = run.trades.sort("symbol", "entry_time")
    return [
        (row["symbol"], str(row["entry_time"].date()), str(row["exit_time"].date()),
         round(row["entry_price"], 4), round(row["exit_price"], 4))
        for row in table.to_dicts()
    ]  # fmt: skip


def test_every_entry_and_exit(bars, listed) -> None:
    run = tw.backtest(SignalReplay(listed, size=0.2), bars, costs=None)
    assert trips_of(run) == [
        ("DOWN", "2020-01-03", "2020-01-09", 99.0, 95.0),
        ("DOWN", "2020-01-16", "2020-01-21", 90.0, 88.0),
        ("DOWN", "2020-02-04", "2020-02-05", 78.0, 77.0),
        ("UP", "2020-01-03", "2020-01-09", 101.0, 105.0),
        ("UP", "2020-01-13", "2020-01-16", 107.0, 110.0),
        ("UP", "2020-01-22", "2020-01-30", 113.0, 119.5),
    ]


def test_figures_of_the_signals_by_hand(bars, listed) -> None:
    found = judge_signals(listed, bars, horizon=2)
    # Open of the bar after each signal; that of 5 February has none, HOLD does not count.
    up = [(101, 1), (102, 1), (105, -1), (106, -1), (107, 1), (113, 1)]
    down = [(99, 1), (90, 1), (84, -1), (78, 1)]
    returns = [side * 1 / price for price, side in up] + [-side / price for price, side in down]
    assert found.count == len(returns)
    assert found.mean_return == pytest.approx(np.mean(returns), abs=1e-12)
    assert found.hit_rate == pytest.approx(5 / 10)
    assert found.coverage == pytest.approx(12 / (2 * DAYS))
    # UP turns: BUY BUY SELL SELL BUY BUY BUY = 2 of 6; DOWN: BUY BUY SELL BUY = 2 of 3.
    assert found.turnover == pytest.approx(4 / 9)
    assert sum(band.count for band in found.bands) == found.count
    assert [b.confidence for b in found.bands] == sorted(b.confidence for b in found.bands)


def test_shorts_turn_round_where_they_are_allowed(bars, listed) -> None:
    run = tw.backtest(SignalReplay(listed, size=0.2, short=True), bars, costs=None)
    sides = {(row["symbol"], row["side"]) for row in run.trades.to_dicts()}
    assert ("UP", "short") in sides
    assert ("DOWN", "short") in sides


def test_nothing_is_seen_before_its_time(bars) -> None:
    late = DatedSignal(int(bars.ts[5]) + 1, "UP", Action.BUY)
    run = tw.backtest(SignalReplay([late]), bars, costs=None)
    assert int(run.outcome.fills["bar"][0]) == 7


def test_same_strategy_object_runs_twice_alike(bars, listed) -> None:
    strategy = SignalReplay(listed, size=0.2)
    assert tw.backtest(strategy, bars).digest == tw.backtest(strategy, bars).digest
    assert strategy.parameters["content"] != SignalReplay(listed[1:]).parameters["content"]


def test_signals_of_other_instruments_are_refused(bars) -> None:
    strange = [DatedSignal(int(bars.ts[0]), "NOPE", Action.BUY)]
    with pytest.raises(DataError, match="NOPE"):
        judge_signals(strange, bars)
    with pytest.warns(RuntimeWarning, match="NOPE"):
        run = tw.backtest(SignalReplay(strange), bars)
    assert str(run.status) == "FAILED"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("timestamp,symbol\n2020-01-02,UP\n", "no column 'action'"),
        ("timestamp,symbol,action,confidense\n2020-01-02,UP,BUY,1\n", "did you mean 'confidence'"),
        ("timestamp,symbol,action\n", "has no signal"),
        ("timestamp,symbol,action\n2020-01-02,UP,BUYY\n", "row 1: action is 'BUYY'"),
        ("timestamp,symbol,action\n02/01/2020,UP,BUY\n", "row 1: timestamp is '02/01/2020'"),
        ("timestamp,symbol,action\n2020-01-02T15:00:00,UP,BUY\n", "has no offset"),
        ("timestamp,symbol,action,size\n2020-01-02,UP,BUY,-1\n", "size is -1.0, wanted above 0"),
        ("timestamp,symbol,action,confidence\n2020-01-02,UP,BUY,7\n", "confidence is 7.0"),
        ("timestamp,symbol,action,stop\n2020-01-02,UP,BUY,low\n", "stop is 'low', wanted a number"),
        ("timestamp,symbol,action,hold\n2020-01-02,UP,BUY,1.5\n", "hold is 1.5, wanted whole"),
        ("timestamp,symbol,action,hold\n2020-01-02,UP,BUY,0\n", "hold is 0"),
    ],
)
def test_bad_file_names_the_row_and_what_was_wanted(tmp_path, text, wanted) -> None:
    page = tmp_path / "signals.csv"
    page.write_text(text)
    with pytest.raises(DataError, match=wanted):
        read_signals(page)


def test_bad_settings_are_named(bars) -> None:
    one = [DatedSignal(0, "UP", Action.BUY)]
    for wrong in ({"size": 0.0}, {"size": 1.5}, {"hold": 0}):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            SignalReplay(one, **wrong)
    with pytest.raises(ConfigError, match="none to replay"):
        SignalReplay([])
    with pytest.raises(ConfigError, match="horizon"):
        judge_signals(one, bars, horizon=0)


def test_without_confidence_there_is_no_calibration(bars) -> None:
    found = judge_signals([DatedSignal(int(bars.ts[0]), "UP", Action.BUY)], bars, horizon=1)
    assert found.bands == ()
    assert math.isnan(found.calibration_error)
    assert math.isnan(found.information_coefficient)
    assert found.hit_rate == 0.0  # bought at the open of a bar that closes where it opened

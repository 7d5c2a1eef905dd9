from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tradewright.domain.actions import ActionKind, CorporateAction, dividends_as_traded
from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, DataError
from tradewright.domain.instruments import Instrument
from tradewright.domain.time import to_ns
from tradewright.marketdata import ImportOptions, adjust, import_bars

WIKI = Path(__file__).parents[2] / "fixtures" / "wiki_stocks.csv.gz"

# AAPL as traded around its 7:1 split of 2014-06-09 (closes of 2014-06-05 to 2014-06-10).
TIMES = [to_ns(datetime(2014, 6, day, 20, tzinfo=UTC)) for day in (5, 6, 9, 10)]
CLOSES = [647.35, 645.57, 93.70, 94.25]
SPLIT = CorporateAction("AAPL", ActionKind.SPLIT, date(2014, 6, 9), 7.0, TIMES[1])


def bars_of(closes, times=TIMES, adjustment="none") -> Bars:
    close = np.array(closes, dtype=float)[:, None]
    return Bars(
        (Instrument("AAPL"),), np.array(times), close, close, close, close, close * 0 + 700,
        adjustment=adjustment,
    )  # fmt: skip


def test_seven_for_one_split_gives_no_jump():
    adjusted = adjust(bars_of(CLOSES), [SPLIT], mode="splits")
    assert adjusted.close[:, 0] == pytest.approx([92.4786, 92.2243, 93.70, 94.25], abs=5e-4)
    assert adjusted.volume[:, 0] == pytest.approx([4900, 4900, 700, 700])
    returns = np.diff(np.log(adjusted.close[:, 0]))
    assert np.abs(returns).max() < 0.02


def test_applying_twice_equals_once():
    once = adjust(bars_of(CLOSES), [SPLIT], mode="total_return")
    assert adjust(once, [SPLIT], mode="total_return") is once
    doubled = adjust(bars_of(CLOSES), [SPLIT, SPLIT], mode="total_return")
    assert np.array_equal(doubled.close, once.close)


def test_split_is_not_seen_before_it_was_known():
    before = adjust(bars_of(CLOSES), [SPLIT], mode="splits", as_of_ns=TIMES[1] - 1)
    assert before.close[:, 0] == pytest.approx(CLOSES)


def test_dividend_lowers_earlier_prices_by_its_share_of_the_last_close():
    paid = CorporateAction("AAPL", ActionKind.CASH_DIVIDEND, date(2014, 6, 6), 3.29, TIMES[0])
    adjusted = adjust(bars_of(CLOSES[:2], TIMES[:2]), [paid], mode="total_return")
    assert adjusted.close[0, 0] == pytest.approx(647.35 * (1 - 3.29 / 647.35))
    assert adjusted.close[1, 0] == 645.57
    same = adjust(bars_of(CLOSES[:2], TIMES[:2]), [paid], mode="splits")
    assert same.close[:, 0] == pytest.approx(CLOSES[:2])


def test_prices_as_traded_are_rebuilt_from_split_adjusted_ones():
    divided = bars_of([92.47857142857143, 92.22428571428571, 93.70, 94.25], adjustment="splits")
    raw = adjust(divided, [SPLIT], mode="none")
    assert raw.close[:, 0] == pytest.approx(CLOSES)
    assert raw.volume[0, 0] == 100
    back = adjust(raw, [SPLIT], mode="splits")
    assert back.close == pytest.approx(divided.close)


def test_total_return_is_the_same_from_raw_and_from_split_adjusted_prices():
    paid = CorporateAction("AAPL", ActionKind.CASH_DIVIDEND, date(2014, 6, 6), 3.29, TIMES[0])
    raw = bars_of(CLOSES)
    divided = adjust(raw, [SPLIT], mode="splits")
    left = adjust(raw, [SPLIT, paid], mode="total_return")
    right = adjust(divided, [SPLIT, paid], mode="total_return")
    assert left.close == pytest.approx(right.close)


def test_dividends_of_a_source_that_divides_them_are_restored():
    paid = CorporateAction("AAPL", ActionKind.CASH_DIVIDEND, date(2014, 5, 8), 0.47, TIMES[0])
    later = CorporateAction("AAPL", ActionKind.CASH_DIVIDEND, date(2014, 8, 7), 0.47, TIMES[0])
    values = [a.value for a in dividends_as_traded([SPLIT, paid, later])]
    assert values == pytest.approx([7.0, 3.29, 0.47])


def test_adjusted_prices_of_a_source_cannot_be_read_as_traded():
    bars = bars_of(CLOSES, adjustment="source_adjusted")
    with pytest.raises(DataError, match="source_adjusted"):
        adjust(bars, [SPLIT], mode="none")
    assert adjust(bars, [SPLIT], mode="total_return") is bars


def test_dividend_above_the_price_is_refused():
    paid = CorporateAction("AAPL", ActionKind.CASH_DIVIDEND, date(2014, 6, 10), 329.0, TIMES[0])
    with pytest.raises(DataError, match="same unit"):
        adjust(bars_of(CLOSES), [paid])


def test_unknown_mode_is_refused():
    with pytest.raises(ConfigError, match="did you mean 'splits'"):
        adjust(bars_of(CLOSES), [], mode="split")


@pytest.mark.parametrize("symbol", ["AAPL", "IBM", "MSFT", "GOOG"])
def test_rebuilt_adjusted_close_equals_the_sources_within_a_hundredth_percent(symbol):
    """Raw closes and the source's adjusted closes imply its actions; ours must give them back."""
    found = import_bars(WIKI, ImportOptions())
    bars = found.bars.select([symbol])
    stated = found.adjusted_close.filter(pl.col("symbol") == symbol).sort("ts")
    wanted = stated["adj_close"].to_numpy()
    raw = bars.close[:, 0]
    factor = wanted / raw
    actions = []
    for row in np.flatnonzero(np.abs(np.diff(np.log(factor))) > 2e-5) + 1:
        step = factor[row - 1] / factor[row]
        day = bars.times[row].astype("datetime64[D]").item()
        known = int(bars.ts[row - 1])
        ratio = 1 / step
        split = round(ratio * 2) / 2 if ratio > 1.4 else 1.0
        if split > 1.0:
            actions.append(CorporateAction(symbol, ActionKind.SPLIT, day, split, known))
        cash = (1 - step * split) * raw[row - 1]
        if cash > 1e-3:
            actions.append(CorporateAction(symbol, ActionKind.CASH_DIVIDEND, day, cash, known))
    adjusted = adjust(bars, actions, mode="total_return").close[:, 0]
    ours = adjusted / adjusted[-1] * wanted[-1]
    assert np.abs(ours / wanted - 1).max() < 1e-4
    splits = [a.ex_date.isoformat() for a in actions if a.kind is ActionKind.SPLIT]
    assert splits == {"AAPL": ["2000-06-21", "2005-02-28"], "MSFT": ["2003-02-18"]}.get(symbol, [])
    for day in splits:
        row = int(np.searchsorted(bars.times.astype("datetime64[D]"), np.datetime64(day)))
        assert abs(np.log(raw[row] / raw[row - 1])) > 0.5
        assert abs(np.log(adjusted[row] / adjusted[row - 1])) < 0.1

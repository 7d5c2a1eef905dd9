import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright.domain.errors import DataError
from tradewright.marketdata import check_rows

NOW = 10**18
GOOD = {"open": 10.0, "high": 11.0, "low": 9.0, "close": 10.5, "volume": 5.0}


def table(*rows) -> pl.DataFrame:
    full = [
        {"line": n + 2, "symbol": "A", "raw_time": "t", "ts": 10**9 * (n + 1), **GOOD, **row}
        for n, row in enumerate(rows)
    ]
    schema = {"ts": pl.Int64, "symbol": pl.String, **dict.fromkeys(GOOD, pl.Float64)}
    return pl.DataFrame(full, schema_overrides=schema)


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({"ts": None}, "time_missing"),
        ({"symbol": None}, "symbol_invalid"),
        ({"close": float("nan")}, "not_a_number"),
        ({"high": float("inf")}, "not_a_number"),
        ({"low": -1.0}, "price_not_positive"),
        ({"low": 0.0}, "price_not_positive"),
        ({"high": 8.0}, "high_below_low"),
        ({"open": 12.0}, "open_outside"),
        ({"close": 8.0}, "close_outside"),
        ({"volume": -1.0}, "volume_negative"),
        ({"volume": float("nan")}, "volume_negative"),
        ({"ts": NOW + 6 * 10**9}, "future"),
    ],
)
def test_row_that_breaks_a_rule_is_named_by_it(row, rule):
    checked = check_rows(table({}, row, {}), now_ns=NOW)
    assert checked.quarantined["rule"].to_list() == [rule]
    assert checked.accepted.height == 2
    with pytest.raises(DataError, match=f"line 3: {rule}"):
        checked.refuse("file.csv")


def test_volume_that_a_source_has_not_is_accepted():
    assert check_rows(table({"volume": None}), now_ns=NOW).accepted.height == 1


def test_bar_of_this_very_moment_is_accepted():
    assert check_rows(table({"ts": NOW + 5 * 10**9}), now_ns=NOW).accepted.height == 1


def test_negative_prices_are_accepted_where_they_are_allowed():
    row = {"open": -2.0, "high": -1.0, "low": -3.0, "close": -1.5}
    assert check_rows(table(row), now_ns=NOW).accepted.height == 0
    assert check_rows(table(row), now_ns=NOW, allow_nonpositive=True).accepted.height == 1


def test_equal_repeat_is_a_duplicate_and_another_value_a_conflict():
    checked = check_rows(table({"ts": 7}, {"ts": 7}, {"ts": 7, "close": 10.0}), now_ns=NOW)
    assert (checked.accepted.height, checked.duplicates) == (1, 1)
    assert checked.quarantined["rule"].to_list() == ["conflict"]
    assert checked.accepted["close"].to_list() == [10.5]


def test_rows_out_of_order_are_sorted_and_counted():
    checked = check_rows(table({"ts": 3}, {"ts": 1}, {"ts": 2}), now_ns=NOW)
    assert checked.accepted["ts"].to_list() == [1, 2, 3]
    assert checked.disordered == 1


PRICE = st.sampled_from([9.0, 10.0, 11.0, 0.0, -1.0, float("nan"), float("inf")])
ROW = st.fixed_dictionaries(
    {
        "open": PRICE,
        "high": PRICE,
        "low": PRICE,
        "close": PRICE,
        "volume": st.sampled_from([0.0, 3.0, -1.0, float("nan"), None]),
        "ts": st.sampled_from([1, 2, 3, None, NOW * 2]),
        "symbol": st.sampled_from(["A", "B", None]),
    }
)


def holds(row) -> bool:
    prices = [row[name] for name in ("open", "high", "low", "close")]
    if row["ts"] is None or row["ts"] > NOW or row["symbol"] is None:
        return False
    if not all(np.isfinite(prices)) or min(prices) <= 0:
        return False
    if row["volume"] is not None and not row["volume"] >= 0:
        return False
    return (
        row["low"]
        <= min(row["open"], row["close"])
        <= max(row["open"], row["close"])
        <= row["high"]
    )


@settings(max_examples=200, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=12))
def test_rows_in_equal_accepted_and_quarantined_and_duplicates(rows):
    checked = check_rows(table(*rows), now_ns=NOW)
    assert checked.rows_in == len(rows)
    keys = {(r["symbol"], r["ts"]) for r in rows if holds(r)}
    assert {(r["symbol"], r["ts"]) for r in checked.accepted.to_dicts()} == keys
    broken = [n + 2 for n, r in enumerate(rows) if not holds(r)]
    refused = checked.quarantined.filter(pl.col("rule") != "conflict")
    assert refused["line"].to_list() == broken

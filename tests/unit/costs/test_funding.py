"""Funding tables: spellings, forms of time, and what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import polars as pl
import pytest

from tradewright.costs import Costs
from tradewright.costs.funding import funding_by_symbol
from tradewright.domain.errors import ConfigError

NS = 1_641_024_000_000_000_000  # 2022-01-01 08:00 UTC
WANTED = {"BTC-PERP": ((NS, 0.0001),)}


@pytest.mark.parametrize(
    "time",
    [
        "2022-01-01T08:00:00Z",
        "2022-01-01 08:00:00",
        "2022-01-01T09:00:00+01:00",
        datetime(2022, 1, 1, 8, tzinfo=UTC),
        NS,
        NS // 1_000,
        NS // 1_000_000,
        NS // 1_000_000_000,
    ],
)
def test_a_time_is_read_in_every_usual_form(time: Any) -> None:
    assert funding_by_symbol([("BTC-PERP", time, 0.0001)]) == WANTED


def test_tables_of_polars_pandas_and_exchanges_are_read_alike() -> None:
    plain = {"symbol": ["BTC-PERP"], "time": [datetime(2022, 1, 1, 8, tzinfo=UTC)]}
    assert funding_by_symbol(pl.DataFrame({**plain, "rate": [0.0001]})) == WANTED
    assert funding_by_symbol(pd.DataFrame({**plain, "rate": [0.0001]})) == WANTED
    listed = [{"symbol": "BTC-PERP", "fundingTime": NS // 10**6, "fundingRate": 0.0001}]
    assert funding_by_symbol(listed) == WANTED


def test_costs_keep_funding_through_json_and_scale_it() -> None:
    costs = Costs(funding=[("BTC-PERP", NS, 0.0001), ("BTC-PERP", NS - 1, -0.5)])
    assert costs.funding == {"BTC-PERP": ((NS - 1, -0.5), (NS, 0.0001))}
    assert Costs(funding=json.loads(json.dumps(costs.funding))) == costs
    half = costs.scaled(0.5).funding
    assert half == {"BTC-PERP": ((NS - 1, -0.25), (NS, 0.00005))}
    assert not costs.is_free
    assert costs.describe() == "funding of BTC-PERP"
    assert Costs(funding=[]).funding is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([("P", NS, 1.0)], r"row 0: rate is 1.0, wanted a fraction between -1 and 1"),
        ([("P", NS, float("nan"))], r"row 0: rate is nan"),
        ([("P", NS, "x")], r"row 0: rate is 'x'"),
        ([("P", "soon", 0.1)], r"row 0: Invalid isoformat string: 'soon'"),
        ([("P", datetime(2022, 1, 1), 0.1)], r"row 0: time zone missing"),  # noqa: DTZ001
        ([("P", -1, 0.1)], r"row 0: time is -1, wanted a time such as"),
        ([("P", NS, 0.1), ("P", NS, 0.2)], r"P has two rates at 2022-01-01 08:00"),
        ([("", NS, 0.1)], r"row 0: symbol is '', wanted text"),
        ([("P", NS)], r"row 0 is \('P', .*\), wanted symbol, time, rate"),
        ([{"symbol": "P", "when": NS, "rate": 0}], r"row 0 has symbol, when, rate, wanted .* time"),
        ({"P": [NS]}, r"costs.funding\[P\] has .*, wanted \(time, rate\)"),
        ("funding.csv", r"costs.funding is 'funding.csv', wanted a table"),
    ],
)  # fmt: skip
def test_a_wrong_row_is_named(given: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Costs(funding=given)

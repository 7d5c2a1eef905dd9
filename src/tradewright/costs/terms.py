"""The terms of trading as records that compiled code reads, one per fee tier."""

from __future__ import annotations

from typing import Final

import numpy as np

from tradewright.jit import record_reader

TERMS_DTYPE: Final = np.dtype(
    [
        ("fee_rate", np.int64),  # 1e-8 of the notional
        ("maker_rate", np.int64),  # the same for limit fills
        ("tier_from", np.int64),  # notional of the month from which this row holds, minor units
        ("fee_per_share", np.int64),  # 1e-8 of the currency per unit
        ("fee_per_order", np.int64),  # minor units
        ("fee_min", np.int64),
        ("fee_max", np.int64),
        ("sell_rate", np.int64),  # 1e-8 of the notional
        ("half_spread", np.int64),
        ("slippage", np.int64),
        ("liquidation", np.int64),
        ("conversion", np.int64),  # half the spread of an exchange of currencies
        ("slippage_vol", np.float64),  # multiple of the daily volatility
        ("impact", np.float64),  # coefficient of the square-root law
        ("almgren_days", np.float64),  # days over which a fill is worked; 0 for the other law
        ("borrow", np.float64),  # a year
        ("debit", np.float64),
        ("credit", np.float64),
        ("exponent_scale", np.int64),  # 10 ** decimals of the currency
    ]
)

NO_MAXIMUM: Final = 4_000_000_000_000_000_000

terms_at = record_reader(TERMS_DTYPE)
"""``terms_at(address, 0)``: the terms, by reference, in compiled code."""

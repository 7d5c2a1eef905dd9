"""The terms of trading as one record that compiled code reads."""

from __future__ import annotations

from typing import Final

import numpy as np

from tradewright.jit import record_reader

TERMS_DTYPE: Final = np.dtype(
    [
        ("fee_rate", np.int64),  # 1e-8 of the notional
        ("fee_per_share", np.int64),  # 1e-8 of the currency per unit
        ("fee_per_order", np.int64),  # minor units
        ("fee_min", np.int64),
        ("fee_max", np.int64),
        ("sell_rate", np.int64),  # 1e-8 of the notional
        ("half_spread", np.int64),
        ("slippage", np.int64),
        ("impact", np.float64),  # coefficient of the square-root law
        ("borrow", np.float64),  # a year
        ("debit", np.float64),
        ("exponent_scale", np.int64),  # 10 ** decimals of the currency
    ]
)

NO_MAXIMUM: Final = 4_000_000_000_000_000_000

terms_at = record_reader(TERMS_DTYPE)
"""``terms_at(address, 0)``: the terms, by reference, in compiled code."""

"""Numbers that compiled code compares with: states, kinds, bits."""

from __future__ import annotations

from typing import Final

# Why `run` came back (`account.state`).
DONE: Final = 0
NEEDS_ROOM: Final = 1
STALE_DATA: Final = 2
OVERFLOW: Final = 3
OVER_WEIGHT: Final = 4
RUINED: Final = 5
LEFT_OUT: Final = 6  # a lean kernel came to a phase that it does not have

PESSIMISTIC: Final = 0
OPTIMISTIC: Final = 1
OHLC: Final = 2

# When the margin is checked (`account.margin_check`).
NEVER: Final = 0
AT_CLOSE: Final = 1
AT_WORST: Final = 2

# Kind of decisions (`account.plan`).
NO_PLAN: Final = 0
SIGNALS: Final = 1
WEIGHTS: Final = 2
TABLE: Final = 3

# What a row of the table of corporate actions does.
SPLITS: Final = 0
EARNS: Final = 1
PAYS: Final = 2
SPINS_OFF: Final = 3
EXCHANGES: Final = 4
RENAMES: Final = 5
ENDS: Final = 6
BUYS_OUT: Final = 7

# What it did (`EffectKind` of the domain).
DID_SPLIT: Final = 0
DID_EARN: Final = 1
DID_PAY: Final = 2
DID_SPIN_OFF: Final = 3
DID_EXCHANGE: Final = 4
DID_CLOSE: Final = 5

# Bits of the flags of signals.
ENTRY: Final = 1
EXIT: Final = 2
SHORT_ENTRY: Final = 4
SHORT_EXIT: Final = 8

# Domain enumerations as constants that compile.
BUY: Final = 1
SELL: Final = -1
MARKET: Final = 0
LIMIT: Final = 1
STOP: Final = 2
STOP_LIMIT: Final = 3
TRAILING: Final = 4
GTC: Final = 0
DAY: Final = 1
IOC: Final = 2
FOK: Final = 3
OPG: Final = 4
CLS: Final = 5
GTD: Final = 6
WORKING: Final = 1
PARTIAL: Final = 2
FILLED: Final = 3
CANCELLED: Final = 4
EXPIRED: Final = 5
REJECTED: Final = 6
DENIED: Final = 7
BY_ORDER: Final = 0
BY_STOP: Final = 1
BY_TARGET: Final = 2
BY_TRAIL: Final = 3
BY_LIQUIDATION: Final = 4
BY_END: Final = 5
BY_DELISTING: Final = 6
BY_MERGER: Final = 7
BY_EXCHANGE: Final = 8
NO_REASON: Final = 0
NO_CASH: Final = 1
BELOW_LOT: Final = 2
NO_SHORTING: Final = 3
NO_BAR: Final = 5
NO_LIQUIDITY: Final = 7
SIBLING: Final = 8
USER: Final = 9
TRIGGER_ENDED: Final = 10
NO_BORROW: Final = 11
MARGIN_CALL: Final = 12
BY_ACTION: Final = 13

# Constants that must not become literal types of their own, each of which would compile again.
ZERO: Final = 0
ONE: Final = 1
NONE: Final = -1

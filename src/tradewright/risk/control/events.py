"""What the risk layer tells: breaches, warnings, denials and transitions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

WARNED: Final = "RiskLimitWarned"
BREACHED: Final = "RiskLimitBreached"
REDUCED: Final = "TradingReduced"
FLATTENING: Final = "TradingFlattening"
HALTED: Final = "TradingHalted"
RESUMED: Final = "TradingResumed"
MARGIN_CALL: Final = "MarginCall"
DENIED: Final = "OrderDenied"
CANCEL_FAILED: Final = "CancelFailed"
SCALED: Final = "LimitsScaled"


@dataclass(frozen=True, slots=True)
class RiskEvent:
    """One thing that happened.

    Parameters
    ----------
    kind : str
        One of the names above.
    scope : str
        Where.
    rule : str
        Key of the limit, or what else caused it.
    ts : int
        UTC nanoseconds.
    value, limit : float
        What was found and what is allowed; NaN where there is no number.
    message : str
        One line.
    is_critical : bool
        Whether a person must look at once.
    """

    kind: str
    scope: str
    rule: str
    ts: int
    value: float
    limit: float
    message: str
    is_critical: bool = False

    def to_json(self) -> Mapping[str, Any]:
        """Return the event as values that JSON can hold; numbers that are none become null."""
        values = asdict(self)
        for name in ("value", "limit"):
            if values[name] != values[name]:
                values[name] = None
        return values

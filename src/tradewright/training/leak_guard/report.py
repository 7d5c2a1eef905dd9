"""What the leak guard found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import isnan
from typing import Any

from tradewright.domain.errors import LeakError


class Check(StrEnum):
    """The questions asked of every row."""

    REPEAT = "repeat"
    TRUNCATE = "truncate"
    POISON_NAN = "poison: NaN"
    POISON_LARGE = "poison: times 1e6"
    POISON_SHUFFLED = "poison: shuffled"
    START = "start"
    LATE_ARRIVAL = "late arrival"
    FIT = "fit"
    LABEL_END = "label end"
    LABEL_COPY = "label in features"


MEANING = {
    Check.REPEAT: "a second computation on the same data gives another value",
    Check.TRUNCATE: "without the later rows it is another value",
    Check.POISON_NAN: "erasing later rows changes it",
    Check.POISON_LARGE: "multiplying later rows by a million changes it",
    Check.POISON_SHUFFLED: "shuffling later rows changes it",
    Check.START: "it depends on where the data begin",
    Check.LATE_ARRIVAL: "it uses side data that were not known yet",
    Check.FIT: "it depends on rows outside the training rows or on other rows",
    Check.LABEL_END: "the label uses rows after the end it declares, or ends at its own row",
    Check.LABEL_COPY: "the feature repeats the label",
}


@dataclass(frozen=True, slots=True)
class LeakReport:
    """Verdict of the leak guard.

    Parameters
    ----------
    ok : bool
        Whether every check passed on every row checked.
    columns : tuple of str
        What was checked.
    rows_checked : int
        Decision dates at which every check was made.
    n_bars : int
        Rows of the data.
    seconds : float
        Time taken.
    quick : bool
        Whether rows were sampled; a result may rest on a full check only.
    column, date, symbol, check : str
        The first leak: column, decision date (ISO, UTC), instrument, kind of check.
    value_seen, value_allowed : float or None
        The value the column has, and the one it has without the future.
    notes : tuple of str
        What was not proved.
    """

    ok: bool
    columns: tuple[str, ...]
    rows_checked: int
    n_bars: int
    seconds: float
    quick: bool = False
    column: str = ""
    date: str = ""
    symbol: str = ""
    check: str = ""
    value_seen: float | None = None
    value_allowed: float | None = None
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.ok:
            where = f" on {self.date[:19]}" if self.date else ""
            who = f" for {self.symbol}" if self.symbol else ""
            why = MEANING[Check(self.check)]
            values = ""
            if self.value_seen is not None or self.value_allowed is not None:
                values = (
                    f" (seen {_number(self.value_seen)}, allowed {_number(self.value_allowed)})"
                )
            return f"Leak: {self.column}{where}{who} looks into the future: {why}{values}."
        rows = f"{self.rows_checked:,} of {self.n_bars:,} dates"
        kind = "sampled" if self.quick else "checked"
        return f"No leak: {len(self.columns)} columns, {rows} {kind} in {self.seconds:.1f} s."

    def raise_if_leaking(self) -> LeakReport:
        """Return the report itself.

        Raises
        ------
        LeakError
            If something looks into the future.
        """
        if not self.ok:
            raise LeakError(str(self))
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return the report ready for JSON."""
        return {
            "ok": self.ok,
            "sentence": str(self),
            "columns": list(self.columns),
            "rows_checked": self.rows_checked,
            "n_bars": self.n_bars,
            "seconds": round(self.seconds, 3),
            "quick": self.quick,
            "column": self.column,
            "date": self.date,
            "symbol": self.symbol,
            "check": self.check,
            "value_seen": _finite(self.value_seen),
            "value_allowed": _finite(self.value_allowed),
            "notes": list(self.notes),
        }


def _number(value: float | None) -> str:
    return "no value" if value is None or isnan(value) else f"{value:.10g}"


def _finite(value: float | None) -> float | None:
    return None if value is None or not abs(value) < float("inf") else value

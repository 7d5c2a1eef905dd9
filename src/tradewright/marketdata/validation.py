"""Check every row before it may become a bar."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.bars import FIELDS, FloatArray, IntArray
from tradewright.domain.errors import DataError
from tradewright.domain.time import NS_PER_SECOND

if TYPE_CHECKING:
    import polars as pl

RULES: Final[dict[str, str]] = {
    "time_missing": "the time cannot be read",
    "symbol_invalid": "the symbol cannot be read",
    "not_a_number": "open, high, low and close must be finite numbers",
    "price_not_positive": "prices must be above 0",
    "high_below_low": "high must be at least low",
    "open_outside": "open must lie between low and high",
    "close_outside": "close must lie between low and high",
    "volume_negative": "volume must be a finite number and at least 0",
    "future": "the bar must not close later than now + 5 s",
    "conflict": "the same symbol and time already came with other values; the first row stays",
}
"""Every rule a row can break, and what it wants; a row is named by the first one it breaks."""

FUTURE_TOLERANCE_NS: Final = 5 * NS_PER_SECOND


@dataclass(frozen=True, slots=True, eq=False)
class CheckedRows:
    """Outcome of a check: rows in = accepted + quarantined + duplicates, always.

    Parameters
    ----------
    accepted : polars.DataFrame
        Valid rows, sorted by symbol and time, one per key.
    quarantined : polars.DataFrame
        Refused rows as they came, with the column `rule`, in input order.
    duplicates : int
        Rows equal to an accepted one.
    disordered : int
        Rows that came before an earlier one of the same symbol; sorting repaired them.
    """

    accepted: pl.DataFrame
    quarantined: pl.DataFrame
    duplicates: int
    disordered: int

    def refuse(
        self,
        what: str,
        *,
        most: int = 5,
        as_written: Callable[[int], Mapping[str, object]] | None = None,
    ) -> None:
        """Raise a `DataError` that names the first refused rows, if there are any.

        Parameters
        ----------
        what : str
            Where the rows come from.
        most : int
            Rows to name.
        as_written : callable, optional
            Cells of a line as they stand in the source, by field; text that is no number is
            NaN in the rows.
        """
        count = self.quarantined.height
        if not count:
            return
        lines = [f"{what}: {count} of {self.rows_in} rows break a rule"]
        for row in self.quarantined.head(most).iter_rows(named=True):
            cells = row if as_written is None else {**row, **as_written(row["line"])}
            values = ", ".join(f"{name} {cells[name]}" for name in FIELDS)
            lines.append(
                f"  line {row['line']}: {row['rule']} ({RULES[row['rule']]}): "
                f"{cells['symbol']} {row['raw_time']} {values}"
            )
        if count > most:
            lines.append(f"  … and {count - most} more")
        lines.append("  give on_bad='quarantine' to set such rows aside and keep the rest")
        raise DataError("\n".join(lines))

    @property
    def rows_in(self) -> int:
        """Rows that were checked."""
        return self.accepted.height + self.quarantined.height + self.duplicates


def check_rows(rows: pl.DataFrame, *, now_ns: int, allow_nonpositive: bool = False) -> CheckedRows:
    """Divide rows into accepted, quarantined and duplicate ones.

    Parameters
    ----------
    rows : polars.DataFrame
        ``line`` (where the row stood), ``symbol`` (text, null when unreadable), ``raw_time``
        (text), ``ts`` (close, UTC nanoseconds, null when unreadable), ``open high low close
        volume`` (float64). A null volume means that the source has none and is accepted.
    now_ns : int
        The present, UTC nanoseconds; later bars are refused.
    allow_nonpositive : bool
        Lifts the rule on positive prices, for spreads and some futures.

    Returns
    -------
    CheckedRows
        Every input row in exactly one of the three groups.

    Notes
    -----
    Missing data: NaN or infinity in a price refuses the row; it is never filled.
    """
    import polars as pl

    broken = broken_rules(
        {name: rows[name].to_numpy() for name in FIELDS},
        volume_missing=rows["volume"].is_null().to_numpy(),
        allow_nonpositive=allow_nonpositive,
    )
    names = np.array(["", *RULES], dtype=object)
    code = _first(
        [
            rows["ts"].is_null().to_numpy(),
            rows["symbol"].is_null().to_numpy(),
            *broken,
            (rows["ts"].fill_null(0) > now_ns + FUTURE_TOLERANCE_NS).to_numpy(),
        ]
    )
    rule = pl.Series("rule", names[code].tolist(), dtype=pl.String)
    marked = rows.with_columns(rule)
    good = marked.filter(pl.col("rule") == "").sort("symbol", "ts", "line")
    disordered = _disordered(marked.filter(pl.col("rule") == ""))
    key_repeats = pl.struct("symbol", "ts").is_first_distinct()
    first = good.filter(key_repeats)
    again = good.filter(~key_repeats)
    equal = (
        again.join(first, on=["symbol", "ts"], how="left", suffix="_kept")
        .select(pl.all_horizontal(pl.col(f).eq_missing(pl.col(f"{f}_kept")) for f in FIELDS))
        .to_series()
        if again.height
        else pl.Series([], dtype=pl.Boolean)
    )
    conflicts = again.filter(~equal).with_columns(rule=pl.lit("conflict"))
    refused = pl.concat([marked.filter(pl.col("rule") != ""), conflicts]).sort("line")
    return CheckedRows(first.drop("rule"), refused, int(equal.sum()), disordered)


def broken_rules(
    values: dict[str, FloatArray],
    *,
    volume_missing: NDArray[np.bool_] | None = None,
    allow_nonpositive: bool = False,
) -> list[NDArray[np.bool_]]:
    """Return, for each rule on values, the rows that break it.

    Parameters
    ----------
    values : dict of str to ndarray, any one shape
        ``open high low close volume``.
    volume_missing : ndarray of bool, optional
        Where the source has no volume at all.
    allow_nonpositive : bool
        Lifts the rule on positive prices.

    Returns
    -------
    list of ndarray of bool
        ``not_a_number, price_not_positive, high_below_low, open_outside, close_outside,
        volume_negative``, in this order.
    """
    opened, high, low, close = (values[name] for name in FIELDS[:4])
    volume = values["volume"]
    prices = np.stack([opened, high, low, close])
    nothing = np.zeros(prices.shape[1:], dtype=np.bool_)
    with np.errstate(invalid="ignore"):
        volume_bad = ~(np.isfinite(volume) & (volume >= 0))
        if volume_missing is not None:
            volume_bad &= ~volume_missing
        return [
            np.asarray(~np.isfinite(prices).all(axis=0)),
            nothing if allow_nonpositive else np.asarray((prices <= 0).any(axis=0)),
            high < low,
            (opened > high) | (opened < low),
            (close > high) | (close < low),
            volume_bad,
        ]


def _first(broken: list[NDArray[np.bool_]]) -> IntArray:
    code = np.zeros(len(broken[0]), dtype=np.int64)
    for number, rows in reversed(list(enumerate(broken, start=1))):
        code[rows] = number
    return code


def _disordered(rows: pl.DataFrame) -> int:
    import polars as pl

    late = rows.select((pl.col("ts") < pl.col("ts").shift().over("symbol")).sum())
    return int(late.item() or 0)

"""What a feature is called, needs and promises."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from datetime import UTC
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import ConfigError, nearest
from tradewright.version import __version__

if TYPE_CHECKING:
    import polars as pl

Panel = NDArray[np.float64]
Number = int | float

TIMING: Final = "row t uses rows 0..t; known at the close of bar t"
NAN_RULE: Final = "a window that holds a missing value, or too few bars, gives NaN"
NEGLIGIBLE: Final = 1e-12


class Role(StrEnum):
    """How a model may use a feature.

    ``level`` depends on the price scale or on where the data begin, ``stationary`` does not,
    ``flag`` is 0 or 1, ``category`` is a small whole number without order.
    """

    LEVEL = "level"
    STATIONARY = "stationary"
    FLAG = "flag"
    CATEGORY = "category"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number that a feature takes.

    Parameters
    ----------
    name : str
        Keyword.
    default : int, float or None
        Used when left out; None makes it required.
    minimum, maximum : float
        Inclusive bounds.
    whole : bool
        Whether only whole numbers are valid.
    """

    name: str
    default: Number | None
    minimum: float = 1
    maximum: float = 100_000
    whole: bool = True

    def check(self, value: Number, where: str) -> Number:
        """Return the value in its type.

        Raises
        ------
        ConfigError
            If it is out of bounds or not whole.
        """
        if self.whole and float(value) != int(value):
            raise ConfigError(f"{where}: {self.name} is {value}, wanted a whole number")
        if not self.minimum <= value <= self.maximum:
            raise ConfigError(
                f"{where}: {self.name} is {value}, wanted {self.minimum:g} to {self.maximum:g}"
            )
        return int(value) if self.whole else float(value)


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """A feature with its parameters: one column for every instrument.

    Parameters
    ----------
    name : str
        Canonical text and column name, for example ``lag(return(1), 3)``.
    definition : str
        Name in the catalogue, for example ``lag``.
    series : tuple of FeatureSpec
        Features it is computed from.
    parameters : tuple of (str, number)
        Every parameter with its value.
    inputs : tuple of str
        Fields of the bars it reads, directly or through `series`.
    unit, formula, doc, family : str
        For readers.
    role : Role
        How a model may use it.
    min_rows : int
        Bars of the instrument until the first value; it stands in row ``min_rows - 1``.
    settle_rows : int or None
        Bars after which the start of the data weighs less than 1e-12; None where it always
        matters (on-balance volume, for example).
    nan_rule, timing : str
        What happens with missing data; what a row uses.
    scope : str
        ``own`` (the instrument's bars), ``cross`` (all instruments at one time).
    positive : bool
        Whether prices must be above zero.
    built_in : bool
        Whether tradewright defines it.
    """

    name: str
    definition: str
    series: tuple[FeatureSpec, ...]
    parameters: tuple[tuple[str, Number], ...]
    inputs: tuple[str, ...]
    unit: str
    role: Role
    min_rows: int
    settle_rows: int | None
    formula: str
    doc: str
    family: str
    nan_rule: str = NAN_RULE
    timing: str = TIMING
    scope: str = "own"
    positive: bool = False
    built_in: bool = True

    def __str__(self) -> str:
        return self.name

    @property
    def warm_up_rows(self) -> int | None:
        """Bars after which a stream begun late gives what one from the beginning gives, to 1e-12.

        A window needs its own length. A recursion needs a third more than `settle_rows`, until
        what it began with weighs below 1e-16: that may have been far larger than what came after.
        None where the start always matters.
        """
        if self.settle_rows is None or self.settle_rows == self.min_rows:
            return self.settle_rows
        return -(-4 * self.settle_rows // 3)


def longest(**rows: int) -> int:
    """Return the largest of some window lengths."""
    return max(rows.values())


def memory(alpha: float, *, stages: int = 1) -> int:
    """Return the rows after which an exponential mean has forgotten its start.

    Parameters
    ----------
    alpha : float
        Weight of the newest row, in (0, 1].
    stages : int
        Exponential means of that weight behind one another.

    Returns
    -------
    int
        Smallest ``k`` at which the weight of everything older is below 1e-12.

    Examples
    --------
    >>> memory(2 / 13), memory(1 / 14)
    (166, 373)
    """
    if alpha >= 1.0:
        return stages
    # The weight left after k rows is the chance of fewer than `stages` successes in k trials.
    fade = math.log1p(-alpha)
    k = math.ceil(math.log(NEGLIGIBLE) / fade)
    while stages > 1:
        left = sum(
            math.comb(k, i) * alpha**i * math.exp((k - i) * fade) for i in range(min(stages, k + 1))
        )
        if left < NEGLIGIBLE:
            break
        k += 1
    return k


@dataclass(frozen=True, slots=True, eq=False)
class FeatureTable:
    """Values of features for every bar and instrument.

    Parameters
    ----------
    names : tuple of str
        Columns, in order.
    panels : tuple of ndarray of shape (n_bars, n_instruments)
        One read-only panel a column; NaN where there is no value.
    specs : tuple of FeatureSpec
        What each column is.
    ts : ndarray of shape (n_bars,), int64
        UTC nanoseconds at which each row is known.
    symbols : tuple of str
        Instruments.
    notes : tuple of str
        What a reader must know, for example columns without a value.
    """

    names: tuple[str, ...]
    panels: tuple[Panel, ...]
    specs: tuple[FeatureSpec, ...]
    ts: NDArray[np.int64]
    symbols: tuple[str, ...]
    notes: tuple[str, ...] = ()
    _stacked: list[Panel] = field(default_factory=list, repr=False)

    @property
    def values(self) -> Panel:
        """All columns as one read-only array (n_bars, n_instruments, n_features)."""
        if not self._stacked:
            shape = (len(self.panels), len(self.ts), len(self.symbols))
            stacked = np.stack(self.panels) if self.panels else np.empty(shape)
            stacked.flags.writeable = False
            self._stacked.append(np.moveaxis(stacked, 0, 2))
        return self._stacked[0]

    @property
    def min_rows(self) -> tuple[int, ...]:
        """Bars until the first value, per column."""
        return tuple(spec.min_rows for spec in self.specs)

    @property
    def settle_rows(self) -> tuple[int | None, ...]:
        """Bars after which the start of the data no longer matters, per column."""
        return tuple(spec.settle_rows for spec in self.specs)

    @property
    def schema_hash(self) -> str:
        """Identity of the columns: order, definitions, parameters and code version."""
        text = "\n".join(
            f"{name}|{spec.name}|{spec.role}|{spec.unit}|float64|NaN"
            for name, spec in zip(self.names, self.specs, strict=True)
        )
        return hashlib.blake2b(f"{__version__}\n{text}".encode(), digest_size=16).hexdigest()

    def column(self, name: str) -> Panel:
        """Return one column as a panel (n_bars, n_instruments).

        Raises
        ------
        ConfigError
            If there is no such column.
        """
        try:
            return self.panels[self.names.index(name)]
        except ValueError:
            raise ConfigError(f"no feature {name!r} here; {nearest(name, self.names)}") from None

    def to_polars(self) -> pl.DataFrame:
        """Return a long frame: ``symbol, timestamp`` and one column a feature."""
        import polars as pl

        n_bars, n_symbols = len(self.ts), len(self.symbols)
        columns: dict[str, Any] = {
            "symbol": np.repeat(np.array(self.symbols), n_bars),
            "timestamp": np.tile(self.ts.view("datetime64[ns]"), n_symbols),
        }
        columns |= {n: p.T.ravel() for n, p in zip(self.names, self.panels, strict=True)}
        stamp = pl.col("timestamp").dt.replace_time_zone(str(UTC))
        return pl.DataFrame(columns).with_columns(stamp)

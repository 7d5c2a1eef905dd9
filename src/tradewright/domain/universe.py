"""Universes by date: who was a member when."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from tradewright.domain.errors import ConfigError, DataError, nearest
from tradewright.domain.time import NS_PER_DAY, parse_date

_EPOCH: Final = date(1970, 1, 1)
_KEYS: Final = ("symbol", "valid_from", "valid_to")


@dataclass(frozen=True, slots=True)
class Member:
    """One membership.

    Parameters
    ----------
    symbol : str
        Canonical symbol.
    valid_from, valid_to : date or None
        First and last day of it, both included, in UTC; None is unbounded.

    Raises
    ------
    ConfigError
        If it ends before it begins.
    """

    symbol: str
    valid_from: date | None = None
    valid_to: date | None = None

    def __post_init__(self) -> None:
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ConfigError(
                f"universe: {self.symbol} is valid to {self.valid_to}, before {self.valid_from}"
            )

    @property
    def span_ns(self) -> tuple[int, int]:
        """First instant and the instant after the last, UTC nanoseconds."""
        first = _day_ns(self.valid_from) if self.valid_from else -(2**63)
        last = _day_ns(self.valid_to + timedelta(days=1)) if self.valid_to else 2**63 - 1
        return first, last


@dataclass(frozen=True, slots=True)
class Universe:
    """Memberships of many instruments; one may leave and come back.

    Parameters
    ----------
    memberships : tuple of Member
        Any order.

    Notes
    -----
    Timing: a decision asks for the members at its own time; nobody is a member before the first
    day or after the last one of a membership, whatever is known later.

    Examples
    --------
    >>> universe = Universe.of([("A", None, "2020-01-31"), ("B", "2020-02-01", None)])
    >>> day = 86_400_000_000_000
    >>> universe.members(18_292 * day, ("A", "B")), universe.members(18_293 * day, ("A", "B"))
    (('A',), ('B',))
    """

    memberships: tuple[Member, ...]
    _edges: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _at: tuple[frozenset[str], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.memberships:
            raise ConfigError("universe: no member is named")
        spans = [(member.symbol, *member.span_ns) for member in self.memberships]
        edges = sorted({edge for _, *span in spans for edge in span})
        members = [frozenset(s for s, first, last in spans if first <= e < last) for e in edges]
        object.__setattr__(self, "_edges", tuple(edges))
        object.__setattr__(self, "_at", tuple(members))

    @classmethod
    def of(cls, rows: Iterable[Member | Mapping[str, Any] | Sequence[Any]]) -> Universe:
        """Return a universe of rows as pages and tables hold them.

        Parameters
        ----------
        rows : iterable
            Each a `Member`, a mapping of ``symbol``, ``valid_from``, ``valid_to``, or these three
            in order; days as dates or as text such as ``2015-01-31``, missing is unbounded.

        Raises
        ------
        ConfigError
            Naming the row, and the nearest key to an unknown one.
        """
        return cls(tuple(_member(row, number) for number, row in enumerate(rows)))

    @property
    def symbols(self) -> tuple[str, ...]:
        """Everybody who was ever a member, sorted."""
        return tuple(sorted({member.symbol for member in self.memberships}))

    def members(self, now_ns: int, symbols: Sequence[str]) -> tuple[str, ...]:
        """Return those of some symbols that are members at a time, in their order.

        Parameters
        ----------
        now_ns : int
            UTC nanoseconds.
        symbols : sequence of str
            Whom to choose from, for example the instruments of a tape.
        """
        at = bisect_right(self._edges, now_ns) - 1
        if at < 0:
            return ()
        now = self._at[at]
        return tuple(symbol for symbol in symbols if symbol in now)

    def rows(self) -> list[list[str | None]]:
        """Return the memberships as values that JSON can hold; `of` reads them."""
        return [[m.symbol, _text(m.valid_from), _text(m.valid_to)] for m in self.memberships]


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _member(row: Any, number: int) -> Member:
    if isinstance(row, Member):
        return row
    where = f"universe row {number}"
    if isinstance(row, Mapping):
        for key in row:
            if key not in _KEYS:
                raise ConfigError(f"{where}: {key} is not known; {nearest(str(key), _KEYS)}")
        row = [row.get(key) for key in _KEYS]
    if isinstance(row, str) or not isinstance(row, Sequence) or not 1 <= len(row) <= 3:
        raise ConfigError(f"{where} is {row!r}, wanted symbol, valid_from, valid_to")
    symbol, *days = row
    if not isinstance(symbol, str) or not symbol:
        raise ConfigError(f"{where}: symbol is {symbol!r}, wanted text")
    first, last = (*(_day(day, where) for day in days), None, None)[:2]
    return Member(symbol, first, last)


def _day(value: Any, where: str) -> date | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str | date):
        raise ConfigError(f"{where}: {value!r}, wanted a date such as 2015-01-31")
    try:
        return parse_date(value)
    except DataError as error:
        raise ConfigError(f"{where}: {error}") from None


def _day_ns(day: date) -> int:
    return (day - _EPOCH).days * NS_PER_DAY

"""Limits that hold for everything a user runs: versions with author, reason and time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tradewright.domain.errors import ConfigError, RefusedError
from tradewright.domain.time import from_ns
from tradewright.ports.clock import Clock
from tradewright.ports.journal import LedgerStore
from tradewright.risk.control import LimitTable, loosened

if TYPE_CHECKING:
    from tradewright.services.workspace import Workspace

STREAM: Final = "risk-limits"
VERSION: Final = "version"


@dataclass(frozen=True, slots=True)
class LimitVersion:
    """One version of the stored limits.

    Parameters
    ----------
    number : int
        From 1; 0 is the empty table before any.
    settings : mapping of str to float
        As `LimitTable.of` reads them.
    author, second, reason : str
        Who changed them, who agreed, and why.
    valid_from_ns : int
        UTC nanoseconds; a version acts from then on.
    """

    number: int
    settings: Mapping[str, float]
    author: str
    second: str
    reason: str
    valid_from_ns: int

    @property
    def table(self) -> LimitTable:
        """The limits of this version."""
        return LimitTable.of(self.settings)


class StoredLimits:
    """Versions of the limits of a data directory.

    Parameters
    ----------
    journal : LedgerStore
        Holds the versions; none is ever changed.
    clock : Clock
        Stamps them.
    four_eyes : bool
        Whether loosening a limit needs a second person.
    """

    def __init__(self, journal: LedgerStore, clock: Clock, *, four_eyes: bool = False) -> None:
        self._journal, self._clock, self.four_eyes = journal, clock, four_eyes

    def versions(self) -> list[LimitVersion]:
        """Return all versions, oldest first."""
        return [
            LimitVersion(
                entry.seq,
                entry.payload["settings"],
                entry.payload["author"],
                entry.payload["second"],
                entry.payload["reason"],
                entry.ts_event,
            )
            for entry in self._journal.read(STREAM)
        ]

    def current(self) -> LimitVersion:
        """Return the version in force."""
        found = self.versions()
        return found[-1] if found else LimitVersion(0, {}, "", "", "", 0)

    def change(
        self,
        settings: Mapping[str, Any],
        *,
        author: str,
        reason: str,
        second: str = "",
        may_write: bool = True,
    ) -> LimitVersion:
        """Store a new version: the one in force with these settings over it.

        Parameters
        ----------
        settings : mapping of str to float or None
            None takes a limit away.
        author, reason : str
            Who and why; both are wanted.
        second : str
            A second person, for loosening where it is asked for.
        may_write : bool
            Whether the author has the right ``risk:write``; tightening needs none.

        Returns
        -------
        LimitVersion
            In force from now on, also in sessions that run.

        Raises
        ------
        ConfigError
            If a limit is unknown or out of range; the version before stays in force.
        RefusedError
            If loosening lacks a right or the second person; the version before stays in force.
        """
        if not author.strip() or not reason.strip():
            raise RefusedError("risk limits: an author and a reason are wanted")
        before = self.current()
        LimitTable.of(settings)  # names what was written, before defaults are spread
        kept = dict(before.table.to_mapping())
        for name, value in settings.items():
            for place in LimitTable.of({name: 0.0 if value is None else value}).to_mapping():
                if value is None:
                    kept.pop(place, None)
                else:
                    kept[place] = float(value)
        after = LimitTable.of(kept)
        looser = loosened(before.table, after)
        if looser and not may_write:
            raise RefusedError(f"risk limits: {author} has no right risk:write for {looser[0]}")
        if looser and self.four_eyes and second.strip() in ("", author.strip()):
            raise RefusedError(
                f"risk limits: {', '.join(looser)} would be looser; a second person must agree "
                "(risk.four_eyes)"
            )
        payload = {
            "settings": after.to_mapping(), "author": author, "second": second, "reason": reason,
        }  # fmt: skip
        self._journal.append(STREAM, [(VERSION, self._clock.now_ns(), payload)])
        return self.current()


def limits_of(workspace: Workspace) -> StoredLimits:
    """Return the stored limits of a data directory, under its rule of two persons."""
    return StoredLimits(workspace.journal, workspace.clock, four_eyes=workspace.four_eyes)


def limits_document(stored: StoredLimits) -> dict[str, Any]:
    """Return the limits in force and all their versions, as values that JSON can hold."""
    return {
        "limits": dict(stored.current().settings),
        "four_eyes": stored.four_eyes,
        "versions": [
            {
                "version": version.number,
                "valid_from": from_ns(version.valid_from_ns).isoformat(),
                "author": version.author,
                "second": version.second,
                "reason": version.reason,
                "limits": dict(version.settings),
            }
            for version in stored.versions()
        ],
    }


def parse_settings(words: list[str]) -> dict[str, float | None]:
    """Read ``KEY=VALUE`` words; ``off`` takes a limit away.

    Raises
    ------
    ConfigError
        If a word is no such pair or its value no number.

    Examples
    --------
    >>> parse_settings(["account.drawdown=0.1", "max_gross=off"])
    {'account.drawdown': 0.1, 'max_gross': None}
    """
    out: dict[str, float | None] = {}
    for word in words:
        key, has_value, value = word.partition("=")
        if not has_value:
            raise ConfigError(f"--set {word!r}: wanted KEY=VALUE, or KEY=off")
        try:
            out[key.strip()] = None if value.strip() == "off" else float(value)
        except ValueError:
            raise ConfigError(f"--set {word!r}: {value!r} is no number") from None
    return out

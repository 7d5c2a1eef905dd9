"""The durable switch: what was halted, by whom, and who released it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from tradewright.domain.errors import RefusedError
from tradewright.ports.clock import Clock
from tradewright.ports.journal import JournalEntry, LedgerStore
from tradewright.risk.control import Cause, Change, Switch, parse_scope
from tradewright.risk.control.switch import USER
from tradewright.services.risk.alerts import RiskAlerts

STREAM: Final = "risk"
CHANGE: Final = "change"
HALT_FILE: Final = "HALT"


class RiskControl:
    """State of every scope in a data directory, from any process.

    Parameters
    ----------
    journal : LedgerStore
        Holds the changes; the state is their fold.
    data_dir : Path
        A file ``HALT`` in it halts everything.
    clock : Clock
        Stamps changes.

    Notes
    -----
    A change is durable when a method returns. What trades reads the record before its first order
    and a few times a second after it. A journal that does not answer raises `EdgeError`: whoever
    trades must then take the state as halted.
    """

    def __init__(self, journal: LedgerStore, data_dir: Path, clock: Clock) -> None:
        self._journal, self._clock = journal, clock
        self.halt_file = data_dir / HALT_FILE

    def entries(self, *, after_seq: int = 0) -> Iterator[JournalEntry]:
        """Yield the record, oldest first."""
        return self._journal.read(STREAM, after_seq=after_seq)

    def switch(self) -> Switch:
        """Return the state of all scopes: the fold of the record, and the file."""
        switch = Switch()
        for entry in self.entries():
            switch.read(entry.payload)
        if self.is_halted_by_file:
            cause = Cause("halt_file", "the file system", self.file_reason, self._clock.now_ns())
            switch.trip("halt", "portfolio", cause)
        return switch

    @property
    def alerts(self) -> RiskAlerts:
        """What makes limits smaller, beside the switch."""
        return RiskAlerts(self._journal, self._clock)

    @property
    def is_halted_by_file(self) -> bool:
        """Whether the file ``HALT`` stands in the data directory."""
        return self.halt_file.exists()

    @property
    def file_reason(self) -> str:
        """Return what to tell about the file."""
        return f"the file {self.halt_file.name} stands in the data directory"

    def order(self, verb: str, scope: str, *, actor: str, reason: str) -> Change:
        """Reduce, halt or flatten a scope for a person.

        Parameters
        ----------
        verb : str
            ``reduce``, ``halt`` or ``flatten``.
        scope : str
            ``all``, ``account:ID`` or ``strategy:NAME``.
        actor, reason : str
            Who and why; kept on the record.

        Returns
        -------
        Change
            Also where the scope was as strict already: the order itself is on the record then.

        Raises
        ------
        ConfigError
            If the scope is unknown.
        EdgeError
            If the journal does not answer; nothing was ordered.
        """
        name = parse_scope(scope)
        switch = self.switch()
        cause = Cause(USER, actor, reason or "ordered by a user", self._clock.now_ns())
        before = switch.state(name)
        change = switch.trip(verb, name, cause)
        if change is None:
            change = Change(verb, name, cause, before, before)
        self._append(change, source="")
        return change

    def flattened(self, scope: str) -> Change | None:
        """Note that a scope that was closing holds nothing: it is halted from now on."""
        change = self.switch().flattened(parse_scope(scope), self._clock.now_ns())
        if change is not None:
            self._append(change, source="")
        return change

    def rearm(
        self,
        scope: str,
        *,
        actor: str,
        reason: str,
        may_write: bool = True,
        differences: Iterable[str] = (),
        reset_high_water: bool = False,
    ) -> Change:
        """Release a scope: a named person does it, with a reason, on clean books.

        Raises
        ------
        RefusedError
            Naming what is missing; the state is unchanged.
        """
        name = parse_scope(scope)
        if name == "portfolio" and self.is_halted_by_file:
            raise RefusedError(f"rearm all: {self.file_reason}; remove it first")
        change = self.switch().rearm(
            name,
            actor=actor,
            reason=reason,
            ts=self._clock.now_ns(),
            may_write=may_write,
            differences=differences,
            reset_high_water=reset_high_water,
        )
        self._append(change, source="")
        return change

    def keep(self, change: Change, *, source: str, number: int) -> None:
        """Write down a change that a session made by itself; one that is known is not repeated.

        Parameters
        ----------
        change : Change
            From the session's gate.
        source : str
            The session.
        number : int
            Which of its changes this is: a recovery makes the same ones again.
        """
        for entry in self.entries():
            if entry.payload["source"] == source and entry.payload["number"] == number:
                return
        self._append(change, source=source, number=number)

    def _append(self, change: Change, *, source: str, number: int = 0) -> None:
        payload = {**change.to_json(), "source": source, "number": number}
        self._journal.append(STREAM, [(CHANGE, self._clock.now_ns(), payload)])


def chain_heads(entries: Iterable[Mapping[str, Any]], start: str = "") -> tuple[str, str]:
    r"""Return the head of a hash chain before and after some entries.

    .. math:: h_i = \mathrm{sha256}(h_{i-1} \Vert \mathrm{json}(e_i))

    Parameters
    ----------
    entries : iterable of mapping
        In order.
    start : str
        Head before them; empty for the beginning of the record.

    Returns
    -------
    tuple of str
        Head at the start and at the end; a changed, missing or moved entry changes the second.
    """
    head = start
    for entry in entries:
        text = json.dumps(entry, sort_keys=True, separators=(",", ":"), allow_nan=False)
        head = hashlib.sha256(f"{head}{text}".encode()).hexdigest()
    return start, head

"""Limits in force: defaults by profile, values by scope, the tightest wins."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tradewright.domain.errors import ConfigError, nearest
from tradewright.risk.control.catalogue import KINDS, SCOPE_KINDS, WARN_AT, LimitKind

PROFILES: Final[Mapping[str, float]] = {"conservative": 0.5, "moderate": 1.0, "aggressive": 1.5}


@dataclass(frozen=True, slots=True)
class LimitTable:
    """Limits by scope and key; a key without a value is off.

    Parameters
    ----------
    values : mapping of (str, str) to float
        Value by scope (``strategy``, ``account``, ``portfolio``, or one of them by name, as in
        ``account:paper``) and key.
    profile : str or None
        Profile whose standard table the values were laid over.
    warn_at : float
        Fraction of a limit at which a warning is given, in (0, 1].

    Notes
    -----
    Make one with `LimitTable.of`; its values are checked there.
    """

    values: Mapping[tuple[str, str], float] = field(default_factory=dict)
    profile: str | None = None
    warn_at: float = WARN_AT
    _found: dict[tuple[str, str], float | None] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @classmethod
    def of(
        cls,
        settings: Mapping[str, Any] | None = None,
        *,
        profile: str | None = None,
        warn_at: float = WARN_AT,
    ) -> LimitTable:
        """Check settings and lay them over the standard table of a profile.

        Parameters
        ----------
        settings : mapping of str to float or None
            ``key`` holds in every scope the limit knows, ``account.key`` in scopes of that kind,
            ``account:paper.key`` in that one. None switches a standard limit off.
        profile : str, optional
            ``conservative`` (x 0.5), ``moderate`` or ``aggressive`` (x 1.5) switches the standard
            table on; position, sector and loss limits are scaled, leverage, drawdown and rate
            limits never. Without one only the limits given are in force.
        warn_at : float
            Fraction of a limit at which a warning is given.

        Returns
        -------
        LimitTable
            Checked.

        Raises
        ------
        ConfigError
            If a key, scope or profile is unknown, a value is negative or above its ceiling, or
            `warn_at` is above the limit. What was in force before stays in force.

        Examples
        --------
        >>> table = LimitTable.of({"account.daily_loss": 0.01}, profile="conservative")
        >>> table.limit("daily_loss", "account:paper"), table.limit("daily_loss", "strategy:x")
        (0.01, 0.01)
        >>> table.limit("max_position_size", "account:paper"), table.limit("drawdown", "account")
        (0.1, 0.15)
        """
        if not 0 < warn_at <= 1:
            raise ConfigError(f"warn_at is {warn_at}, wanted above 0 and at most 1, the limit")
        values = _standard(profile)
        for name, value in (settings or {}).items():
            for scope, kind in _places(str(name)):
                if value is None:
                    values.pop((scope, kind.key), None)
                else:
                    values[scope, kind.key] = _checked(str(name), value, kind)
        return cls(values, profile, warn_at)

    def limit(self, key: str, scope: str) -> float | None:
        """Return the tightest value of a limit in a scope; None where it is off.

        Parameters
        ----------
        key : str
            See `KINDS`.
        scope : str
            ``strategy:NAME``, ``account:ID`` or ``portfolio``.

        Returns
        -------
        float or None
            The smaller of what its kind and its name are given; the larger for least values.
        """
        place = (scope, key)
        if place not in self._found:
            given = [
                self.values[where, key]
                for where in {scope, scope.partition(":")[0]}
                if (where, key) in self.values
            ]
            tightest = max if KINDS[key].is_floor else min
            self._found[place] = tightest(given) if given else None
        return self._found[place]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is limited."""
        return not self.values

    def has(self, *keys: str) -> bool:
        """Whether any of these limits is in force in any scope."""
        return any(key in keys for _, key in self.values)

    def merged(self, *others: LimitTable) -> LimitTable:
        """Return a table in which every value is the tightest of all of them.

        A profile of any of them stays named when all agree on it.
        """
        values = dict(self.values)
        for other in others:
            for place, value in other.values.items():
                tightest = max if KINDS[place[1]].is_floor else min
                values[place] = tightest(values.get(place, value), value)
        same = all(other.profile == self.profile for other in others)
        warn_at = min(self.warn_at, *(other.warn_at for other in others))
        return LimitTable(values, self.profile if same else None, warn_at)

    def to_mapping(self) -> dict[str, float]:
        """Return the values as ``scope.key``, as `of` reads them, in a fixed order."""
        return {f"{scope}.{key}": value for (scope, key), value in sorted(self.values.items())}


def loosened(before: LimitTable, after: LimitTable) -> list[str]:
    """Return the names of limits that `after` sets looser than `before`, or switches off.

    Loosening needs a right and, where it is asked for, a second person; tightening acts at once.

    Examples
    --------
    >>> old, new = LimitTable.of({"drawdown": 0.1}), LimitTable.of({"drawdown": 0.2})
    >>> loosened(old, new), loosened(new, old)
    (['account.drawdown', 'strategy.drawdown'], [])
    """
    found = []
    for (scope, key), value in before.values.items():
        now = after.values.get((scope, key))
        is_floor = KINDS[key].is_floor
        if now is None or (now < value if is_floor else now > value):
            found.append(f"{scope}.{key}")
    return sorted(found)


def _standard(profile: str | None) -> dict[tuple[str, str], float]:
    if profile is None:
        return {}
    if profile not in PROFILES:
        raise ConfigError(f"risk profile {profile!r} is not known; {nearest(profile, PROFILES)}")
    factor = PROFILES[profile]
    return {
        (scope, kind.key): value * factor if kind.scales else value
        for kind in KINDS.values()
        for scope, value in kind.defaults.items()
    }


def _places(name: str) -> Iterable[tuple[str, LimitKind]]:
    scope, dot, key = name.rpartition(".")
    if key not in KINDS:
        raise ConfigError(f"risk limit {name!r} is not known; {nearest(key, KINDS)}")
    kind = KINDS[key]
    if not dot:
        return [(where, kind) for where in kind.defaults]
    family, colon, own = scope.partition(":")
    if family not in SCOPE_KINDS or (colon and not own):
        raise ConfigError(
            f"risk limit {name!r}: scope {scope!r} is not known; {nearest(family, SCOPE_KINDS)}"
        )
    return [(scope, kind)]


def _checked(name: str, value: Any, kind: LimitKind) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or value < 0:
        raise ConfigError(f"risk limit {name} is {value!r}, wanted a number of 0 or more")
    if value > kind.ceiling:
        raise ConfigError(f"risk limit {name} is {value:g}, above its ceiling {kind.ceiling:g}")
    if kind.is_count and value != int(value):
        raise ConfigError(f"risk limit {name} is {value!r}, wanted a whole number")
    return float(value)

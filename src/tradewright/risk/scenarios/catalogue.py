"""The named stress scenarios, and how a user adds some."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from tradewright.domain.errors import ConfigError, nearest


@dataclass(frozen=True, slots=True)
class StressTestScenario:
    """A fall of the market, with its length, its noise and its herding.

    Parameters
    ----------
    name : str
        Key in configuration and results.
    description : str
        For people.
    market_shock_magnitude : float
        Return of the market over the shock, > -1; an instrument of beta 1 takes it whole.
    shock_duration_days : int
        Sessions of the shock, >= 1.
    recovery_duration_days : int
        Sessions in which the market comes back, >= 0.
    volatility_multiplier : float
        Factor on every instrument's volatility, > 0.
    correlation_increase : float
        Added to the mean correlation, which stays at or below 0.95.
    intraday : bool
        The fall is back by the close: it is seen in the lows only.

    Raises
    ------
    ConfigError
        If a value is out of range; it names the scenario and the key.
    """

    name: str
    description: str
    market_shock_magnitude: float
    shock_duration_days: int
    recovery_duration_days: int
    volatility_multiplier: float
    correlation_increase: float
    intraday: bool = False

    def __post_init__(self) -> None:
        wanted = {
            "market_shock_magnitude": (-1.0 < self.market_shock_magnitude < math.inf, "> -1"),
            "shock_duration_days": (_is_count(self.shock_duration_days, 1), "a whole number >= 1"),
            "recovery_duration_days": (
                _is_count(self.recovery_duration_days, 0),
                "a whole number >= 0",
            ),
            "volatility_multiplier": (0.0 < self.volatility_multiplier < math.inf, "> 0"),
            "correlation_increase": (-1.0 <= self.correlation_increase <= 1.0, "in [-1, 1]"),
        }
        for key, (is_good, range_text) in wanted.items():
            if not is_good:
                raise ConfigError(
                    f"scenario {self.name}: {key} is {getattr(self, key)!r}, wanted {range_text}"
                )


def _is_count(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


_TABLE: Final = (
    StressTestScenario("market_crash", "Market Crash 2008", -0.35, 180, 365, 2.5, 0.3),
    StressTestScenario("covid_shock", "COVID-19 Shock", -0.25, 45, 180, 3.0, 0.4),
    StressTestScenario("high_volatility", "High volatility, no trend", 0.0, 252, 0, 2.0, 0.0),
    StressTestScenario("correlation_shock", "Everything falls together", -0.10, 60, 120, 1.5, 0.5),
    StressTestScenario(
        "hist_2000_2002", "S&P 500, 2000-03-24 to 2002-10-09", -0.49, 637, 1166, 1.5, 0.1
    ),
    StressTestScenario(
        "hist_2007_2009", "S&P 500, 2007-10-09 to 2009-03-09", -0.57, 355, 1021, 2.5, 0.3
    ),
    StressTestScenario("hist_2011", "S&P 500, 2011-04-29 to 2011-10-03", -0.19, 108, 99, 2.0, 0.3),
    StressTestScenario("hist_2020", "S&P 500, 2020-02-19 to 2020-03-23", -0.34, 23, 103, 4.0, 0.4),
    StressTestScenario(
        "hist_2022_rates", "S&P 500 in the rate rises of 2022", -0.25, 195, 320, 1.4, 0.2
    ),
    StressTestScenario("one_day_1987", "19 October 1987", -0.20, 1, 400, 5.0, 0.5),
    StressTestScenario(
        "flash_crash", "Down 9 % and back within a session", -0.09, 1, 0, 5.0, 0.5, intraday=True
    ),
)
SCENARIOS: Final[Mapping[str, StressTestScenario]] = {row.name: row for row in _TABLE}
NAMED_FOUR: Final = ("market_crash", "covid_shock", "high_volatility", "correlation_shock")
HISTORY_BESIDE: Final = ("hist_2007_2009", "hist_2020")
"""Shown beside the first two of the four, which are mild against history."""


def choose_scenarios(
    wanted: Iterable[str | StressTestScenario] | None,
    own: Mapping[str, StressTestScenario] | None = None,
) -> tuple[StressTestScenario, ...]:
    """Return scenarios by name.

    Parameters
    ----------
    wanted : iterable of str or StressTestScenario, optional
        The four named ones and two of history where left out; ``all`` is every one.
    own : mapping, optional
        The user's, by name; they win over the table.

    Returns
    -------
    tuple of StressTestScenario
        In the order asked for.

    Raises
    ------
    ConfigError
        If a name is unknown; it names the nearest.
    """
    known = {**SCENARIOS, **(own or {})}
    if wanted is None:
        return tuple(known[name] for name in (*NAMED_FOUR, *HISTORY_BESIDE, *(own or {})))
    found = []
    for item in wanted:
        if isinstance(item, StressTestScenario):
            found.append(item)
        elif item == "all":
            found += list(known.values())
        elif item in known:
            found.append(known[item])
        else:
            raise ConfigError(f"scenario {item!r} is not known; {nearest(item, known)}")
    if not found:
        raise ConfigError("no scenario was named; leave it out for the usual ones")
    return tuple(found)


def read_scenarios(page: Mapping[str, Any]) -> dict[str, StressTestScenario]:
    """Read the user's scenarios from a mapping: name to the fields of `StressTestScenario`.

    Parameters
    ----------
    page : mapping
        As read from YAML; ``description`` may be left out.

    Returns
    -------
    dict
        By name.

    Raises
    ------
    ConfigError
        If a key is unknown or missing, or a value is of the wrong kind.
    """
    keys = tuple(field.name for field in fields(StressTestScenario) if field.name != "name")
    found = {}
    for name, given in page.items():
        if not isinstance(given, Mapping):
            raise ConfigError(f"scenario {name} is {given!r}, wanted keys and values")
        for key in given:
            if key not in keys:
                raise ConfigError(f"scenario {name}: unknown key {key!r}; {nearest(key, keys)}")
        values = {"description": str(name), "intraday": False, **given}
        missing = [key for key in keys if key not in values]
        if missing:
            raise ConfigError(f"scenario {name} lacks {', '.join(missing)}")
        try:
            found[str(name)] = StressTestScenario(name=str(name), **values)
        except TypeError as error:
            raise ConfigError(f"scenario {name}: {error}") from None
    return found

"""The catalogue of features: ours by import, users' by decorator."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from tradewright.domain.errors import ConfigError, nearest
from tradewright.features.specs import (
    NAN_RULE,
    TIMING,
    FeatureSpec,
    Number,
    Panel,
    Parameter,
    Role,
)

if TYPE_CHECKING:
    from tradewright.features.own_bars import OwnBars

INNER: Final = "inner"  # role or unit taken over from the feature it is computed from
QUOTIENT: Final = "quotient"  # stationary if both sides are, or share a unit; a level otherwise
FAMILIES: Final = ("price", "volume", "momentum", "volatility", "time", "transform")
_HOMES: Final = (
    "price",
    "averages",
    "volume",
    "momentum",
    "trend",
    "volatility",
    "seasons",
    "transforms",
    "cross_section",
)

F = TypeVar("F", bound=Callable[..., Panel])


@dataclass(frozen=True, slots=True)
class About:
    """What `feature` must be told about a function.

    Parameters
    ----------
    name : str
        Name in the catalogue: lower-case letters, digits and underscores.
    family : str
        Group in the catalogue.
    formula : str
        One line.
    inputs : tuple of str
        Fields of the bars that are read: ``open high low close volume ts``.
    parameters : tuple of Parameter
        Numbers it takes, in order.
    series : tuple of str
        Names of the features it takes before the numbers.
    unit : str
        Unit of the values; ``inner`` takes over that of the first series.
    role : str
        ``level``, ``stationary``, ``flag``, ``category``, or ``inner``: that of the series, a
        level if any of them is one.
    min_rows : callable or int
        Rows of its inputs for the first value, from the parameters.
    settle_rows : callable, int or None
        Rows after which the start weighs below 1e-12 (default: as `min_rows`); None: never.
    nan_rule : str
        What a missing value does.
    timing : str
        What a row uses.
    scope : str
        ``own`` or ``cross``.
    positive : bool
        Whether prices must be above zero.
    bar_by_bar : bool or None
        Whether the function may be given one new row at a time (`FeatureStream`): it uses earlier
        rows through `tradewright.features.rolling` only, in the same order of calls at every row.
        None is yes for ours, no for users' own.
    """

    name: str
    family: str
    formula: str
    inputs: tuple[str, ...] = ("close",)
    parameters: tuple[Parameter, ...] = ()
    series: tuple[str, ...] = ()
    unit: str = "fraction"
    role: str = "stationary"
    min_rows: Callable[..., int] | int = 1
    settle_rows: Callable[..., int] | int | str | None = "min_rows"
    nan_rule: str = NAN_RULE
    timing: str = TIMING
    scope: str = "own"
    positive: bool = False
    bar_by_bar: bool | None = None

    def __post_init__(self) -> None:
        if not self.name.replace("_", "").isalnum() or self.name != self.name.lower():
            raise ConfigError(
                f"feature name {self.name!r} is not valid: lower-case letters, digits, underscores"
            )
        unknown = set(self.inputs) - {"open", "high", "low", "close", "volume", "ts"}
        if unknown:
            raise ConfigError(f"feature {self.name}: unknown input {', '.join(sorted(unknown))}")
        if self.role not in (INNER, QUOTIENT):
            Role(self.role)


@dataclass(frozen=True, slots=True)
class Definition:
    """A function of the catalogue with what is known about it."""

    about: About
    function: Callable[..., Panel]
    doc: str
    built_in: bool

    @property
    def signature(self) -> str:
        """Text such as ``zscore(x, n=60)``."""
        about = self.about
        parts = list(about.series)
        for p in about.parameters:
            parts.append(p.name if p.default is None else f"{p.name}={p.default:g}")
        return f"{about.name}({', '.join(parts)})" if parts else about.name

    @property
    def is_bar_by_bar(self) -> bool:
        """Whether it can be updated with one new row at a time."""
        told = self.about.bar_by_bar
        return self.built_in if told is None else told

    def call(self, bars: OwnBars, spec: FeatureSpec, series: tuple[Panel, ...]) -> Panel:
        """Return the values on the instruments' own bars."""
        return self.function(bars, *series, **dict(spec.parameters))


_DEFINITIONS: dict[str, Definition] = {}
_loaded = False


def feature(about: About) -> Callable[[F], F]:
    """Add a causal function to the catalogue.

    Parameters
    ----------
    about : About
        Name, inputs, parameters and promises.

    Returns
    -------
    callable
        Decorator of ``f(bars, *series, **parameters) -> ndarray (n_rows, n_columns)``, where
        `bars` is an `OwnBars`: read-only panels in which every column holds the bars of one
        instrument without gaps.

    Raises
    ------
    ConfigError
        If the name is taken by another function; both are shown.

    Notes
    -----
    Timing: row ``t`` of the result may use rows ``0..t`` only; the leak guard checks it.

    Examples
    --------
    >>> @feature(About(name="close_twice", family="user", formula="2 * close", role="level"))
    ... def close_twice(bars):
    ...     return 2.0 * bars.close
    """

    def add(function: F) -> F:
        home = function.__module__
        built_in = home.startswith("tradewright.features.")
        known = None if built_in and not _loaded else find(about.name, missing_ok=True)
        same_place = known is not None and (
            (known.function.__module__, known.function.__qualname__)
            == (home, function.__qualname__)
        )
        if known is not None and not same_place:
            raise ConfigError(
                f"feature {about.name!r} is defined twice: {known.signature} = "
                f"{known.about.formula} in {known.function.__module__}, "
                f"and {about.formula} in {home}"
            )
        doc = (function.__doc__ or about.formula).strip().splitlines()[0]
        _DEFINITIONS[about.name] = Definition(about, function, doc, built_in)
        return function

    return add


def forget(name: str) -> None:
    """Remove a user's feature from the catalogue; built-in ones stay."""
    if name in _DEFINITIONS and not _DEFINITIONS[name].built_in:
        del _DEFINITIONS[name]


def load_families() -> None:
    """Import the modules that define our features, once."""
    global _loaded  # noqa: PLW0603
    if not _loaded:
        for home in _HOMES:
            importlib.import_module(f"tradewright.features.families.{home}")
        _loaded = True


def find(name: str, *, missing_ok: bool = False) -> Any:
    """Return the definition of a name.

    Raises
    ------
    ConfigError
        If there is none; the nearest name is given.
    """
    load_families()
    if name in _DEFINITIONS:
        return _DEFINITIONS[name]
    if missing_ok:
        return None
    raise ConfigError(f"unknown feature {name!r}; {nearest(name, _DEFINITIONS)}".rstrip("; "))


def definitions() -> tuple[Definition, ...]:
    """Return every definition, by family and name."""
    load_families()
    place = {family: i for i, family in enumerate(FAMILIES)}
    return tuple(
        sorted(
            _DEFINITIONS.values(),
            key=lambda d: (place.get(d.about.family, len(place)), d.about.family, d.about.name),
        )
    )


def build_spec(
    name: str, series: tuple[FeatureSpec, ...], given: dict[str, Number] | tuple[Number, ...]
) -> FeatureSpec:
    """Return the spec of a definition with parameters.

    Parameters
    ----------
    name : str
        Name in the catalogue.
    series : tuple of FeatureSpec
        Features it is computed from.
    given : dict or tuple
        Parameters by keyword or by position.

    Raises
    ------
    ConfigError
        If a parameter or series is unknown, missing, too many or out of bounds.
    """
    definition = find(name)
    about: About = definition.about
    wanted = [p.name for p in about.parameters]
    if len(series) != len(about.series):
        raise ConfigError(
            f"{definition.signature} takes {len(about.series)} feature(s) before its numbers, "
            f"got {len(series)}"
        )
    if isinstance(given, tuple):
        if len(given) > len(wanted):
            raise ConfigError(
                f"{definition.signature} takes {len(wanted)} number(s), got {len(given)}"
            )
        given = dict(zip(wanted, given, strict=False))
    for key in given:
        if key not in wanted:
            raise ConfigError(
                f"{definition.signature}: unknown parameter {key!r}; {nearest(key, wanted)}".rstrip(
                    "; "
                )
            )
    values: list[tuple[str, Number]] = []
    for p in about.parameters:
        value = given.get(p.name, p.default)
        if value is None:
            raise ConfigError(f"{definition.signature}: {p.name} is missing")
        values.append((p.name, p.check(value, about.name)))
    return _spec_of(definition, series, tuple(values))


def _role(about: About, series: tuple[FeatureSpec, ...]) -> Role:
    levels = [s for s in series if s.role == Role.LEVEL]
    if about.role == INNER:
        return Role.LEVEL if levels else series[0].role
    if about.role == QUOTIENT:
        one_unit = len({s.unit for s in series}) == 1
        return Role.STATIONARY if one_unit or not levels else Role.LEVEL
    return Role(about.role)


def _spec_of(
    definition: Definition,
    series: tuple[FeatureSpec, ...],
    values: tuple[tuple[str, Number], ...],
) -> FeatureSpec:
    about = definition.about
    parameters = dict(values)
    own_min = about.min_rows if isinstance(about.min_rows, int) else about.min_rows(**parameters)
    own_settle: int | None
    if about.settle_rows == "min_rows":
        own_settle = own_min
    elif callable(about.settle_rows):
        own_settle = max(own_min, about.settle_rows(**parameters))
    else:
        assert not isinstance(about.settle_rows, str)
        own_settle = about.settle_rows
    inner_min = max((s.min_rows for s in series), default=1)
    inner_settle: int | None = 1
    for s in series:
        unsettled = s.settle_rows is None or inner_settle is None
        inner_settle = None if unsettled else max(inner_settle or 1, s.settle_rows or 1)
    unsettled = own_settle is None or inner_settle is None
    arguments = [s.name for s in series] + [f"{v:.12g}" for _, v in values]
    inputs = dict.fromkeys((*about.inputs, *(i for s in series for i in s.inputs)))
    return FeatureSpec(
        name=f"{about.name}({', '.join(arguments)})" if arguments else about.name,
        definition=about.name,
        series=series,
        parameters=values,
        inputs=tuple(inputs),
        unit=series[0].unit if about.unit == INNER else about.unit,
        role=_role(about, series),
        min_rows=own_min + inner_min - 1,
        settle_rows=None if unsettled else (own_settle or 1) + (inner_settle or 1) - 1,
        formula=about.formula,
        doc=definition.doc,
        family=about.family,
        nan_rule=about.nan_rule,
        timing=about.timing,
        scope="cross" if about.scope == "cross" else "own",
        positive=about.positive or any(s.positive for s in series),
        built_in=definition.built_in and all(s.built_in for s in series),
    )

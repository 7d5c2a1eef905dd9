"""A study page: YAML in, one checked value out, every error at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any, Final, get_args

from pydantic import ValidationError

from tradewright.costs import Costs
from tradewright.domain.errors import ConfigError, TradewrightError, nearest
from tradewright.domain.instruments import normalise_symbol
from tradewright.services.results.manifest import config_hash
from tradewright.services.study import sections as parts
from tradewright.services.study.safe_yaml import Path_, dotted, read_page
from tradewright.services.study.section import Section

SECTIONS: Final[dict[str, type[Section]]] = {
    "universe": parts.UniverseSection,
    "data": parts.DataSection,
    "labels": parts.LabelSection,
    "model": parts.ModelSection,
    "decision": parts.DecisionSection,
    "risk": parts.RiskSection,
    "costs": parts.CostSection,
    "validation": parts.ValidationSection,
    "rules": parts.RulesSection,
}
SCALARS: Final = ("name", "description", "benchmark", "currency", "cash", "seed")
KEYS: Final = (
    "name",
    "description",
    *SECTIONS,
    "features",
    "benchmark",
    "cash",
    "currency",
    "seed",
)
UNIVERSE: Final = "universe"
COST_WORDS: Final = ("none", "standard")
_WORDS: Final = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a section of 'key: value' lines",
    "date_type": "a date such as 2015-01-31",
    "date_from_datetime_inexact": "a date such as 2015-01-31",
    "model_type": "a section of 'key: value' lines",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPage:
    """One study, checked.

    Parameters
    ----------
    name, description : str
        For people; the name also names the registered model.
    universe, data, labels, model, decision, risk, validation, rules : Section
        See `services.study.sections`.
    features : tuple of str
        See `features.parse_features`.
    costs : CostSection or None
        None trades for free, which is shown in red.
    benchmark : str
        ``universe`` (equal weight) or a symbol of the universe or its reference.
    cash : float
        At the start, in `currency`.
    currency : str
        Base currency.
    seed : int
        Of every random choice.
    """

    name: str
    description: str = ""
    universe: parts.UniverseSection
    data: parts.DataSection = field(default_factory=parts.DataSection)
    features: tuple[str, ...]
    labels: parts.LabelSection = field(default_factory=parts.LabelSection)
    model: parts.ModelSection = field(default_factory=parts.ModelSection)
    decision: parts.DecisionSection = field(default_factory=parts.DecisionSection)
    risk: parts.RiskSection = field(default_factory=parts.RiskSection)
    costs: parts.CostSection | None
    validation: parts.ValidationSection = field(default_factory=parts.ValidationSection)
    rules: parts.RulesSection = field(default_factory=parts.RulesSection)
    benchmark: str = UNIVERSE
    cash: float = 100_000.0
    currency: str = "USD"
    seed: int = 0

    def to_mapping(self) -> dict[str, Any]:
        """Return every setting, defaults included, as values that JSON can hold."""
        out: dict[str, Any] = {}
        for key in KEYS:
            value = getattr(self, key)
            if isinstance(value, Section):
                value = value.model_dump(mode="json")
            out[key] = list(value) if isinstance(value, tuple) else value
        out["costs"] = "none" if self.costs is None else out["costs"]
        return out

    @property
    def config_hash(self) -> str:
        """Identity of the resolved settings; name and description do not enter."""
        return config_hash(
            {k: v for k, v in self.to_mapping().items() if k not in {"name", "description"}}
        )

    def charged(self) -> Costs | None:
        """Return the cost object, None where trading is free."""
        return None if self.costs is None else self.costs.costs()


class _Findings:
    """Errors of one page, with their lines."""

    def __init__(self, where: str, lines: Mapping[Path_, int]) -> None:
        self.where, self.lines = where, lines
        self.found: list[tuple[int, str]] = []

    def add(self, path: Path_, text: str) -> None:
        line = 0
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                line = self.lines[path[:length]]
                break
        place = f"line {line}: " if line else ""
        self.found.append((line, f"{place}{text}"))

    def run(self, path: Path_, check: Callable[[], Any]) -> Any:
        """Return what a check gives, or note why it fails."""
        try:
            return check()
        except TradewrightError as error:
            text = str(error)
            named = dotted(path)
            self.add(path, text if text.startswith(named) else f"{named}: {text}")
            return None

    def stop(self) -> None:
        if not self.found:
            return
        texts = [text for _, text in sorted(self.found)]
        if len(texts) == 1:
            raise ConfigError(f"{self.where}: {texts[0]}")
        listed = "\n".join(f"  {text}" for text in texts)
        raise ConfigError(f"{self.where}: {len(texts)} errors\n{listed}")


def parse_page(text: str | bytes, where: str = "study") -> StudyPage:
    """Read and check a study page.

    Parameters
    ----------
    text : str or bytes
        YAML.
    where : str
        File name, for messages.

    Returns
    -------
    StudyPage
        Complete and consistent.

    Raises
    ------
    ConfigError
        With every error found, each with its line, path, value and what was wanted.
    """
    values, lines = read_page(text, where)
    return build_page(values, where, lines)


def build_page(
    values: Mapping[str, Any], where: str = "study", lines: Mapping[Path_, int] | None = None
) -> StudyPage:
    """Check the values of a page.

    Parameters
    ----------
    values : mapping
        As YAML or `StudyPage.to_mapping` give them.
    where : str
        File name, for messages.
    lines : mapping, optional
        Line of each path.

    Returns
    -------
    StudyPage
        Complete and consistent.

    Raises
    ------
    ConfigError
        With every error found.
    """
    findings = _Findings(where, lines or {})
    for key in values:
        if key not in KEYS:
            findings.add((str(key),), f"unknown key {key!r}; {nearest(str(key), KEYS)}")
    built: dict[str, Any] = {}
    for key, model in SECTIONS.items():
        if key == "costs" and isinstance(values.get(key), str | None):
            built[key] = _costs_by_word(values, findings)
        elif key in values:
            built[key] = _section(key, model, values[key], findings)
    if "universe" not in values:
        findings.add((), "'universe' is missing: give symbols or a sample")
    built["features"] = _features(values, findings)
    built |= _scalars(values, findings)
    _check_sections(built, findings)
    findings.stop()
    return StudyPage(**{k: v for k, v in built.items() if v is not None or k == "costs"})


def _section(key: str, model: type[Section], value: Any, findings: _Findings) -> Section | None:
    try:
        return model.model_validate({} if value is None else value)
    except ValidationError as error:
        for one in error.errors():
            _explain(key, model, one, findings)
        return None


def _explain(key: str, model: type[Section], error: Any, findings: _Findings) -> None:
    inner, owner = _place(model, error["loc"])
    path: Path_ = (key, *inner)
    found = error["input"]
    if error["type"] == "extra_forbidden":
        name = str(error["loc"][-1])
        path = (*path, name)
        hint = nearest(name, owner.model_fields)
        findings.add(path, f"{dotted(path)}: unknown key; {hint}")
        return
    kind = error["type"]
    shown = f"{found!r} ({type(found).__name__})"
    if kind == "literal_error":
        known = [w.strip(" '") for w in error["ctx"]["expected"].replace(" or ", ",").split(",")]
        wanted = nearest(str(found), known)
    elif kind in _WORDS:
        wanted = f"wanted {_WORDS[kind]}"
    else:
        message = error["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
        wanted = f"wanted {message}"
    text = f"{dotted(path)}: found {shown}; {wanted}"
    # A choice between types reports each of them; one line a value is enough.
    head = f"{dotted(path)}: found {shown}"
    if not any(head in known for _, known in findings.found):
        findings.add(path, text)


def _place(model: type[Section], loc: Path_) -> tuple[Path_, type[Section]]:
    # The names on the way to an error, and the section that holds it.
    path: list[str | int] = []
    for part in loc:
        if isinstance(part, int):
            path.append(part)
        elif part in model.model_fields:
            path.append(part)
            model = inner_section(model, part) or model
    return tuple(path), model


def inner_section(model: type[Section], name: str) -> type[Section] | None:
    """Return the section that a key of a section holds; None where it holds a value."""
    kind = model.model_fields[name].annotation
    for found in (kind, *get_args(kind)):
        if isinstance(found, type) and issubclass(found, Section):
            return found
    return None


def _costs_by_word(values: Mapping[str, Any], findings: _Findings) -> parts.CostSection | None:
    word = values.get("costs")
    if "costs" not in values:
        findings.add((), "'costs' is missing: give fee_bps, slippage_bps …, 'standard' or 'none'")
    elif word == "standard":
        own = parts.CostSection.model_fields
        standard = Costs.standard()
        return parts.CostSection(**{name: getattr(standard, name) for name in own})
    elif word != "none":
        hint = nearest(str(word), COST_WORDS)
        findings.add(("costs",), f"costs: found {word!r}; wanted a section, {hint}")
    return None


def _features(values: Mapping[str, Any], findings: _Findings) -> tuple[str, ...] | None:
    from tradewright.features import parse_features

    given = values.get("features")
    if not isinstance(given, list) or not given:
        what = "is missing" if given is None else f"found {given!r}"
        findings.add(("features",), f"features: {what}; wanted a list such as [rsi(14), return(5)]")
        return None
    model = values.get("model")
    levels = isinstance(model, dict) and model.get("allow_levels") is True
    for index, text in enumerate(given):
        path = ("features", index)
        if isinstance(text, str):
            findings.run(path, partial(parse_features, [text], allow_levels=levels))
        else:
            findings.add(path, f"{dotted(path)}: found {text!r}; wanted text")
    return tuple(str(text) for text in given)


def _scalars(values: Mapping[str, Any], findings: _Findings) -> dict[str, Any]:
    out: dict[str, Any] = {}
    kinds: dict[str, tuple[Any, str]] = {
        "name": (str, "text"),
        "description": (str, "text"),
        "benchmark": (str, "text"),
        "currency": (str, "text"),
        "cash": (int | float, "a number"),
        "seed": (int, "a whole number"),
    }
    for key in SCALARS:
        if key not in values:
            continue
        kind, wanted = kinds[key]
        value = values[key]
        if not isinstance(value, kind) or isinstance(value, bool):
            shown = f"{value!r} ({type(value).__name__})"
            findings.add((key,), f"{key}: found {shown}; wanted {wanted}")
        else:
            out[key] = value
    if "name" not in values:
        findings.add((), "'name' is missing")
    if not 0 < out.get("cash", 1) < float("inf"):
        findings.add(("cash",), f"cash: found {out['cash']}; wanted an amount above 0")
    if not 0 <= out.get("seed", 0) < 2**31:
        findings.add(("seed",), f"seed: found {out['seed']}; wanted 0 to 2147483647")
    if "cash" in out:
        out["cash"] = float(out["cash"])
    return out


def _check_sections(built: dict[str, Any], findings: _Findings) -> None:
    from tradewright.forecasts import create_model, model_class

    universe: parts.UniverseSection | None = built.get("universe")
    if universe is not None:
        built["universe"] = findings.run(("universe",), lambda: checked_universe(universe))
    data = built.get("data") or parts.DataSection()
    if (data.source == "file") != (data.path is not None):
        findings.add(("data",), "data.path: give it together with 'source: file', and only then")
    if data.start and data.end and not data.start < data.end:
        findings.add(("data", "end"), f"data.end: {data.end} is not after data.start {data.start}")
    if universe is not None and universe.sample and data.source != "sample":
        findings.add(("universe",), "universe.sample: needs 'source: sample' in data")
    labels = built.get("labels") or parts.LabelSection()
    model = built.get("model") or parts.ModelSection()
    task = labels.settings().task
    made = findings.run(("model", "type"), lambda: model_class(model.type))
    if made is not None and task not in made.tasks:
        findings.add(
            ("model", "type"),
            f"model.type: {model.type} does {' and '.join(made.tasks)}, but "
            f"labels.kind {labels.kind} needs {task}",
        )
    elif made is not None:
        params = {"task": task, **model.params}
        findings.run(("model", "params"), lambda: create_model(model.type, **params))
    for key, check in (("decision", "settings"), ("rules", "settings"), ("costs", "costs")):
        if built.get(key) is not None:
            findings.run((key,), getattr(built[key], check))
    if built.get("validation") is not None:
        findings.run(("validation",), built["validation"].windows)
    _check_name(built, findings)
    benchmark = built.get("benchmark", UNIVERSE)
    if universe is not None and built["universe"] is not None and benchmark != UNIVERSE:
        symbols = (*(built["universe"].symbols or ()), *built["universe"].reference)
        if not universe.sample and benchmark not in symbols:
            findings.add(
                ("benchmark",),
                f"benchmark: {benchmark!r} is not in universe.symbols or universe.reference; "
                f"{nearest(benchmark, [*symbols, UNIVERSE])}",
            )


def _check_name(built: dict[str, Any], findings: _Findings) -> None:
    name = built.get("name")
    if name is None:
        return
    plain = name.replace("-", "").replace("_", "").replace(".", "")
    if not (plain.isascii() and plain.isalnum() and len(name) <= 64) or ".." in name:
        findings.add(
            ("name",), f"name: found {name!r}; wanted up to 64 letters, digits, '-', '_', '.'"
        )


def checked_universe(universe: parts.UniverseSection) -> parts.UniverseSection:
    """Return a universe with canonical symbols, checked for sense.

    Raises
    ------
    ConfigError
        If both or neither of symbols and sample are given, or one instrument would be left.
    """
    if (universe.symbols is None) == (universe.sample is None):
        raise ConfigError("universe: give either symbols or sample")

    def canonical(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(normalise_symbol(name) for name in names))

    symbols = None if universe.symbols is None else canonical(universe.symbols)
    exclude, reference = canonical(universe.exclude), canonical(universe.reference)
    if symbols is not None:
        for name in exclude:
            if name not in symbols:
                raise ConfigError(f"universe.exclude: {name} is not in universe.symbols")
        symbols = tuple(s for s in symbols if s not in exclude)
        if not symbols:
            raise ConfigError("universe: no instrument is left")
    members = universe.members
    if members is not None:
        members = tuple((normalise_symbol(name), first, last) for name, first, last in members)
    return universe.model_copy(
        update={
            "members": members,
            "symbols": symbols,
            "exclude": () if symbols is not None else exclude,
            "reference": tuple(s for s in reference if s not in (symbols or ())),
        }
    )


def page_document(page: StudyPage) -> str:
    """Return the resolved page as canonical JSON text."""
    return json.dumps(page.to_mapping(), sort_keys=True, default=_plain)


def _plain(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} in a study page")

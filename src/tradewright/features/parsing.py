"""Features as text: ``rsi(14)``, ``zscore(volume, 60)``, ``lag(return(1), 1..5)``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import product
from typing import Final

from tradewright.domain.errors import ConfigError
from tradewright.features.registry import build_spec, find
from tradewright.features.specs import FeatureSpec, Number, Role

TECHNICAL_LEVELS: Final = (
    "sma(20)",
    "ema(12)",
    "rsi(14)",
    "macd_line(12, 26, 9)",
    "macd_signal(12, 26, 9)",
    "macd_histogram(12, 26, 9)",
    "bb_upper(20, 2)",
    "bb_lower(20, 2)",
    "bb_width(20, 2)",
    "bb_position(20, 2)",
    "atr(14)",
    "obv",
    "vwap(20)",
)
TECHNICAL_STATIONARY: Final = (
    "close_to_sma(20)",
    "close_to_ema(12)",
    "rsi(14)",
    "macd_line_to_close(12, 26, 9)",
    "macd_signal_to_close(12, 26, 9)",
    "macd_histogram_to_close(12, 26, 9)",
    "bb_upper_gap(20, 2)",
    "bb_lower_gap(20, 2)",
    "bb_width(20, 2)",
    "bb_position(20, 2)",
    "atr_to_close(14)",
    "obv_zscore(60)",
    "close_to_vwap(20)",
)
SETS: Final = {
    "technical_indicators": TECHNICAL_STATIONARY,
    "technical_levels": TECHNICAL_LEVELS,
    "macd": TECHNICAL_LEVELS[3:6],
    "bollinger_bands": TECHNICAL_LEVELS[6:10],
}
STATIONARY_FORM: Final = {
    "sma": "close_to_sma",
    "ema": "close_to_ema",
    "macd_line": "macd_line_to_close",
    "macd_signal": "macd_signal_to_close",
    "macd_histogram": "macd_histogram_to_close",
    "bb_upper": "bb_upper_gap",
    "bb_lower": "bb_lower_gap",
    "atr": "atr_to_close",
    "obv": "obv_zscore",
    "vwap": "close_to_vwap",
}

_TOKEN = re.compile(
    r"\s*(?:(?P<range>-?\d+\.\.-?\d+)|(?P<number>-?\d+\.?\d*(?:[eE][-+]?\d+)?)"
    r"|(?P<name>[A-Za-z_]\w*)|(?P<mark>[(),=]))"
)
_NUMBERED = re.compile(r"^([a-z][a-z_]*)_(\d+)$")

Argument = FeatureSpec | Number
Arguments = list[tuple[str, Argument]]


def parse_features(
    texts: str | Iterable[str | FeatureSpec], *, allow_levels: bool = True
) -> tuple[FeatureSpec, ...]:
    """Read features written as text.

    Parameters
    ----------
    texts : str or iterable of str or FeatureSpec
        Each is a name with its numbers (``rsi(14)``, ``rsi_14``, ``rsi``), a feature of a feature
        (``zscore(volume, 60)``), a range that stands for several (``lag(return(1), 1..5)``) or a
        set (``technical_indicators``: the 13 indicators in stationary form;
        ``technical_levels``: their raw values).
    allow_levels : bool
        Whether raw levels, which depend on the price scale or on the start of the data, pass.

    Returns
    -------
    tuple of FeatureSpec
        In order, each once. ``str(spec)`` reads back as the same spec.

    Raises
    ------
    ConfigError
        If a text cannot be read, a name or number is unknown or out of bounds (the nearest name
        is given), or a level is not allowed.

    Examples
    --------
    >>> [str(spec) for spec in parse_features(["rsi", "lag(return(1), 1..2)"])]
    ['rsi(14)', 'lag(return(1), 1)', 'lag(return(1), 2)']
    """
    found: dict[str, FeatureSpec] = {}
    for text in [texts] if isinstance(texts, str) else texts:
        for spec in [text] if isinstance(text, FeatureSpec) else _Reader(text).read():
            if spec.role == Role.LEVEL and not allow_levels:
                raise ConfigError(_no_level(spec))
            found.setdefault(spec.name, spec)
    return tuple(found.values())


def _no_level(spec: FeatureSpec) -> str:
    other = STATIONARY_FORM.get(spec.definition)
    hint = f"use {other}, or " if other else ""
    return (
        f"feature {spec.name} is a raw level: it depends on the price scale or on the start of "
        f"the data; {hint}set allow_levels: true"
    )


class _Reader:
    """Recursive descent over one text."""

    def __init__(self, text: str) -> None:
        self.text = str(text)
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(self.text.rstrip()):
            match = _TOKEN.match(self.text, at)
            if match is None or match.lastgroup is None:
                raise self.error(f"cannot read {self.text[at:].strip()!r}")
            self.tokens.append((match.lastgroup, match.group(match.lastgroup)))
            at = match.end()
        self.at = 0

    def error(self, what: str) -> ConfigError:
        return ConfigError(
            f"feature {self.text!r}: {what}; wanted a form such as rsi(14), zscore(volume, 60) "
            f"or lag(return(1), 1..5)"
        )

    def read(self) -> Sequence[FeatureSpec]:
        specs = self.expression()
        if self.at < len(self.tokens):
            raise self.error(f"{self.tokens[self.at][1]!r} is too much")
        return specs

    def peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def take(self, kind: str) -> str:
        if self.at >= len(self.tokens) or self.tokens[self.at][0] != kind:
            found = repr(self.peek()) if self.peek() else "the end"
            raise self.error(f"found {found} where a {kind} must stand")
        self.at += 1
        return self.tokens[self.at - 1][1]

    def expression(self) -> list[FeatureSpec]:
        name = self.take("name").lower()
        choices: list[list[tuple[str, Argument]]] = []
        called = self.peek() == "("
        if called:
            self.take("mark")
            while self.peek() != ")":
                choices.append(self.argument())
                if self.peek() == ",":
                    self.take("mark")
                elif self.peek() != ")":
                    raise self.error("a comma or ) is missing")
            self.take("mark")
        if name in SETS and not choices:
            return [s for text in SETS[name] for s in _Reader(text).read()]
        numbered = _NUMBERED.match(name)
        if numbered and not called and find(name, missing_ok=True) is None:
            name = numbered.group(1)
            choices = [[("", int(numbered.group(2)))]]
        return [self.build(name, list(chosen)) for chosen in product(*choices)]

    def argument(self) -> list[tuple[str, Argument]]:
        key = ""
        if self.at + 1 < len(self.tokens) and self.tokens[self.at + 1][1] == "=":
            key = self.take("name")
            self.take("mark")
        kind = self.tokens[self.at][0] if self.at < len(self.tokens) else ""
        if kind == "number":
            text = self.take("number")
            return [(key, int(text) if text.lstrip("-").isdigit() else float(text))]
        if kind == "range":
            low, high = (int(part) for part in self.take("range").split(".."))
            if high < low or high - low > 1000:
                raise self.error(f"range {low}..{high} must rise by at most 1000")
            return [(key, value) for value in range(low, high + 1)]
        return [(key, spec) for spec in self.expression()]

    def build(self, name: str, arguments: Arguments) -> FeatureSpec:
        series = tuple(a for key, a in arguments if isinstance(a, FeatureSpec))
        numbers = [(key, a) for key, a in arguments if not isinstance(a, FeatureSpec)]
        about = find(name).about
        given: dict[str, Number] = {}
        free = [p.name for p in about.parameters]
        for key, value in numbers:
            if not key and not free:
                raise ConfigError(
                    f"feature {self.text!r}: {find(name).signature} takes "
                    f"{len(about.parameters)} number(s), got {len(numbers)}"
                )
            place = key or free[0]
            if place in given:
                raise self.error(f"{place} is given twice")
            given[place] = value
            if place in free:
                free.remove(place)
        return build_spec(name, series, given)

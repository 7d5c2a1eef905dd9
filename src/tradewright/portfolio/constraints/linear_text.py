"""Linear constraints written as text: ``"Tech <= 0.3"``, ``"AAPL - 2*MSFT >= 0"``."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Final

from tradewright.domain.errors import ConfigError, nearest

_RELATION: Final = re.compile(r"<=|>=|==|=")
_TERM: Final = re.compile(
    r"\s*(?P<sign>[+-]?)\s*(?:(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)\s*(?P<times>\*?)\s*)?"
    r"(?P<name>'[^']+'|[A-Za-z_^][\w.^=/]*(?:-[A-Za-z][\w.]*)?)?"
)


def parse_linear(
    text: str, symbols: Sequence[str], groups: Mapping[str, Sequence[str]]
) -> tuple[dict[str, float], float, float]:
    """Read one linear constraint.

    Parameters
    ----------
    text : str
        Terms joined by ``+`` and ``-``, one of ``<= >= ==``, terms again. A term is a number, a
        name, or both (``2*AAPL``, ``0.5 Tech``); a name is a symbol or a group, which stands for
        the sum of its members; one with spaces stands in single quotes.
    symbols : sequence of str
        The instruments.
    groups : mapping of str to sequence of str
        Members of each group.

    Returns
    -------
    coefficients : dict of str to float
        Of each symbol that appears.
    low, high : float
        Bounds of the weighted sum; infinite where there is none.

    Raises
    ------
    ConfigError
        If the text cannot be read or a name is not known; with the place.

    Examples
    --------
    >>> parse_linear("A + 2*Tech <= 0.3", ["A", "B", "C"], {"Tech": ["B", "C"]})
    ({'A': 1.0, 'B': 2.0, 'C': 2.0}, -inf, 0.3)
    """
    relations = _RELATION.findall(text)
    if len(relations) != 1:
        raise ConfigError(f"linear constraint {text!r}: wanted one of <= >= == between two sides")
    left, right = _RELATION.split(text)
    coefficients: dict[str, float] = {}
    constant = 0.0
    for side, sign in ((left, 1.0), (right, -1.0)):
        for name, factor in _terms(side, text):
            if not name:
                constant += sign * factor
                continue
            members = _members(name, text, symbols, groups)
            for symbol in members:
                coefficients[symbol] = coefficients.get(symbol, 0.0) + sign * factor
    coefficients = {symbol: value for symbol, value in coefficients.items() if value}
    if not coefficients:
        raise ConfigError(f"linear constraint {text!r}: no instrument is left in it")
    bound = -constant
    low = bound if relations[0] in {">=", "==", "="} else -math.inf
    high = bound if relations[0] in {"<=", "==", "="} else math.inf
    return coefficients, low, high


def _terms(side: str, text: str) -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = []
    at, rest = 0, side.rstrip()
    while at < len(rest):
        match = _TERM.match(rest, at)
        named = match and (match["number"] or match["name"])
        if not match or not named or (found and not match["sign"]):
            raise ConfigError(f"linear constraint {text!r}: cannot read {rest[at:].strip()!r}")
        if match["times"] and not match["name"]:
            raise ConfigError(f"linear constraint {text!r}: a name is missing after '*'")
        factor = float(match["number"] or 1.0) * (-1.0 if match["sign"] == "-" else 1.0)
        found.append(((match["name"] or "").strip("'"), factor))
        at = match.end()
    if not found:
        raise ConfigError(f"linear constraint {text!r}: one side is empty")
    return found


def _members(
    name: str, text: str, symbols: Sequence[str], groups: Mapping[str, Sequence[str]]
) -> Sequence[str]:
    if name in symbols:
        return [name]
    if name in groups:
        return [symbol for symbol in groups[name] if symbol in symbols]
    hint = nearest(name, [*symbols, *groups])
    raise ConfigError(f"linear constraint {text!r}: {name!r} is no symbol or group; {hint}")

"""Constraints, views and weights as a user writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any, Final

from tradewright.domain.errors import ConfigError, nearest
from tradewright.portfolio.constraints import OptimizationConstraints, parse_linear
from tradewright.portfolio.views import View

_NAMED: Final = re.compile(r"^\s*([a-z_]+)\s*=\s*([^=<>].*)$")
NUMBERS: Final = tuple(
    field.name
    for field in fields(OptimizationConstraints)
    if field.default is not MISSING and field.name != "linear"
)
"""Constraints that take one number."""


def parse_constraints(
    texts: Sequence[str], *, sectors: Mapping[str, str] | None = None
) -> OptimizationConstraints:
    """Read constraints.

    Parameters
    ----------
    texts : sequence of str
        Each ``max_weight=0.2`` (a number of `OptimizationConstraints`), ``AAPL=0.05:0.2`` (bounds
        of one instrument), ``sector_max Energy=0.3`` or linear text such as
        ``"Energy - 2*XOM <= 0.3"``.
    sectors : mapping of str to str, optional
        Sector of each symbol.

    Returns
    -------
    OptimizationConstraints
        Of all texts together.

    Raises
    ------
    ConfigError
        If a text cannot be read.

    Examples
    --------
    >>> found = parse_constraints(["max_weight=0.2", "AAPL=0.05:0.1", "AAPL + MSFT <= 0.3"])
    >>> found.max_weight, found.min_weights, found.linear
    (0.2, {'AAPL': 0.05}, ('AAPL + MSFT <= 0.3',))
    """
    given: dict[str, Any] = {"sectors": dict(sectors or {})}
    linear: list[str] = []
    for text in texts:
        if not _take(text, given):
            linear.append(text)
    return OptimizationConstraints(**given, linear=tuple(linear))


def _take(text: str, given: dict[str, Any]) -> bool:
    # One text into the fields; False where it is a linear constraint.
    sector = re.match(r"^\s*(sector_min|sector_max)\s+(.+?)\s*=\s*(\S+)\s*$", text)
    if sector is not None:
        bounds = given.setdefault(sector[1], {})
        bounds[sector[2]] = _number(sector[3], text)
        return True
    bounds_of_one = re.match(r"^\s*([\w.^-]+)\s*=\s*([\d.]*):([\d.]*)\s*$", text)
    if bounds_of_one is not None:
        name = bounds_of_one[1].upper()
        for which, value in zip(
            ("min_weights", "max_weights"), bounds_of_one.groups()[1:], strict=True
        ):
            if value:
                given.setdefault(which, {})[name] = _number(value, text)
        return True
    named = _NAMED.match(text)
    if named is None:
        return False
    name, value = named[1], named[2].strip()
    if name not in NUMBERS:
        raise ConfigError(f"constraint {text!r}: {name!r} is not known; {nearest(name, NUMBERS)}")
    number = _number(value, text)
    given[name] = int(number) if name in {"min_positions", "max_positions"} else number
    return True


def _number(value: str, text: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise ConfigError(f"{text!r}: {value!r} is no number") from None


def parse_views(texts: Sequence[str], symbols: Sequence[str]) -> tuple[View, ...]:
    """Read views of ``black_litterman``.

    Parameters
    ----------
    texts : sequence of str
        Each ``AAPL = 0.10`` or ``AAPL - MSFT = 0.02 @ 0.7``: a portfolio, its expected excess
        return a year and, after ``@``, a confidence in (0, 1].
    symbols : sequence of str
        Instruments that may be named.

    Returns
    -------
    tuple of View
        In order.

    Raises
    ------
    ConfigError
        If a text cannot be read or names an unknown instrument.

    Examples
    --------
    >>> parse_views(["A - B = 0.02 @ 0.7"], ["A", "B"])[0].portfolio
    {'A': 1.0, 'B': -1.0}
    """
    views = []
    for text in texts:
        opinion, _, sure = text.partition("@")
        if re.search(r"[<>]", opinion):
            raise ConfigError(f"view {text!r}: wanted a portfolio, '=' and a return")
        portfolio, value, _ = parse_linear(opinion, symbols, {})
        confidence = _number(sure.strip(), text) if sure.strip() else None
        views.append(View(portfolio=portfolio, value=value, confidence=confidence))
    return tuple(views)


def parse_weights(text: str) -> dict[str, float] | None:
    """Read weights such as ``AAPL=0.5,MSFT=0.3``; None of empty text.

    Raises
    ------
    ConfigError
        If a part is no ``SYMBOL=NUMBER``.

    Examples
    --------
    >>> parse_weights("aapl=0.5, MSFT=0.3")
    {'AAPL': 0.5, 'MSFT': 0.3}
    """
    found: dict[str, float] = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        name, sign, value = part.partition("=")
        if not sign or not name.strip():
            raise ConfigError(f"weights {part!r}: wanted SYMBOL=NUMBER")
        found[name.strip().upper()] = _number(value.strip(), part)
    return found or None

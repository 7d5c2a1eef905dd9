"""The strategies that can be run by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tradewright.domain.errors import ConfigError, nearest
from tradewright.strategies.allocation import Allocation
from tradewright.strategies.protocol import Strategy
from tradewright.strategies.reference import BuyAndHold, MeanReversion, MomentumTopN, SmaCross


@dataclass(frozen=True, slots=True)
class StrategyInfo:
    """A strategy that can be run by name.

    Parameters
    ----------
    factory : callable
        Makes the strategy from its parameters.
    parameters : mapping of str to value
        Names and defaults.
    doc : str
        First line of its documentation.
    """

    factory: Callable[..., Strategy]
    parameters: Mapping[str, Any]
    doc: str


def catalogue() -> dict[str, StrategyInfo]:
    """Return the strategies that can be run by name, sorted.

    Examples
    --------
    >>> sorted(catalogue())
    ['allocation', 'buy_and_hold', 'mean_reversion', 'momentum_top_n', 'sma_cross']
    """
    found = {}
    for factory in (Allocation, BuyAndHold, MeanReversion, MomentumTopN, SmaCross):
        signature = inspect.signature(factory)
        defaults = {name: p.default for name, p in signature.parameters.items()}
        doc = inspect.getdoc(factory) or ""
        found[factory.name] = StrategyInfo(factory, defaults, doc.split("\n", 1)[0])
    return found


def create_strategy(name: str, **parameters: Any) -> Strategy:
    """Make a strategy of the catalogue.

    Parameters
    ----------
    name : str
        Its name.
    **parameters
        What differs from the defaults.

    Returns
    -------
    Strategy
        New, with no state.

    Raises
    ------
    ConfigError
        If the name or a parameter is unknown, with the nearest one, or a value is out of range.

    Examples
    --------
    >>> create_strategy("sma_cross", fast=5, slow=20).parameters["fast"]
    5
    """
    known = catalogue()
    if name not in known:
        raise ConfigError(f"strategy {name!r} is not known; {nearest(name, known)}")
    info = known[name]
    for key in parameters:
        if key not in info.parameters:
            hint = nearest(key, info.parameters)
            raise ConfigError(f"strategy {name}: parameter {key!r} is not known; {hint}")
    try:
        return info.factory(**parameters)
    except TypeError as error:
        raise ConfigError(f"strategy {name}: {error}") from error

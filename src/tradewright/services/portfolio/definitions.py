"""Portfolios that were created: their terms, kept for good."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tradewright.domain.errors import ConfigError, NoDataError, nearest
from tradewright.domain.instruments import normalise_symbol
from tradewright.portfolio.rebalancing import RebalancingConfig

if TYPE_CHECKING:
    from tradewright.services.workspace import Workspace
    from tradewright.strategies import PortfolioTerms

STREAM: Final = "portfolios"
CREATED: Final = "created"
PREFIX: Final = "portfolio:"
"""A paper source that begins so is a portfolio by name."""
_NAME: Final = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """What was asked for when a portfolio was created.

    Parameters
    ----------
    name : str
        Letters, digits, ``-`` and ``_``; at most 64.
    symbols : tuple of str
        Instruments it may hold.
    initial_balance : float
        Cash at the start, in the base currency.
    optimization_method : str
        One of the twelve of `portfolio.optimisation`.
    window, estimate_bars, max_weight, lot_method
        See `strategies.PortfolioTerms`.
    rebalancing : mapping
        Fields of `RebalancingConfig`.
    created_ns : int
        UTC nanoseconds.
    """

    name: str
    symbols: tuple[str, ...]
    initial_balance: float
    optimization_method: str
    window: int = 252
    estimate_bars: int = 21
    max_weight: float = 0.2
    lot_method: str = "fifo"
    rebalancing: Mapping[str, Any] = field(default_factory=dict)
    created_ns: int = 0

    def terms(self, workspace: Workspace) -> PortfolioTerms:
        """Return the terms as the strategy takes them, under the account's limits.

        Raises
        ------
        ConfigError
            If a value is out of its range.
        """
        from tradewright.costs import Costs
        from tradewright.strategies import PortfolioTerms

        return PortfolioTerms(
            method=self.optimization_method,
            window=self.window,
            estimate_bars=self.estimate_bars,
            max_weight=self.max_weight,
            rebalancing=RebalancingConfig(**self.rebalancing),
            largest_order=workspace.account.order_limit("paper"),
            costs=Costs.standard(),
            taxes=workspace.taxes,
            lot_method=self.lot_method,
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as values that JSON can hold."""
        return {**asdict(self), "symbols": list(self.symbols), "rebalancing": {**self.rebalancing}}

    @classmethod
    def from_json(cls, payload: Mapping[str, Any]) -> Portfolio:
        """Read what `to_json` gave."""
        return cls(**{**payload, "symbols": tuple(payload["symbols"])})


class Portfolios:
    """The portfolios of a data directory; none is ever changed.

    Parameters
    ----------
    workspace : Workspace
        Journal and clock.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def every(self) -> list[Portfolio]:
        """Return all portfolios, oldest first."""
        rows = self._workspace.journal.read(STREAM)
        return [Portfolio.from_json(row.payload) for row in rows if row.kind == CREATED]

    def get(self, name: str) -> Portfolio:
        """Return a portfolio by name; ``latest`` is the newest.

        Raises
        ------
        NoDataError
            If there is none, naming the nearest.
        """
        known = self.every()
        if not known:
            raise NoDataError(
                "no portfolio was created yet; create one: tradewright portfolio create"
            )
        if name == "latest":
            return known[-1]
        for portfolio in known:
            if portfolio.name == name:
                return portfolio
        names = [portfolio.name for portfolio in known]
        raise NoDataError(f"portfolio {name!r} is not known; {nearest(name, names)}")

    def create(self, wanted: Portfolio) -> Portfolio:
        """Keep a new portfolio; durable on return.

        Raises
        ------
        ConfigError
            If a value is out of its range or the name is taken.
        """
        names = {portfolio.name for portfolio in self.every()}
        if not _NAME.match(wanted.name):
            raise ConfigError(
                f"portfolio name {wanted.name!r}: wanted 1 to 64 letters, digits, - or _"
            )
        if wanted.name in names or wanted.name == "latest":
            raise ConfigError(f"portfolio {wanted.name!r} exists already; choose another name")
        wanted.terms(self._workspace)
        payload = wanted.to_json()
        self._workspace.journal.append(STREAM, [(CREATED, wanted.created_ns, payload)])
        return wanted

    def free_name(self) -> str:
        """Return a name that is not taken: ``portfolio-1`` and so on."""
        names = {portfolio.name for portfolio in self.every()}
        number = len(names) + 1
        while f"portfolio-{number}" in names:
            number += 1
        return f"portfolio-{number}"


def checked_symbols(symbols: Sequence[str]) -> tuple[str, ...]:
    """Return symbols in their canonical form.

    Raises
    ------
    ConfigError
        If there are none, more than 100, one is no symbol or is named twice.
    """
    from tradewright.domain.errors import DataError

    try:
        names = tuple(normalise_symbol(symbol) for symbol in symbols)
    except DataError as error:
        raise ConfigError(f"portfolio symbols: {error}") from error
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"portfolio symbols: {twice[0]} is named twice")
    if not 1 <= len(names) <= 100:
        raise ConfigError(f"portfolio symbols: {len(names)} named, wanted 1 to 100")
    return names

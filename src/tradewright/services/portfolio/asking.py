"""What a user asks of the optimiser, in words, becomes a request over bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tradewright.portfolio.constraints import PortfolioLimits
from tradewright.portfolio.covariance import EstimationSettings
from tradewright.portfolio.optimisation import MethodInputs, parse_method
from tradewright.services.portfolio.optimising import PortfolioRequest
from tradewright.services.portfolio.wishes import parse_constraints, parse_views

if TYPE_CHECKING:
    from tradewright.services.results.named import DataChoice
    from tradewright.services.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """An optimisation as a command line or a request body words it.

    Parameters
    ----------
    method : str
        One of the twelve.
    stack : sequence of str
        Methods mixed by cross-validation instead.
    constraints, views : sequence of str
        See `parse_constraints` and `parse_views`.
    current, market : mapping of str to float, optional
        Weights held now, and of the market.
    risk_tolerance : float, optional
        For ``mean_variance``.
    risk_free_rate : float
        A year.
    limited : bool
        Whether the limits of the whole portfolio are in force.
    estimation : mapping
        Fields of `EstimationSettings` that differ from the defaults.
    """

    method: str = "maximum_sharpe"
    stack: Sequence[str] = ()
    constraints: Sequence[str] = ()
    views: Sequence[str] = ()
    current: Mapping[str, float] | None = None
    market: Mapping[str, float] | None = None
    risk_tolerance: float | None = None
    risk_free_rate: float = 0.02
    limited: bool = True
    estimation: Mapping[str, Any] = field(default_factory=dict)


def open_request(
    workspace: Workspace, question: Question, choice: DataChoice | None = None
) -> PortfolioRequest:
    """Read the bars and the words of a question.

    Parameters
    ----------
    workspace : Workspace
        Holds the bar store.
    question : Question
        What is asked.
    choice : DataChoice, optional
        Which bars; those of the store, or the embedded sample where nothing is stored.

    Returns
    -------
    PortfolioRequest
        Ready for `optimise`, `compare_methods` and `trace`.

    Raises
    ------
    ConfigError
        If a word cannot be read.
    NoDataError
        If a symbol has no bars.
    """
    from tradewright.services.catalogues import sector_of_symbol
    from tradewright.services.results.named import open_bars

    parse_method(question.method)
    bars = open_bars(workspace, choice or default_choice(workspace))
    sectors = {s: n for s, n in sector_of_symbol().items() if s in bars.symbols}
    return PortfolioRequest(
        bars=bars,
        method=question.method,
        stack=question.stack,
        constraints=parse_constraints(question.constraints, sectors=sectors),
        estimation=EstimationSettings(**question.estimation),
        inputs=MethodInputs(
            views=parse_views(question.views, bars.symbols),
            market_weights=question.market,
            risk_tolerance=question.risk_tolerance,
        ),
        current=question.current,
        risk_free_rate=question.risk_free_rate,
        limits=PortfolioLimits() if question.limited else None,
    )


def default_choice(workspace: Workspace, symbols: Sequence[str] = ()) -> DataChoice:
    """Return daily bars of the store, or the embedded sample where nothing is stored."""
    from tradewright.services.results.named import SAMPLE, STORE, DataChoice

    stored = bool(workspace.bars.list_series())
    return DataChoice(STORE if stored else SAMPLE, tuple(symbols))

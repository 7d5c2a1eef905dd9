"""Every operation of the interface; written from the OpenAPI document, do not edit."""

from tradewright.client.operations.jobs import JobsOperations
from tradewright.client.operations.market_data import MarketDataOperations
from tradewright.client.operations.paper import PaperOperations
from tradewright.client.operations.portfolio import PortfolioOperations
from tradewright.client.operations.risk import RiskOperations
from tradewright.client.operations.runs import RunsOperations
from tradewright.client.operations.studies import StudiesOperations
from tradewright.client.operations.sweeps import SweepsOperations
from tradewright.client.operations.system import SystemOperations


class Operations(
    JobsOperations,
    MarketDataOperations,
    PaperOperations,
    PortfolioOperations,
    RiskOperations,
    RunsOperations,
    StudiesOperations,
    SweepsOperations,
    SystemOperations,
):
    """The operations of all groups."""

"""A typed client of the REST and WebSocket interface; it knows the interface, not the program.

Its methods and types are written from the OpenAPI document by ``tradewright.client.writing``.
"""

from tradewright.client.errors import ApiError
from tradewright.client.trading import Client, TradingAPIClient

__all__ = ["ApiError", "Client", "TradingAPIClient"]

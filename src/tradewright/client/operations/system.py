"""Operations on system; written from the OpenAPI document, do not edit."""

from __future__ import annotations

from tradewright.client.shapes.system import Health
from tradewright.client.transport import Transport


class SystemOperations(Transport):
    """Operations on system."""

    def get_health(self) -> Health:
        """Read each store once; a part that fails is named, and the status is degraded.

        ``GET /api/v1/health``

        Returns
        -------
        Health
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: Health = self._call("GET", "/api/v1/health")
        return found

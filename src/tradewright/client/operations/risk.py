"""Operations on risk; written from the OpenAPI document, do not edit."""

from __future__ import annotations

from tradewright.client.shapes.risk import (
    LimitsBody,
    RiskAlertBody,
    RiskAlertEnd,
    RiskAlertRow,
    RiskChange,
    RiskEventRow,
    RiskOrder,
    RiskRelease,
    RiskReport,
    RiskStatus,
    StoredLimitsDocument,
)
from tradewright.client.transport import Transport


class RiskOperations(Transport):
    """Operations on risk."""

    def get_risk(self) -> RiskStatus:
        """Return what is halted and why, and how far the paper account is from its limits.

        ``GET /api/v1/risk``

        Returns
        -------
        RiskStatus
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: RiskStatus = self._call("GET", "/api/v1/risk")
        return found

    def list_risk_events(self) -> list[RiskEventRow]:
        """What stopped trading.

        Return the halts, reductions and releases on the record, newest first, at most 100.
        Warnings, breaches and denied orders come on the live stream as they happen.

        ``GET /api/v1/risk/events``

        Returns
        -------
        list[RiskEventRow]
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: list[RiskEventRow] = self._call("GET", "/api/v1/risk/events")
        return found

    def get_risk_report(
        self,
        *,
        run: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        level: float | None = None,
        horizon: int | None = None,
        window: int | None = None,
    ) -> RiskReport:
        """Return measures, their record, contributions, stress, limits and halts.

        ``GET /api/v1/risk/report``

        Parameters
        ----------
        run : str
            Run; latest unless given.
        from_ : str | None
            From.
        to : str | None
            To.
        level : float
            Level; 0.95 unless given.
        horizon : int
            Horizon; 1 unless given.
        window : int
            Window; 500 unless given.

        Returns
        -------
        RiskReport
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: RiskReport = self._call(
            "GET",
            "/api/v1/risk/report",
            query={
                "run": run,
                "from": from_,
                "to": to,
                "level": level,
                "horizon": horizon,
                "window": window,
            },
        )
        return found

    def halt_trading(self, body: RiskOrder) -> RiskChange:
        """Cancel what works and send nothing until the scope is released.

        ``POST /api/v1/risk/halt``

        Parameters
        ----------
        body : RiskOrder
            What is asked, as JSON.

        Returns
        -------
        RiskChange
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: RiskChange = self._call("POST", "/api/v1/risk/halt", body=body)
        return found

    def reduce_trading(self, body: RiskOrder) -> RiskChange:
        """Refuse entries; exits and stops stay.

        ``POST /api/v1/risk/reduce``

        Parameters
        ----------
        body : RiskOrder
            What is asked, as JSON.

        Returns
        -------
        RiskChange
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: RiskChange = self._call("POST", "/api/v1/risk/reduce", body=body)
        return found

    def flatten_trading(self, body: RiskOrder) -> RiskChange:
        """Close everything the scope holds, then halt it.

        ``POST /api/v1/risk/flatten``

        Parameters
        ----------
        body : RiskOrder
            What is asked, as JSON.

        Returns
        -------
        RiskChange
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: RiskChange = self._call("POST", "/api/v1/risk/flatten", body=body)
        return found

    def rearm_trading(self, body: RiskRelease) -> RiskChange:
        """Release a scope; refused where the books are not clean.

        ``POST /api/v1/risk/rearm``

        Parameters
        ----------
        body : RiskRelease
            What is asked, as JSON.

        Returns
        -------
        RiskChange
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: RiskChange = self._call("POST", "/api/v1/risk/rearm", body=body)
        return found

    def get_limits(self) -> StoredLimitsDocument:
        """Return the limits of everything that runs, with who changed them and why.

        ``GET /api/v1/risk/limits``

        Returns
        -------
        StoredLimitsDocument
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: StoredLimitsDocument = self._call("GET", "/api/v1/risk/limits")
        return found

    def change_limits(self, body: LimitsBody) -> StoredLimitsDocument:
        """Store a new version, in force at once; loosening may need a second person.

        ``POST /api/v1/risk/limits``

        Parameters
        ----------
        body : LimitsBody
            What is asked, as JSON.

        Returns
        -------
        StoredLimitsDocument
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: StoredLimitsDocument = self._call("POST", "/api/v1/risk/limits", body=body)
        return found

    def raise_risk_alert(self, body: RiskAlertBody) -> RiskAlertRow:
        """Scale the limits of a scope, or let it only shrink, because of an alert.

        ``POST /api/v1/risk/alerts``

        Parameters
        ----------
        body : RiskAlertBody
            What is asked, as JSON.

        Returns
        -------
        RiskAlertRow
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: RiskAlertRow = self._call("POST", "/api/v1/risk/alerts", body=body)
        return found

    def clear_risk_alert(self, body: RiskAlertEnd) -> RiskAlertRow:
        """End an alert; what it reduced is released after 60 s.

        ``POST /api/v1/risk/alerts/clear``

        Parameters
        ----------
        body : RiskAlertEnd
            What is asked, as JSON.

        Returns
        -------
        RiskAlertRow
            The server's answer.

        Raises
        ------
        ApiError
            If the server refuses.
        TransientEdgeError
            If it is not there.
        """
        found: RiskAlertRow = self._call("POST", "/api/v1/risk/alerts/clear", body=body)
        return found

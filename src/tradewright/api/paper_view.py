"""From the paper account to what the API says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from tradewright.api.paper_schemas import (
    FlattenResult,
    PaperEquity,
    PaperFill,
    PaperOrder,
    PaperPosition,
    PaperSourceRow,
    PaperStartBody,
    PaperStatus,
)
from tradewright.api.schemas import moment
from tradewright.domain.errors import RefusedError
from tradewright.services.catalogues import reference_strategies

if TYPE_CHECKING:
    from tradewright.services.paper import PaperTrading
    from tradewright.services.workspace import Workspace

ACTIVE: Final = frozenset({"STARTING", "RUNNING", "PAUSED"})
MOST_ROWS: Final = 200
"""Orders and fills in a snapshot of the live stream; REST has the rest."""

_IDLE: Final[dict[str, Any]] = {
    "state": "IDLE",
    "feed": "REPLAY",
    "session_id": None,
    "name": "",
    "source": "",
    "speed": None,
    "currency": "USD",
    "initial_cash": "0",
    "cash": "0",
    "equity": "0",
    "profit": "0",
    "return": None,
    "exposure": None,
    "positions": 0,
    "open_orders": 0,
    "tape_at": None,
    "tape_start": None,
    "tape_end": None,
    "progress": None,
    "started_at": None,
    "message": "",
}


def status_of(paper: PaperTrading) -> PaperStatus:
    """Return what the account does; IDLE when nothing was ever started."""
    return PaperStatus.model_validate({**_IDLE, **(paper.status() or {})})


def is_active(paper: PaperTrading) -> bool:
    """Return whether a session trades or is paused."""
    return status_of(paper).state in ACTIVE


def positions_of(paper: PaperTrading) -> list[PaperPosition]:
    """Return what is held, largest first."""
    return [PaperPosition.model_validate(row) for row in paper.positions()]


def orders_of(paper: PaperTrading) -> list[PaperOrder]:
    """Return the orders, newest first."""
    return [PaperOrder.model_validate(row) for row in paper.orders()]


def fills_of(paper: PaperTrading) -> list[PaperFill]:
    """Return the executions, newest first."""
    return [PaperFill.model_validate(row) for row in paper.fills()]


def equity_of(paper: PaperTrading) -> PaperEquity:
    """Return the equity at each bar played, as columns."""
    rows = list(paper.equity())
    return PaperEquity(
        currency=status_of(paper).currency,
        times=[row["at"] for row in rows],
        equity=[float(row["equity"]) for row in rows],
        cash=[float(row["cash"]) for row in rows],
    )


def start(paper: PaperTrading, body: PaperStartBody) -> PaperStatus:
    """Begin a session.

    Raises
    ------
    RefusedError
        If one runs already.
    """
    if is_active(paper):
        raise RefusedError("a paper session runs already; stop it first")
    replay = None
    if body.replay_from or body.replay_to:
        replay = f"{body.replay_from or ''}:{body.replay_to or ''}"
    paper.start(body.source, cash=str(body.cash), speed=body.speed, replay=replay)
    return status_of(paper)


def end(paper: PaperTrading) -> None:
    """End the session of this process in order, because the process ends; no other one."""
    paper.close("the server was stopped")


def sources_of(workspace: Workspace) -> list[PaperSourceRow]:
    """Return what can be traded: finished runs of studies, then the reference strategies."""
    runs = [
        PaperSourceRow(
            source=row.run_id,
            name=row.name,
            kind="run",
            description=f"{row.verdict}, {moment(row.created_ns)[:10]}",
        )
        for row in workspace.runs.list_runs(kind="study", limit=50)
        if str(row.status) == "COMPLETED"
    ]
    rules = [
        PaperSourceRow(source=name, name=name, kind="strategy", description=text)
        for name, text in reference_strategies().items()
    ]
    return [*runs, *rules]


def flatten(paper: PaperTrading, reason: str) -> FlattenResult:
    """Cancel the orders, close the positions, and say how many of each."""
    before = status_of(paper)
    paper.flatten(reason)
    return FlattenResult(
        status=status_of(paper),
        cancelled_orders=before.open_orders,
        closing_positions=before.positions,
    )


def snapshots(paper: PaperTrading) -> dict[str, Callable[[], Any]]:
    """Return for each topic of the live stream what REST would answer now."""

    def dump(rows: list[Any]) -> list[Any]:
        return [row.model_dump(mode="json", by_alias=True) for row in rows[:MOST_ROWS]]

    return {
        "paper.status": lambda: status_of(paper).model_dump(mode="json", by_alias=True),
        "paper.position": lambda: dump(list(positions_of(paper))),
        "paper.order": lambda: dump(list(orders_of(paper))),
        "paper.fill": lambda: dump(list(fills_of(paper))),
        "signals": lambda: paper.told()["signals"],
        "portfolio.rebalance": lambda: paper.told()["alerts"],
        "paper.equity": lambda: equity_of(paper).model_dump(mode="json"),
    }


_MODEL_OF: Final[dict[str, type[BaseModel]]] = {
    "paper.status": PaperStatus,
    "paper.position": PaperPosition,
    "paper.order": PaperOrder,
    "paper.fill": PaperFill,
}


def message_of(topic: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return a notice of the account in the form REST gives the same thing."""
    if topic == "paper.equity":
        values = {name: float(payload[name]) for name in ("equity", "cash")}
        return {"points": [{"at": payload["at"], **values}]}
    model = _MODEL_OF.get(topic)
    if model is None:
        return dict(payload)
    filled = {**_IDLE, **payload} if topic == "paper.status" else dict(payload)
    found: dict[str, Any] = model.model_validate(filled).model_dump(mode="json", by_alias=True)
    return found

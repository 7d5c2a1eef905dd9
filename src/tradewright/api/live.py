"""The live stream: snapshot, then changes in order, for every connected page."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Annotated, Any, Final, Literal

from fastapi import WebSocket, WebSocketDisconnect
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from tradewright.api.gate import API_VERSION
from tradewright.api.schemas import moment
from tradewright.domain.errors import TradewrightError
from tradewright.ports.clock import Clock
from tradewright.ports.event_bus import EventBus

TYPE_OF: Final = {
    "paper.status": "system_status",
    "paper.equity": "portfolio_update",
    "paper.position": "position_update",
    "paper.order": "order_update",
    "paper.fill": "fill",
    "signals": "signal_generated",
    "portfolio.rebalance": "portfolio_rebalanced",
    "risk": "risk_update",
    "risk.event": "risk_update",
    "jobs": "job_update",
}
"""Topic to type of message."""

NEWEST_ONLY: Final = {
    "paper.status": "",
    "paper.equity": "",
    "paper.position": "symbol",
    "risk": "",
}
"""Topics where an unsent older message is replaced, by the field that tells things apart; points
of a series are joined instead."""

MOST_POINTS: Final = 5_000
"""Points of a series held for a slow reader."""

GOING_AWAY, POLICY, SLOW, TOO_MANY = 1012, 1008, 4409, 4429
ERRORS_A_MINUTE: Final = 20


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Subscribe(_Message):
    """Ask for topics; ``paper.*`` is every topic of the paper account."""

    type: Literal["subscribe"]
    topics: Annotated[
        list[Annotated[str, Field(max_length=64)]], Field(min_length=1, max_length=32)
    ]
    id: Annotated[str | None, Field(max_length=64)] = None


class Unsubscribe(_Message):
    """End topics."""

    type: Literal["unsubscribe"]
    topics: Annotated[
        list[Annotated[str, Field(max_length=64)]], Field(min_length=1, max_length=32)
    ]
    id: Annotated[str | None, Field(max_length=64)] = None


class Ping(_Message):
    """Ask for a sign of life."""

    type: Literal["ping"]
    id: Annotated[str | None, Field(max_length=64)] = None


_CLIENT: TypeAdapter[Subscribe | Unsubscribe | Ping] = TypeAdapter(
    Annotated[Subscribe | Unsubscribe | Ping, Field(discriminator="type")]
)
Snapshot = Callable[[], Any]
Translate = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]


class Outbox:
    """Messages waiting for one reader: gauges are replaced, events are kept up to a bound.

    Parameters
    ----------
    size : int
        Most events held.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._events: deque[dict[str, Any]] = deque()
        self._gauges: OrderedDict[tuple[str, str], dict[str, Any]] = OrderedDict()
        self._seq: dict[str, int] = {}
        self._held: dict[str, list[dict[str, Any]]] = {}
        self._waiting = asyncio.Event()
        self.overflowed = False

    def open_topic(self, topic: str) -> None:
        """Begin a topic; its changes are held back until its snapshot is there."""
        self._seq.setdefault(topic, 0)
        self._held.setdefault(topic, [])
        self._forget_gauges(topic)  # the snapshot is newer than what waits

    def put_snapshot(self, topic: str, message: dict[str, Any]) -> None:
        """Queue the snapshot of a topic, and behind it the changes held back for it."""
        held = self._held.pop(topic, [])
        self.put_control(message)
        for change in held:
            self.put(topic, change)

    def drop_topic(self, topic: str) -> None:
        """Forget a topic and what waits of it."""
        self._seq.pop(topic, None)
        self._held.pop(topic, None)
        self._events = deque(item for item in self._events if item.get("topic") != topic)
        self._forget_gauges(topic)

    def _forget_gauges(self, topic: str) -> None:
        for key in [key for key in self._gauges if key[0] == topic]:
            del self._gauges[key]

    @property
    def topics(self) -> list[str]:
        """Topics of this reader."""
        return list(self._seq)

    def put_control(self, message: dict[str, Any]) -> None:
        """Queue an answer to the reader."""
        if len(self._events) >= self._size:
            self.overflowed = True
        else:
            self._events.append(message)
        self._waiting.set()

    def put(self, topic: str, message: dict[str, Any]) -> None:
        """Queue a change of a topic this reader asked for; others are ignored."""
        if topic not in self._seq or self.overflowed:
            return
        key = _replaces(topic, message["data"])
        if topic in self._held:
            self._held[topic].append(message)
            self.overflowed = len(self._held[topic]) > self._size
        elif key is not None:
            before = self._gauges.get((topic, key))
            if before and "points" in before["data"]:
                points = before["data"]["points"] + message["data"]["points"]
                message["data"] = {"points": points[-MOST_POINTS:]}
            self._gauges[(topic, key)] = message
        elif len(self._events) >= self._size:
            self.overflowed = True
        else:
            self._events.append(message)
        self._waiting.set()

    async def take(self) -> list[dict[str, Any]]:
        """Wait for messages and return them all, numbered; events before gauges."""
        await self._waiting.wait()
        self._waiting.clear()
        batch = [*self._events, *self._gauges.values()]
        self._events.clear()
        self._gauges.clear()
        for message in batch:
            topic = message.get("topic")
            if topic in self._seq:
                self._seq[topic] += 1
                message["seq"] = self._seq[topic]
        return batch


def _replaces(topic: str, data: Mapping[str, Any]) -> str | None:
    """Return what an unsent message of this topic may be replaced by, None for never."""
    if topic in NEWEST_ONLY:
        field = NEWEST_ONLY[topic]
        return str(data.get(field, "")) if field else ""
    if topic == "jobs" and data.get("status") == "RUNNING":
        return str(data.get("job_id"))
    return None


class LiveHub:
    """Every open stream of this server.

    Parameters
    ----------
    bus : EventBus
        Source of the changes; may publish from any thread.
    clock : Clock
        Source of the times.
    snapshots : mapping of str to callable
        For each topic, what REST would answer now.
    translate : callable
        ``translate(topic, payload)`` returns a notice in the form REST gives the same thing.
    max_connections, queue_size : int
        Bounds; one more connection is refused, a slower reader is closed.
    heartbeat_s : float
        Seconds of silence before a sign of life is sent.
    """

    def __init__(
        self,
        bus: EventBus,
        clock: Clock,
        snapshots: Mapping[str, Snapshot],
        *,
        translate: Translate = lambda _topic, payload: payload,
        max_connections: int = 20,
        queue_size: int = 1000,
        heartbeat_s: float = 30.0,
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._snapshots = snapshots
        self._translate = translate
        self._max_connections = max_connections
        self._queue_size = queue_size
        self._heartbeat_s = heartbeat_s
        self._outboxes: dict[WebSocket, Outbox] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: Callable[[], None] | None = None
        self._closing = False

    def start(self) -> None:
        """Listen to the bus; called on the server's loop."""
        self._loop = asyncio.get_running_loop()
        self._end = self._bus.subscribe("*", self._on_notice)

    async def stop(self) -> None:
        """Tell every page that the server goes away and close."""
        self._closing = True
        if self._end:
            self._end()
        for socket in list(self._outboxes):
            with suppress(RuntimeError, WebSocketDisconnect):
                await socket.close(GOING_AWAY, "server is stopping")

    @property
    def connections(self) -> int:
        """Open streams."""
        return len(self._outboxes)

    async def serve(self, socket: WebSocket) -> None:
        """Run one stream until either side ends it."""
        await socket.accept()
        if len(self._outboxes) >= self._max_connections or self._closing:
            await socket.close(TOO_MANY, f"{self._max_connections} streams are open already")
            return
        outbox = Outbox(self._queue_size)
        self._outboxes[socket] = outbox
        outbox.put_control(
            {
                "type": "connection_established",
                "ts": self._now(),
                "data": {
                    "connection_id": secrets.token_hex(6),
                    "user": "local",
                    "server_time": self._now(),
                    "heartbeat_s": self._heartbeat_s,
                    "version": API_VERSION,
                },
            }
        )
        writer = asyncio.create_task(self._write(socket, outbox))
        reader = asyncio.create_task(self._read(socket, outbox))
        try:
            await asyncio.wait({writer, reader}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._outboxes.pop(socket, None)
            for task in (writer, reader):
                task.cancel()
            await asyncio.gather(writer, reader, return_exceptions=True)

    async def _write(self, socket: WebSocket, outbox: Outbox) -> None:
        while True:
            try:
                batch = await asyncio.wait_for(outbox.take(), self._heartbeat_s)
            except TimeoutError:
                batch = [{"type": "ping", "ts": self._now()}]
            for message in batch:
                await socket.send_text(json.dumps(message, allow_nan=False, default=str))
            if outbox.overflowed:
                how = "subscribe again for a new snapshot"
                gap = {"type": "gap", "ts": self._now(), "data": {"how": how}}
                await socket.send_text(json.dumps(gap))
                await socket.close(SLOW, "slow consumer")
                return

    async def _read(self, socket: WebSocket, outbox: Outbox) -> None:
        faults: deque[float] = deque(maxlen=ERRORS_A_MINUTE)
        while True:
            try:
                text = await socket.receive_text()
            except (WebSocketDisconnect, RuntimeError):
                return
            except KeyError:  # a binary frame has no text
                text = ""
            try:
                message = _CLIENT.validate_json(text)
            except ValidationError as error:
                self._say_error(outbox, error, text)
                faults.append(time.monotonic())
                if len(faults) == ERRORS_A_MINUTE and faults[-1] - faults[0] < 60:
                    await socket.close(POLICY, "too many invalid messages")
                    return
                continue
            await self._answer(outbox, message)

    async def _answer(self, outbox: Outbox, message: Subscribe | Unsubscribe | Ping) -> None:
        if isinstance(message, Ping):
            data = {"server_time": self._now()}
            outbox.put_control({"type": "pong", "id": message.id, "ts": self._now(), "data": data})
            return
        known, unknown = _expand(message.topics)
        for topic in unknown:
            detail = f"topic {topic!r} does not exist; known: {', '.join(TYPE_OF)}, paper.*"
            outbox.put_control(self._error("unknown_topic", detail, message.id))
        if isinstance(message, Unsubscribe):
            for topic in known:
                outbox.drop_topic(topic)
            done = "unsubscribed"
        else:
            done = "subscribed"
        outbox.put_control({"type": done, "id": message.id, "ts": self._now(), "topics": known})
        if isinstance(message, Subscribe):
            for topic in known:
                await self._snapshot(outbox, topic, message.id)

    async def _snapshot(self, outbox: Outbox, topic: str, ref: str | None) -> None:
        # Changes made while the snapshot is read follow it; they are whole values, so that one
        # which the snapshot holds already changes nothing.
        outbox.open_topic(topic)
        try:
            data = await asyncio.to_thread(self._snapshots[topic])
        except TradewrightError as error:
            outbox.drop_topic(topic)
            outbox.put_control(self._error("snapshot_failed", type(error).__name__, ref))
            return
        message = {"type": "snapshot", "topic": topic, "ts": self._now(), "data": data}
        outbox.put_snapshot(topic, message)

    def _say_error(self, outbox: Outbox, error: ValidationError, text: str) -> None:
        first = error.errors()[0]
        unknown = first["type"] == "union_tag_invalid"
        where = ".".join(str(part) for part in first["loc"]) or "message"
        with suppress(ValueError):
            ref = json.loads(text)
            ref = ref.get("id") if isinstance(ref, dict) else None
            ref = ref if isinstance(ref, str) else None
            code = "unknown_type" if unknown else "invalid_message"
            outbox.put_control(self._error(code, f"{where}: {first['msg']}", ref))
            return
        outbox.put_control(self._error("invalid_message", "not valid JSON", None))

    def _error(self, code: str, detail: str, ref: str | None) -> dict[str, Any]:
        data = {"code": code, "detail": detail, "ref": ref}
        return {"type": "error", "ts": self._now(), "data": data}

    def _on_notice(self, topic: str, payload: Mapping[str, Any]) -> None:
        if topic not in TYPE_OF or not self._outboxes or self._loop is None:
            return
        message = {
            "type": TYPE_OF[topic],
            "topic": topic,
            "seq": 0,
            "ts": self._now(),
            "data": dict(self._translate(topic, payload)),
        }
        with suppress(RuntimeError):  # the loop may close between the check and the call
            self._loop.call_soon_threadsafe(self._fan_out, topic, message)

    def _fan_out(self, topic: str, message: dict[str, Any]) -> None:
        for outbox in self._outboxes.values():
            outbox.put(topic, dict(message))

    def _now(self) -> str:
        return moment(self._clock.now_ns())


def _expand(topics: list[str]) -> tuple[list[str], list[str]]:
    known: dict[str, None] = {}
    unknown: list[str] = []
    for topic in topics:
        if topic == "paper.*":
            known.update(dict.fromkeys(name for name in TYPE_OF if name.startswith("paper.")))
        elif topic in TYPE_OF:
            known[topic] = None
        else:
            unknown.append(topic)
    return list(known), unknown

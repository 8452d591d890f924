"""One WebSocket through the gateway: messages, pings and closes, both ways, one at a time."""

import asyncio
import struct
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import Any

from aiohttp import WSMsgType, web

from meeting.transports.gateway.bounds import Bounds
from meeting.transports.gateway.owners import OwnerSocket

AWAY = 1001
LONGEST_REASON = 123
CARRIED = frozenset(
    {WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.PING, WSMsgType.PONG, WSMsgType.CLOSE}
)
BUFFER_BYTES = 64 * 1024

Send = Callable[[bytes, WSMsgType], Awaitable[None]]


class End(Enum):
    """How one way of a socket ended."""

    CLOSED = auto()
    """A close was carried over."""
    SOURCE = auto()
    """Nothing more comes: the connection is lost."""
    SINK = auto()
    """Nothing more goes out: the connection is lost, or nobody reads at its other end."""


class Relay:
    """Carries what is said between a client and the owner of its socket.

    Each way waits until what it sent last has left, so a slow reader slows its writer down, and
    nothing piles up here.
    """

    def __init__(self, request: web.BaseRequest, owner: OwnerSocket, bounds: Bounds) -> None:
        self._owner = owner
        self._bounds = bounds
        self._request = request
        self._transport = request.transport
        self._leaving = asyncio.Event()
        self.client: web.WebSocketResponse[bool] = web.WebSocketResponse(
            autoping=False,
            autoclose=False,
            compress=False,
            max_msg_size=bounds.message_bytes,
            decode_text=False,
            timeout=bounds.farewell_seconds,
            writer_limit=1,  # every message waits for a full buffer, so nothing piles up behind it
        )

    def leave(self) -> None:
        """Say goodbye to the client; its owner takes that for a lost connection."""
        self._leaving.set()

    async def run(self) -> None:
        """Let the client in, and carry messages until either side ends."""
        try:
            if self._transport is not None:
                self._transport.set_write_buffer_limits(high=BUFFER_BYTES)
            await self.client.prepare(self._request)
            await self._carry()
        except ConnectionError:
            pass  # the client is gone already
        finally:
            self._owner.end()
            if self._transport is not None:
                self._transport.close()

    async def _carry(self) -> None:
        inward = asyncio.create_task(self._inward())
        outward = asyncio.create_task(self._outward())
        leaving = asyncio.create_task(self._leaving.wait())
        both = {inward, outward}
        try:
            await asyncio.wait({*both, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not any(task.done() and task.result() is End.SOURCE for task in both):
                # What the other side has said until now, such as its close, is still carried.
                ended = not leaving.done()
                await asyncio.wait(both, timeout=self._bounds.farewell_seconds if ended else 0)
            came, went = (_end(task) for task in (inward, outward))
        finally:
            for task in (*both, leaving):
                task.cancel()
            await asyncio.wait({*both, leaving})
        if End.CLOSED in (came, went) or End.SOURCE is came or End.SINK is went:
            return
        self._owner.abort()
        leaves = self._leaving.is_set()
        await self._farewell("the server stops" if leaves else "the server is gone")

    async def _farewell(self, reason: str) -> None:
        try:
            async with asyncio.timeout(self._bounds.farewell_seconds):
                await self.client.close(code=AWAY, message=reason.encode())
        except TimeoutError:
            self._abort()

    async def _inward(self) -> End:
        """Carry what the client says."""
        while True:
            message = await self.client.receive()
            if message.type not in CARRIED:
                return End.SOURCE
            try:
                await self._send(self._owner.send_frame, message.type, message.data, message.extra)
            except (ConnectionError, TimeoutError):
                return End.SINK
            if message.type is WSMsgType.CLOSE:
                return End.CLOSED

    async def _outward(self) -> End:
        """Carry what the owner says."""
        while True:
            try:
                message = await self._owner.receive(self._bounds.silence_seconds)
            except TimeoutError:
                return End.SOURCE
            if message.type not in CARRIED:
                return End.SOURCE
            try:
                await self._send(self.client.send_frame, message.type, message.data, message.extra)
            except ConnectionError:
                return End.SINK
            except TimeoutError:
                self._abort()
                return End.SINK
            if message.type is WSMsgType.CLOSE:
                return End.CLOSED

    def _abort(self) -> None:
        """Drop a client that does not read."""
        if self._transport is not None:
            self._transport.abort()

    async def _send(self, send: Send, kind: WSMsgType, data: Any, extra: str | None) -> None:
        content = _close(data, extra or "") if kind is WSMsgType.CLOSE else data
        async with asyncio.timeout(self._bounds.stall_seconds):
            await send(content, kind)


def _end(task: asyncio.Task[End]) -> End | None:
    """Return how a way ended; None where it still goes on."""
    return task.result() if task.done() else None


def _close(code: int, reason: str) -> bytes:
    """Write the body of a close; one without a code has none."""
    return struct.pack("!H", code) + reason.encode()[:LONGEST_REASON] if code else b""

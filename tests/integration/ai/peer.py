"""A hostile or clumsy engine: a bare ROUTER that answers what a test tells it to, or nothing."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import zmq
import zmq.asyncio

Answer = Callable[[dict[str, Any], bytes], list[bytes]]
"""Takes a request's header and bytes; returns the replies."""


def success(header: dict[str, Any], result: Any, /, **changes: Any) -> bytes:
    """Write a good reply, or one that is bad in the given places."""
    reply = {
        "task_id": header["task_id"],
        "status": "success",
        "result": result,
        "error": "",
        "latency": 1,
    }
    return json.dumps(reply | changes).encode()


def error(header: dict[str, Any], text: str) -> bytes:
    """Write an error reply."""
    return success(header, {}, status="error", error=text)


class Peer:
    """What the peer saw, and how it answers from now on."""

    def __init__(self, answer: Answer, endpoint: str) -> None:
        self.answer = answer
        self.pings = True
        self.foreign = False
        """Whether it answers a ping like somebody who is no engine."""
        self.skip = 0
        self.beats: asyncio.Queue[bool] = asyncio.Queue()
        self.seen: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._sender: Callable[[bytes], Any] | None = None
        self._context = zmq.asyncio.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.bind(endpoint)
        self.endpoint = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)
        self._task = asyncio.create_task(self._serve(self._socket))

    async def close(self) -> None:
        """Be gone, connections and all, as after a death."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        self._context.destroy(linger=0)

    async def say(self, reply: bytes) -> None:
        """Send something unasked to whoever asked last."""
        assert self._sender is not None
        await self._sender(reply)

    async def _serve(self, socket: zmq.asyncio.Socket) -> None:
        while True:
            identity, raw, data = await socket.recv_multipart()
            header = json.loads(raw)
            if header["task_type"] == "ping":
                answered = self.pings and self.skip == 0
                self.skip = max(0, self.skip - 1)
                if answered:
                    pong = b"HTTP/1.1 400" if self.foreign else success(header, {})
                    await socket.send_multipart([identity, pong])
                self.beats.put_nowait(answered)
                continue

            async def send(reply: bytes, to: bytes = identity) -> None:
                await socket.send_multipart([to, reply])

            self._sender = send
            self.seen.put_nowait(header)
            for reply in [] if header["task_type"] == "cancel" else self.answer(header, data):
                await send(reply)


@asynccontextmanager
async def peer(answer: Answer, endpoint: str = "tcp://127.0.0.1:*") -> AsyncIterator[Peer]:
    """Run a peer on a socket of its own."""
    made = Peer(answer, endpoint)
    try:
        yield made
    finally:
        await made.close()

"""Whether the engine lives: a ping now and then on a connection of its own.

Its own connection, so that a ping never waits behind thirty megabytes of audio. Two pings in a row
must fail, so that a pause on our side (a debugger, a suspended machine) is not taken for a death.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
import zmq
import zmq.asyncio

from meeting.transports.zeromq import wire

log = structlog.get_logger(__name__)

EVERY_SECONDS = 0.4
WAIT_SECONDS = 0.6
MISSES = 2
PAUSE_SECONDS = 0.1
"""Between two connections, where each breaks at once or leads to somebody who is no engine."""
LARGEST_REPLY = 8_000_000


class Pulse:
    """Pings the engine until cancelled and tells what it found."""

    def __init__(self, endpoint: Callable[[], str], lost: Callable[[], None]) -> None:
        self._endpoint = endpoint
        self._lost = lost
        self._alive = asyncio.Event()
        self._misses = 0

    @property
    def alive(self) -> bool:
        """Tell whether the last pings were answered."""
        return self._alive.is_set()

    async def answers(self) -> None:
        """Wait until the engine answers."""
        await self._alive.wait()

    async def run(self, context: zmq.asyncio.Context) -> None:
        """Ping until cancelled, on a new connection after each ping that failed."""
        try:
            while True:
                with connected(context, self._endpoint()) as socket:
                    while await self._ping(socket):
                        self._answered()
                        await asyncio.sleep(EVERY_SECONDS)
                self._missed()
                await asyncio.sleep(PAUSE_SECONDS)
        finally:
            self._alive.clear()

    def _answered(self) -> None:
        self._misses = 0
        if not self.alive:
            log.info("engine answers", endpoint=self._endpoint())
            self._alive.set()

    def _missed(self) -> None:
        self._misses += 1
        if self._misses == MISSES and self.alive:
            log.warning("engine does not answer", endpoint=self._endpoint())
            self._alive.clear()
            self._lost()

    async def _ping(self, socket: zmq.asyncio.Socket) -> bool:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await socket.send_multipart([wire.header("ping", "ping"), b""])
                reply = wire.read((await socket.recv_multipart())[-1])
        except (TimeoutError, zmq.Again):  # the second: hung up between looking and sending
            return False
        return isinstance(reply, wire.Reply) and reply.status == "success"


@contextmanager
def connected(context: zmq.asyncio.Context, endpoint: str) -> Iterator[zmq.asyncio.Socket]:
    """Open a socket to the engine that keeps no queue for a peer that is not there."""
    socket = context.socket(zmq.DEALER)
    try:
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.IMMEDIATE, 1)
        socket.setsockopt(zmq.RECONNECT_IVL, 100)
        socket.setsockopt(zmq.RECONNECT_IVL_MAX, 500)
        socket.setsockopt(zmq.MAXMSGSIZE, LARGEST_REPLY)
        socket.connect(endpoint)
        yield socket
    finally:
        socket.close()

"""Whether the engine lives: a ping now and then on a connection of its own.

Its own connection, so that a ping never waits behind thirty megabytes of audio. Two pings in a row
must fail, so that a pause on our side (a debugger, a suspended machine) is not taken for a death.
"""

import asyncio
import itertools
from collections.abc import Callable

import structlog
import zmq
import zmq.asyncio

from meeting.transports.zeromq import wire

log = structlog.get_logger(__name__)

EVERY_SECONDS = 0.4
WAIT_SECONDS = 0.6
MISSES = 2


class Pulse:
    """Pings the engine until cancelled and tells what it found."""

    def __init__(
        self, context: zmq.asyncio.Context, endpoint: str, lost: Callable[[], None]
    ) -> None:
        self._context = context
        self._endpoint = endpoint
        self._lost = lost
        self._alive = asyncio.Event()

    @property
    def alive(self) -> bool:
        """Tell whether the last pings were answered."""
        return self._alive.is_set()

    async def answers(self) -> None:
        """Wait until the engine answers."""
        await self._alive.wait()

    async def run(self) -> None:
        """Ping until cancelled."""
        socket = self._context.socket(zmq.DEALER)
        try:
            quiet(socket)
            socket.connect(self._endpoint)
            await self._beat(socket)
        finally:
            self._alive.clear()
            socket.close()

    async def _beat(self, socket: zmq.asyncio.Socket) -> None:
        misses = 0
        for number in itertools.count():
            if await self._ping(socket, f"ping_{number}"):
                misses = 0
                if not self.alive:
                    log.info("engine answers", endpoint=self._endpoint)
                    self._alive.set()
            else:
                misses += 1
                if misses == MISSES and self.alive:
                    log.warning("engine does not answer", endpoint=self._endpoint)
                    self._alive.clear()
                    self._lost()
            await asyncio.sleep(EVERY_SECONDS)

    async def _ping(self, socket: zmq.asyncio.Socket, task_id: str) -> bool:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await socket.send_multipart([wire.header(task_id, "ping"), b""])
                while True:
                    frames = await socket.recv_multipart()
                    reply = wire.read(frames[-1])
                    if isinstance(reply, wire.Reply) and reply.task_id == task_id:
                        return reply.status == "success"
        except TimeoutError:
            return False


def quiet(socket: zmq.asyncio.Socket) -> None:
    """Set what all our sockets to the engine share: no queue for a peer that is not there."""
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.IMMEDIATE, 1)
    socket.setsockopt(zmq.RECONNECT_IVL, 100)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, 500)
    socket.setsockopt(zmq.MAXMSGSIZE, 8_000_000)

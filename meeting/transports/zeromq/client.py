"""The engine behind ZeroMQ: many requests in flight on one DEALER, told apart by their task ids.

A request ends in exactly one way: the engine's answer, the deadline, the caller's cancellation, or
the engine's end. That end is seen at once by the socket's monitor (the connection broke, so what
was in flight is lost, also when a new engine answers already) and within two seconds by the pulse
(the process hangs). A new engine on the same endpoint is used as soon as it answers.
"""

import asyncio
import math
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import structlog
import zmq
import zmq.asyncio
from zmq.utils.monitor import recv_monitor_message

from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault
from meeting.kernel.failpoint import failpoint
from meeting.kernel.ids import Ids
from meeting.transports.zeromq import wire
from meeting.transports.zeromq.pulse import PAUSE_SECONDS, Pulse, connected

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 2.0
"""How long a request waits for an engine that is not there."""
LATER_SECONDS = 0.5
"""How much later than the engine we give up, so that its own answer comes first."""
CANCEL_SECONDS = 0.2
ENDS = (
    zmq.EVENT_DISCONNECTED
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
)
"""What the monitor says when a connection is over or never comes about."""


class ModelState(msgspec.Struct, frozen=True, kw_only=True):
    """A model as the engine sees it."""

    id: str
    task: str
    sha256: str
    status: str
    reason: str


class Info(msgspec.Struct, frozen=True, kw_only=True):
    """What the engine says about itself."""

    version: str
    models: list[ModelState]
    workers: int
    queued: int


class EngineClient:
    """Satisfies the AI domain's `Engine`; works while its module runs `run()`."""

    def __init__(
        self, endpoint: Callable[[], str], *, clock: Clock, ids: Ids, in_flight: int = 64
    ) -> None:
        self._endpoint = endpoint
        self._clock = clock
        self._ids = ids
        self._most = in_flight
        self._socket: zmq.asyncio.Socket | None = None
        self._open = asyncio.Event()
        self._pulse = Pulse(endpoint, lambda: self._lose("the engine is silent"))
        self._pending: dict[str, asyncio.Future[wire.Reply]] = {}
        self._inside = 0

    @property
    def alive(self) -> bool:
        """Tell whether the engine answers."""
        return self._pulse.alive

    @property
    def in_flight(self) -> int:
        """Count the requests that are not over yet."""
        return self._inside

    async def run(self) -> None:
        """Carry requests and replies until cancelled."""
        with zmq.asyncio.Context() as context:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pulse.run(context), name="engine-pulse")
                while True:
                    await self._connect(context)
                    await asyncio.sleep(PAUSE_SECONDS)

    async def _connect(self, context: zmq.asyncio.Context) -> None:
        """Carry replies for the life of one connection.

        Each gets a socket of its own: the old one would still take requests for the dead engine,
        and after bytes that are no ZeroMQ it would never connect again.
        """
        with connected(context, self._endpoint()) as socket:
            ends = socket.get_monitor_socket(ENDS)
            replies = asyncio.create_task(self._receive(socket), name="engine-replies")
            self._socket = socket
            self._open.set()
            try:
                await recv_monitor_message(ends)
            finally:
                self._open.clear()
                self._socket = None
                self._lose("the engine went away")
                replies.cancel()
                await asyncio.wait([replies])
                socket.disable_monitor()
                ends.close()

    async def infer(
        self, task: str, data: bytes, params: Mapping[str, str], deadline: float
    ) -> dict[str, Any]:
        """Return the result of a task as the engine gave it; `deadline` is on `Clock.monotonic`."""
        seconds = deadline - self._clock.monotonic()
        if seconds <= 0:
            raise wire.late()
        if math.isfinite(seconds):
            params = {**params, "deadline_ms": str(max(1, int(seconds * 1000)))}
        return await self._ask(task, data, params, seconds)

    async def info(self) -> Info:
        """Ask the engine for its models and how busy it is."""
        result = await self._ask("info", b"", {}, PATIENCE_SECONDS)
        try:
            return msgspec.convert(result, type=Info)
        except msgspec.ValidationError as error:
            log.warning("the engine's info is none", reason=str(error))
            raise wire.failed() from error

    async def _ask(
        self, task: str, data: bytes, params: Mapping[str, str], seconds: float
    ) -> dict[str, Any]:
        if self._inside >= self._most:
            raise wire.unavailable("overloaded")
        task_id = self._ids.new()
        limit = seconds + LATER_SECONDS if math.isfinite(seconds) else None
        self._inside += 1
        try:
            async with asyncio.timeout(limit):
                answer = await self._send(task_id, wire.header(task_id, task, params), data)
                if task != "info":
                    failpoint("speech-in-flight")
                reply = await answer
        except (TimeoutError, asyncio.CancelledError) as error:
            if task_id in self._pending:
                await self._cancel(task_id)
            if isinstance(error, TimeoutError):
                raise wire.late() from error
            raise
        finally:
            self._inside -= 1
            self._forget(task_id)
        if reply.status == "error":
            # Said here, where the log line gets the request's id.
            log.warning("engine refused", task_id=task_id, error=reply.error[:200])
            raise wire.fault(reply.error)
        return reply.result

    async def _send(self, task_id: str, header: bytes, data: bytes) -> asyncio.Future[wire.Reply]:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._pulse.answers()
                while (socket := self._socket) is None:  # also one that opened and broke at once
                    await self._open.wait()
                # Known before it is sent: the reply may be faster than our next turn.
                answer = self._pending[task_id] = asyncio.get_running_loop().create_future()
                await socket.send_multipart([header, data], copy=False)
        except (TimeoutError, zmq.Again) as error:
            raise wire.unavailable("the engine does not answer") from error
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise wire.unavailable("the engine went away") from error  # the socket was closed
        return answer

    def _forget(self, task_id: str) -> None:
        answer = self._pending.pop(task_id, None)
        if answer is not None and not answer.cancel() and not answer.cancelled():
            answer.exception()  # looked at, also where nobody waited for it any more

    async def _cancel(self, task_id: str) -> None:
        """Tell the engine that nobody waits any more; if it can't be told, its deadline will do."""
        if self._socket is None:
            return
        try:
            async with asyncio.timeout(CANCEL_SECONDS):
                await self._socket.send_multipart(
                    [wire.header(task_id, "cancel"), b""], flags=zmq.DONTWAIT
                )
        except (TimeoutError, zmq.ZMQError):
            log.info("cancel not delivered", task_id=task_id)

    async def _receive(self, socket: zmq.asyncio.Socket) -> None:
        while True:
            frames = await socket.recv_multipart()
            self._settle(frames[-1])

    def _settle(self, frame: bytes) -> None:
        """Give a reply to whoever waits for it; one that nobody waits for any more is dropped."""
        reply = wire.read(frame)
        task_id = reply if isinstance(reply, str) else reply.task_id
        if not task_id:
            # Nobody can tell whose it was, so nobody may wait for it until the deadline.
            log.error("unreadable reply from the engine", bytes=len(frame))
            self._fail_all(wire.failed)
            return
        answer = self._pending.get(task_id)
        if answer is None or answer.done():
            return
        if isinstance(reply, str):
            log.error("a reply lacks what replies have", task_id=task_id, bytes=len(frame))
            answer.set_exception(wire.failed())
        else:
            answer.set_result(reply)

    def _lose(self, reason: str) -> None:
        """End what is in flight: the engine that had it is gone."""
        if self._pending:
            log.warning("engine lost", reason=reason, in_flight=len(self._pending))
        self._fail_all(lambda: wire.unavailable(reason))

    def _fail_all(self, fault: Callable[[], Fault]) -> None:
        for answer in self._pending.values():
            if not answer.done():
                answer.set_exception(fault())

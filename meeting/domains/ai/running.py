"""The streams of this process: how many there may be, what they hold, and who ends them."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec

from meeting.kernel.call import Call, Caller
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind

T = TypeVar("T")
C = TypeVar("C")
"""A piece of a stream."""
REMEMBERED = timedelta(seconds=60)
"""How long a revocation is known of: a call that was let in just before it may begin after it."""
REVOCATIONS = 1000
IDLE = "nothing came for too long; send more, or end the stream"
UNREAD = "a result was not taken for too long; read them, or end the stream"
BEHIND = "this server has lost track of who may stream; open another stream"
GOING = "this server is going down; open another stream in a moment"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What streams may take."""

    streams: int = 64
    streams_per_user: int = 8
    """Of a user who asks; a service has one for each of many."""
    held_bytes: int = 256 * 2**20
    """Audio that all streams together have not analysed yet."""
    chunk_bytes: int = 2**20
    idle: float = 60.0
    """Seconds that a stream is waited for."""


class Run:
    """One stream that goes on; whatever it waits for ends when the stream has to."""

    def __init__(self, caller: Caller, clock: Clock, begun: datetime) -> None:
        self.caller = caller
        self.begun = begun
        self.meeting_id = 0
        """0 until it is known."""
        self.subject = 0
        self.held = 0
        """Bytes."""
        self.waiting: float | None = None
        """Since when it waits for its client, on `Clock.monotonic`."""
        self.taker: asyncio.Task[Any] | None = None
        """Who was given a result, and has not come for the next one."""
        self._stopped: asyncio.Task[Any] | None = None
        self._clock = clock
        self._over: asyncio.Future[Fault] = asyncio.get_running_loop().create_future()

    def end(self, kind: Kind, text: str) -> None:
        """Have the stream end with an error; the first one counts.

        Who has a result and does not come back, since the client takes nothing, is cancelled.
        """
        if self._over.done():
            return
        self._over.set_result(Fault(kind, text))
        taker = self.taker
        if taker is not None and taker is not asyncio.current_task() and taker.cancel():
            self._stopped = taker

    def concerns(self, meeting_id: int, subject: int) -> None:
        """Say what the stream is about, before anybody is asked whether it may be."""
        self.meeting_id, self.subject = meeting_id, subject

    @contextmanager
    def giving(self) -> Iterator[None]:
        """Surround the `yield` of a result: until the next is asked for the client is waited for.

        Where `end` cancels that, closing the generator raises the error in place of the cancelling.
        """
        self.waiting, self.taker = self._clock.monotonic(), asyncio.current_task()
        try:
            yield
        except GeneratorExit:
            stopped = self._stopped
            if stopped is None or stopped is not asyncio.current_task() or stopped.uncancel():
                raise  # given up by somebody else, too, who counts
            raise self._over.result() from None
        finally:
            self.waiting = self.taker = None
        if self._over.done():
            raise self._over.result()

    async def pull(self, chunks: AsyncIterator[C]) -> C | None:
        """Wait for the next piece; None where the client has ended the stream."""
        self.waiting = self._clock.monotonic()
        try:
            return await self.until(_next(chunks))
        finally:
            self.waiting = None

    async def until(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something, which is cancelled when the stream has to end, or its caller gives up."""
        task = asyncio.ensure_future(work)
        try:
            either: set[asyncio.Future[Any]] = {task, self._over}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if self._over.done():
                raise self._over.result()
            return task.result()
        finally:
            await _stopped(task)


class Running:
    """All streams of this process."""

    def __init__(self, clock: Clock, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._clock = clock
        self._runs: set[Run] = set()
        self._revoked: deque[tuple[datetime, int, str]] = deque(maxlen=REVOCATIONS)
        self._refusal = "streams are not taken yet; open one again in a moment"

    def __len__(self) -> int:
        return len(self._runs)

    def open(self) -> None:
        """Let streams begin: from now on it is heard of what ends them."""
        self._refusal = ""

    @contextmanager
    def run(self, call: Call) -> Iterator[Run]:
        """Make room for a stream, from before anything is asked about it until it is over."""
        caller = call.caller
        if self._refusal:
            raise Fault(Kind.UNAVAILABLE, self._refusal)
        own = [each for each in self._runs if _same(each.caller, caller)]
        if len(self._runs) >= self.limits.streams or (
            not caller.is_service and len(own) >= self.limits.streams_per_user
        ):
            raise _overloaded()
        run = Run(caller, self._clock, self._clock.now())
        for at, user_id, jti in self._revoked:
            if self._clock.now() - at < REMEMBERED and _holds(caller, user_id, jti):
                raise _revoked()
        self._runs.add(run)
        try:
            yield run
        finally:
            self._runs.discard(run)

    def hold(self, run: Run, more: int) -> None:
        """Let a stream hold more audio; `ai_unavailable` where all hold too much already."""
        if sum(each.held for each in self._runs) + more > self.limits.held_bytes:
            raise _overloaded()
        run.held += more

    def revoke(self, user_id: int, jti: str) -> None:
        """End the streams of one token, or with an empty `jti` all of a user's."""
        self._revoked.append((self._clock.now(), user_id, jti))
        for run in self._runs:
            if _holds(run.caller, user_id, jti):
                run.end(Kind.UNAUTHENTICATED, "the token was revoked; log in again")

    def close(self, meeting_id: int) -> None:
        """End the streams of a meeting that is over."""
        for run in self._runs:
            if run.meeting_id == meeting_id:
                run.end(Kind.MEETING_ENDED, "the meeting has ended")

    def leave(self, meeting_id: int, user_id: int, left_at: datetime) -> None:
        """End the streams of a user who has left; those that began later belong to a new stay."""
        for run in self._runs:
            if (run.meeting_id, run.subject) == (meeting_id, user_id) and run.begun <= left_at:
                run.end(Kind.FORBIDDEN, "the user has left the meeting")

    def pulse(self) -> None:
        """End the streams whose token is over, and those that nothing comes from any more."""
        moment, now = self._clock.now().timestamp(), self._clock.monotonic()
        for run in self._runs:
            if 0 < run.caller.token_until <= moment:
                run.end(Kind.TOKEN_EXPIRED, "the token is over; refresh it or log in again")
            if run.waiting is not None and now - run.waiting >= self.limits.idle:
                run.end(Kind.DEADLINE, IDLE if run.taker is None else UNREAD)

    def cut_off(self) -> None:
        """End all streams: what would end one may have been passed over."""
        self._end(BEHIND)

    def drain(self) -> None:
        """End all streams and let none begin: this process is going down."""
        self._refusal = GOING
        self._end(GOING)

    def _end(self, text: str) -> None:
        for run in self._runs:
            run.end(Kind.UNAVAILABLE, text)


@asynccontextmanager
async def pulled(chunks: AsyncIterator[Any]) -> AsyncIterator[Callable[[], Awaitable[bool]]]:
    """Listen on beside other work; what is given tells whether another piece has come."""
    task = asyncio.ensure_future(_next(chunks))

    async def more() -> bool:
        await asyncio.sleep(0)
        return task.done() and task.exception() is None and task.result() is not None

    try:
        yield more
    finally:
        await _stopped(task)


async def _stopped(task: asyncio.Task[Any]) -> None:
    """Cancel a task that goes on, and look at its error, also where it came too late to matter."""
    if not task.done():
        task.cancel()
        await asyncio.wait({task})
    if not task.cancelled():
        task.exception()


async def _next(chunks: AsyncIterator[C]) -> C | None:
    with suppress(StopAsyncIteration):
        return await anext(chunks)
    return None


def _same(one: Caller, other: Caller) -> bool:
    return (one.user_id, one.service) == (other.user_id, other.service)


def _holds(caller: Caller, user_id: int, jti: str) -> bool:
    """Tell whether a revocation is of the token that a caller has shown."""
    if caller.is_service or caller.user_id != user_id:
        return False
    return jti in ("", caller.token_id)


def _revoked() -> Fault:
    return Fault(Kind.UNAUTHENTICATED, "the token was revoked; log in again")


def _overloaded() -> Fault:
    return Fault(
        Kind.AI_UNAVAILABLE,
        "too many streams are open; try again in a moment",
        details={"reason": "overloaded"},
        retry_after=1,
        passing=True,
    )

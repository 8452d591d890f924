"""Hears the contract's channels: wakes who waits for our events, and takes in those of others.

One subscription a process. What a relay of this house publishes is known by its ids, which the
relay has told before; whatever else comes is a message of somebody else, and is taken into the
outbox, which knows each by its id. So hearing a message twice, or in several processes, does no
harm, and forgetting an id costs a look into the database.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec
import structlog
from redis.exceptions import RedisError

from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.foreign import Stray, read
from meeting.kernel.growth import Growth
from meeting.kernel.letter import Unreadable
from meeting.kernel.message import Message
from meeting.transports.pubsub.names import CHANNELS, GROWN, Carried
from meeting.transports.redis.connection import Connection, fault

LOOK_SECONDS = 5.0
"""How long it may be silent before it is asked for a sign of life."""
LONGEST_PAUSE = 2.0
REMEMBERED = 20_000
"""Ids of our own messages; those of some seconds at the highest rate."""
WAITING = 10_000
WAITING_BYTES = 32 * 2**20
"""How much of others may wait for a database that is away, in messages and in bytes."""
BATCH = 100

log = structlog.get_logger(__name__)
_decoder = msgspec.json.Decoder(Carried)


class Adoption(Protocol):
    """Where messages of others go."""

    async def adopt(self, messages: Sequence[Message], strays: Sequence[Stray]) -> int:
        """Append those that are not here yet, and lay aside those that can't be read.

        How many were new, in one commit.
        """
        ...


class Listener:
    """Run by the module of the stores: `hear` and `settle`, both in the background."""

    def __init__(
        self,
        connection: Connection,
        adoption: Adoption,
        growth: Growth,
        clock: Clock,
        *,
        topics: Sequence[str] = CHANNELS,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._connection = connection
        self._adoption = adoption
        self._growth = growth
        self._clock = clock
        self._topics = topics
        self._pause = pause
        self._ours: dict[str, None] = {}
        self._waiting: deque[tuple[Message | Stray, int]] = deque()
        self._bytes = 0
        self._some = asyncio.Event()
        self._lost = 0
        self.heard = asyncio.Event()
        """Set while it hears."""

    async def hear(self) -> None:
        """Listen until cancelled; a Redis that was away is found again."""
        pause = 0.1
        while True:
            try:
                await self._listen()
            except (RedisError, OSError, TimeoutError) as error:
                if self.heard.is_set():
                    log.warning("channels are not heard", reason=str(fault(error)))
                    pause = 0.1
            finally:
                self.heard.clear()
            await self._pause(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def settle(self) -> None:
        """Take in what was heard, until cancelled; a database that was away is waited for."""
        pause = 0.1
        while True:
            await self._some.wait()
            try:
                await self.step()
                pause = 0.1
            except Fault as away:
                if away.kind is not Kind.UNAVAILABLE:
                    raise
                log.warning("messages of others wait", number=len(self._waiting))
                await self._pause(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def step(self) -> None:
        """Take in a batch of what was heard, if there is any."""
        batch = [self._waiting[i] for i in range(min(BATCH, len(self._waiting)))]
        if batch:
            try:
                await self._take([each for each, _ in batch])
            except Fault:
                raise
            except Exception:  # noqa: BLE001
                # What one message of a stranger does to the database must not keep the others out.
                batch = batch[:1]
                await self._alone(batch[0][0])
        for _, size in batch:
            self._waiting.popleft()
            self._bytes -= size
        if self._lost:
            log.error("messages of others are lost: the database was away", number=self._lost)
            self._lost = 0
        if not self._waiting:
            self._some.clear()

    async def _take(self, batch: Sequence[Message | Stray]) -> None:
        messages = [each for each in batch if isinstance(each, Message)]
        strays = [each for each in batch if isinstance(each, Stray)]
        await self._adoption.adopt(messages, strays)

    async def _alone(self, first: Message | Stray) -> None:
        try:
            await self._take([first])
        except Fault:
            raise
        except Exception:
            log.exception("a message can't be kept", topic=first.topic, id=first.message_id)

    async def _listen(self) -> None:
        """Hear messages until the connection ends; what was said before is none of ours."""
        ears = self._connection.subscriber()
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await ears.subscribe(GROWN, *self._topics)
            asked = False
            while True:
                said = await ears.get_message(timeout=LOOK_SECONDS)
                if said is None:
                    if asked:
                        raise TimeoutError
                    await ears.ping()
                asked = said is None
                if said is not None:
                    self._said(said)
        finally:
            await ears.aclose()

    def _said(self, said: Mapping[str, Any]) -> None:
        if said["type"] == "subscribe":
            self.heard.set()
            self._growth.anyhow()  # whatever came while nobody heard
        if said["type"] != "message":
            return
        channel, raw = said["channel"].decode(), said["data"]
        if channel == GROWN:
            self._carried(raw)
        else:
            self.note(channel, raw)

    def _carried(self, raw: bytes) -> None:
        """Wake who waits, and know the ids again that are about to be published."""
        try:
            carried = _decoder.decode(raw)
        except (ValueError, msgspec.MsgspecError):
            return
        for each in carried.ids:
            self._ours[each] = None
        while len(self._ours) > REMEMBERED:
            del self._ours[next(iter(self._ours))]
        self._growth.grew(carried.topics)

    def note(self, channel: str, raw: bytes) -> None:
        """Keep a message for the outbox, unless it is our own."""
        found: Message | Stray
        try:
            found = read(channel, raw, self._clock.now())
        except Unreadable as error:
            found = Stray.of(channel, raw, str(error))
        if found.message_id in self._ours and isinstance(found, Message):
            return
        if len(self._waiting) >= WAITING or self._bytes + len(raw) > WAITING_BYTES:
            if not self._lost:
                log.error("messages of others are being lost: the database is away")
            self._lost += 1
            return
        self._waiting.append((found, len(raw)))
        self._bytes += len(raw)
        self._some.set()

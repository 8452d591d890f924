"""The `Feed` over Redis: a stream per topic, read behind the cursor that the consumer's rows hold.

An entry's id is its position in the outbox, so cursors mean the same here and on SQL. What lies
beyond the position that a relay has come to is a stranger's, and is not read: the relay throws it
away when it carries the next.
"""

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

import msgspec
import structlog

from meeting.kernel.errors import Fault, Kind
from meeting.kernel.growth import Growth
from meeting.kernel.message import Entry, Message
from meeting.kernel.relay import Outbox, Posted, Relay, entries
from meeting.transports.pubsub.names import POSITION, stream
from meeting.transports.redis.connection import Connection
from meeting.transports.redis.script import Script

log = structlog.get_logger(__name__)

_ID = re.compile(rb"([1-9][0-9]{0,18})-0")
_decoder = msgspec.json.Decoder(Message)
_pull = Script.load(__package__, "pull")


class Cursors(Protocol):
    """How far the consumers have come; it lies with the rows."""

    async def standing(self, consumer: str, topic: str) -> tuple[int, Entry | None]:
        """Return how far a consumer has come, and what it is to handle again before it goes on.

        The first is 0 where it has not begun.
        """
        ...


class StreamFeed:
    """Satisfies `Feed`; who waits is woken by the process's `Listener`."""

    def __init__(self, connection: Connection, cursors: Cursors, growth: Growth) -> None:
        self._connection = connection
        self._cursors = cursors
        self._growth = growth
        self._awaited: dict[tuple[str, str], asyncio.Event] = {}
        """What a consumer waits for on a topic: growth since just before its last pull."""

    async def pull(self, consumer: str, topic: str, limit: int = 100) -> Sequence[Entry]:
        """Return what the consumer has not consumed yet, in commit order."""
        self._awaited[consumer, topic] = self._growth.of(topic)
        before, again = await self._cursors.standing(consumer, topic)
        if again is not None:
            return [again]
        _, found = await _behind(self._connection, topic, before, limit)
        return entries(consumer, topic, before, found)

    async def wait(self, consumer: str, topic: str, seconds: float) -> None:
        """Return when the topic may have grown since the consumer's last pull."""
        growth = self._awaited.get((consumer, topic)) or self._growth.of(topic)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await growth.wait()


class StreamTail:
    """Satisfies `Tail`; the end of the log is asked for where it is written.

    `relay` is the one of this process. A Redis may answer, and have been told nothing: one that is
    full is read as ever, so who asks there alone would take that for peace.
    """

    def __init__(
        self, connection: Connection, outbox: Outbox, growth: Growth, relay: Relay
    ) -> None:
        self._connection = connection
        self._outbox = outbox
        self._relay = relay
        self._growth = growth
        self._awaited: dict[str, asyncio.Event] = {}

    async def end(self) -> int:
        """Return the last position that was given out, whatever the topic."""
        return await self._outbox.end()

    async def after(self, topic: str, position: int, limit: int = 100) -> Sequence[Posted]:
        """Return the events of a topic behind a position, in commit order.

        `unavailable` while the relay has not come to the end, and where less has been carried than
        the reader has seen, as on a server that has just come back empty, which the relay has not
        seen yet: what is new will be known here only when all before it is.
        """
        self._awaited[topic] = self._growth.of(topic)
        if not self._relay.level:
            raise Fault(Kind.UNAVAILABLE, "Redis lacks events that are carried yet; try again")
        carried, found = await _behind(self._connection, topic, position, limit)
        if carried < position:
            raise Fault(
                Kind.UNAVAILABLE, "Redis has lost events, which are carried anew; try again"
            )
        return found

    async def wait(self, topic: str, seconds: float) -> None:
        """Return when the topic may have grown since the last `after`."""
        growth = self._awaited.get(topic) or self._growth.of(topic)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await growth.wait()

    def doubt(self) -> None:
        """Be `unavailable` until the relay has looked whether what lies there is of this log."""
        self._relay.level = False


async def _behind(
    connection: Connection, topic: str, before: int, limit: int
) -> tuple[int, list[Posted]]:
    """Read a stream behind a position; what is not ours is passed over.

    The first is how far the relay has come, 0 where it has carried nothing.
    """
    start = f"({before}-0"
    carried = b""
    found: list[Posted] = []
    while len(found) < limit:
        asked = limit - len(found)
        carried, raw = await connection.run(_pull, [POSITION, stream(topic)], start, asked)
        found += [each for number, fields in raw if (each := _read(topic, number, fields))]
        if len(raw) < asked:
            break
        start = "(" + raw[-1][0].decode()
    return int(carried or 0), found


def _read(topic: str, number: bytes, fields: Sequence[bytes]) -> Posted | None:
    """Read an entry; None for what no relay of ours has written, which is passed over."""
    place = _ID.fullmatch(number)
    try:
        message = _decoder.decode(dict(zip(fields[::2], fields[1::2], strict=True)).get(b"m", b""))
    except (ValueError, msgspec.MsgspecError):
        message = None
    if place is None or message is None or message.topic != topic:
        log.error("an entry of a stream is not ours", topic=topic, id=number[:64].decode())
        return None
    return Posted(int(place[1]), message)

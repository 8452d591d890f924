"""Carries the outbox into Redis: events into streams and onto channels, tasks into their lists."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence

import msgspec
import structlog

from meeting.kernel.letter import Letter
from meeting.kernel.relay import Posted
from meeting.transports.pubsub.names import (
    GROWN,
    POSITION,
    SILENT,
    TOPICS,
    Carried,
    published,
    stream,
)
from meeting.transports.queue.message import words
from meeting.transports.queue.scripts import SHARED
from meeting.transports.redis.connection import Connection
from meeting.transports.redis.script import Script

LONGEST = 4 * 2**20
"""Bytes of one step; a single message may be longer."""

log = structlog.get_logger(__name__)

_carry = Script(SHARED + Script.load(__package__, "carry").text)
_forget = Script.load(__package__, "forget")
_left = Script(SHARED + Script.load(__package__, "left").text)


class RedisCarrier:
    """Satisfies `Carrier`."""

    def __init__(self, connection: Connection, topics: Sequence[str] = TOPICS) -> None:
        self._connection = connection
        self._streams = [stream(topic) for topic in topics]

    async def position(self) -> int:
        """Return how far the outbox has been carried; what is no number is thrown away."""
        found = await self._connection.command("GET", POSITION)
        if found is None:
            return 0
        if not (found.isdigit() and len(found) < len(str(2**63))):
            log.error("the position in Redis is not ours: all is carried anew")
            await self._connection.run(_forget, [POSITION, *self._streams], found)
            return 0
        return int(found)

    async def carry(self, before: int, batch: Sequence[Posted]) -> bool:
        """Take a batch and move the position behind it, in steps that are bounded."""
        for part in _parts(batch):
            keys, told_of = _laid(part)
            hint = Carried(
                topics=sorted({each.message.topic for each, _ in part}),
                ids=[each.message.message_id for each, _ in part],
            )
            after = part[-1][0].position
            told = await self._connection.run(
                _carry,
                [POSITION, *keys, *self._streams],
                *(str(before), str(after), len(keys), GROWN, msgspec.json.encode(hint)),
                *told_of,
            )
            if told == -1:
                log.error("a stream in Redis is further than the outbox: all is carried anew")
            if told != 1:
                return False
            before = after
        return True

    async def forget(self, before: int) -> None:
        """Throw the position and the streams away, if it stands there."""
        await self._connection.run(_forget, [POSITION, *self._streams], str(before))

    async def left(
        self, queue: str, ids: Collection[str], carried: int
    ) -> tuple[Collection[str], float]:
        """Return which tasks may not have ended yet, and about when the oldest was written."""
        told = await self._connection.run(_left, [POSITION, queue], carried, *ids)
        if not told:
            return ids, 0
        since, *found = told
        return {each.decode() for each in found}, float(since or math.inf)

    async def trim(self, firsts: Mapping[str, int]) -> None:
        """Forget the entries of topics before the first position that is kept."""
        for topic, first in firsts.items():
            if (key := stream(topic)) in self._streams:
                await self._connection.command("XTRIM", key, "MINID", f"{first}-0")


_Words = tuple[str | bytes | float, ...]
_Part = list[tuple[Posted, _Words]]
"""Messages, with what the script is told of each."""


def _parts(batch: Sequence[Posted]) -> Iterator[_Part]:
    part: _Part = []
    size = 0
    for each in batch:
        told = _told(each)
        length = sum(len(word) for word in told if isinstance(word, str | bytes))
        if part and size + length > LONGEST:
            yield part
            part, size = [], 0
        part.append((each, told))
        size += length
    if part:
        yield part


def _told(each: Posted) -> _Words:
    message = each.message
    if message.kind == "task":
        return words(msgspec.convert(message.payload, Letter))
    said = message.kind == "event" and message.topic not in SILENT
    sent = published(message) if said else b""
    return str(each.position), msgspec.json.encode(message), sent, "", ""


def _laid(part: _Part) -> tuple[list[str], list[str | bytes | float]]:
    """Return the keys that a part goes into, and the words of its messages."""
    numbers: dict[str, int] = {}
    all_words: list[str | bytes | float] = []
    for each, told in part:
        topic = each.message.topic
        task = each.message.kind == "task"
        kind, key = ("queue", topic) if task else ("stream", stream(topic))
        number = numbers.setdefault(key, len(numbers) + 2)
        all_words += (kind, number, *told)
    return list(numbers), all_words

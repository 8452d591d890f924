"""The `Post` of signalling over Redis: one writer and one reader a process.

Whatever this process sends goes through the one writer, some frames at a time, so it arrives in its
order. The reader remembers where it is: a connection that was cut costs nothing, and what was
pushed out of a full inbox, or lost with the Redis, shows as a gap in the numbers.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, NamedTuple

import structlog

from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind
from meeting.transports.redis.connection import Connection
from meeting.transports.redis.pool import Word
from meeting.transports.redis.script import Script

REGISTER = "signaling:inbox"
"""Holds who has an inbox; each is called so, too, with the process's name behind it."""
LONGEST = 4096
"""Frames that wait in an inbox before the oldest are pushed out."""
WAITING = 4096
WAITING_BYTES = 16 * 2**20
"""Frames and bytes that wait for the writer."""
BATCH = 128
BATCH_BYTES = 2**20
"""What the writer sends in one step; a single frame may be longer."""
TTL = timedelta(seconds=30)
KEEP_SECONDS = 1.0
"""How often the inbox is kept, and how long one read waits at the server."""
LONGEST_PAUSE = 1.0
PARTING_SECONDS = 1.0

Take = Callable[[bytes, bytes], None]
log = structlog.get_logger(__name__)

_put = Script.load(__package__, "put")
_keep = Script.load(__package__, "keep")
_shut = Script.load(__package__, "shut")


class _Parcel(NamedTuple):
    """A frame that waits for the writer."""

    nodes: str
    head: bytes
    frame: bytes
    sent: asyncio.Future[int]

    @property
    def size(self) -> int:
        return len(self.head) + len(self.frame)


class RedisPost:
    """Satisfies `Post`; `write` and `read` run in the background."""

    def __init__(
        self,
        connection: Connection,
        node: str,
        clock: Clock,
        *,
        longest: int = LONGEST,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.node = node
        self.opened = asyncio.Event()
        """Set while others can send to this process, as far as it knows."""
        self._connection = connection
        self._clock = clock
        self._longest = longest
        self._pause = pause
        self._inbox = f"{REGISTER}:{node}"
        self._waiting: deque[_Parcel] = deque()
        self._size = 0
        self._some = asyncio.Event()
        self._last = b""
        """The id of the last frame that was read; empty while there is no inbox."""
        self._number = 0
        self._kept_at = clock.monotonic()
        self._unkept = 0

    async def send(self, nodes: Sequence[str] | None, head: bytes, frame: bytes) -> int:
        """Send to some processes, None: to all others; to how many that live."""
        if len(self._waiting) >= WAITING or self._size + len(head) + len(frame) > WAITING_BYTES:
            raise _unreached("too much waits for other servers")
        parcel = _Parcel(
            "" if nodes is None else " ".join(nodes),
            head,
            frame,
            asyncio.get_running_loop().create_future(),
        )
        self._waiting.append(parcel)
        self._size += parcel.size
        self._some.set()
        return await parcel.sent

    async def write(self) -> None:
        """Send what waits until cancelled; while Redis is away, whoever sends is told."""
        while True:
            await self._some.wait()
            batch = self._batch()
            words: list[Word] = [self.node, self._longest]
            for parcel in batch:
                words += (parcel.nodes, parcel.head, parcel.frame)
            try:
                told: Sequence[int] = await self._connection.run(_put, [REGISTER], *words)
            except Fault as fault:
                log.warning("frames do not reach other processes", reason=str(fault))
                self._refuse(batch)
            except BaseException:
                self._refuse(batch)
                raise
            else:
                for parcel, number in zip(batch, told, strict=True):
                    if not parcel.sent.done():
                        parcel.sent.set_result(number)

    async def read(self, take: Take, lost: Callable[[], None]) -> None:
        """Give what comes to `take` until cancelled, in order; `lost` is told of each gap."""
        pause = 0.05
        while True:
            try:
                if self._last:
                    await self._look(take, lost)
                else:
                    await self._open(lost)
                pause = 0.05
            except Fault as fault:
                if self.opened.is_set():
                    log.warning("frames of other processes wait", reason=str(fault))
                self.opened.clear()
                await self._pause(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def close(self) -> None:
        """Have nobody send to this process any more, and hang up; a Redis may be away."""
        self._refuse()
        with suppress(Fault, TimeoutError):
            async with asyncio.timeout(PARTING_SECONDS):
                await self._connection.run(_shut, self._keys, self.node)
        await self._connection.close()

    @property
    def _keys(self) -> list[str]:
        return [REGISTER, self._inbox, f"{self._inbox}:count"]

    def _refuse(self, batch: Sequence[_Parcel] = ()) -> None:
        """Tell the senders of a batch and of all behind it, who would wait for one end each.

        A Redis that swallows what it is sent would hold the last of them for minutes.
        """
        for parcel in (*batch, *self._waiting):
            _fail(parcel)
        self._waiting.clear()
        self._size = 0
        self._some.clear()

    def _batch(self) -> list[_Parcel]:
        batch: list[_Parcel] = []
        size = 0
        while self._waiting and len(batch) < BATCH:
            if batch and size + self._waiting[0].size > BATCH_BYTES:
                break
            batch.append(self._waiting.popleft())
            size += batch[-1].size
        self._size -= size
        if not self._waiting:
            self._some.clear()
        return batch

    async def _open(self, lost: Callable[[], None]) -> None:
        """Make the inbox anew: whatever was sent until now is lost."""
        self._last = await self._keep(b"")
        self._number = 0
        lost()
        self.opened.set()

    async def _look(self, take: Take, lost: Callable[[], None]) -> None:
        words: tuple[Word, ...] = ("XREAD", "BLOCK", int(KEEP_SECONDS * 1000), "COUNT", BATCH)
        raw = await self._connection.block(KEEP_SECONDS, *words, "STREAMS", self._inbox, self._last)
        self.opened.set()
        for _, entries in raw or ():
            for at, fields in entries:
                self._last = at
                self._take(dict(zip(fields[::2], fields[1::2], strict=True)), take, lost)
            self._unkept += len(entries)
        due = self._clock.monotonic() - self._kept_at >= KEEP_SECONDS
        if (due or self._unkept >= self._longest // 8) and not await self._keep(self._last):
            log.warning("the inbox of this process is gone")
            await self._open(lost)

    def _take(self, fields: Mapping[bytes, bytes], take: Take, lost: Callable[[], None]) -> None:
        try:
            number, head, frame = int(fields[b"n"]), fields[b"h"], fields[b"f"]
        except (KeyError, ValueError):
            log.warning("an entry of the inbox is not ours")
            return
        self._number += 1
        if number != self._number:
            self._number = number
            lost()
        take(head, frame)

    async def _keep(self, last: bytes) -> bytes:
        """Keep the inbox, or make it; the id of its last frame, empty where it is lost."""
        self._kept_at, self._unkept = self._clock.monotonic(), 0
        span = TTL // timedelta(milliseconds=1)
        kept: Any = await self._connection.run(_keep, self._keys, self.node, span, last)
        return bytes(kept)


def _fail(parcel: _Parcel) -> None:
    if not parcel.sent.done():
        parcel.sent.set_exception(_unreached("peers on other servers can't be reached just now"))


def _unreached(said: str) -> Fault:
    return Fault(Kind.UNAVAILABLE, f"{said}; try again", details={"peer": "redis"})

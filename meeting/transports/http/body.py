"""Bodies from outside: read within their bounds, and looked at before anybody decodes them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from meeting.kernel.errors import Fault, Kind
from meeting.kernel.nesting import MAX_DEPTH, few, shallow
from meeting.transports.http.asgi import Message, Receive
from meeting.transports.http.errors import malformed

SCANNED = 2**20


class Store:
    """The memory that all bodies share; who comes when it is full is told to come again."""

    def __init__(self, size: int) -> None:
        self._left = size

    @contextmanager
    def room(self) -> Iterator["Room"]:
        """Open the room of one body; what it took is given back at the end."""
        room = Room(self)
        try:
            yield room
        finally:
            self._left += room.taken

    def take(self, size: int) -> None:
        """Take memory, or refuse."""
        if size > self._left:
            raise Fault(
                Kind.RATE_LIMITED, "the server holds too much already; try again", retry_after=1
            )
        self._left -= size


class Room:
    """What one body holds of the shared memory."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.taken = 0

    def take(self, size: int) -> None:
        """Take more memory for this body."""
        self._store.take(size)
        self.taken += size

    def clear(self) -> None:
        """Give back what was taken so far."""
        self._store.take(-self.taken)
        self.taken = 0


def too_large(limit: int) -> Fault:
    """Refuse a body for its size."""
    return Fault(
        Kind.TOO_LARGE,
        "the body may have {limit} bytes",
        details={"body": f"at most {limit} bytes"},
        limit=limit,
    )


def declared(length: str | None, limit: int) -> int:
    """Read a Content-Length; one above the limit is refused before a byte is read."""
    if length is None:
        return 0
    if not length.isascii() or not length.isdigit():
        raise malformed("Content-Length is no number")
    if len(length) > len(str(limit)) or int(length) > limit:
        raise too_large(limit)
    return int(length)


async def read(receive: Receive, limit: int, seconds: float, room: Room) -> bytes:
    """Read a body, whatever its framing; `too_large` as soon as it is more than `limit` bytes.

    A client that is gone, or takes longer than `seconds`, ends it with `deadline`.
    """
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Fault(Kind.DEADLINE, "the body never came to its end")
                part: bytes = message.get("body", b"")
                size += len(part)
                if size > limit:
                    raise too_large(limit)
                room.take(len(part))
                parts.append(part)
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError as error:
        raise Fault(Kind.DEADLINE, "the body took too long to arrive") from error


def check(body: bytes) -> None:
    """Refuse what is no UTF-8 or nested too deeply; the rest is the decoder's."""
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError as error:
            raise malformed("it is not valid UTF-8") from error
    if rb"\u0000" in body and rb"\u0000" in body.replace(rb"\\", b""):
        raise malformed("it holds a NUL character")  # which PostgreSQL can't keep
    if len(body) > SCANNED and not few(body):
        # Such a body carries media in a few fields; nesting it costs the reader, not the writer.
        raise malformed(f"above {SCANNED} bytes it may hold {MAX_DEPTH} objects and lists")
    if not shallow(body):
        raise malformed(f"it is nested deeper than {MAX_DEPTH}, or its brackets do not match")


def replay(body: bytes, receive: Receive) -> Receive:
    """Hand a body that was read already to whoever reads it next."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again

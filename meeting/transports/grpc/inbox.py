"""What has arrived of a stream, as whoever works on the call reads it."""

import asyncio
from collections import deque
from collections.abc import Callable

from grpclib.protocol import Buffer


class Broken(Exception):
    """The other side ended in the middle of a message."""


class Lost(Exception):
    """The other side is gone, or took the stream away."""


class Inbox(Buffer):
    """What has arrived of a stream and was not read yet; the window bounds it.

    grpclib's own takes an empty frame in the middle of a message for its end.
    """

    def __init__(self, ack: Callable[[int], None]) -> None:
        super().__init__(ack)
        self._ack = ack
        self._arrived: deque[tuple[bytes, int]] = deque()
        self._held = bytearray()
        self._over = False
        self._lost = ""
        self._grown = asyncio.Event()

    def add(self, data: bytes, ack_size: int) -> None:
        """Take a frame; an empty one is nothing, and would not count in any window."""
        if ack_size:
            self._arrived.append((data, ack_size))
            self._grown.set()

    def eof(self) -> None:
        """Take the end of the stream."""
        self._over = True
        self._grown.set()

    def lose(self, reason: str) -> None:
        """Take the news that nothing more will come, not even an end."""
        self._lost = reason
        self._grown.set()

    async def read(self, size: int) -> bytes:
        """Return so many bytes; none at the end of the stream; `Broken` where it ends in between.

        The peer may send on as far as something was read.
        """
        while len(self._held) < size:
            while not self._arrived:
                if self._over:
                    if self._held:
                        raise Broken("the stream ends within a message")
                    return b""
                if self._lost:
                    raise Lost(self._lost)
                self._grown.clear()
                await self._grown.wait()
            data, ack_size = self._arrived.popleft()
            self._held += data
            self._ack(ack_size)
        data = bytes(memoryview(self._held)[:size])
        del self._held[:size]
        return data

    def unacked_size(self) -> int:
        """Forget what nobody will read; return what it counted in the window."""
        size = sum(ack_size for _, ack_size in self._arrived)
        self._arrived.clear()
        return size

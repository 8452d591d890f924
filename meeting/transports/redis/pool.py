"""A bounded number of connections, each with one command at a time.

redis-py's own pool asks each connection whether something lies in it, with a timeout of 0, and its
`send_command` has a `wait_for`: both swallow a cancellation that comes at that moment, and whoever
was to end goes on. So its connections are used here without either. They would also put each
command together in Python, which takes longer than all else that this process does for it.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from hiredis import pack_command
from redis.exceptions import ResponseError

Word = str | bytes | float


class Pool:
    """Connections are made when first needed; who finds all in use waits for one.

    Without a limit of its own: whoever asks sets one, which also bounds that wait.
    """

    def __init__(self, size: int, make: Callable[[], Any]) -> None:
        self._make = make
        self._free: list[Any] = []
        self._room = asyncio.Semaphore(size)

    async def ask(self, words: tuple[Word, ...]) -> Any:
        """Send a command and return the answer; after anything but an answer it is hung up."""
        async with self._room:
            connection = self._free.pop() if self._free else self._make()
            try:
                if connection.is_connected and _stale(connection):
                    await connection.disconnect(nowait=True)
                if not connection.is_connected:
                    await connection.connect()
                packed: bytes = pack_command(words)  # type: ignore[arg-type] # of any length
                await connection.send_packed_command(packed, check_health=False)
                answer = await connection.read_response()
            except ResponseError:
                self._free.append(connection)
                raise
            except BaseException:
                # Half a handshake or half an answer: nobody else may get that.
                await connection.disconnect(nowait=True)
                raise
            self._free.append(connection)
            return answer

    async def close(self) -> None:
        """Hang up wherever nobody waits for an answer."""
        while self._free:
            await self._free.pop().disconnect()


def _stale(connection: Any) -> bool:
    """Tell whether the other side has hung up, or said something that nobody asked for."""
    reader: asyncio.StreamReader = connection._reader  # noqa: SLF001 - what it offers swallows ends
    return reader.at_eof() or bool(reader._buffer)  # type: ignore[attr-defined] # noqa: SLF001

"""Where a peer is: one of its addresses, the one connection to it, and when it last failed."""

import asyncio
import ssl

from meeting.transports.grpc.inbox import Lost
from meeting.transports.grpc.link import Link, connect


class Place:
    """One address of a peer, and the connection to it."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self.address = address
        self.host, self.port = host.strip("[]"), int(port)
        self.link: Link | None = None
        self.failed = 0.0
        """When it last failed, on the loop's clock."""
        self._turn = asyncio.Lock()

    async def linked(self, tls: ssl.SSLContext | None, seconds: float) -> Link:
        """Return the connection, made anew where there is none; those who come at once share it."""
        asked = asyncio.get_running_loop().time()
        async with self._turn:
            if self.link is not None and self.link.alive:
                return self.link
            if self.failed >= asked:
                raise Lost("it could not be reached just now")
            try:
                self.link = await connect(self.host, self.port, tls, seconds)
            except (OSError, TimeoutError) as error:
                self.fail()
                raise Lost(str(error) or "it does not answer") from error
            except Lost:
                self.fail()
                raise
            return self.link

    def fail(self) -> None:
        """Ask elsewhere first, from now on."""
        self.failed = asyncio.get_running_loop().time()

    def leave(self, link: Link) -> None:
        """Hang up on a connection that is silent; by now there may be another one, which is not."""
        link.leave()
        if self.link is link:
            self.fail()
            self.link = None

    async def left(self) -> None:
        """Hang up, and wait until that is done."""
        if self.link is not None:
            await self.link.left()
            self.link = None

"""What signalling needs from outside: its rows, and the sockets that its peers speak through."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec

from meeting.domains.signaling.model import Close
from meeting.kernel.lease import Lease
from meeting.kernel.ports import Unit


class SignalingUnit(Unit, Protocol):
    """A unit of work over places, roster versions and spent tickets."""

    async def lease(self, key: str) -> Lease | None:
        """Return the hold on a key, over or not, and keep other writers off it."""
        ...

    async def leases(self, prefix: str) -> Sequence[Lease]:
        """Return the holds below a prefix, by key, over or not."""
        ...

    async def over(self, limit: int) -> Sequence[Lease]:
        """Return places whose time is over, the longest ago first."""
        ...

    async def take(self, key: str, owner: str, ttl: timedelta, value: dict[str, Any]) -> bool:
        """Take a key with a new fence; False while another owner holds it."""
        ...

    async def extend(self, lease: Lease, ttl: timedelta) -> None:
        """Set how long a hold lives from now on; one that is over stays over."""
        ...

    async def extend_all(self, keys: Sequence[str], ttl: timedelta) -> None:
        """Extend living holds, in one statement a batch of keys."""
        ...

    async def rewrite(self, lease: Lease, value: dict[str, Any]) -> None:
        """Change what a hold shows."""
        ...

    async def release(self, lease: Lease) -> None:
        """Remove a hold."""
        ...

    async def version(self, room_id: str) -> int:
        """Return the version of a room's roster."""
        ...

    async def bump(self, room_id: str) -> int:
        """Raise the version of a room's roster and return it."""
        ...

    async def spend(self, jti: str, until: datetime) -> bool:
        """Use a ticket up; False where it was used before."""
        ...

    async def jump(self, consumer: str, topic: str) -> None:
        """Move a consumer's cursor to the end of the log."""
        ...


LOST = 1006
"""The code of a socket whose client said nothing at its end."""


class Closed(msgspec.Struct, frozen=True):
    """The socket is no more."""

    code: int


class Socket(Protocol):
    """One accepted WebSocket, whichever server holds it."""

    async def receive(self) -> str | bytes | Closed:
        """Return the next message; after `Closed` there is none."""
        ...

    async def send(self, text: bytes) -> None:
        """Send one text frame (UTF-8); waits while the transport's buffer is full."""
        ...

    async def ping(self) -> None:
        """Ask the client for a sign of life."""
        ...

    def stirred(self) -> bool:
        """Tell whether anything came from the client since this was last asked."""
        ...

    async def close(self, code: Close, reason: str) -> None:
        """Send the close and wait for the client's answer; the caller sets the limit."""
        ...

    def abort(self) -> None:
        """Drop the connection now, with whatever was not sent."""
        ...

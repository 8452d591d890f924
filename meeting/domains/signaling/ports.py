"""What signalling needs from outside: its rows, and the sockets that its peers speak through."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from meeting.domains.signaling.model import Close
from meeting.kernel.ports import Lockable, Unit


class SignalingUnit(Unit, Protocol):
    """A unit of work over places, roster versions and spent tickets."""

    @property
    def leases(self) -> Lockable:
        """Return the places."""
        ...

    async def version(self, room_id: str) -> int:
        """Return the version of a room's roster."""
        ...

    async def lock(self, room_id: str) -> int:
        """Keep other changes off a room's roster until the unit's end; return its version."""
        ...

    async def bump(self, room_id: str, by: int = 1) -> int:
        """Raise the version of a room's roster, once a change, and return it."""
        ...

    async def spend(self, jti: str, until: datetime) -> bool:
        """Use a ticket up; False where it was used before."""
        ...


class Post(Protocol):
    """Carries frames to the other processes of signalling: what one sends stays in its order."""

    @property
    def node(self) -> str:
        """Return what this process goes by; another one after each start."""
        ...

    async def send(self, nodes: Sequence[str] | None, head: bytes, frame: bytes) -> int:
        """Send to some processes, None: to all others; to how many that live.

        `unavailable` where nobody knows whether it arrived. `head` says whom there it is for.
        """
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

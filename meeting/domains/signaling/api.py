"""What other domains may ask the signaling domain."""

from datetime import datetime
from typing import Protocol

import msgspec

from meeting.kernel.call import Call


class Joined(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody of whom a room is told that they came."""

    room_id: str
    user_id: int
    username: str = ""
    peer_id: str = ""
    """Empty where they have no socket."""


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody of whom a room is told that they went."""

    room_id: str
    user_id: int
    peer_id: str = ""


class Broadcast(msgspec.Struct, frozen=True, kw_only=True):
    """A frame for a room, for some users in it, or for all sockets of some users."""

    room_id: str = ""
    """Empty: the targets, who must be named then, get it wherever they are."""
    from_user_id: int = 0
    message_type: str
    """`[a-z_]{1,32}`; of the types of the signalling itself those of `SENDABLE` alone."""
    content: str
    """What the frame carries: JSON of an object, or a text."""
    target_user_ids: list[int] = []
    """Empty: everybody in the room."""


SENDABLE = frozenset({"chat", "screen_share", "media_control", "recording", "notification"})
TARGETS = 1000
"""Users that one broadcast may name."""


class RoomUser(msgspec.Struct, frozen=True, kw_only=True):
    """A peer in a room."""

    user_id: int
    username: str
    peer_id: str
    status: str
    """Presence. Who has a place in a room is online, also while a lost socket is waited for."""
    joined_at: datetime


class SignalingApi(Protocol):
    """The calls that a service can make, in this process or over a wire."""

    async def broadcast_message(self, call: Call, broadcast: Broadcast) -> None:
        """Send a frame to whoever of its targets is connected; the others are not told.

        For services alone. `meeting_not_found` where there is no meeting to the room, as below.
        """
        ...

    async def notify_user_joined(self, call: Call, joined: Joined) -> None:
        """Tell the others of a room that somebody came; for services alone.

        It gives nobody a place in the room, and nothing is announced.
        """
        ...

    async def notify_user_left(self, call: Call, left: Left) -> None:
        """Tell the others of a room that somebody went; for services alone, without effect."""
        ...

    async def get_room_users(self, call: Call, room_id: str) -> list[RoomUser]:
        """Return who is in a room, a row a peer, for services and for members of the meeting."""
        ...

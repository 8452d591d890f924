"""Places in rooms as values, how a socket ends, and the bounds that keep one peer from the rest."""

import re
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Annotated, Any

import msgspec

from meeting.kernel.clock import At
from meeting.kernel.lease import Lease

PEER_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
PeerId = Annotated[str, msgspec.Meta(pattern=rf"^{PEER_ID.pattern}\Z")]
PLACES = "signaling/"
"""What the keys of all places begin with."""
PARTED = "parted/"
"""What the keys of all marks of users begin with whose last peer has gone."""
MIB = 1024 * 1024
LONGEST_FRAME = 256 * 1024
"""What a frame may be set to at most; a queue has to hold at least that and who sent it."""


class Close(IntEnum):
    """The codes with which a socket is closed."""

    LEFT = 1000
    DRAIN = 1001
    TOO_BIG = 1009
    INTERNAL = 1011
    OVERLOAD = 1013
    TOKEN_ENDED = 4001
    KICKED = 4002
    MEETING_ENDED = 4003
    TOO_SLOW = 4004
    REPLACED = 4005
    LEASE_OVER = 4006
    RATE = 4029


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one socket, one user and all of them together may take."""

    frame_bytes: int = 64 * 1024
    frames_per_second: int = 50
    queue_frames: int = 2048
    queue_bytes: int = 4 * MIB
    sockets: int = 5000
    sockets_per_user: int = 32


class Timings(msgspec.Struct, frozen=True, kw_only=True):
    """Spans in seconds."""

    grace: float = 15.0
    """How long a lost socket keeps its place."""
    renew: float = 5.0
    """How often places of living sockets are renewed."""
    ping: float = 10.0
    silence: float = 25.0
    linger: float = 5.0
    """How long a closed socket stays, so that its close can be read."""
    flood: float = 5.0
    """How long a peer may go on above the rate."""
    call: float = 2.0
    """How long a question to another domain may take; infinite under a debugger."""

    @property
    def kept(self) -> timedelta:
        """Return what a lost socket's place is kept for."""
        return timedelta(seconds=self.grace)

    @property
    def held(self) -> timedelta:
        """Return the life of a place between renewals: the grace counts from a crash, too."""
        return timedelta(seconds=self.grace + self.renew)


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A peer's place in a room, as its lease row holds it."""

    room_id: str
    meeting_id: int
    peer_id: str
    user_id: int
    username: str
    session_id: str
    """Tells this peer from an earlier one with the same peer_id."""
    joined_at: At
    """When the meeting let the user in; until it has, when it was asked."""
    role: str = ""
    admitted: bool = False
    """False while the meeting domain is asked; nobody sees the peer until then."""
    owed: bool = False
    """Its end must be announced even if it is never admitted: it stood for an earlier peer."""
    freed_at: At | None = None
    """When the meeting freed the user's seat, while this peer was on its way in."""
    version: int = 0
    """The version of the roster from which on it is shown; 0 until then."""
    node: str = ""
    """The process that holds its socket; empty where there is but one."""

    @property
    def key(self) -> str:
        """Return the key of its lease."""
        return prefix(self.room_id) + self.peer_id

    @property
    def owner(self) -> str:
        """Return the owner of its lease: the user, who alone may take the place again."""
        return owner(self.user_id)

    @property
    def value(self) -> dict[str, Any]:
        """Return what the lease row keeps."""
        kept: dict[str, Any] = msgspec.to_builtins(self)
        return kept


class Roll(msgspec.Struct, frozen=True, kw_only=True):
    """Who is in a room at one version of its roster; a peer that is not admitted yet is not."""

    version: int
    places: list[Place]
    seen_at: dict[str, datetime]
    """By peer_id: when the server last knew the peer alive, to a renewal's precision."""

    @property
    def users(self) -> int:
        """Return how many users are in the room."""
        return len({place.user_id for place in self.places})


def parted(room_id: str, user_id: int) -> str:
    """Return the key of the mark that a user's last peer has gone from a room."""
    return f"{PARTED}{room_id}/{user_id}/"


def prefix(room_id: str) -> str:
    """Return what the keys of all places of a room begin with."""
    return f"{PLACES}{room_id}/"


def owner(user_id: int) -> str:
    """Return the owner of all leases of a user."""
    return f"user:{user_id}"


def place_of(lease: Lease) -> Place:
    """Read a place out of its lease."""
    return msgspec.convert(lease.value, type=Place)

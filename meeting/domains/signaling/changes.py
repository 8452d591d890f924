"""What changes in a room, as the process that changes it tells all that have members there.

These events stay in the house: they are on no channel of the contract. Each stands in the log in
the commit of the change itself, and those of one room in the order of its versions.
"""

from collections.abc import Sequence
from typing import ClassVar

import msgspec

from meeting.domains.meeting.events import LeaveReason
from meeting.domains.signaling.model import Close, Place
from meeting.kernel.message import Event

TOPIC = "signaling_rooms"


class Departed(msgspec.Struct, frozen=True, kw_only=True):
    """A place that has ended, why, and how its socket is closed if that lives on."""

    place: Place
    reason: LeaveReason
    close: Close


class RosterChanged(Event, frozen=True, kw_only=True):
    """A room's roster is another than at the version `before`."""

    TYPE: ClassVar[str] = "signaling.roster_changed"
    TOPIC: ClassVar[str] = TOPIC
    room_id: str
    meeting_id: int
    before: int
    version: int
    joined: Sequence[Place] = ()
    left: Sequence[Departed] = ()
    ended: bool = False
    """The meeting is over: all have left, and are not listed."""


class SeatTaken(Event, frozen=True, kw_only=True):
    """Somebody took part without a socket; the roster stays as it was at `version`."""

    TYPE: ClassVar[str] = "signaling.seat_taken"
    TOPIC: ClassVar[str] = TOPIC
    room_id: str
    meeting_id: int
    version: int
    user_id: int
    username: str


class SeatFreed(Event, frozen=True, kw_only=True):
    """Somebody who had no socket takes part no longer; the roster stays as it was."""

    TYPE: ClassVar[str] = "signaling.seat_freed"
    TOPIC: ClassVar[str] = TOPIC
    room_id: str
    meeting_id: int
    version: int
    user_id: int
    reason: LeaveReason


Change = RosterChanged | SeatTaken | SeatFreed
KINDS: Sequence[type[Change]] = (RosterChanged, SeatTaken, SeatFreed)

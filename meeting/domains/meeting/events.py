"""What the meeting domain announces; `version` rises by one with each event of a meeting."""

from typing import ClassVar, Literal

from meeting.kernel.clock import At
from meeting.kernel.message import Event

TOPIC = "meeting_events"

LeaveReason = Literal[
    "user_left", "meeting_ended", "connection_lost", "kicked", "replaced", "shutdown"
]


class MeetingCreated(Event, frozen=True, kw_only=True):
    """A meeting was scheduled."""

    TYPE: ClassVar[str] = "meeting.created"
    TOPIC: ClassVar[str] = TOPIC
    meeting_id: int
    title: str
    creator_id: int
    start_time: At
    version: int


class MeetingStarted(Event, frozen=True, kw_only=True):
    """A meeting is active from now on."""

    TYPE: ClassVar[str] = "meeting.started"
    TOPIC: ClassVar[str] = TOPIC
    meeting_id: int
    actual_start_time: At
    version: int
    user_ids: list[int]
    """The creator and the invited."""


class MeetingEnded(Event, frozen=True, kw_only=True):
    """A meeting is over; its joined participants are left without events of their own."""

    TYPE: ClassVar[str] = "meeting.ended"
    TOPIC: ClassVar[str] = TOPIC
    meeting_id: int
    end_time: At
    duration: int
    """Seconds since the actual start."""
    version: int


class UserJoined(Event, frozen=True, kw_only=True):
    """Somebody took a seat."""

    TYPE: ClassVar[str] = "meeting.user_joined"
    TOPIC: ClassVar[str] = TOPIC
    meeting_id: int
    user_id: int
    username: str
    joined_at: At
    version: int


class UserLeft(Event, frozen=True, kw_only=True):
    """A seat came free."""

    TYPE: ClassVar[str] = "meeting.user_left"
    TOPIC: ClassVar[str] = TOPIC
    meeting_id: int
    user_id: int
    left_at: At
    reason: LeaveReason
    version: int

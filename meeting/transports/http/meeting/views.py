"""What clients see of meetings: numbers with their names beside them, and never a password."""

from datetime import datetime
from typing import Any, Self

import msgspec

from meeting.domains.meeting.model import Meeting, Participant, Settings
from meeting.domains.meeting.record import Line
from meeting.transports.http.discreet import Discreet


class MeetingView(msgspec.Struct, frozen=True, kw_only=True):
    """A meeting."""

    id: int
    title: str
    description: str
    creator_id: int
    start_time: datetime
    end_time: datetime
    actual_start_time: datetime | None
    max_participants: int
    meeting_type: int
    meeting_type_name: str
    status: int
    status_name: str
    has_password: bool
    settings: Settings
    room_id: str
    recording_status: str = "none"
    recording_url: str = ""
    joined: int = msgspec.field(name="participant_count")
    """Who holds a seat now."""
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, meeting: Meeting) -> Self:
        """Show a meeting."""
        return msgspec.convert(meeting, type=cls, from_attributes=True)


class ParticipantView(msgspec.Struct, frozen=True, kw_only=True):
    """A participant."""

    id: int
    user_id: int
    username: str
    full_name: str
    role: int
    role_name: str
    status: int
    status_name: str
    online: bool
    joined_at: datetime | None
    left_at: datetime | None

    @classmethod
    def of(cls, seat: Participant) -> Self:
        """Show a participant."""
        return msgspec.convert(seat, type=cls, from_attributes=True)


class JoinView(Discreet, frozen=True, kw_only=True):
    """A seat, and how to get into the room: `session_token` and `token` are the same ticket."""

    meeting: MeetingView
    participant: ParticipantView
    meeting_id: int
    room_id: str
    participant_id: int
    role: int
    role_name: str
    websocket_url: str
    ice_servers: list[dict[str, Any]]
    session_token: str
    token: str
    sfu_node: str = ""


class WaitingView(msgspec.Struct, frozen=True, kw_only=True):
    """A place in the line of those who wait for approval."""

    status: str = "waiting"


class LineView(msgspec.Struct, frozen=True, kw_only=True):
    """A passage of a transcript."""

    task_id: str
    segment: int
    user_id: int
    username: str
    text: str
    language: str
    confidence: float
    started_at: datetime
    ended_at: datetime
    source: str
    model: str
    model_sha256: str

    @classmethod
    def of(cls, line: Line) -> Self:
        """Show a passage."""
        return msgspec.convert(line, type=cls, from_attributes=True)

"""What clients see of meetings: numbers with their names beside them, and never a password."""

from datetime import datetime
from typing import Any

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
    participant_count: int
    """Who is joined now."""
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, meeting: Meeting) -> "MeetingView":
        """Show a meeting."""
        return cls(
            id=meeting.id,
            title=meeting.title,
            description=meeting.description,
            creator_id=meeting.creator_id,
            start_time=meeting.start_time,
            end_time=meeting.end_time,
            actual_start_time=meeting.actual_start_time,
            max_participants=meeting.max_participants,
            meeting_type=meeting.meeting_type.value,
            meeting_type_name=meeting.meeting_type.name.lower(),
            status=meeting.status.value,
            status_name=meeting.status.name.lower(),
            has_password=meeting.has_password,
            settings=meeting.settings,
            room_id=meeting.room_id,
            participant_count=meeting.joined,
            created_at=meeting.created_at,
            updated_at=meeting.updated_at,
        )


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
    def of(cls, seat: Participant) -> "ParticipantView":
        """Show a participant."""
        return cls(
            id=seat.id,
            user_id=seat.user_id,
            username=seat.username,
            full_name=seat.full_name,
            role=seat.role.value,
            role_name=seat.role.name.lower(),
            status=seat.status.value,
            status_name=seat.status.name.lower(),
            online=seat.online,
            joined_at=seat.joined_at,
            left_at=seat.left_at,
        )


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
    def of(cls, line: Line) -> "LineView":
        """Show a passage."""
        return cls(**{name: getattr(line, name) for name in cls.__struct_fields__})

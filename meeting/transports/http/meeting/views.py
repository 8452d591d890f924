"""What clients see of meetings: numbers with their names beside them, and never a password."""

from datetime import datetime
from typing import Any, Self

import msgspec

from meeting.domains.meeting.model import Meeting, Participant, Settings
from meeting.domains.meeting.record import Line
from meeting.domains.meeting.report import Report
from meeting.domains.meeting.rooms import Room
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


class RoomView(msgspec.Struct, frozen=True, kw_only=True):
    """A room. Peers speak to each other: there is no node between them, and no limit of ours."""

    room_id: str
    meeting_id: int
    status: str
    participant_count: int
    sfu_node: str = ""
    max_bitrate: int = 0

    @classmethod
    def of(cls, room: Room) -> Self:
        """Show a room."""
        meeting = room.meeting
        return cls(
            room_id=meeting.room_id,
            meeting_id=meeting.id,
            status=room.status.value,
            participant_count=meeting.joined,
        )


class AttendedView(msgspec.Struct, frozen=True, kw_only=True):
    """One who took part in a meeting that is over."""

    user_id: int
    username: str
    joined_at: datetime
    left_at: datetime | None
    seconds: int
    talk_ms: int
    words: int


class ReportView(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a meeting that is over."""

    meeting_id: int
    title: str
    started_at: datetime
    ended_at: datetime
    duration: int
    participants: list[AttendedView]
    transcript_count: int
    languages: dict[str, int]
    emotions: dict[str, dict[str, float]]
    alerts: list[dict[str, Any]]
    recordings: list[dict[str, Any]]
    generated_at: datetime
    version: int

    @classmethod
    def of(cls, report: Report) -> Self:
        """Show a report."""
        return msgspec.convert(report, type=cls, from_attributes=True)

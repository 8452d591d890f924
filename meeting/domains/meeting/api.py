"""What other domains may ask the meeting domain."""

from datetime import datetime
from typing import Protocol

import msgspec

from meeting.domains.meeting.model import Settings
from meeting.kernel.call import Call


class MeetingInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A meeting as other domains see it; status and type by name."""

    id: int
    title: str
    description: str
    creator_id: int
    status: str
    start_time: datetime
    end_time: datetime
    actual_start_time: datetime | None
    max_participants: int
    meeting_type: str
    room_id: str
    settings: Settings


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a user may be in the meeting now; `role` is filled for every member."""

    has_access: bool
    role: str = ""
    error: str = ""


class AnalysisResult(msgspec.Struct, frozen=True, kw_only=True):
    """A result of the AI domain, or of a service that has one made elsewhere, to be kept."""

    meeting_id: int
    user_id: int = 0
    """Whose speech or face it is; 0 in what is about the whole meeting."""
    task_id: str
    analysis_type: str
    """A task by any of its names, or `meeting_report`."""
    result_data: str
    """A JSON object, `RESULT_BYTES` at most. Its `segment`, 0 if absent, is part of the key."""
    confidence: float = 0.0
    created_at: datetime | None = None
    """None: now."""
    model: str = ""
    """Empty: the one that `result_data` names, else the service that has sent it."""


RESULT_BYTES = 2**20
ACTIVE = 1000
"""Meetings that one call returns at most."""


class MeetingApi(Protocol):
    """The calls that a service can make, in this process or over a wire."""

    async def get_meeting(self, call: Call, meeting_id: int) -> MeetingInfo:
        """Return a meeting; `meeting_not_found` where it is absent or hidden from the caller."""
        ...

    async def validate_user_access(
        self, call: Call, user_id: int, meeting_id: int, *, admit: bool = False
    ) -> Access:
        """Tell whether a user may be in a meeting; `admit` joins the user first, as REST would."""
        ...

    async def update_meeting_status(
        self, call: Call, meeting_id: int, status: str, participant_count: int = 0
    ) -> None:
        """Bring a meeting into a state, as its host would by REST; for services alone.

        The state that it is in already has no effect. Which way leads nowhere is refused as
        `meeting_ended`, `meeting_not_started` or `conflict`. `participant_count` decides nothing.
        """
        ...

    async def get_active_meetings(self, call: Call) -> list[MeetingInfo]:
        """Return the meetings that go on, `ACTIVE` at most, newest start first; for services."""
        ...

    async def save_ai_analysis_result(self, call: Call, result: AnalysisResult) -> None:
        """Keep a result by its key, in place of what is kept there; for services alone.

        It is kept when this returns. `meeting_not_found`, `validation`, `too_large`.
        """
        ...

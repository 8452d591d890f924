"""Meetings and participants as values; what happens to them stands in `rules`."""

from datetime import datetime
from enum import IntEnum

import msgspec

from meeting.kernel.ids import room_of
from meeting.kernel.secret import Secret
from meeting.kernel.word import Word


class Status(IntEnum):
    """The life of a meeting: scheduled → active → ended, scheduled → cancelled."""

    SCHEDULED = 1
    ACTIVE = 2
    ENDED = 3
    CANCELLED = 4


class MeetingType(IntEnum):
    """Private ones are for the invited alone; the others admit any user."""

    PUBLIC = 1
    PRIVATE = 2
    VIDEO = 3
    AUDIO = 4


class PartRole(IntEnum):
    """What a participant may do; the creator is the host."""

    PARTICIPANT = 1
    MODERATOR = 2
    PRESENTER = 3
    HOST = 4


class Standing(IntEnum):
    """How a participant stands to the meeting."""

    INVITED = 1
    JOINED = 2
    LEFT = 3
    REJECTED = 4
    WAITING = 5
    KICKED = 6


MEMBERS = frozenset({Standing.INVITED, Standing.JOINED, Standing.LEFT})
"""Who may read what belongs to a meeting."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a meeting allows; `enable_recording` means: record by itself."""

    enable_video: bool = True
    enable_audio: bool = True
    enable_screen_share: bool = True
    enable_chat: bool = True
    enable_recording: bool = False
    enable_ai: bool = True
    mute_on_join: bool = False
    require_approval: bool = False


class Meeting(msgspec.Struct, frozen=True, kw_only=True):
    """A meeting. Its password's hash stays in the store: here is only whether there is one."""

    id: int = 0
    """0 until it is stored."""
    title: str
    description: str = ""
    creator_id: int
    start_time: datetime
    end_time: datetime
    actual_start_time: datetime | None = None
    actual_end_time: datetime | None = None
    max_participants: int = 100
    meeting_type: MeetingType = MeetingType.VIDEO
    status: Status = Status.SCHEDULED
    has_password: bool = False
    settings: Settings = Settings()
    version: int = 0
    """How many events this meeting has announced."""
    joined: int = 0
    """Participants who hold a seat now, the host too."""
    created_at: datetime
    updated_at: datetime

    meeting_type_name = Word("meeting_type")
    status_name = Word("status")

    @property
    def room_id(self) -> str:
        """Return the name of its room, which it has from its creation on."""
        return room_of(self.id)

    @property
    def private(self) -> bool:
        """Tell whether it is there for the invited alone."""
        return self.meeting_type is MeetingType.PRIVATE


class Participant(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who is, was, or may be in a meeting; one row a user and meeting."""

    id: int = 0
    """0 until it is stored."""
    meeting_id: int
    user_id: int
    username: str
    full_name: str
    role: PartRole = PartRole.PARTICIPANT
    status: Standing = Standing.INVITED
    online: bool = False
    """Whether signaling let the user in and has not reported the last peer gone."""
    joined_at: datetime | None = None
    """When the seat was taken last."""
    left_at: datetime | None = None
    arrived_at: datetime | None = None
    """When the user last came or came again, by which late news of an old socket is told apart."""

    role_name = Word("role")
    status_name = Word("status")

    @property
    def member(self) -> bool:
        """Tell whether the meeting's content is open to this user."""
        return self.status in MEMBERS

    @property
    def moderates(self) -> bool:
        """Tell whether this is the host or a moderator, and still belongs to the meeting."""
        return self.member and self.role in (PartRole.HOST, PartRole.MODERATOR)


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What a user asks for when creating a meeting."""

    title: str
    description: str
    start_time: datetime
    end_time: datetime
    max_participants: int
    meeting_type: MeetingType
    password: Secret | None
    settings: Settings

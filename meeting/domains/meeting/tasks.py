"""What is done later in meetings: the tasks of the queue, by us or by producers outside.

Of the payload only what a handler goes by has to be there; the rest is for whoever reads along.
"""

from datetime import datetime
from typing import Annotated, ClassVar

from msgspec import Meta

from meeting.kernel.ids import MAX_ID
from meeting.kernel.lane import Lane
from meeting.kernel.task import Task

QUEUE = "meeting_tasks"

Id = Annotated[int, Meta(ge=1, le=MAX_ID)]


class CreateMeeting(Task, frozen=True, kw_only=True):
    """Prepare the room of a meeting that was made."""

    TYPE: ClassVar[str] = "meeting.create"
    QUEUE: ClassVar[str] = QUEUE
    LANE: ClassVar[Lane] = Lane.HIGH
    meeting_id: Id
    title: str = ""
    creator_id: int = 0
    start_time: datetime | None = None

    @property
    def key(self) -> str:
        """Name the one task of its kind that a meeting needs at a time."""
        return f"{self.TYPE}:{self.meeting_id}"


class EndMeeting(Task, frozen=True, kw_only=True):
    """Release the room of a meeting that is over, and write down what it was."""

    TYPE: ClassVar[str] = "meeting.end"
    QUEUE: ClassVar[str] = QUEUE
    LANE: ClassVar[Lane] = Lane.HIGH
    meeting_id: Id
    end_time: datetime | None = None
    duration: int | None = None

    def key(self, made: int) -> str:
        """Name the one task that is needed after the report was `made` so many times."""
        return f"{self.TYPE}:{self.meeting_id}:{made}"


class JoinMeeting(Task, frozen=True, kw_only=True):
    """Take a seat for a user, without a password."""

    TYPE: ClassVar[str] = "meeting.user_join"
    QUEUE: ClassVar[str] = QUEUE
    meeting_id: Id
    user_id: Id


class LeaveMeeting(Task, frozen=True, kw_only=True):
    """Give a user's seat back."""

    TYPE: ClassVar[str] = "meeting.user_leave"
    QUEUE: ClassVar[str] = QUEUE
    meeting_id: Id
    user_id: Id

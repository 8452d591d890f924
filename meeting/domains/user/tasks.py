"""What the user domain asks itself to do later; anybody else may ask for it, too."""

from typing import Annotated, Any, ClassVar

from msgspec import Meta

from meeting.domains.user.model import Presence
from meeting.kernel.clock import At
from meeting.kernel.ids import MAX_ID
from meeting.kernel.lane import Lane
from meeting.kernel.task import Task

QUEUE = "user_tasks"
UserId = Annotated[int, Meta(ge=1, le=MAX_ID)]
Name = Annotated[str, Meta(max_length=100, pattern=r"^[^\x00]*\Z")]


class UserRegister(Task, frozen=True, kw_only=True):
    """Send the one welcome mail, to the address that the account has then."""

    TYPE: ClassVar[str] = "user.register"
    QUEUE: ClassVar[str] = QUEUE
    user_id: UserId | None = None
    """Absent: whoever has the name."""
    username: Name = ""
    email: Annotated[str, Meta(max_length=320)] = ""
    """For whoever reads the task; never where the mail goes, or a task could mail anybody."""


class UserLogin(Task, frozen=True, kw_only=True):
    """Write a login into the log."""

    TYPE: ClassVar[str] = "user.login"
    QUEUE: ClassVar[str] = QUEUE
    LANE: ClassVar[Lane] = Lane.LOW
    user_id: UserId
    username: Name = ""
    ip_address: Annotated[str, Meta(max_length=64)] = ""
    login_time: At | None = None
    """Absent: when the task was written."""


class UserProfileUpdate(Task, frozen=True, kw_only=True):
    """Tell the others what some fields of an account are by then."""

    TYPE: ClassVar[str] = "user.profile_update"
    QUEUE: ClassVar[str] = QUEUE
    user_id: UserId
    updates: dict[str, Any]
    """Only the names count."""


class UserStatusChange(Task, frozen=True, kw_only=True):
    """Set somebody's presence, unless a later word stands."""

    TYPE: ClassVar[str] = "user.status_change"
    QUEUE: ClassVar[str] = QUEUE
    user_id: UserId
    status: Presence
    changed_at: At | None = None
    """Absent: when the task was written."""

"""What clients send about meetings, and how it is read: every bound of the contract is here."""

import re
from datetime import UTC, datetime
from enum import IntEnum
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from meeting.domains.meeting.model import Draft, MeetingType, PartRole, Settings
from meeting.kernel.clock import At
from meeting.kernel.errors import invalid
from meeting.kernel.ids import MAX_ID, id_of
from meeting.kernel.secret import Secret
from meeting.transports.http.discreet import Discreet

E = TypeVar("E", bound=IntEnum)

UserId = Annotated[int, Meta(ge=1, le=MAX_ID)]
_LINE = re.compile(r"[^\x00-\x1f\x7f]*")
_TEXT = re.compile(r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*")
LONGEST_SEARCH = 100


class CreateBody(Discreet, frozen=True, kw_only=True):
    """The body of `POST /meetings`."""

    title: Annotated[str, Meta(min_length=1, max_length=100)]
    description: Annotated[str, Meta(max_length=500)] = ""
    start_time: At
    end_time: At
    max_participants: Annotated[int, Meta(ge=1, le=1000)] = 100
    meeting_type: int | str = MeetingType.VIDEO.value
    password: Annotated[str, Meta(max_length=50)] | None = None
    settings: Settings = Settings()

    def draft(self) -> Draft:
        """Read it as what the domain works with."""
        if not self.title.strip():
            raise invalid("title", "must have 1 to 100 characters that can be seen")
        return Draft(
            title=plain("title", self.title),
            description=plain("description", self.description, lines=True),
            start_time=moment("start_time", self.start_time),
            end_time=moment("end_time", self.end_time),
            max_participants=self.max_participants,
            meeting_type=choose("meeting_type", self.meeting_type, *MeetingType),
            password=secret(self.password),
            settings=self.settings,
        )


class JoinBody(Discreet, frozen=True, kw_only=True):
    """The body of `POST …/join`, which may be absent."""

    password: Annotated[str, Meta(max_length=50)] | None = None


class InviteBody(msgspec.Struct, frozen=True, kw_only=True):
    """The body of `POST …/participants`."""

    user_id: UserId
    role: int | str = PartRole.PARTICIPANT.value


def secret(text: str | None) -> Secret | None:
    """Wrap a password; an empty one is none."""
    return Secret(text) if text else None


def plain(field: str, text: str, *, lines: bool = False) -> str:
    """Refuse control characters, which no store and no terminal is to see."""
    if not (_TEXT if lines else _LINE).fullmatch(text):
        raise invalid(field, "must be text without control characters")
    return text


def moment(field: str, value: datetime) -> datetime:
    """Bring a moment to UTC; one that lies outside the years 1 to 9999 there is refused."""
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise invalid(field, "must lie in the years 1 to 9999") from error


def choose(field: str, value: int | str, *choices: E) -> E:
    """Read one of the choices, given by its number or by its name."""
    for choice in choices:
        if value in (choice.value, str(choice.value), choice.name.lower()):
            return choice
    allowed = ", ".join(f"{choice.value} or {choice.name.lower()}" for choice in choices)
    raise invalid(field, f"must be one of: {allowed}")


def number(field: str, value: str) -> int | None:
    """Read a user's id from a query; None where it is absent."""
    if not value:
        return None
    if (found := id_of(value)) is None:
        raise invalid(field, f"must be 1 to {MAX_ID}")
    return found


def search(text: str) -> str:
    """Read the text that titles are searched for."""
    if len(text) > LONGEST_SEARCH:
        raise invalid("q", f"must have at most {LONGEST_SEARCH} characters")
    return plain("q", text)


def word(field: str, value: str, choices: dict[str, str]) -> str:
    """Read one of the choices by its name or alias; the contract's name comes back."""
    if value not in choices:
        raise invalid(field, f"must be one of: {', '.join(choices)}")
    return choices[value]

"""Keeps what meetings show of their users in step with the user domain: handlers of its events."""

from typing import Annotated

import msgspec
from msgspec import Meta

from meeting.domains.meeting.ports import MeetingUnit
from meeting.domains.user.events import UserProfileUpdated, UserStatusChanged
from meeting.kernel.message import Entry

Name = Annotated[str, Meta(max_length=50)]


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """What of a profile meetings show."""

    username: Name | None = None
    full_name: Name | None = None


async def rename(unit: MeetingUnit, event: UserProfileUpdated, _entry: Entry) -> None:
    """Show the names of a `user.profile_updated` in all lists, also of meetings that are over."""
    names = msgspec.convert(event.updates, Names)
    await unit.copies.rename(event.user_id, username=names.username, full_name=names.full_name)


async def appear(unit: MeetingUnit, event: UserStatusChanged, _entry: Entry) -> None:
    """Show the user of a `user.status_changed` as online, whether away or busy, or as not."""
    await unit.copies.appear(event.user_id, here=event.new_status != "offline")

"""Keeps what meetings show of their users in step with the user domain."""

from typing import Annotated

import msgspec
from msgspec import Meta

from meeting.domains.meeting.ports import MeetingUnit
from meeting.domains.user.events import UserProfileUpdated, UserStatusChanged
from meeting.kernel.message import Entry
from meeting.kernel.ports import Units

Name = Annotated[str, Meta(max_length=50)]


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """What of a profile meetings show."""

    username: Name | None = None
    full_name: Name | None = None


class NameKeeper:
    """Handles `user.profile_updated` of `user_events`."""

    def __init__(self, units: Units[MeetingUnit]) -> None:
        self._units = units

    async def __call__(self, event: UserProfileUpdated, entry: Entry) -> None:
        """Show the new names in all lists, also of meetings that are over."""
        names = msgspec.convert(event.updates, Names)
        async with self._units.write() as unit:
            await unit.copies.rename(
                event.user_id, username=names.username, full_name=names.full_name
            )
            await unit.advance(entry)


class OnlineKeeper:
    """Handles `user.status_changed` of `user_events`."""

    def __init__(self, units: Units[MeetingUnit]) -> None:
        self._units = units

    async def __call__(self, event: UserStatusChanged, entry: Entry) -> None:
        """Show the user as online, whether away or busy, or as not."""
        async with self._units.write() as unit:
            await unit.copies.appear(event.user_id, here=event.new_status != "offline")
            await unit.advance(entry)

"""Who may do what by the contract, and the people of a house who try it.

A row of a table says in one letter a role, in the order of `ROLES`, what its caller hears:
  .  it is let in, and hears what the row says      1  it has to say first who it is
  -  let in; where the meeting is hidden: not found 3  it may not
  x  it may not; where the meeting is hidden: not found   4  not found
"""

import asyncio
from collections.abc import Mapping

from tests.stories.house import SECRET
from tests.stories.visit import Person, Visit

ROLES = ("nobody", "stranger", "service", "admin", "participant", "host")
"""A stranger has an account and is no member of the meeting, and so is the admin."""
HTTP: Mapping[str, int] = {"1": 401, "3": 403, "4": 404}
GRPC: Mapping[str, str] = {"1": "UNAUTHENTICATED", "3": "PERMISSION_DENIED", "4": "NOT_FOUND"}


def verdict(who: str, role: str, *, hidden: bool) -> str:
    """Return what a role hears: `.`, or one of 1, 3 and 4."""
    letter = who[ROLES.index(role)]
    return {"-": ".4", "x": "34"}.get(letter, letter * 2)[hidden]


def hides(who: str) -> bool:
    """Tell whether it makes a difference that a meeting is hidden."""
    return "-" in who or "x" in who


class Cast:
    """The people of one test, by their roles, and two meetings that go on, one of them private."""

    def __init__(self, house: Visit) -> None:
        self.home = house.home
        self.people: dict[str, Person] = {}
        self.guest = Person(house.url, house.http)
        """Somebody to be invited."""
        self.nobody = Person(house.url, house.http)
        self.service = Person(house.url, house.http)
        self.service.token = SECRET
        self.meetings: dict[bool, int] = {}
        """By whether it is hidden."""

    async def assemble(self, house: Visit) -> None:
        """Bring everybody to where their role says."""
        names = ("stranger", "admin", "participant", "host", "guest")
        self.people = dict(zip(names, await house.people(*names), strict=True))
        self.guest = self.people.pop("guest")
        guest, host = self.people["participant"], self.people["host"]
        words = ("users", "promote", self.people["admin"].name)
        await asyncio.to_thread(self.home.typed, *words)
        for hidden in (False, True):
            made = await host.meeting(meeting_type="private" if hidden else "public")
            body = {"user_id": guest.user_id}
            await host.data("POST", f"/meetings/{made}/participants", body)
            for each in (host, guest):
                await each.data("POST", f"/meetings/{made}/join")
            self.meetings[hidden] = made
        self.people |= {"nobody": self.nobody, "service": self.service}

    def id_of(self, role: str) -> int:
        """Return whom a role acts for: itself, or where it is no user the participant."""
        return self.people[role].user_id or self.people["participant"].user_id


async def cast(house: Visit) -> Cast:
    """Bring the people in."""
    made = Cast(house)
    await made.assemble(house)
    return made

"""Asks the user domain who somebody is, and says so plainly when it can't be asked."""

from meeting.domains.meeting.model import Meeting, Participant, PartRole
from meeting.domains.user.api import Person, UserApi
from meeting.kernel.call import Call
from meeting.kernel.errors import Fault, Kind


class People:
    """Looks users up for the meeting domain."""

    def __init__(self, users: UserApi) -> None:
        self._users = users

    async def person(self, call: Call, user_id: int) -> Person:
        """Return a user; `user_not_found`, or `unavailable` naming the peer `user`."""
        try:
            return await self._users.get_user(call.onward("meeting"), user_id)
        except Fault as fault:
            if fault.kind is not Kind.UNAVAILABLE:
                raise
            raise Fault(
                Kind.UNAVAILABLE,
                "the user service does not answer; try again shortly",
                details={"peer": "user"},
            ) from fault


def newcomer(meeting: Meeting, person: Person) -> Participant:
    """Make the row of somebody who has none in this meeting yet; the creator's is the host's."""
    host = person.id == meeting.creator_id
    return Participant(
        meeting_id=meeting.id,
        user_id=person.id,
        username=person.username,
        full_name=person.full_name,
        role=PartRole.HOST if host else PartRole.PARTICIPANT,
    )

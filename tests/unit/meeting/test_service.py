"""What other domains hear about access, in the words of the contract."""

import pytest

from meeting.domains.meeting.api import Access
from meeting.domains.meeting.model import Meeting, MeetingType, PartRole, Settings
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.secret import Secret
from tests.unit.meeting.world import World


async def ask(world: World, meeting: Meeting, user: int, *, admit: bool = False) -> Access:
    """Ask as the signaling service does."""
    call = world.call(user, service="signaling")
    return await world.service.validate_user_access(call, user, meeting.id, admit=admit)


def no(error: str, role: str = "") -> Access:
    """Make a refusal."""
    return Access(has_access=False, role=role, error=error)


async def test_access_without_admission(world: World) -> None:
    """The host and the joined are in; the others hear why not, and nothing changes."""
    meeting = await world.meeting(max_participants=2)
    await world.attendance.join(world.call(2), meeting.id)
    await world.attendance.invite(world.call(1), meeting.id, 3, PartRole.PRESENTER)
    told = await world.told()
    assert await ask(world, meeting, 1) == Access(has_access=True, role="host")
    assert await ask(world, meeting, 2) == Access(has_access=True, role="participant")
    assert await ask(world, meeting, 3) == no("user not invited to meeting", "presenter")
    assert await ask(world, meeting, 4) == no("user not invited to meeting")
    await world.attendance.join(world.call(1), meeting.id)
    assert await ask(world, meeting, 3) == no("meeting is full", "presenter")
    assert len(await world.told()) == len(told) + 1


async def test_access_follows_the_state(world: World) -> None:
    """Before the start the host alone is in, after the end nobody."""
    meeting = await world.meeting(started=False)
    assert (await ask(world, meeting, 1)).has_access
    assert await ask(world, meeting, 2) == no("meeting is not active")
    assert await ask(world, meeting, 2, admit=True) == no("meeting is not active")
    await world.lifecycle.start(world.call(1), meeting.id)
    await world.lifecycle.end(world.call(1), meeting.id)
    for admit in (False, True):
        assert await ask(world, meeting, 1, admit=admit) == no("meeting is not active", "host")


async def test_admission_joins_once(world: World) -> None:
    """Admit takes a seat and tells it; again it finds the seat and says nothing."""
    meeting = await world.meeting(max_participants=1)
    for _ in range(2):
        access = await ask(world, meeting, 2, admit=True)
        assert access == Access(has_access=True, role="participant")
    assert await ask(world, meeting, 3, admit=True) == no("meeting is full")
    joined = [message for message in await world.told() if message.type == "meeting.user_joined"]
    assert [message.payload["username"] for message in joined] == ["user2"]


async def test_admission_asks_no_password_of_who_was_in(world: World) -> None:
    """A stranger hears that one is needed; who joined by REST comes in by socket without."""
    meeting = await world.meeting(password=Secret("sesame"))
    assert await ask(world, meeting, 2, admit=True) == no("password required")
    await world.attendance.join(world.call(2), meeting.id, Secret("sesame"))
    await world.attendance.leave(world.call(2), meeting.id)
    assert (await ask(world, meeting, 2, admit=True)).has_access


async def test_hidden_waiting_and_unknown(world: World) -> None:
    """A private meeting is not found, a strict one lets wait, an unknown user is not invited."""
    private = await world.meeting(meeting_type=MeetingType.PRIVATE)
    strict = await world.meeting(settings=Settings(require_approval=True))
    for admit in (False, True):
        assert await ask(world, private, 2, admit=admit) == no("meeting not found")
    for admit in (True, False):
        assert await ask(world, strict, 2, admit=admit) == no("waiting for approval")
    assert await ask(world, strict, 500, admit=True) == no("user not invited to meeting")


async def test_users_ask_for_themselves_alone(world: World) -> None:
    """A user may neither ask for others nor be admitted by their own word."""
    meeting = await world.meeting()
    for user, admit in ((3, False), (2, True)):
        with pytest.raises(Fault) as caught:
            await world.service.validate_user_access(world.call(2), user, meeting.id, admit=admit)
        assert caught.value.kind is Kind.FORBIDDEN
    own = await world.service.validate_user_access(world.call(2), 2, meeting.id)
    assert own == no("user not invited to meeting")


async def test_services_see_every_meeting(world: World) -> None:
    """A private meeting is there for a service, by names, and not for a strange user."""
    meeting = await world.meeting(meeting_type=MeetingType.PRIVATE)
    info = await world.service.get_meeting(world.call(9, service="ai"), meeting.id)
    assert (info.status, info.meeting_type, info.room_id) == (
        "active",
        "private",
        f"room_{meeting.id}",
    )
    with pytest.raises(Fault) as caught:
        await world.service.get_meeting(world.call(9), meeting.id)
    assert caught.value.kind is Kind.MEETING_NOT_FOUND

"""Seats on a real store: races, passwords, approval, and what each user may read."""

import asyncio

import pytest

from meeting.domains.meeting.model import MeetingType, PartRole, Settings, Standing
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.page import Page
from meeting.kernel.secret import Secret
from tests.unit.meeting.world import World


async def kind_of(work: object) -> Kind:
    """Return the kind of fault that the work ends in."""
    with pytest.raises(Fault) as caught:
        await work  # type: ignore[misc]
    return caught.value.kind


async def test_of_twenty_for_three_seats_three_win(world: World) -> None:
    """A race for the last seats gives away exactly those, and announces exactly those."""
    meeting = await world.meeting(max_participants=3)
    joins = [world.attendance.join(world.call(user), meeting.id) for user in range(2, 22)]
    answers = await asyncio.gather(*joins, return_exceptions=True)
    faults = [answer for answer in answers if isinstance(answer, Fault)]
    assert [fault.kind for fault in faults] == [Kind.MEETING_FULL] * 17
    told = [message for message in await world.told() if message.type == "meeting.user_joined"]
    assert len(told) == 3
    assert [message.payload["version"] for message in told] == [3, 4, 5]
    assert (await world.schedule.get(world.call(1), meeting.id)).joined == 3


async def test_a_ticket_is_bound_and_fresh(world: World) -> None:
    """The ticket names user, meeting and the token behind it; a repeated join gives another."""
    meeting = await world.meeting()
    first = await world.attendance.join(world.call(2), meeting.id)
    again = await world.attendance.join(world.call(2), meeting.id)
    claims = world.tokens.open(first.ticket, "ticket")
    assert (claims.user_id, claims.meeting_id, claims.parent) == (2, meeting.id, "jti2")
    assert world.tokens.open(again.ticket, "ticket").jti != claims.jti
    assert again.participant.id == first.participant.id
    assert [message.type for message in await world.told()].count("meeting.user_joined") == 1


async def test_the_password_opens_and_nothing_else_does(world: World) -> None:
    """No password and a wrong one are refused alike; who was in needs none to come back."""
    meeting = await world.meeting(password=Secret("sesame"))
    for wrong in (None, "Sesame", "esame"):
        work = world.attendance.join(world.call(2), meeting.id, Secret(wrong) if wrong else None)
        assert await kind_of(work) is Kind.BAD_MEETING_PASSWORD
    await world.attendance.join(world.call(2), meeting.id, Secret("sesame"))
    await world.attendance.leave(world.call(2), meeting.id)
    back = await world.attendance.join(world.call(2), meeting.id)
    assert back.participant.status is Standing.JOINED


async def test_the_host_of_a_locked_meeting_needs_no_password(world: World) -> None:
    """The creator comes in without."""
    meeting = await world.meeting(password=Secret("sesame"))
    assert (await world.attendance.join(world.call(1), meeting.id)).ticket


async def test_who_waits_gets_no_ticket_and_reads_nothing(world: World) -> None:
    """A stranger under require_approval stands in a line that only moderators see."""
    meeting = await world.meeting(settings=Settings(require_approval=True))
    waiting = await world.attendance.join(world.call(2), meeting.id)
    assert (waiting.waiting, waiting.ticket) == (True, "")
    listed = world.attendance.participants(world.call(2), meeting.id, Page())
    assert await kind_of(listed) is Kind.FORBIDDEN
    await world.attendance.invite(world.call(1), meeting.id, 3, PartRole.PARTICIPANT)
    seen = {
        user: (await world.attendance.participants(world.call(user), meeting.id, Page())).total
        for user in (1, 3)
    }
    assert seen == {1: 3, 3: 2}


async def test_a_private_meeting_is_not_there_for_strangers(world: World) -> None:
    """Every verb says that there is no such meeting, as for a number that was never given."""
    meeting = await world.meeting(meeting_type=MeetingType.PRIVATE)
    stranger = world.call(9)
    for number in (meeting.id, 4_000_000_000):
        for work in (
            world.schedule.get(stranger, number),
            world.lifecycle.start(stranger, number),
            world.lifecycle.end(stranger, number),
            world.attendance.join(stranger, number),
            world.attendance.leave(stranger, number),
            world.attendance.participants(stranger, number, Page()),
            world.attendance.invite(stranger, number, 9, PartRole.PARTICIPANT),
            world.results.transcript(stranger, number, source="best", user_id=None, page=Page()),
            world.results.analysis(stranger, number, kind=None, user_id=None, page=Page()),
        ):
            assert await kind_of(work) is Kind.MEETING_NOT_FOUND


async def test_a_non_member_of_a_public_meeting_reads_nothing_of_it(world: World) -> None:
    """The meeting itself is public; who is in it and what was said is not."""
    meeting = await world.meeting()
    stranger = world.call(9)
    assert (await world.schedule.get(stranger, meeting.id)).id == meeting.id
    for work in (
        world.attendance.participants(stranger, meeting.id, Page()),
        world.results.transcript(stranger, meeting.id, source="best", user_id=None, page=Page()),
        world.results.analysis(stranger, meeting.id, kind=None, user_id=None, page=Page()),
        world.lifecycle.end(stranger, meeting.id),
        world.attendance.invite(stranger, meeting.id, 9, PartRole.PARTICIPANT),
    ):
        assert await kind_of(work) is Kind.FORBIDDEN


async def test_an_invitation_is_for_users_and_happens_once(world: World) -> None:
    """An unknown user is not found, a known participant exists, and moderators may invite."""
    meeting = await world.meeting(meeting_type=MeetingType.PRIVATE)
    invite = world.attendance.invite
    host = world.call(1)
    assert await kind_of(invite(host, meeting.id, 500, PartRole.PARTICIPANT)) is Kind.USER_NOT_FOUND
    guest = await invite(host, meeting.id, 2, PartRole.MODERATOR)
    assert (guest.status, guest.role, guest.full_name) == (
        Standing.INVITED,
        PartRole.MODERATOR,
        "User 2",
    )
    assert await kind_of(invite(host, meeting.id, 2, PartRole.PARTICIPANT)) is Kind.EXISTS
    await invite(world.call(2), meeting.id, 3, PartRole.PARTICIPANT)
    assert (await world.attendance.join(world.call(3), meeting.id)).ticket
    assert await kind_of(invite(world.call(3), meeting.id, 4, PartRole.PARTICIPANT)) is (
        Kind.FORBIDDEN
    )


async def test_an_end_empties_the_meeting_without_further_events(world: World) -> None:
    """The joined are left with the end, told by one event; later leaves say nothing."""
    meeting = await world.meeting()
    for user in (1, 2):
        await world.attendance.join(world.call(user), meeting.id)
    for _ in range(2):
        await world.lifecycle.end(world.call(1), meeting.id)
    await world.attendance.leave(world.call(2), meeting.id)
    told = await world.told()
    assert [message.type for message in told] == [
        "meeting.created",
        "meeting.started",
        "meeting.user_joined",
        "meeting.user_joined",
        "meeting.ended",
    ]
    assert [message.payload["version"] for message in told] == [1, 2, 3, 4, 5]
    found = await world.attendance.participants(world.call(2), meeting.id, Page())
    assert {seat.status for seat in found.rows} == {Standing.LEFT}
    assert await kind_of(world.attendance.join(world.call(2), meeting.id)) is Kind.MEETING_ENDED

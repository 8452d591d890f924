"""Creating meetings, once each, and finding those that one may see."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from meeting.domains.meeting.model import MeetingType, PartRole, Status
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.page import Page
from tests.unit.meeting.world import DRAFT, NOON, World


async def test_creation_makes_the_host_and_tells_it_once(world: World) -> None:
    """A meeting, its host's row and its event are one commit."""
    made = await world.schedule.create(world.call(1), DRAFT)
    found = await world.attendance.participants(world.call(1), made.id, Page())
    assert [(seat.user_id, seat.role.name, seat.full_name) for seat in found.rows] == [
        (1, "HOST", "User 1")
    ]
    told = await world.told()
    assert [(message.type, message.payload["version"]) for message in told] == [
        ("meeting.created", 1)
    ]
    assert await world.schedule.get(world.call(1), made.id) == made


async def test_the_same_key_makes_the_same_meeting(world: World) -> None:
    """A retry, also after a restart that lost every answer, gives the meeting that was made."""
    first = await world.schedule.create(world.call(1, key="k"), DRAFT)
    again = await world.schedule.create(world.call(1, key="k"), DRAFT)
    other = await world.schedule.create(world.call(2, key="k"), DRAFT)
    assert again == first
    assert other.id != first.id
    assert len(await world.told()) == 2


async def test_a_key_is_for_one_meeting(world: World) -> None:
    """Another body under the same key is a conflict; after a day the key is free again."""
    first = await world.schedule.create(world.call(1, key="k"), DRAFT)
    with pytest.raises(Fault) as caught:
        await world.schedule.create(world.call(1, key="k"), replace(DRAFT, title="Other"))
    assert caught.value.kind is Kind.CONFLICT
    world.clock.move(timedelta(hours=24, seconds=1))
    later = await world.schedule.create(world.call(1, key="k"), DRAFT)
    assert later.id != first.id


async def test_of_two_at_once_with_one_key_one_makes_it(world: World) -> None:
    """Two requests with one key that run together leave one meeting."""
    calls = [world.schedule.create(world.call(1, key="k"), DRAFT) for _ in range(5)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    made = {answer.id for answer in answers if not isinstance(answer, BaseException)}
    assert len(made) == 1
    assert len(await world.told()) == 1


async def test_without_the_user_domain_nothing_is_created(world: World) -> None:
    """The answer names who does not answer, and no meeting is left behind."""
    world.users.down = True
    with pytest.raises(Fault) as caught:
        await world.schedule.create(world.call(1), DRAFT)
    assert caught.value.kind is Kind.UNAVAILABLE
    assert caught.value.details == {"peer": "user"}
    assert await world.told() == []


async def test_a_meeting_ends_after_it_begins(world: World) -> None:
    """An end_time that is not later than the start_time is refused by name."""
    with pytest.raises(Fault) as caught:
        await world.schedule.create(world.call(1), replace(DRAFT, end_time=NOON))
    assert list(caught.value.details) == ["end_time"]


async def test_the_list_shows_public_own_and_invited(world: World) -> None:
    """Private meetings are listed for their members alone; the newest start comes first."""
    public = await world.meeting(1, started=False)
    private = await world.meeting(
        1, started=False, meeting_type=MeetingType.PRIVATE, start_time=NOON + timedelta(minutes=5)
    )
    await world.attendance.invite(world.call(1), private.id, 2, PartRole.PARTICIPANT)
    seen = {}
    for user in (1, 2, 3):
        found = await world.schedule.list(world.call(user), status=None, text="", page=Page())
        seen[user] = ([meeting.id for meeting in found.rows], found.total)
    assert seen == {
        1: ([private.id, public.id], 2),
        2: ([private.id, public.id], 2),
        3: ([public.id], 1),
    }


async def test_the_list_is_filtered_by_state_and_title(world: World) -> None:
    """`%` and `_` in a title are letters like others."""
    await world.meeting(1, title="100% sure")
    await world.meeting(1, title="1000 things", started=False)

    async def titles(status: Status | None, text: str) -> list[str]:
        found = await world.schedule.list(world.call(2), status=status, text=text, page=Page())
        assert found.total == len(found.rows)
        return [meeting.title for meeting in found.rows]

    assert await titles(None, "0% S") == ["100% sure"]
    assert await titles(None, "100") == ["1000 things", "100% sure"]
    assert await titles(Status.ACTIVE, "") == ["100% sure"]
    assert await titles(Status.ENDED, "") == []

"""Places as leases: whatever ends one takes effect once, and a later peer is left alone."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace
from sqlalchemy import event

from meeting.domains.signaling import register
from meeting.domains.signaling.model import Place
from meeting.domains.signaling.roster import LeaseRoster
from meeting.kernel.errors import Fault, Kind
from tests.integration.signaling.world import World


@pytest.fixture
def server() -> str:
    """Nothing here depends on the server."""
    return "aiohttp"


@pytest.fixture
def roster(house: World) -> LeaseRoster:
    """Make a roster on the store of the house."""
    return LeaseRoster(house.units, house.clock, house.timings)


def place(house: World, user_id: int, peer_id: str, session_id: str) -> Place:
    """Make a place in room 7."""
    return Place(
        room_id="room_7",
        meeting_id=7,
        peer_id=peer_id,
        user_id=user_id,
        username=f"user{user_id}",
        session_id=session_id,
        joined_at=house.clock.now(),
    )


async def enter(roster: LeaseRoster, wanted: Place) -> Place:
    """Hold a place and show it."""
    await roster.hold(wanted)
    await roster.admit(replace(wanted, admitted=True))
    return replace(wanted, admitted=True)


async def clear(house: World) -> list[Place]:
    """End the room, as the end of its meeting does."""
    async with house.units.write() as unit:
        room = await register.open_(unit, "room_7", house.clock, house.timings)
        return list(await room.clear("meeting_ended"))


async def test_an_end_takes_effect_once(house: World, roster: LeaseRoster) -> None:
    """Leave, heartbeat and sweeper may all end a place at once: one event, one version."""
    one = await enter(roster, place(house, 1, "a", "s1"))
    before = (await roster.roll("room_7")).version
    house.clock.move(house.timings.held)
    ends = await asyncio.gather(
        roster.end(one, "user_left"),
        roster.end(one, "connection_lost"),
        roster.expire("room_7", [one]),
        roster.expire("room_7", [one]),
    )
    assert len([gone for gone in ends if gone is not None]) == 1
    assert len(await house.closures()) == 1
    assert (await roster.roll("room_7")).version == before + 1


async def test_a_late_end_spares_a_later_peer(house: World, roster: LeaseRoster) -> None:
    """An older session of the same peer can neither end, lapse nor withdraw the newer's place."""
    old = await enter(roster, place(house, 1, "a", "old"))
    await enter(roster, place(house, 1, "a", "new"))
    assert await roster.end(old, "user_left") is None
    await roster.lapse(old)
    await roster.withdraw(old, unsure=True)
    house.clock.move(house.timings.kept + timedelta(seconds=1))
    assert await roster.over(10) == []
    assert [one.session_id for one in (await roster.roll("room_7")).places] == ["new"]
    assert [event["reason"] for event in await house.closures()] == ["replaced"]


async def test_a_held_place_is_unseen(house: World, roster: LeaseRoster) -> None:
    """Nobody sees a peer before it is admitted; one that is refused leaves nothing behind."""
    wanted = place(house, 1, "a", "s1")
    await roster.hold(wanted)
    assert (await roster.roll("room_7")).places == []
    with pytest.raises(Fault) as caught:
        await roster.hold(place(house, 2, "a", "s2"))
    assert caught.value.kind is Kind.CONFLICT
    await roster.withdraw(wanted, unsure=False)
    assert await house.keys() == []
    assert await house.closures() == []


async def test_a_place_that_was_ended_is_not_admitted(house: World, roster: LeaseRoster) -> None:
    """The meeting ended while the join was under way: the join fails, the event tells of it."""
    wanted = place(house, 1, "a", "s1")
    await roster.hold(wanted)
    await clear(house)
    with pytest.raises(Fault) as caught:
        await roster.admit(replace(wanted, admitted=True))
    assert caught.value.kind is Kind.CONFLICT


async def test_the_end_of_a_room_costs_as_much_for_many_as_for_few(
    house: World, roster: LeaseRoster
) -> None:
    """Who clears a room of thirty peers says no more statements than for three, each end once."""
    said: list[str] = []
    event.listen(
        house.database._writer.sync_engine,
        "before_cursor_execute",
        lambda *told: said.append(told[2]),
    )
    costs = []
    for peers in (3, 30):
        for number in range(peers):
            await enter(roster, place(house, number // 2, f"p{number:02}", f"s{number}"))
        before, told = (await roster.roll("room_7")).version, len(await house.closures())
        said.clear()
        places = await clear(house)
        costs.append(len(said))
        assert [one.peer_id for one in places] == [f"p{number:02}" for number in range(peers)]
        closures = (await house.closures())[told:]
        assert [closed["peer_connection_id"] for closed in closures] == [
            f"pc_p{number:02}" for number in range(peers)
        ]
        # Two peers a user: the second of each is the last, and so is one that stands alone.
        last = [number % 2 == 1 or number == peers - 1 for number in range(peers)]
        assert [closed["last"] for closed in closures] == last
        assert (await roster.roll("room_7")).version == before + peers
    assert costs[0] == costs[1]


async def test_a_join_costs_as_much_in_a_full_room_as_in_an_empty_one(
    house: World, roster: LeaseRoster
) -> None:
    """A peer that comes, and one that goes, says a dozen statements, however many are there."""
    said: list[str] = []
    event.listen(
        house.database._writer.sync_engine,
        "before_cursor_execute",
        lambda *told: said.append(told[2]),
    )
    costs = []
    one = place(house, 1, "p", "s")
    for number in range(40):
        said.clear()
        one = await enter(roster, place(house, number, f"p{number:02}", f"s{number}"))
        costs.append(len(said))
    said.clear()
    assert await roster.end(one, "user_left") is not None
    assert len(said) <= 12
    assert set(costs[1:]) == {costs[1]}  # the first also makes the room's row
    assert costs[1] <= 12


async def test_clearing_an_empty_room_says_nothing(house: World, roster: LeaseRoster) -> None:
    """Nothing is announced, and the version stays."""
    await enter(roster, place(house, 1, "a", "s1"))
    await clear(house)
    version = (await roster.roll("room_7")).version
    assert await clear(house) == []
    assert (await roster.roll("room_7")).version == version
    assert len(await house.closures()) == 1


async def test_the_last_end_is_never_owed_in_vain(house: World, roster: LeaseRoster) -> None:
    """A peer that goes while another of its user is only held is last once that one is refused."""
    first = await enter(roster, place(house, 1, "a", "s1"))
    second = place(house, 1, "b", "s2")
    await roster.hold(second)
    await roster.end(first, "user_left")
    await roster.withdraw(second, unsure=False)
    assert [event["last"] for event in await house.closures()] == [False, True]


async def test_a_crash_during_the_join_frees_the_seat(house: World, roster: LeaseRoster) -> None:
    """A place that was only held when its process died is announced as the user's last."""
    await roster.hold(place(house, 1, "a", "s1"))
    house.clock.move(house.timings.held)
    (over,) = await roster.over(10)
    assert await roster.expire("room_7", [over]) is None  # nobody has seen it
    assert [event["last"] for event in await house.closures()] == [True]


async def test_renewal_keeps_living_places_alone(house: World, roster: LeaseRoster) -> None:
    """Places that are renewed live on; one that is over stays over."""
    living, dead = [
        await enter(roster, place(house, user, f"p{user}", f"s{user}")) for user in (1, 2)
    ]
    house.clock.move(house.timings.held - timedelta(seconds=1))
    await roster.renew([living])
    house.clock.move(timedelta(seconds=2))
    await roster.renew([living, dead])
    assert [one.peer_id for one in await roster.over(10)] == ["p2"]

"""Who is online: told to the user domain from the first socket to the end of the last lease."""

import asyncio
import signal
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from meeting.domains.signaling import online
from meeting.domains.signaling.model import Timings
from meeting.domains.signaling.stays import Stay, Stays
from meeting.kernel.errors import Fault, Kind
from tests.integration.signaling.world import World, world
from tests.process import EMBEDDED, Client, Server


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[World]:
    """Serve signalling on one of the servers: nothing here depends on which."""
    async with world(tmp_path, "aiohttp", timings=Timings(call=0.2)) as made:
        yield made


async def seats(house: World, count: int) -> None:
    """Wait until that many sockets are left."""
    async with asyncio.timeout(10):
        while len(house.signaling.seats) != count:
            await asyncio.sleep(0)


async def test_the_first_socket_is_told_and_the_last(house: World) -> None:
    """Whoever has two sockets and closes one stays online; a socket in no room counts."""
    meeting = await house.started()
    lobby = await house.open(2)
    assert await house.tell() == [(2, "online")]
    room = await house.seated(meeting.id, 2)
    assert await house.tell() == [(2, "online")]
    await lobby.socket.close()
    await seats(house, 1)
    assert await house.tell() == [(2, "online")]
    await room.socket.close()
    await seats(house, 0)
    assert await house.tell() == [(2, "online"), (2, "offline")]
    assert await house.keys("presence:") == []
    again = await house.open(2)
    assert (await house.tell())[2:] == [(2, "online")]
    await again.socket.close()


async def test_a_lost_socket_is_waited_for(house: World) -> None:
    """A user whose connection is cut is online for the grace, and for good who comes again."""
    first, second = await house.open(2), await house.open(3)
    await house.tell()
    for peer in (first, second):
        peer.lose()
    await seats(house, 0)
    await house.tell()
    back = await house.open(2)
    await house.tell()
    await house.pass_time(house.timings.grace + 1)
    assert (await house.tell())[2:] == [(3, "offline")]
    await back.socket.close()


async def test_who_stays_is_renewed(house: World) -> None:
    """A living socket keeps its user online for as long as it lives."""
    peer = await house.open(2)
    await house.tell()
    await house.pass_time(120)
    assert await house.tell() == [(2, "online")]
    await peer.socket.close()


async def test_leases_of_the_dead_are_swept(house: World) -> None:
    """A process that is no more leaves leases; whoever looks then tells their end, once."""
    stays = Stays(house.units, house.clock, house.timings)
    stay = Stay(user_id=5, session_id="sess_of_another_process")
    assert await stays.begin([stay]) == [stay]
    await stays.told(stay)
    peer = await house.open(5)
    assert await house.tell() == []  # the other process has told of this user
    await peer.socket.close()
    await seats(house, 0)
    assert await house.tell() == []
    await house.pass_time(house.timings.held.total_seconds())
    assert await house.tell() == [(5, "offline")]
    assert await house.keys("presence:") == []


async def test_it_is_told_until_it_was_heard(house: World) -> None:
    """A user domain that does not answer keeps no socket waiting, and hears of it later."""
    house.users.away.set()
    peer = await house.open(2)
    assert await house.tell() == []
    await peer.nothing()  # it is served all the same
    house.users.away.clear()
    assert await house.tell() == [(2, "online")]
    house.users.away.set()
    await peer.socket.close()
    await seats(house, 0)
    assert await house.tell() == [(2, "online")]
    house.users.away.clear()
    assert await house.tell() == [(2, "online"), (2, "offline")]


async def test_what_was_told_at_the_wrong_moment_is_put_right(house: World) -> None:
    """Who comes while their end is told is online in the end, though the telling process dies."""
    stays = Stays(house.units, house.clock, house.timings)
    stay = Stay(user_id=5, session_id="sess_of_another_process")
    await stays.begin([stay])
    await stays.told(stay)
    await stays.lapse([(stay, True)])
    [lease] = await stays.over(10)
    assert await stays.close(lease) is False  # another process says offline now, and dies
    house.users.statuses.append((5, "offline"))
    back = Stay(user_id=5, session_id="sess_back")
    await stays.begin([back])
    await stays.told(back)
    assert await house.tell() == [(5, "offline"), (5, "online")]
    assert await house.keys("presence:") == [back.key]


async def test_a_change_while_it_is_told_is_told_too(
    house: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has spoken looks again: the last word is what is true."""
    stays = Stays(house.units, house.clock, house.timings)
    stay = Stay(user_id=5, session_id="sess_of_another_process")
    await stays.begin([stay])
    await stays.lapse([(stay, True)])
    said = house.users.update_user_status

    async def meanwhile(*given: object) -> None:
        monkeypatch.undo()
        await stays.begin([Stay(user_id=5, session_id="sess_back")])
        await said(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(house.users, "update_user_status", meanwhile)
    assert await house.tell() == [(5, "offline"), (5, "online")]


async def test_a_process_that_stood_still_takes_its_stays_again(house: World) -> None:
    """Ended by another meanwhile, a living socket makes its user online again."""
    peer = await house.open(2)
    await house.tell()
    house.clock.move(house.timings.held + timedelta(seconds=1))
    other = online.Online(
        Stays(house.units, house.clock, house.timings),
        house.users,
        house.clock,
        house.ids,
        house.timings,
    )
    while await other.say():
        pass
    assert house.users.statuses == [(2, "online"), (2, "offline")]
    assert (await house.tell())[2:] == [(2, "online")]
    await peer.socket.close()


async def test_a_logout_is_no_lost_socket(house: World) -> None:
    """Whose token ends is offline at once."""
    peer = await house.open(2)
    await house.tell()
    await house.revoke(2)
    await house.settle()
    assert await peer.closed() == 4001
    await seats(house, 0)
    assert (await house.tell())[1:] == [(2, "offline")]


async def test_a_deleted_account_is_nobody(house: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user whom the user domain does not know is told of once, not for ever."""

    async def unknown(*_given: object) -> None:
        raise Fault(Kind.USER_NOT_FOUND, "there is no such user")

    monkeypatch.setattr(house.users, "update_user_status", unknown)
    peer = await house.open(2)
    await house.tell()
    await peer.socket.close()
    await seats(house, 0)
    await house.tell()
    assert await house.keys("presence:") == []


async def shown(client: Client, meeting_id: int, user_id: int, *, online: bool) -> None:
    """Wait until the list of participants shows a user so."""
    async with asyncio.timeout(30):
        while True:
            listed = await client.data("GET", f"/meetings/{meeting_id}/participants")
            if [s["online"] for s in listed["list"] if s["user_id"] == user_id] == [online]:
                return
            await asyncio.sleep(0.05)


async def test_a_kill_ends_who_was_online(tmp_path: Path) -> None:
    """Over a real house: two rooms show a socket of either, and its end after a SIGKILL."""
    settings = {
        **EMBEDDED,
        "engine.mode": "external",
        "models.pull": "false",
        "signaling.grace_seconds": "3",
    }
    server = await Server(tmp_path, settings=settings).start()
    async with aiohttp.ClientSession() as http:
        alice = await Client(server.url["http"], http).enter("alice")
        bob = await Client(server.url["http"], http).enter("bob")
        rooms = [await alice.meeting() for _ in range(2)]
        # Where bob is invited and never comes, nothing but his presence says that he is online.
        other = await alice.meeting()
        await alice.data("POST", f"/meetings/{other}/participants", {"user_id": bob.user_id})
        for room in rooms:
            await bob.data("POST", f"/meetings/{room}/join")
        first, second = [await bob.socket(room) for room in rooms]
        for room in (*rooms, other):
            await shown(alice, room, bob.user_id, online=True)
        await first.close()
        await shown(alice, rooms[0], bob.user_id, online=False)
        for room in (rooms[1], other):
            await shown(alice, room, bob.user_id, online=True)
        server.process.send_signal(signal.SIGKILL)
        await server.gone()
        again = await Server(tmp_path, settings=settings).start()
        try:
            alice.url = again.url["http"]
            for room in (rooms[1], other):
                await shown(alice, room, bob.user_id, online=False)
        finally:
            await again.stop()
        await second.close()
        assert again.tracebacks() == []

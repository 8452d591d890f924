"""Rooms whose peers speak to two processes, over one PostgreSQL and one Redis."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import update

from meeting.domains.meeting.events import UserLeft
from meeting.domains.signaling.api import Broadcast
from meeting.domains.signaling.changes import TOPIC
from meeting.domains.signaling.letter import Sender
from meeting.kernel.call import Call, Caller
from meeting.kernel.errors import Fault, Kind
from meeting.stores.relational.leases import leases
from meeting.stores.relational.unit import SqlUnit, SqlUnits
from tests.integration.signaling.halves import Half, halves
from tests.integration.signaling.world import PATIENCE, Peer
from tests.postgres import Postgres
from tests.redis import Redis, redis as server

Halves = tuple[Half, Half]
SERVICE = Call(caller=Caller(service="notification"), request_id="r")


@pytest.fixture
async def house(cluster: Postgres, redis: Redis) -> AsyncIterator[Halves]:
    """Serve both halves."""
    async with halves(cluster.database(), redis) as made:
        yield made


async def met(half: Half, meeting_id: int, user_id: int, *others: Peer, peer_id: str = "") -> Peer:
    """Join, and wait until the others have heard of it."""
    peer = await half.seated(meeting_id, user_id, peer_id)
    for other in others:
        assert (await other.until("user_joined"))["user_id"] == user_id
        await other.until("roster")
    return peer


async def test_peers_of_two_processes_meet(house: Halves) -> None:
    """Offer, answer and candidates cross, in order, with the sender's true identity."""
    one, two = house
    meeting = await one.started()
    a = await one.seated(meeting.id, 1)
    b = await met(two, meeting.id, 2, a)
    await a.send("offer", to_peer_id="p2", sdp="v=0", id="x", from_user_id=99)
    offer = await b.next()
    assert (offer["type"], offer["from_user_id"], offer["from_peer_id"]) == ("offer", 1, "p1")
    assert (offer["sdp"], offer["id"]) == ("v=0", "x")
    await b.send("answer", to_user_id=1, sdp="v=1")
    for number in range(40):
        await b.send("ice_candidate", to_user_id=1, candidate=str(number))
    assert (await a.next())["sdp"] == "v=1"
    assert [(await a.next())["candidate"] for _ in range(40)] == list(map(str, range(40)))
    await b.send("leave")
    assert await b.closed() == 1000
    left, roster = await a.next(), await a.next()
    assert (left["type"], left["peer_id"], left["reason"]) == ("user_left", "p2", "user_left")
    assert roster["left"] == ["p2"]
    await a.nothing()


async def test_nobody_is_heard_before_it_was_told_of(house: Halves) -> None:
    """Whoever joins and speaks at once comes after its own user_joined, at every member."""
    one, two = house
    meeting = await one.started()
    a = await one.seated(meeting.id, 1)
    for user in range(2, 12):
        peer = await two.open(user)
        await peer.send("join", room_id=meeting.room_id, peer_id=f"p{user}")
        await peer.until("joined")
        await peer.send("offer", to_user_id=1, sdp=str(user))
        types = [(await a.next())["type"] for _ in range(3)]
        assert types == ["user_joined", "roster", "offer"]


async def test_versions_rise_by_one_everywhere(house: Halves) -> None:
    """Twelve join at once on both sides: each hears of each other one once, in order."""
    meeting = await house[0].started()
    peers = [await house[user % 2].open(user) for user in range(1, 13)]
    joined = await asyncio.gather(
        *(peer.join(meeting.id, peer_id=f"p{user}") for user, peer in enumerate(peers, 1))
    )
    for peer, first in zip(peers, joined, strict=True):
        assert first["type"] == "joined"
        known = [each["peer_id"] for each in first["participants"]]
        version = first["version"]
        while len(known) < 12:
            told, roster = await peer.next(), await peer.next()
            assert (told["type"], roster["joined"]) == ("user_joined", [told["peer_id"]])
            assert roster["version"] == (version := version + 1)
            known.append(told["peer_id"])
        assert sorted(known) == sorted(f"p{user}" for user in range(1, 13))
        await peer.nothing()


async def test_who_comes_back_elsewhere_replaces(house: Halves) -> None:
    """The older socket is closed with 4005 by its own process; the others hear both, in order."""
    one, two = house
    meeting = await one.started()
    a = await one.seated(meeting.id, 1)
    old = await met(one, meeting.id, 2, a, peer_id="tab")
    new = await two.seated(meeting.id, 2, "tab")
    assert await old.closed() == 4005
    left, _, came, _ = [await a.next() for _ in range(4)]
    assert (left["type"], left["reason"]) == ("user_left", "replaced")
    assert (came["type"], came["peer_id"]) == ("user_joined", "tab")
    await a.send("offer", to_peer_id="tab", sdp="v")
    assert (await new.next())["sdp"] == "v"
    assert [event["last"] for event in await one.closures()] == [False]


async def test_a_kick_closes_the_peers_everywhere(house: Halves) -> None:
    """Both tabs get 4002, and the others hear of each once."""
    one, two = house
    meeting = await one.started()
    host = await one.seated(meeting.id, 1)
    tabs = [
        await met(half, meeting.id, 2, host, peer_id=peer)
        for half, peer in ((one, "left"), (two, "right"))
    ]

    class MeetingUnit(SqlUnit):
        SOURCE = "meeting"

    async with SqlUnits(one.database, MeetingUnit, one.clock, one.ids).write() as unit:
        kicked = UserLeft(
            meeting_id=meeting.id, user_id=2, left_at=one.clock.now(), reason="kicked", version=99
        )
        unit.append(kicked)
    assert [await tab.closed() for tab in tabs] == [4002, 4002]
    left = [await host.next(), await host.next()]
    assert {(each["type"], each["reason"], each["peer_id"]) for each in left} == {
        ("user_left", "kicked", "left"),
        ("user_left", "kicked", "right"),
    }
    assert sorted((await host.next())["left"]) == ["left", "right"]
    await host.nothing()


async def test_the_end_of_a_meeting_closes_its_room_everywhere(house: Halves) -> None:
    """meeting_ended, then 4003, at both processes; no place is left."""
    one, two = house
    meeting = await one.started()
    peers = [await one.seated(meeting.id, 1), await two.seated(meeting.id, 2)]
    await one.lifecycle.end(one.call(1), meeting.id)
    for peer in peers:
        assert (await peer.until("meeting_ended"))["meeting_id"] == meeting.id
        assert await peer.closed() == 4003
    assert await one.keys() == []


async def test_a_leave_by_rest_closes_peers_elsewhere(house: Halves) -> None:
    """1000 for the peer, one user_left for the others; a seat without a socket is told, too."""
    one, two = house
    meeting = await one.started()
    host = await one.seated(meeting.id, 1)
    guest = await met(two, meeting.id, 2, host)
    await one.attendance.leave(one.call(2), meeting.id)
    assert await guest.closed() == 1000
    assert (await host.next())["type"] == "user_left"
    assert (await host.next())["type"] == "roster"
    await two.attendance.join(two.call(3), meeting.id)
    told = await host.next()
    assert (told["type"], told["user_id"], "peer_id" in told) == ("user_joined", 3, False)
    await two.attendance.leave(two.call(3), meeting.id)
    told = await host.next()
    assert (told["type"], told["user_id"], "peer_id" in told) == ("user_left", 3, False)
    await host.nothing()


async def test_a_revoked_token_closes_sockets_everywhere(house: Halves) -> None:
    """All sockets of the user get 4001, whichever process they speak to."""
    sockets = [await half.open(2) for half in house]
    await house[0].revoke(2)
    assert [await socket.closed() for socket in sockets] == [4001, 4001]


async def test_what_services_say_reaches_every_socket(house: Halves) -> None:
    """All sockets of a user get it once, and a frame to a room all its peers but one."""
    one, two = house
    meeting = await one.started()
    a = await one.seated(meeting.id, 1)
    b = await met(two, meeting.id, 2, a)
    outside = await one.open(2)
    said = Broadcast(message_type="notification", content="{}", target_user_ids=[2])
    await one.signaling.broadcasts.broadcast_message(SERVICE, said)
    for peer in (b, outside):
        assert (await peer.next())["type"] == "notification"
    chat = json.dumps({"type": "chat"}).encode()
    sender = next(place for place in one.signaling.seats.places() if place.user_id == 1)
    await one.signaling._router.to_room(meeting.room_id, chat, sender=Sender.of(sender))
    for peer in (a, b):
        assert (await peer.next())["type"] == "chat"
        await peer.nothing()
    await two.signaling._router.to_room("room_999", chat)


async def test_nobody_of_that_name(house: Halves) -> None:
    """404 for a peer that is nowhere, and for one whose process is no more."""
    one, two = house
    meeting = await one.started()
    a = await one.seated(meeting.id, 1)
    await a.send("offer", to_peer_id="nobody", sdp="v")
    assert (await a.next())["code"] == 404
    await met(two, meeting.id, 2, a)
    await two.post.close()
    await a.send("offer", to_peer_id="p2", sdp="v")
    assert (await a.next())["code"] == 404


async def test_places_of_a_dead_process_end_once(house: Halves) -> None:
    """Both sweep at once: one user_left, one event; the user's seat is free."""
    one, two = house
    meeting = await one.started()
    a = await one.seated(meeting.id, 1)
    await met(two, meeting.id, 2, a)
    async with one.database.write() as connection:
        over = one.clock.now() - timedelta(seconds=1)
        mine = update(leases).where(leases.c.owner == "user:2", leases.c.key.like("signaling/%"))
        await connection.execute(mine.values(expires_at=over))
    await asyncio.gather(*(half.signaling.presence.sweep() for half in (one, two, one, two)))
    left = await a.next()
    assert (left["type"], left["reason"]) == ("user_left", "connection_lost")
    await a.until("roster")
    await a.nothing()
    assert len(await one.announced(1)) == 1


async def test_the_log_of_rooms_stays_in_the_house(house: Halves, redis: Redis) -> None:
    """It is carried into a stream, and on no channel at all."""
    with redis.client() as client:
        ears = client.pubsub()
        ears.psubscribe("*")
        meeting = await house[0].started()
        a = await house[0].seated(meeting.id, 1)
        await met(house[1], meeting.id, 2, a)
        assert client.xlen(f"{TOPIC}:log") == 2
        channels = set()
        while (said := ears.get_message(timeout=0.2)) is not None:
            channels.add(said["channel"].decode())
        ears.close()
    assert "meeting_events" in channels
    assert TOPIC not in channels


async def test_a_redis_that_goes_away_and_comes_back(cluster: Postgres) -> None:
    """Peers here go on, whoever is elsewhere costs a 503; afterwards all is as before."""
    with server(append="always") as redis:
        async with halves(cluster.database(), redis) as (one, two):
            meeting = await one.started()
            a = await one.seated(meeting.id, 1)
            b = await met(one, meeting.id, 2, a)
            c = await met(two, meeting.id, 3, a, b)
            redis.kill()
            await a.send("offer", to_user_id=2, sdp="here")
            assert (await b.next())["sdp"] == "here"
            await a.send("offer", to_user_id=3, sdp="away")
            error = await a.next()
            assert (error["type"], error["code"]) == ("error", 503)
            said = Broadcast(message_type="notification", content="{}", target_user_ids=[1])
            with pytest.raises(Fault) as caught:
                await one.signaling.broadcasts.broadcast_message(SERVICE, said)
            assert caught.value.kind is Kind.UNAVAILABLE  # and nobody has heard it yet
            await a.nothing()
            d = await met(two, meeting.id, 4, c)  # the roster goes on without Redis, too
            for peer in (a, b):
                assert (await peer.until("user_joined"))["user_id"] == 4
            redis.resume()
            async with asyncio.timeout(PATIENCE):
                while True:
                    await a.send("offer", to_user_id=4, sdp="back")
                    if await heard(d, a):
                        break


async def heard(addressee: Peer, sender: Peer) -> bool:
    """Tell whether the last frame came through, rather than an error back."""
    there = asyncio.create_task(addressee.next())
    back = asyncio.create_task(sender.until("error"))
    done, waits = await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    await asyncio.gather(*waits, return_exceptions=True)
    return there in done

"""Coming and going: leaves, lost sockets, replaced ones, and what the meeting decides."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, update

from meeting.domains.meeting.events import LeaveReason
from meeting.domains.meeting.model import Standing
from meeting.domains.signaling import presence
from meeting.domains.signaling.changes import RosterChanged
from meeting.domains.signaling.model import Place, Timings
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.page import Page
from meeting.stores.relational.calendar import participants
from tests.integration.signaling.world import Peer, Server, World, world

RACED = Fault(Kind.UNAVAILABLE, "another unit was faster", passing=True)
AWAY = Fault(Kind.UNAVAILABLE, "the store is away")


async def standing(house: World, meeting_id: int, user_id: int) -> Standing:
    """Return how a participant stands to the meeting."""
    found = await house.attendance.participants(house.call(1), meeting_id, Page())
    return next(seat.status for seat in found.rows if seat.user_id == user_id)


def one_of(house: World, user_id: int) -> Place:
    """Return the place of a user's peer."""
    return next(place for place in house.signaling.seats.places() if place.user_id == user_id)


async def test_a_leave_is_told_announced_and_frees_the_seat(house: World) -> None:
    """Leave closes 1000, the others get user_left and roster once, the participant is left."""
    meeting = await house.started()
    one, two = await house.seated(meeting.id, 1), await house.seated(meeting.id, 2)
    await one.until("roster")
    await two.send("leave", room_id=meeting.room_id)
    assert await two.closed() == 1000
    left, roster = await one.next(), await one.next()
    assert (left["type"], left["peer_id"], left["reason"]) == ("user_left", "p2", "user_left")
    assert roster["left"] == ["p2"]
    assert await house.closures() == [
        {
            "room_id": meeting.room_id,
            "user_id": 2,
            "reason": "user_left",
            "peer_connection_id": "pc_p2",
            "last": True,
        }
    ]
    await house.settle()
    assert await standing(house, meeting.id, 2) is Standing.LEFT
    await one.nothing()


async def test_leaving_twice_at_once_does_no_harm(house: World) -> None:
    """Two leaves in one go, a close, and the end of the heartbeat come to one departure."""
    meeting = await house.started()
    one, two = await house.seated(meeting.id, 1), await house.seated(meeting.id, 2)
    await one.until("roster")
    leave = json.dumps({"type": "leave"})
    await asyncio.gather(two.socket.send_str(leave), two.socket.send_str(leave))
    for seat in list(house.signaling.seats):
        if seat.user_id == 2 and seat.occupant is not None:
            seat.occupant.pulse(house.clock.monotonic() + 60)
    two.lose()
    assert len(await house.announced(1)) == 1
    await house.pass_time(30)
    assert len(await house.closures()) == 1
    await one.until("user_left")
    await one.until("roster")
    await one.nothing()


@pytest.mark.parametrize(
    ("faults", "reason"),
    [
        ([RACED], "user_left"),
        ([RACED, RACED], "connection_lost"),
        ([AWAY], "connection_lost"),
    ],
    ids=["race", "races", "away"],
)
async def test_a_leave_that_could_not_be_written(
    house: World, monkeypatch: pytest.MonkeyPatch, faults: list[Fault], reason: str
) -> None:
    """After a lost race it is written at the second try; else the place ends by itself, later."""
    meeting = await house.started()
    one, two = await house.seated(meeting.id, 1), await house.seated(meeting.id, 2)
    await one.until("roster")
    left, end = list(faults), house.signaling.roster.end

    async def tried(place: Place, reason: LeaveReason) -> RosterChanged | None:
        if left:
            raise left.pop(0)
        return await end(place, reason)

    monkeypatch.setattr(house.signaling.roster, "end", tried)
    await two.send("leave")
    assert await two.closed() == 1000
    await house.pass_time(21)
    assert left == []
    assert (await one.until("user_left"))["reason"] == reason
    assert [event["reason"] for event in await house.closures()] == [reason]


async def test_a_clients_close_is_a_leave(house: World) -> None:
    """Close 1000 gives the place back at once."""
    meeting = await house.started()
    two = await house.seated(meeting.id, 2)
    await two.socket.close(code=1000)
    assert [event["reason"] for event in await house.announced(1)] == ["user_left"]
    assert await house.keys() == []


async def test_a_lost_socket_keeps_its_place_for_the_grace(house: World) -> None:
    """For 15 s nobody hears of a lost peer; then it is user_left, and its seat is free."""
    meeting = await house.started(seats=2)
    one, two = await house.seated(meeting.id, 1), await house.seated(meeting.id, 2)
    await one.until("roster")
    two.lose()
    async with asyncio.timeout(10):
        while len(house.signaling.seats) > 1:
            await asyncio.sleep(0)
    await house.pass_time(14.9)
    await one.nothing()
    assert await standing(house, meeting.id, 2) is Standing.JOINED
    await house.pass_time(0.2)
    left = await one.next()
    assert (left["reason"], left["peer_id"]) == ("connection_lost", "p2")
    closed = (await house.closures())[0]
    assert (closed["reason"], closed["last"]) == ("connection_lost", True)
    assert await standing(house, meeting.id, 2) is Standing.LEFT
    await house.seated(meeting.id, 3)


async def test_coming_back_in_time_keeps_the_seat(house: World) -> None:
    """Who comes back with the same peer_id within the grace is never reported as gone for good."""
    meeting = await house.started()
    one, two = await house.seated(meeting.id, 1), await house.seated(meeting.id, 2)
    await one.until("roster")
    await two.socket.close(code=1001)
    await house.pass_time(10)
    again = await house.seated(meeting.id, 2)
    await house.pass_time(20)
    assert [event["last"] for event in await house.closures()] == [False]
    assert await standing(house, meeting.id, 2) is Standing.JOINED
    await again.nothing()


async def test_last_is_the_users_last_peer(house: World) -> None:
    """Of two tabs the first to go is not the last."""
    meeting = await house.started()
    left, right = [await house.seated(meeting.id, 2, peer) for peer in ("left", "right")]
    for tab in (left, right):
        await tab.send("leave")
        await tab.closed()
    assert [event["last"] for event in await house.closures()] == [False, True]


async def test_the_same_peer_id_replaces(house: World) -> None:
    """A newer socket of the same user and peer_id closes the older with 4005."""
    meeting = await house.started()
    old = await house.seated(meeting.id, 2, "tab")
    new = await house.seated(meeting.id, 2, "tab")
    assert await old.closed() == 4005
    await new.nothing()
    await house.pass_time(30)
    assert len(await house.keys()) == 1
    assert [event["last"] for event in await house.closures()] == [False]


async def test_anothers_peer_id_is_taken(house: World) -> None:
    """Another user's peer_id is a conflict, and nothing changes for its owner."""
    meeting = await house.started()
    one = await house.seated(meeting.id, 1, "mine")
    two = await house.open(2)
    assert (await two.join(meeting.id, peer_id="mine"))["code"] == 409
    await one.nothing()
    assert await house.closures() == []


async def test_capacity_counts(house: World) -> None:
    """A third user is refused at capacity two and holds no place; a free seat lets it in."""
    meeting = await house.started(seats=2)
    _, two = await house.seated(meeting.id, 1), await house.seated(meeting.id, 2)
    three = await house.open(3)
    assert (await three.join(meeting.id))["code"] == 409
    assert len(await house.keys()) == 2
    await two.send("leave")
    await two.closed()
    await house.settle()
    assert (await three.join(meeting.id))["type"] == "joined"


async def test_a_stranger_does_not_find_a_private_meeting(house: World) -> None:
    """A private meeting answers a stranger as one that is not there, and leaves no trace."""
    meeting = await house.started(private=True)
    stranger = await house.open(9)
    hidden = await stranger.join(meeting.id)
    absent = await stranger.join(4000)
    assert (hidden["code"], absent["code"]) == (404, 404)
    assert hidden["message"] == absent["message"]
    assert await house.keys() == []
    assert await house.closures() == []


async def test_a_taken_peer_id_does_not_give_a_meeting_away(house: World) -> None:
    """A stranger that names a living peer of a private meeting hears the same, at no commit."""
    meeting = await house.started(private=True)
    one = await house.seated(meeting.id, 1, "mine")
    stranger = await house.open(9)
    commits: list[object] = []
    event.listen(house.database._writer.sync_engine, "commit", commits.append)
    hidden = await stranger.join(meeting.id, peer_id="mine")
    absent = await stranger.join(4000, peer_id="mine")
    assert (hidden["code"], hidden["message"]) == (absent["code"], absent["message"])
    assert hidden["code"] == 404
    assert commits == []
    await one.nothing()


async def test_a_taken_peer_id_does_not_give_a_room_away(house: World) -> None:
    """Who has not named a meeting's password hears that alone, whichever peer_id is wanted."""
    meeting = await house.started(password="open sesame")
    await house.seated(meeting.id, 1, "mine")
    stranger = await house.open(9)
    for peer_id in ("mine", "free"):
        assert (await stranger.join(meeting.id, peer_id=peer_id))["code"] == 403


async def test_who_can_not_come_in_holds_no_place(house: World) -> None:
    """Whom the meeting has removed is refused before anything is written."""
    meeting = await house.started()
    await house.attendance.join(house.call(3), meeting.id)
    async with house.database.write() as connection:
        await connection.execute(
            update(participants).where(participants.c.user_id == 3).values(status=Standing.KICKED)
        )
    three = await house.open(3)
    commits: list[object] = []
    event.listen(house.database._writer.sync_engine, "commit", commits.append)
    assert (await three.join(meeting.id))["code"] == 403
    assert commits == []


async def test_the_end_of_a_meeting_closes_its_room(house: World) -> None:
    """Everybody gets meeting_ended, then 4003; no place is left."""
    meeting = await house.started()
    peers: list[Peer] = [await house.seated(meeting.id, user) for user in (1, 2)]
    await house.lifecycle.end(house.call(1), meeting.id)
    await house.settle()
    for peer in peers:
        assert (await peer.until("meeting_ended"))["meeting_id"] == meeting.id
        assert await peer.closed() == 4003
    assert await house.keys() == []
    assert {event["reason"] for event in await house.closures()} == {"meeting_ended"}


async def test_a_leave_by_rest_closes_the_peers(house: World) -> None:
    """Who leaves by REST has the sockets closed with 1000; a new join is a new life."""
    meeting = await house.started()
    one, two = await house.seated(meeting.id, 1), await house.seated(meeting.id, 2)
    await one.until("roster")
    await house.attendance.leave(house.call(2), meeting.id)
    await house.settle()
    assert await two.closed() == 1000
    assert (await one.next())["reason"] == "user_left"
    await one.until("roster")
    await one.nothing()
    await house.seated(meeting.id, 2)


async def test_late_news_of_an_old_seat_spares_the_new_peer(house: World) -> None:
    """A leave that is read only after the user came back does not close the new socket."""
    meeting = await house.started()
    one = await house.seated(meeting.id, 1)
    await house.attendance.join(house.call(2), meeting.id)
    await house.attendance.leave(house.call(2), meeting.id)
    await house.pass_time(1, settled=False)
    two = await house.seated(meeting.id, 2)
    await house.settle()
    await two.nothing()
    await one.until("roster")
    await one.nothing()


@pytest.mark.parametrize(
    "order", [["leave", "grant"], ["leave", "hear", "grant"], ["grant", "leave", "hear"]]
)
async def test_a_join_and_a_leave_at_once(
    house: World, monkeypatch: pytest.MonkeyPatch, order: list[str]
) -> None:
    """A peer whose seat was taken after the leave stays; one whose seat came free stays out."""
    meeting = await house.started()
    await house.attendance.join(house.call(2), meeting.id)
    ask = house.meeting.validate_user_access

    async def meanwhile(call: Any, user_id: int, meeting_id: int, *, admit: bool = False) -> Any:
        answer = None
        for step in order if admit else ["grant"]:
            if step == "hear":
                await house.settle()
                continue
            house.clock.move(timedelta(seconds=1))
            if step == "grant":
                answer = await ask(call, user_id, meeting_id, admit=admit)
            else:
                await house.attendance.leave(house.call(2), meeting.id)
        return answer

    monkeypatch.setattr(house.meeting, "validate_user_access", meanwhile)
    two = await house.open(2)
    answer = await two.join(meeting.id)
    await house.settle()
    await two.nothing()
    if order[-1] == "grant":
        assert answer["type"] == "joined"
        assert await standing(house, meeting.id, 2) is Standing.JOINED
    else:
        assert (answer["code"], await house.keys()) == (409, [])
        assert await standing(house, meeting.id, 2) is Standing.LEFT


async def test_a_leave_while_two_sockets_join(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A seat that comes free is held against every socket on its way in, and the room is told."""
    async with world(tmp_path, server, timings=Timings(call=60)) as house:
        meeting = await house.started()
        one = await house.seated(meeting.id, 1)
        await house.attendance.join(house.call(2), meeting.id)
        await house.settle()
        assert (await one.next())["type"] == "user_joined"
        ask, granted, left = house.meeting.validate_user_access, [], asyncio.Event()

        async def meanwhile(
            call: Any, user_id: int, meeting_id: int, *, admit: bool = False
        ) -> Any:
            answer = await ask(call, user_id, meeting_id, admit=admit)
            if admit:
                granted.append(answer)
                if len(granted) == 2:
                    house.clock.move(timedelta(seconds=1))
                    await house.attendance.leave(house.call(2), meeting.id)
                    await house.settle()
                    left.set()
                await left.wait()
            return answer

        monkeypatch.setattr(house.meeting, "validate_user_access", meanwhile)
        sockets = await house.open(2), await house.open(2)
        answers = await asyncio.gather(
            *(each.join(meeting.id, peer_id=f"tab{at}") for at, each in enumerate(sockets))
        )
        assert [answer["code"] for answer in answers] == [409, 409]
        assert (await one.next())["type"] == "user_left"
        assert await standing(house, meeting.id, 2) is Standing.LEFT
        await one.nothing()


async def test_a_seat_taken_by_rest_is_told(house: World) -> None:
    """user_joined without a peer for who joins by REST, none for who has one."""
    meeting = await house.started()
    one = await house.seated(meeting.id, 1)
    await house.attendance.join(house.call(2), meeting.id)
    await house.settle()
    told = await one.next()
    assert (told["type"], told["user_id"], "peer_id" in told) == ("user_joined", 2, False)
    await house.seated(meeting.id, 2)
    await house.settle()
    assert (await one.next())["peer_id"] == "p2"
    await one.until("roster")
    await one.nothing()


async def test_a_restart_leaves_no_ghosts(house: World) -> None:
    """Places of a process that died end after its last renewal, and are announced once."""
    meeting = await house.started()
    await house.seated(meeting.id, 2)
    risen, other = house.make(), house.make()
    await house.pass_time(12)
    for later in (risen, other):
        await later.presence.sweep()
    assert await house.closures() == []
    house.clock.move(house.timings.held)
    await asyncio.gather(risen.presence.sweep(), other.presence.sweep())
    closed = await house.closures()
    assert [(event["reason"], event["last"]) for event in closed] == [("connection_lost", True)]
    await house.settle()
    assert await standing(house, meeting.id, 2) is Standing.LEFT


async def test_a_place_that_is_over_closes_its_socket(house: World) -> None:
    """After a standstill of the process the others hear user_left, and the peer gets 4006."""
    meeting = await house.started()
    one, two = await house.seated(meeting.id, 1), await house.seated(meeting.id, 2)
    await one.until("roster")
    house.clock.move(house.timings.held - timedelta(seconds=1))
    await house.signaling.presence.renew([one_of(house, 1)])
    await house.pass_time(2)
    assert await two.closed() == 4006
    left = await one.next()
    assert (left["type"], left["peer_id"], left["reason"]) == ("user_left", "p2", "connection_lost")
    await one.until("roster")
    assert await standing(house, meeting.id, 2) is Standing.LEFT
    await one.send("offer", to_user_id=2, sdp="v")
    assert (await one.next())["code"] == 404
    await house.seated(meeting.id, 2)
    assert [event["last"] for event in await house.closures()] == [True]


async def test_who_takes_a_place_that_is_over_closes_its_socket(house: World) -> None:
    """Another user may take the peer_id before the sweep comes by: 4006 then too, not 4005."""
    meeting = await house.started()
    two = await house.seated(meeting.id, 2, "mine")
    house.clock.move(house.timings.held)
    await house.seated(meeting.id, 3, "mine")
    assert await two.closed() == 4006
    assert [event["reason"] for event in await house.closures()] == ["connection_lost"]


async def test_a_full_house_that_crashed_is_swept_without_a_pause(
    house: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All places end before the first pause, and between two batches living ones are renewed."""
    monkeypatch.setattr(presence, "SWEEP_SECONDS", 3600)
    monkeypatch.setattr(presence, "AT_ONCE", 5)
    async with house.units.write() as unit:
        for number in range(12):
            lost = Place(
                room_id="room_7",
                meeting_id=7,
                peer_id=f"p{number}",
                user_id=number,
                username="somebody",
                session_id=f"s{number}",
                joined_at=house.clock.now(),
                admitted=True,
            )
            await unit.leases.take(lost.key, lost.owner, house.timings.held, lost.value)
    house.clock.move(house.timings.held)
    risen = house.make()
    looks: list[object] = []

    def living() -> list[Place]:
        looks.append("for what to renew")
        return []

    work = asyncio.create_task(risen.presence.run(living))
    assert len(await house.announced(12)) == 12
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    assert await house.keys() == []
    assert len(looks) == 3

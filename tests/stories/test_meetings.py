"""What hosts and guests do with meetings."""

import asyncio
from typing import Any

import pytest

from tests.stories.visit import Person, Visit, becomes, until

pytestmark = pytest.mark.story


async def test_a_meeting_with_a_password(house: Visit) -> None:
    """Who knows it gets in, once and for all; it is answered to nobody."""
    ann, bob, cid = await house.people("ann", "bob", "cid")
    meeting = await ann.meeting(password="sesame")
    shown = await bob.data("GET", f"/meetings/{meeting}")
    assert shown["has_password"]
    assert "password" not in shown
    join = f"/meetings/{meeting}/join"
    assert await bob.refused("POST", join) == (403, 20004)
    assert await bob.refused("POST", join, {"password": "Sesame"}) == (403, 20004)
    await bob.data("POST", join, {"password": "sesame"})
    seated = await bob.enters(meeting)
    assert [each["user_id"] for each in seated.joined["participants"]] == [bob.user_id]
    assert await (await cid.knock()).refused(meeting) == 403
    assert await bob.seats(meeting) == {ann.user_id: "invited", bob.user_id: "joined"}
    await seated.leave()
    await becomes(lambda: ann.seats(meeting), {ann.user_id: "invited", bob.user_id: "left"})
    await bob.data("POST", join)


async def test_a_private_meeting_is_for_the_invited(house: Visit) -> None:
    """To others there is no such meeting, by any way; whom the host invites sees it and joins."""
    ann, bob, cid = await house.people("ann", "bob", "cid")
    meeting = await ann.meeting(meeting_type="private")

    async def listed(who: Person) -> bool:
        page = await who.data("GET", f"/meetings?q={ann.name}")
        return meeting in [each["id"] for each in page["list"]]

    async def hidden(who: Person) -> bool:
        for method, path in (("GET", ""), ("POST", "/join"), ("GET", "/participants")):
            refusal = await who.refused(method, f"/meetings/{meeting}{path}")
            assert refusal == (404, 20001), (path, refusal)
        assert await (await who.knock()).refused(meeting) == 404
        return not await listed(who)

    assert await hidden(bob)
    guest = {"user_id": bob.user_id}
    assert (await cid.refused("POST", f"/meetings/{meeting}/participants", guest))[0] == 404
    invited = await ann.data("POST", f"/meetings/{meeting}/participants", guest)
    assert (invited["username"], invited["status_name"]) == (bob.name, "invited")
    assert (await ann.refused("POST", f"/meetings/{meeting}/participants", guest))[0] == 409
    assert await listed(bob)
    seated = await bob.enters(meeting)
    assert await ann.seats(meeting) == {ann.user_id: "invited", bob.user_id: "joined"}
    assert await hidden(cid)
    await seated.leave()


async def test_seats_are_not_given_twice(house: Visit) -> None:
    """Of many who want the last seats at once as many get in as there are; a free one is taken."""
    ann, *guests = await house.people("ann", "bob", "cid", "dan", "eve")
    meeting = await ann.meeting(max_participants=3)
    join = f"/meetings/{meeting}/join"
    await ann.data("POST", join)
    answers = await asyncio.gather(*(guest.ask("POST", join) for guest in guests))
    inside = [guest for guest, answer in zip(guests, answers, strict=True) if answer[0] == 200]
    outside = [guest for guest in guests if guest not in inside]
    assert len(inside) == 2
    assert sorted((status, answer["code"]) for status, answer in answers) == [
        (200, 200),
        (200, 200),
        (409, 20003),
        (409, 20003),
    ]
    assert await (await outside[0].knock()).refused(meeting) == 409
    assert (await ann.data("GET", f"/meetings/{meeting}"))["participant_count"] == 3
    await inside[0].data("POST", f"/meetings/{meeting}/leave")
    seated = await outside[0].enters(meeting)
    assert await outside[1].refused("POST", join) == (409, 20003)
    await seated.leave()


async def test_only_the_host_starts_and_ends(house: Visit) -> None:
    """Before that the host alone may be in it; after its end_time nobody starts it any more."""
    ann, bob = await house.people("ann", "bob")
    meeting = await ann.meeting(start=False)
    path = f"/meetings/{meeting}"
    assert await bob.refused("POST", f"{path}/start") == (403, 403)
    assert await bob.refused("POST", f"{path}/join") == (409, 20005)
    assert await (await bob.knock()).refused(meeting) == 409
    assert await ann.refused("POST", f"{path}/end") == (409, 20005)
    early = await ann.enters(meeting)
    for _ in range(2):
        assert (await ann.data("POST", f"{path}/start"))["status_name"] == "active"
    assert await bob.refused("POST", f"{path}/end") == (403, 403)
    guest = await bob.enters(meeting)
    assert guest.joined["participant_count"] == 2
    await early.until("user_joined", user_id=bob.user_id)
    late = await ann.meeting(start=False, end_time="2026-01-01T00:00:01Z")
    assert await ann.refused("POST", f"/meetings/{late}/start") == (409, 20002)
    await early.leave()
    await guest.until("user_left", user_id=ann.user_id, reason="user_left")


async def test_approval_is_waited_for(house: Visit) -> None:
    """Under require_approval a newcomer waits outside, whichever door is tried."""
    ann, bob = await house.people("ann", "bob")
    meeting = await ann.meeting(settings={"require_approval": True})
    host = await ann.enters(meeting)
    status, answer = await bob.ask("POST", f"/meetings/{meeting}/join")
    assert (status, answer["data"]) == (202, {"status": "waiting"})
    assert await (await bob.knock()).refused(meeting) == 409
    assert await ann.seats(meeting) == {ann.user_id: "joined", bob.user_id: "waiting"}
    await host.leave()


async def test_in_by_request_then_by_socket(house: Visit) -> None:
    """A join gives a ticket to the room; those in it hear of the user, then of the peer."""
    ann, bob = await house.people("ann", "bob")
    meeting = await ann.meeting()
    host = await ann.enters(meeting)
    given = await bob.data("POST", f"/meetings/{meeting}/join")
    assert given["room_id"] == f"room_{meeting}"
    assert given["websocket_url"] == house.url.replace("http", "ws", 1) + "/ws"
    assert "peer_id" not in await host.until("user_joined", user_id=bob.user_id)
    guest = await bob.enters(meeting, ticket=given["session_token"])
    joined = await host.until("user_joined", user_id=bob.user_id)
    assert (joined["peer_id"], joined["username"]) == (guest.peer_id, bob.name)
    assert (await host.until("roster"))["joined"] == [guest.peer_id]
    again = await bob.data("POST", f"/meetings/{meeting}/join")
    assert again["participant_id"] == given["participant_id"]
    assert again["session_token"] != given["session_token"]
    await guest.leave()
    await host.leave()


async def test_leaving_and_coming_back(house: Visit) -> None:
    """A seat that is given back is free, ends the peers in the room, and can be taken again."""
    ann, bob = await house.people("ann", "bob")
    meeting = await ann.meeting()
    host, first, second = await ann.enters(meeting), await bob.enters(meeting), None
    second = await bob.enters(meeting)
    await bob.data("POST", f"/meetings/{meeting}/leave")
    assert [await each.closed() for each in (first, second)] == [1000, 1000]
    gone = [await host.until("user_left") for _ in range(2)]
    assert {each["peer_id"] for each in gone} == {first.peer_id, second.peer_id}
    assert {each["reason"] for each in gone} == {"user_left"}
    assert (await ann.seats(meeting))[bob.user_id] == "left"
    third = await bob.enters(meeting)
    await host.until("user_joined", peer_id=third.peer_id)
    assert (await ann.seats(meeting))[bob.user_id] == "joined"
    await third.leave()
    await host.until("user_left", peer_id=third.peer_id, reason="user_left")
    await becomes(lambda: ann.seats(meeting), {ann.user_id: "joined", bob.user_id: "left"})
    await host.leave()


async def test_the_end_of_a_meeting(house: Visit) -> None:
    """It is told and closes the sockets, nobody gets in any more, and a report is made."""
    ann, bob, cid, dan = await house.people("ann", "bob", "cid", "dan")
    meeting = await ann.meeting()
    path = f"/meetings/{meeting}"
    sockets = [await each.enters(meeting) for each in (ann, bob)]
    await cid.data("POST", f"{path}/join")
    assert await ann.refused("GET", f"{path}/report") == (409, 409)
    ended = await ann.data("POST", f"{path}/end")
    assert (ended["status_name"], ended["participant_count"]) == ("ended", 0)
    for socket in sockets:
        await socket.until("meeting_ended", meeting_id=meeting)
        assert await socket.closed() == 4003
    assert set((await bob.seats(meeting)).values()) == {"left"}
    assert await dan.refused("POST", f"{path}/join") == (409, 20002)
    assert await (await bob.knock()).refused(meeting) == 409
    assert await dan.refused("GET", f"{path}/report") == (403, 403)

    async def reported() -> Any:
        status, answer = await bob.ask("GET", f"{path}/report")
        assert status in (200, 404), answer
        return answer["data"] if status == 200 else None

    report = await until(reported)
    present = {each["username"] for each in report["participants"]}
    assert present == {ann.name, bob.name, cid.name}
    assert report["version"] == 1
    assert (await ann.data("POST", f"{path}/end"))["status_name"] == "ended"


async def test_a_room_is_prepared_and_released(house: Visit) -> None:
    """A room is ready by itself soon, or at once when asked for; released when all is over."""
    ann, bob = await house.people("ann", "bob")
    meeting = await ann.meeting(start=False)
    path = f"/meetings/{meeting}"

    async def state() -> str:
        return str((await ann.data("GET", f"{path}/room"))["status"])

    await becomes(state, "ready")
    assert (await ann.data("DELETE", f"{path}/room"))["status"] == "released"
    assert (await ann.data("POST", f"{path}/room"))["status"] == "ready"
    assert await bob.refused("DELETE", f"{path}/room") == (403, 403)
    await ann.data("POST", f"{path}/start")
    assert await ann.refused("DELETE", f"{path}/room") == (409, 409)
    await ann.data("POST", f"{path}/end")
    await becomes(state, "released")

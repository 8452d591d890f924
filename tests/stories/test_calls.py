"""Every call of proto/meeting.proto by a client made from that file; what it did is seen elsewhere.

A service's test has to make all of its calls, so a call that is added needs a place here.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import pytest

from meeting.transports.policy import LATER
from tests.stories.house import SECRET
from tests.stories.proto import Stub, compiled
from tests.stories.visit import Visit, becomes

pytestmark = pytest.mark.story
NOBODY = 4_000_000_000
"""An id that is no user's."""


@asynccontextmanager
async def service(name: str, port: int) -> AsyncIterator[Stub]:
    """Call a port as a service does; in the end all calls of `name` must have ended well.

    Those that nobody does yet are refused honestly, to nobody in another way.
    """
    wanted = {path for path in compiled() if path.startswith(f"/grpc.{name}/")}
    async with (
        Stub(compiled(), port, SECRET, x_service="stories") as stub,
        Stub(compiled(), port) as nobody,
    ):
        yield stub
        for path in wanted & LATER:
            short = path.removeprefix("/grpc.")
            assert await nobody.status(short) == "UNAUTHENTICATED", path
            assert await stub.status(short) == "UNIMPLEMENTED", path
        assert wanted
        assert stub.answered == wanted - LATER


async def users(house: Visit, port: int) -> None:
    """What registration and logout did is answered; a presence is shown to a meeting's members."""
    ann, bob = await house.people("ann", "bob")
    async with service("UserService", port) as calls:
        found = await calls.call("UserService/GetUser", user_id=bob.user_id)
        profile = await bob.data("GET", "/users/profile")
        told = (found.id, found.username, found.email, found.full_name, found.status)
        assert told == tuple(
            profile[name] for name in ("id", "username", "email", "nickname", "status_name")
        )
        assert found.created_at.ToJsonString()[:19] == profile["created_at"][:19]
        ids = [ann.user_id, NOBODY, bob.user_id]
        known = await calls.call("UserService/GetUsersByIds", user_ids=ids)
        assert [each.username for each in known.users] == [ann.name, bob.name]
        meeting = await ann.meeting()
        await bob.data("POST", f"/meetings/{meeting}/join")

        async def online() -> bool:
            seats = await ann.data("GET", f"/meetings/{meeting}/participants")
            (own,) = [each for each in seats["list"] if each["user_id"] == bob.user_id]
            return bool(own["online"])

        for status, shown in (("away", True), ("offline", False)):
            await calls.call("UserService/UpdateUserStatus", user_id=bob.user_id, status=status)
            await becomes(online, shown)
        asked = {"token": bob.token}
        valid = await calls.call("UserService/ValidateToken", **asked)
        assert (valid.valid, valid.user_id, valid.role) == (True, bob.user_id, "user")
        await bob.data("POST", "/auth/logout")
        dead = await calls.call("UserService/ValidateToken", **asked)
        assert (dead.valid, dead.user_id, dead.error) == (False, 0, "revoked")


async def meetings(house: Visit, port: int) -> None:
    """A meeting that was made by REST is moved, filled and told of by calls, and REST shows it."""
    ann, bob = await house.people("ann", "bob")
    meeting = await ann.meeting(start=False, settings={"mute_on_join": True})
    path, one = f"/meetings/{meeting}", {"meeting_id": meeting}
    async with service("MeetingService", port) as calls:

        async def going() -> set[int]:
            found = await calls.call("MeetingService/GetActiveMeetings")
            return {each.id for each in found.meetings}

        move = "MeetingService/UpdateMeetingStatus"
        assert meeting not in await going()
        for _ in range(2):
            await calls.call(move, **one, status="active")
            assert (await ann.data("GET", path))["status_name"] == "active"
        assert meeting in await going()
        asked = one | {"user_id": bob.user_id, "admit": True}
        access = await calls.call("MeetingService/ValidateUserAccess", **asked)
        assert (access.has_access, access.role) == (True, "participant")
        assert (await ann.seats(meeting))[bob.user_id] == "joined"
        found = await calls.call("MeetingService/GetMeeting", **one)
        shown = await ann.data("GET", path)
        names = ("id", "title", "creator_id", "max_participants", "room_id")
        assert [getattr(found, name) for name in names] == [shown[name] for name in names]
        assert json.loads(found.settings) == shown["settings"]
        assert json.loads(found.settings)["mute_on_join"]
        result = {"task_id": "ai_0", "analysis_type": "emotion", "result_data": '{"status": "ok"}'}
        about = one | {"user_id": bob.user_id, "confidence": 0.5, "model": "theirs"}
        for _ in range(2):
            await calls.call("MeetingService/SaveAIAnalysisResult", **about, **result)
            (kept,) = (await ann.data("GET", f"{path}/analysis"))["list"]
            told = (kept["task_id"], kept["analysis_type"], kept["user_id"], kept["confidence"])
            assert told == ("ai_0", "emotion_detection", bob.user_id, 0.5)
        assert await calls.status(move, **one, status="cancelled") == "FAILED_PRECONDITION"
        await calls.call(move, **one, status="ended")
        assert (await ann.data("GET", path))["status_name"] == "ended"
        assert meeting not in await going()


async def media(_house: Visit, port: int) -> None:
    """Nothing yet but honest refusals."""
    async with service("MediaService", port):
        pass


async def signals(house: Visit, port: int) -> None:
    """Whatever is told arrives as a frame at the sockets that it is for, and at no other."""
    ann, bob, cid = await house.people("ann", "bob", "cid")
    meeting = await ann.meeting()
    peers = [await ann.enters(meeting), await bob.enters(meeting)]
    outside = await cid.knock()
    room, who = {"room_id": f"room_{meeting}"}, {"user_id": cid.user_id, "peer_id": "theirs"}
    async with service("SignalingService", port) as calls:
        present = await calls.call("SignalingService/GetRoomUsers", **room)
        assert {(each.user_id, each.peer_id) for each in present.users} == {
            (ann.user_id, peers[0].peer_id),
            (bob.user_id, peers[1].peer_id),
        }
        await calls.call("SignalingService/NotifyUserJoined", **room, **who, username=cid.name)
        for peer in peers:
            assert (await peer.until("user_joined", **who))["username"] == cid.name
        await calls.call("SignalingService/NotifyUserLeft", **room, **who)
        for peer in peers:
            assert (await peer.until("user_left", **who))["room_id"] == room["room_id"]
        tell = "SignalingService/BroadcastMessage"
        named = {"from_user_id": ann.user_id, "message_type": "lunch"}
        await calls.call(tell, **room, **named, content="bob", target_user_ids=[bob.user_id])
        await calls.call(tell, **named, content="cid", target_user_ids=[cid.user_id])
        await calls.call(tell, **room, **named, content="all")
        for peer, heard in zip(peers, (["all"], ["bob", "all"]), strict=True):
            told = [(await peer.until("lunch"))["content"] for _ in heard]
            assert told == heard
        assert (await outside.until("lunch"))["content"] == "cid"
    for peer in peers:
        await peer.leave()


async def notices(house: Visit, port: int) -> None:
    """What a service tells stands in each user's list, is pushed if wanted, and is told again."""
    ann, bob = await house.people("ann", "bob")
    socket = await ann.knock()

    async def titles() -> list[list[str]]:
        lists = [await each.data("GET", "/notifications?type=lunch") for each in (ann, bob)]
        return [[row["title"] for row in found["list"]] for found in lists]

    async with service("NotificationService", port) as calls:
        note = {"type": "lunch", "content": "at noon", "data": '{"n": 1}'}
        one = {"user_id": ann.user_id, "title": "one", "push_notification": True}
        await calls.call("NotificationService/SendNotification", **note, **one)
        assert (await socket.until("notification"))["content"]["title"] == "one"
        assert await titles() == [["one"], []]
        many = {"user_ids": [ann.user_id, NOBODY, bob.user_id], "title": "many"}
        await calls.call("NotificationService/SendBulkNotifications", **note, **many)
        assert await titles() == [["many", "one"], ["many"]]
        asked = {"user_id": ann.user_id, "limit": 1, "offset": 1, "type_filter": "lunch"}
        found = await calls.call("NotificationService/GetNotificationHistory", **asked)
        (row,) = found.notifications
        assert (found.total_count, row.title, row.content, row.read) == (2, "one", "at noon", False)
        assert json.loads(row.data) == {"n": 1}


Case = Callable[[Visit, int], Awaitable[None]]
CASES: Mapping[str, Case] = {
    "UserService": users,
    "MeetingService": meetings,
    "MediaService": media,
    "SignalingService": signals,
    "NotificationService": notices,
}
PORTS: Mapping[str, tuple[str, ...]] = {
    "UserService": ("user",),
    "MeetingService": ("meeting",),
    "MediaService": ("media",),
    "SignalingService": ("signaling", "signaling-2"),
    "NotificationService": ("user", "notification"),
}
"""Where each is served; the second port is there in a split alone."""


def test_every_service_has_a_test() -> None:
    """Those of the file are those below, and what test_hearing.py calls."""
    found = {path.split("/")[1].removeprefix("grpc.") for path in compiled()}
    assert found == {*CASES, "AIService"}


@pytest.mark.parametrize("name", CASES)
async def test_each_call_does_what_it_says(ends: Visit, name: str) -> None:
    """On every port that serves it; its effect is read by REST, at a socket or by another call."""
    split = ends.home.name == "split"
    for part in PORTS[name][: 2 if split else 1]:
        await CASES[name](ends, ends.home.calls[part])

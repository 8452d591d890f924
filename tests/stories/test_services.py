"""Programs that call the house by gRPC: services beside it, and users' own."""

import functools

import pytest

from tests.stories.caller import Caller
from tests.stories.house import SECRET
from tests.stories.visit import Visit, becomes

pytestmark = pytest.mark.story
SERVICES = {
    "user": {"grpc.UserService", "grpc.NotificationService"},
    "meeting": {"grpc.MeetingService"},
    "media": {"grpc.MediaService"},
    "signaling": {"grpc.SignalingService"},
    "ai": {"grpc.AIService"},
}


async def test_a_service_sees_to_a_meeting(house: Visit) -> None:
    """It lets a user in, speaks to the room and ends the meeting, and all follow."""
    ann, bob = await house.people("ann", "bob")
    meeting = await ann.meeting(start=False)
    calls = house.home.calls
    named = {"token": SECRET, "x_service": "stories"}
    with (
        Caller(calls["user"], **named) as users,
        Caller(calls["meeting"], **named) as meetings,
        Caller(calls["signaling"], **named) as signals,
    ):
        told = await users.call("UserService/ValidateToken", token=ann.token)
        assert (told["valid"], told["user_id"]) == (True, ann.user_id)
        about = await users.call("UserService/GetUser", user_id=bob.user_id)
        assert (about["username"], about["email"]) == (bob.name, f"{bob.name}@example.org")
        move = "MeetingService/UpdateMeetingStatus"
        await meetings.call(move, meeting_id=meeting, status="active")
        host = await ann.enters(meeting)
        access = "MeetingService/ValidateUserAccess"
        asked = {"user_id": bob.user_id, "meeting_id": meeting}
        assert not (await meetings.call(access, **asked)).get("has_access")
        assert (await meetings.call(access, **asked, admit=True))["has_access"]
        assert (await ann.seats(meeting))[bob.user_id] == "joined"
        await host.until("user_joined", user_id=bob.user_id)
        guest = await bob.enters(meeting)
        room = f"room_{meeting}"
        present = await signals.call("SignalingService/GetRoomUsers", room_id=room)
        assert {each["peer_id"] for each in present["users"]} == {host.peer_id, guest.peer_id}
        said = {"room_id": room, "message_type": "lunch", "content": '{"at": "noon"}'}
        await signals.call("SignalingService/BroadcastMessage", **said)
        for peer in (host, guest):
            assert (await peer.until("lunch"))["content"] == {"at": "noon"}
        await meetings.call(move, meeting_id=meeting, status="ended")
        assert [await peer.closed() for peer in (host, guest)] == [4003, 4003]
        again = await meetings.refused(move, meeting_id=meeting, status="active")
        assert again == "FAILED_PRECONDITION"
    assert (await ann.data("GET", f"/meetings/{meeting}"))["status_name"] == "ended"


async def test_a_service_tells_a_user(house: Visit) -> None:
    """What it has told stands in the history and was a frame at every socket of the user."""
    ann, bob = await house.people("ann", "bob")
    sockets = [await ann.knock(), await ann.enters(await bob.meeting())]

    async def kinds() -> list[str]:
        return [row["type"] for row in (await ann.data("GET", "/notifications"))["list"]]

    await becomes(kinds, ["welcome"])
    with Caller(house.home.calls["user"], SECRET, x_service="stories") as caller:
        note = {"type": "lunch", "title": "Lunch", "content": "at noon", "data": '{"n": 1}'}
        asked = {"user_id": ann.user_id, **note, "push_notification": True}
        await caller.call("NotificationService/SendNotification", **asked)
    frames = [(await socket.until("notification"))["content"] for socket in sockets]
    assert frames[0] == frames[1]
    assert (frames[0]["title"], frames[0]["data"]) == ("Lunch", {"n": 1})
    assert await kinds() == ["lunch", "welcome"]
    with Caller(house.home.calls["user"], ann.token) as own:
        history = "NotificationService/GetNotificationHistory"
        kept = await own.call(history, user_id=ann.user_id, limit=1)
        assert (kept["total_count"], kept["notifications"][0]["title"]) == (2, "Lunch")
        assert await own.refused(history, user_id=bob.user_id) == "PERMISSION_DENIED"


async def test_a_user_calls(house: Visit) -> None:
    """With their own token people see what is theirs, and no more; without one, nothing."""
    ann, bob = await house.people("ann", "bob")
    meeting = await ann.meeting(meeting_type="private")
    calls = house.home.calls
    with Caller(calls["user"], ann.token) as users, Caller(calls["user"]) as nobody:
        mine = await users.call("UserService/GetUser", user_id=ann.user_id)
        assert mine["email"] == f"{ann.name}@example.org"
        other = await users.call("UserService/GetUser", user_id=bob.user_id)
        assert (other["username"], other.get("email")) == (bob.name, None)
        refusal = await users.refused("UserService/GetUsersByIds", user_ids=[ann.user_id])
        assert refusal == "PERMISSION_DENIED"
        assert await nobody.refused("UserService/GetUser", user_id=1) == "UNAUTHENTICATED"
        told = "UserService/ValidateToken"
        assert (await nobody.call(told, token=ann.token))["valid"]
        with Caller(calls["meeting"], bob.token) as strange:
            hidden = await strange.refused("MeetingService/GetMeeting", meeting_id=meeting)
            assert hidden == "NOT_FOUND"
        with Caller(calls["meeting"], ann.token) as own:
            assert (await own.call("MeetingService/GetMeeting", meeting_id=meeting))["title"]
        await ann.data("POST", "/auth/logout")
        assert (await nobody.call(told, token=ann.token))["error"] == "revoked"
        assert await users.refused("UserService/GetUser", user_id=1) == "UNAUTHENTICATED"


async def test_every_port_of_calls_tells_what_it_has(house: Visit) -> None:
    """Reflection names the services, health says that they serve, to whoever asks."""
    for part, wanted in SERVICES.items():
        with Caller(house.home.calls[part]) as caller:
            assert wanted <= await caller.services(), part
            for service in wanted:
                health = functools.partial(
                    caller.call, "grpc.health.v1.Health/Check", service=service
                )
                await becomes(health, {"status": "SERVING"})  # the models may be loading

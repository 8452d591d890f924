"""Joining a room, and frames from peer to peer."""

import json
from typing import Any

import pytest

from tests.integration.signaling.world import Peer, World


async def quiet(*peers: Peer) -> None:
    """Read what the peers were told of each other's coming, up to a pong."""
    for peer in peers:
        await peer.send("ping")
        await peer.until("pong")


async def test_an_offer_reaches_its_addressee_alone(house: World) -> None:
    """Of three peers only the one it names gets an offer, with the sender's true identity."""
    meeting = await house.started()
    one, two, three = [await house.seated(meeting.id, user) for user in (1, 2, 3)]
    await quiet(one, two, three)
    lies = {"from_user_id": 99, "from_peer_id": "p3", "username": "mallory", "meeting_id": 5}
    await one.send("offer", to_user_id=2, sdp="v=0", id="x", timestamp="then", **lies)
    offer = await two.next()
    assert offer["type"] == "offer"
    assert (offer["from_user_id"], offer["username"]) == (1, "user1")
    assert (offer["from_peer_id"], offer["sdp"], offer["id"]) == ("p1", "v=0", "x")
    assert (offer["room_id"], offer["meeting_id"]) == (f"room_{meeting.id}", meeting.id)
    assert offer["timestamp"].endswith("Z")
    await three.nothing()
    await one.nothing()


async def test_an_answer_and_candidates_come_back(house: World) -> None:
    """What the addressee answers reaches the one who offered, fields untouched."""
    meeting = await house.started()
    one, two = [await house.seated(meeting.id, user) for user in (1, 2)]
    await quiet(one, two)
    await two.send("answer", to_peer_id="p1", sdp="v=1", room_id=str(meeting.id))
    await two.send("ice_candidate", to_user_id=1, candidate="c", sdpMid="0", sdpMLineIndex=0)
    assert (await one.next())["sdp"] == "v=1"
    candidate = await one.next()
    assert candidate["type"] == "ice_candidate"
    assert [candidate[name] for name in ("candidate", "sdpMid", "sdpMLineIndex")] == ["c", "0", 0]


async def test_two_tabs_of_a_user(house: World) -> None:
    """to_user_id reaches all peers of a user, to_peer_id one; a sender never hears itself."""
    meeting = await house.started()
    one = await house.seated(meeting.id, 1)
    left = await house.seated(meeting.id, 2, "left")
    right = await house.seated(meeting.id, 2, "right")
    await quiet(one, left, right)
    await one.send("offer", to_user_id=2, sdp="both")
    assert (await left.next())["sdp"] == (await right.next())["sdp"] == "both"
    await one.send("offer", to_user_id=2, to_peer_id="right", sdp="right")
    assert (await right.next())["sdp"] == "right"
    await left.nothing()
    await left.send("offer", to_user_id=2, sdp="mine")
    assert (await right.next())["sdp"] == "mine"
    await left.nothing()


async def test_the_joiner_gets_the_room_and_the_others_hear_of_it(house: World) -> None:
    """`joined` lists everybody; the others get user_joined and a roster at the next version."""
    meeting = await house.started()
    one = await house.open(1, f"?meeting_id={meeting.id}&peer_id=p1")
    await one.send("join", id="j1", user_id=77, username="mallory")
    first = await one.next()
    assert first["id"] == "j1"
    two = await house.open(2)
    joined = await two.join(meeting.id)
    assert joined["type"] == "joined"
    assert joined["participant_count"] == 2
    assert joined["version"] == first["version"] + 1
    assert joined["ice_servers"] == [{"urls": ["stun:stun.example.org"]}]
    assert joined["ai_enabled"] is True
    assert joined["settings"]["enable_chat"] is True
    assert "resume_token" not in joined
    shown = {entry["peer_id"]: entry for entry in joined["participants"]}
    assert shown["p1"]["username"] == "user1"
    assert shown["p1"]["role"] == "host"
    assert not shown["p1"]["is_self"]
    assert shown[joined["peer_id"]]["is_self"]
    told, roster = await one.next(), await one.next()
    assert (told["type"], told["user_id"], told["peer_id"]) == ("user_joined", 2, joined["peer_id"])
    assert (roster["version"], roster["joined"]) == (joined["version"], [joined["peer_id"]])
    again = await two.join(meeting.id)
    assert again["peer_id"] == joined["peer_id"]
    assert again["version"] == joined["version"]
    await house.settle()
    await one.nothing()


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"type": "offer", "sdp": "v"}, 400),
        ({"type": "offer", "to_user_id": 2}, 400),
        ({"type": "offer", "sdp": "v", "to_user_id": 0}, 400),
        ({"type": "offer", "sdp": "v", "to_user_id": 5}, 404),
        ({"type": "offer", "sdp": "v", "to_user_id": 2, "to_peer_id": "p1"}, 404),
        ({"type": "offer", "sdp": "v", "to_user_id": 2, "room_id": "room_999"}, 409),
        ({"type": "join", "room_id": "room_999"}, 409),
        ({"type": "join", "room_id": "lobby"}, 400),
        ({"type": "chat", "content": "hello"}, 400),
        ({"type": "resume-me"}, 400),
        ({"type": 4}, 400),
        ({"sdp": "v"}, 400),
        ([1], 400),
        (None, 400),
    ],
)
async def test_a_refused_frame_leaves_the_socket_open(house: World, frame: Any, code: int) -> None:
    """A frame that can't be is answered by an error with its type, and the peer goes on."""
    meeting = await house.started()
    one = await house.seated(meeting.id, 1)
    await one.socket.send_str(json.dumps(frame))
    error = await one.next()
    assert (error["type"], error["code"]) == ("error", code)
    if isinstance(frame, dict) and isinstance(frame.get("type"), str):
        assert error["request_type"] == frame["type"]
    await one.nothing()


async def test_text_alone_is_a_frame(house: World) -> None:
    """A binary frame, deep JSON and half of a surrogate pair are errors 400."""
    one = await house.open(1)
    await one.socket.send_bytes(b'{"type":"ping"}')
    await one.socket.send_str('{"type":"ping","x":' + "[" * 32 + "]" * 32 + "}")
    await one.socket.send_str('{"type":"offer","to_user_id":1,"sdp":"\\ud800"}')
    await one.socket.send_str('{"type":"ping","id":NaN}')
    for _ in range(4):
        assert (await one.next())["code"] == 400
    await one.nothing()


async def test_nothing_is_sent_before_the_join(house: World) -> None:
    """A peer without a room is told to join first."""
    one = await house.open(1)
    await one.send("offer", to_user_id=2, sdp="v", id="early")
    error = await one.next()
    assert (error["code"], error["request_type"], error["id"]) == (409, "offer", "early")

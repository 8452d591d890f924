"""What peers do in a room: connect to each other, come twice, get lost, and be replaced."""

import asyncio
import itertools

import pytest

from tests.stories.peer import Peer
from tests.stories.visit import Visit, becomes

pytestmark = pytest.mark.story


async def agree(one: Peer, other: Peer) -> None:
    """Connect two peers as clients do: the smaller peer_id offers, the other answers."""
    first, second = sorted((one, other), key=lambda each: each.peer_id)
    for sender, receiver, type_, sent in (
        (first, second, "offer", {"sdp": f"offer of {first.peer_id}"}),
        (second, first, "answer", {"sdp": f"answer of {second.peer_id}"}),
        (first, second, "ice_candidate", {"candidate": "candidate:1", "sdpMid": "0"}),
        (second, first, "ice_candidate", {"candidate": "", "sdpMLineIndex": 1}),
    ):
        await sender.send(type_, to_peer_id=receiver.peer_id, **sent)
        got = await receiver.until(type_, from_peer_id=sender.peer_id)
        assert sent.items() <= got.items(), got


async def test_two_connect(house: Visit) -> None:
    """Offer, answer and candidates arrive as sent, and who sent them is not for the sender to say.

    Only who is in the room can be reached.
    """
    ann, bob = await house.people("ann", "bob")
    meeting = await ann.meeting()
    host, guest = await ann.enters(meeting), await bob.enters(meeting)
    await agree(host, guest)
    forged = {"from_user_id": 1, "username": "admin", "from_peer_id": "x", "timestamp": "never"}
    await host.send("offer", to_user_id=bob.user_id, sdp="v=0", id=7, **forged)
    got = await guest.until("offer")
    assert (got["from_user_id"], got["username"]) == (ann.user_id, ann.name)
    assert (got["from_peer_id"], got["meeting_id"], got["id"]) == (host.peer_id, meeting, 7)
    assert got["timestamp"] != "never"
    for target, code in ({"to_peer_id": "nobody"}, 404), ({}, 400):
        await host.send("offer", sdp="v=0", **target)
        assert (await host.until("error", request_type="offer"))["code"] == code
    outside = await bob.knock()
    await outside.send("offer", to_user_id=ann.user_id, sdp="v=0")
    assert (await outside.until("error", request_type="offer"))["code"] == 409
    await guest.leave()
    await host.until("user_left", peer_id=guest.peer_id)
    await host.send("offer", to_peer_id=guest.peer_id, sdp="v=0")
    assert (await host.until("error", request_type="offer"))["code"] == 404
    await host.leave()


async def test_three_connect(house: Visit) -> None:
    """Each of three knows the others, by the roster or by what is told, and connects to both."""
    people = await house.people("ann", "bob", "cid")
    meeting = await people[0].meeting()
    peers = await asyncio.gather(*(person.enters(meeting) for person in people))
    for peer in peers:
        known = {each["peer_id"] for each in peer.joined["participants"]}
        while known != {each.peer_id for each in peers}:
            known.add((await peer.until("user_joined"))["peer_id"])
    for one, other in itertools.combinations(peers, 2):
        await agree(one, other)
    newest = await people[2].enters(meeting)
    assert newest.joined["participant_count"] == 3
    assert len(newest.joined["participants"]) == 4
    for peer in (*peers, newest):
        await peer.leave()


async def test_two_tabs_of_one_user(house: Visit) -> None:
    """Both hear what is for the user, one what is for it alone; the last one frees the seat."""
    ann, bob = await house.people("ann", "bob")
    meeting = await ann.meeting()
    host, one, two = (
        await ann.enters(meeting),
        await bob.enters(meeting, f"one_{meeting}"),
        await bob.enters(meeting, f"two_{meeting}"),
    )
    assert two.joined["participant_count"] == 2
    await host.send("offer", to_peer_id=one.peer_id, sdp="for one")
    await host.send("offer", to_user_id=bob.user_id, sdp="for both")
    await one.send("offer", to_user_id=bob.user_id, sdp="from one")
    assert [(await one.until("offer"))["sdp"] for _ in range(2)] == ["for one", "for both"]
    got = {(await two.until("offer"))["sdp"] for _ in range(2)}
    assert got == {"for both", "from one"}
    await one.leave()
    await host.until("user_left", peer_id=one.peer_id)
    assert (await ann.seats(meeting))[bob.user_id] == "joined"
    await two.leave()
    await host.until("user_left", peer_id=two.peer_id)
    await becomes(lambda: ann.seats(meeting), {ann.user_id: "joined", bob.user_id: "left"})
    await host.leave()


async def test_a_newer_socket_replaces_the_older(house: Visit) -> None:
    """The same peer_id of the same user: the older socket closes; nobody else can take it."""
    ann, bob = await house.people("ann", "bob")
    meeting = await ann.meeting()
    host, older = await ann.enters(meeting), await bob.enters(meeting, "laptop")
    assert await (await ann.knock()).refused(meeting, peer_id="laptop") == 409
    newer = await bob.enters(meeting, "laptop")
    assert await older.closed() == 4005
    assert (await host.until("user_left", peer_id="laptop"))["reason"] == "replaced"
    await host.until("user_joined", peer_id="laptop")
    await host.send("offer", to_peer_id="laptop", sdp="v=0")
    await newer.until("offer", sdp="v=0")
    assert (await ann.seats(meeting))[bob.user_id] == "joined"
    await newer.leave()
    await host.leave()


async def test_a_lost_socket_keeps_its_place_for_a_while(house: Visit) -> None:
    """Whoever joins meanwhile sees it; then the others hear of the loss, and the seat is free."""
    ann, bob, cid = await house.people("ann", "bob", "cid")
    meeting = await ann.meeting(max_participants=3)
    host, guest = await ann.enters(meeting), await bob.enters(meeting)
    guest.lose()
    late = await cid.enters(meeting)
    assert guest.peer_id in {each["peer_id"] for each in late.joined["participants"]}
    for peer in (host, late):
        gone = await peer.until("user_left")
        assert (gone["peer_id"], gone["reason"]) == (guest.peer_id, "connection_lost")
    await becomes(
        lambda: ann.seats(meeting),
        {ann.user_id: "joined", bob.user_id: "left", cid.user_id: "joined"},
    )
    back = await bob.enters(meeting)
    assert back.joined["participant_count"] == 3
    for peer in (host, late, back):
        await peer.leave()


async def test_a_ticket_opens_one_socket(house: Visit) -> None:
    """Of several that come with one ticket one gets in, to the meeting that it is for."""
    ann = await house.person("ann")
    meeting, other = await ann.meeting(), await ann.meeting()
    body = {"meeting_id": meeting, "peer_id": "phone"}
    given = await ann.data("POST", "/signaling/ticket", body)
    assert given["expires_in"] == 60
    statuses = await asyncio.gather(*(ann.shut_out(ticket=given["ticket"]) for _ in range(3)))
    assert sorted(statuses) == [101, 401, 401]
    given = await ann.data("POST", "/signaling/ticket", body)
    peer = await ann.knock(ticket=given["ticket"])
    assert await peer.refused(other) == 403
    assert (await peer.join(meeting))["peer_id"] == "phone"
    assert await ann.shut_out(ticket=given["ticket"]) == 401
    assert await ann.shut_out(ticket="none") == 401
    await peer.leave()

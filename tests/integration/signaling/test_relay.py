"""Joining a room, and frames from peer to peer."""

from integration.signaling.world import World


async def test_an_offer_reaches_its_addressee_alone(house: World) -> None:
    """Of three peers only the one it names gets an offer, with the sender's true identity."""
    meeting = await house.started()
    one, two, three = [await house.seated(meeting.id, user) for user in (1, 2, 3)]
    await one.until("roster")
    await one.until("roster")
    await one.send("offer", to_user_id=2, sdp="v=0", from_user_id=99, username="mallory", id="x")
    offer = await two.until("offer")
    assert (offer["from_user_id"], offer["username"]) == (1, "user1")
    assert (offer["from_peer_id"], offer["sdp"], offer["id"]) == ("p1", "v=0", "x")
    assert offer["room_id"] == f"room_{meeting.id}"
    assert offer["timestamp"].endswith("Z")
    await three.nothing()
    await one.nothing()

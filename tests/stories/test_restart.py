"""A house that is stopped and started again, as at an upgrade, in the middle of what goes on."""

import pytest

from tests.stories.visit import Visit, becomes, until

pytestmark = pytest.mark.story


async def test_nothing_is_lost_by_a_restart(own: Visit) -> None:
    """Sockets are told to come again; tokens, meetings, seats and names are there as before."""
    ann, bob = await own.people("ann", "bob")
    meeting = await ann.meeting()
    sockets = [await ann.enters(meeting), await bob.enters(meeting, "laptop")]
    await bob.data("PUT", "/users/profile", {"nickname": "Bob 王"})
    ended = await ann.meeting()
    await ann.data("POST", f"/meetings/{ended}/end")
    own.home.ask()
    assert [await socket.closed() for socket in sockets] == [1001, 1001]
    await own.again()
    assert (await ann.data("GET", f"/meetings/{meeting}"))["status_name"] == "active"

    async def shown() -> bool:
        page = await ann.data("GET", f"/meetings/{meeting}/participants")
        return "Bob 王" in {row["full_name"] for row in page["list"]}

    await until(shown)
    back = [await ann.enters(meeting), await bob.enters(meeting, "laptop")]
    assert back[1].joined["participant_count"] == 2
    await back[0].send("offer", to_peer_id="laptop", sdp="v=0")
    await back[1].until("offer", from_peer_id=back[0].peer_id)

    async def reported() -> bool:
        return (await ann.ask("GET", f"/meetings/{ended}/report"))[0] == 200

    await until(reported)
    await back[1].leave()
    await becomes(lambda: ann.seats(meeting), {ann.user_id: "joined", bob.user_id: "left"})
    await back[0].leave()

"""A log that goes back under sockets, as that of a database does that was restored."""

from sqlalchemy import delete

from meeting.domains.signaling.model import Close
from meeting.stores.relational.outbox import outbox
from tests.integration.signaling.world import World


async def test_all_sockets_begin_anew(house: World) -> None:
    """None has a roster to go on with; who connects again is heard of as ever."""
    meeting = await house.started()
    peers = [await house.seated(meeting.id, 1), await house.open(2)]
    await house.settle()
    heard = house.signaling.reactions.rooms.position
    await house.signaling.reactions.setback.look()
    for peer in peers:
        await peer.nothing()
    async with house.database.write() as connection:
        await connection.execute(delete(outbox).where(outbox.c.position >= heard))
    await house.signaling.reactions.setback.look()
    assert [await peer.closed() for peer in peers] == [Close.OVERLOAD] * 2
    again, other = [await house.seated(meeting.id, user) for user in (1, 2)]
    await house.settle()
    await again.until("user_joined")
    await house.revoke(2)
    await house.settle()
    assert await other.closed() == Close.TOKEN_ENDED

"""The routes of a meeting's room."""

from litestar import delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from meeting.domains.meeting.rooms import Rooms
from meeting.kernel.call import Call
from meeting.transports.http.envelope import Envelope, Envelopes
from meeting.transports.http.meeting.views import RoomView


def routes(rooms: Rooms, envelope: Envelopes) -> list[HTTPRouteHandler]:
    """Make the routes."""

    @get("/meetings/{meeting_id:int}/room")
    async def shown(meeting_id: FromPath[int], call: Call) -> Envelope[RoomView]:
        """Show the room, for members."""
        return envelope(call, RoomView.of(await rooms.get(call, meeting_id)))

    @post("/meetings/{meeting_id:int}/room", status_code=200)
    async def prepare(meeting_id: FromPath[int], call: Call) -> Envelope[RoomView]:
        """Prepare the room, as the host."""
        return envelope(call, RoomView.of(await rooms.prepare(call, meeting_id)))

    @delete("/meetings/{meeting_id:int}/room", status_code=200)
    async def release(meeting_id: FromPath[int], call: Call) -> Envelope[RoomView]:
        """Release the room, as the host."""
        return envelope(call, RoomView.of(await rooms.release(call, meeting_id)))

    return [shown, prepare, release]

"""Frames that other domains send to users: satisfies `SignalingApi`."""

from meeting.domains.signaling import frames
from meeting.domains.signaling.api import Broadcast
from meeting.domains.signaling.router import Router
from meeting.kernel.call import Call
from meeting.kernel.errors import Fault, Kind, invalid


class Broadcasts:
    """Encodes a broadcast once and gives it to every socket that it is for.

    Nobody is waited for: a socket that reads too slowly is closed by its own bound.
    """

    def __init__(self, router: Router) -> None:
        self._router = router

    async def broadcast_message(self, call: Call, broadcast: Broadcast) -> None:
        """Send a frame to whoever of its targets is connected; the others are not told."""
        if not call.caller.is_service:
            raise Fault(Kind.FORBIDDEN, "only services may do this")
        if not broadcast.target_user_ids:
            raise invalid("target_user_ids", "is required")
        frame = frames.broadcast(broadcast.message_type, broadcast.content)
        for user_id in dict.fromkeys(broadcast.target_user_ids):
            await self._router.to_sockets(user_id, frame)

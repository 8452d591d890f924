"""What other domains may ask the signaling domain."""

from typing import Literal, Protocol

import msgspec

from meeting.kernel.call import Call


class Broadcast(msgspec.Struct, frozen=True, kw_only=True):
    """A frame for all open sockets of some users, in a room or outside of one."""

    message_type: Literal["notification"]
    content: str
    """What the frame carries: JSON, or a text."""
    target_user_ids: list[int]


class SignalingApi(Protocol):
    """The calls that a service can make, in this process or over a wire."""

    async def broadcast_message(self, call: Call, broadcast: Broadcast) -> None:
        """Send a frame to whoever of its targets is connected; the others are not told."""
        ...

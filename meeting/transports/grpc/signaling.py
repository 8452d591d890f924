"""SignalingService, both ways: what others call here, and a `SignalingApi` elsewhere."""

from meeting.domains.signaling.api import Broadcast, Joined, Left, RoomUser, SignalingApi
from meeting.kernel.call import Call
from meeting.transports.grpc import alike, messages
from meeting.transports.grpc.channel import Channel
from meeting.transports.grpc.messages.google.protobuf import Empty
from meeting.transports.grpc.messages.grpc import (
    BroadcastMessageRequest,
    GetRoomUsersRequest,
    GetRoomUsersResponse,
    NotifyUserJoinedRequest,
    NotifyUserLeftRequest,
)
from meeting.transports.grpc.method import method
from meeting.transports.grpc.service import Rpc, service


def served(signaling: SignalingApi) -> list[Rpc]:
    """Make SignalingService of the signaling domain."""

    async def joined(call: Call, asked: NotifyUserJoinedRequest) -> Empty:
        await signaling.notify_user_joined(call, alike.struct(Joined, asked))
        return Empty()

    async def left(call: Call, asked: NotifyUserLeftRequest) -> Empty:
        await signaling.notify_user_left(call, alike.struct(Left, asked))
        return Empty()

    async def broadcast(call: Call, asked: BroadcastMessageRequest) -> Empty:
        await signaling.broadcast_message(call, alike.struct(Broadcast, asked))
        return Empty()

    async def users(call: Call, asked: GetRoomUsersRequest) -> GetRoomUsersResponse:
        found = await signaling.get_room_users(call, asked.room_id)
        rows = [alike.message(messages.grpc.RoomUser, each) for each in found]
        return GetRoomUsersResponse(users=rows)

    return service(
        "SignalingService",
        {
            "NotifyUserJoined": joined,
            "NotifyUserLeft": left,
            "BroadcastMessage": broadcast,
            "GetRoomUsers": users,
        },
    )


class SignalingClient:
    """Satisfies `SignalingApi` by calls to any of the processes that have sockets."""

    _joined = method("/grpc.SignalingService/NotifyUserJoined")
    _left = method("/grpc.SignalingService/NotifyUserLeft")
    _broadcast = method("/grpc.SignalingService/BroadcastMessage")
    _users = method("/grpc.SignalingService/GetRoomUsers", repeat=True)

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    async def broadcast_message(self, call: Call, broadcast: Broadcast) -> None:
        """Send a frame to whoever of its targets is connected; the others are not told."""
        asked = alike.message(BroadcastMessageRequest, broadcast)
        await self._channel.call(self._broadcast, call, asked)

    async def notify_user_joined(self, call: Call, joined: Joined) -> None:
        """Tell the others of a room that somebody came; for services alone."""
        asked = alike.message(NotifyUserJoinedRequest, joined)
        await self._channel.call(self._joined, call, asked)

    async def notify_user_left(self, call: Call, left: Left) -> None:
        """Tell the others of a room that somebody went; for services alone."""
        await self._channel.call(self._left, call, alike.message(NotifyUserLeftRequest, left))

    async def get_room_users(self, call: Call, room_id: str) -> list[RoomUser]:
        """Return who is in a room, a row a peer."""
        asked = GetRoomUsersRequest(room_id=room_id)
        answer = await self._channel.call(self._users, call, asked)
        return [alike.struct(RoomUser, each) for each in answer.users]

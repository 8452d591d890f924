"""The suite of `SignalingApi` over the service object, and over twins that it must reject."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from meeting.domains.signaling.api import Broadcast, Joined, RoomUser, SignalingApi
from meeting.domains.signaling.broadcasts import Broadcasts
from meeting.kernel.call import Call, Caller
from tests.contract.api.before import Before
from tests.contract.api.signaling import (
    PROMISES,
    Socket,
    World,
    came_and_went,
    listed,
    not_listed,
    told,
    told_to_some,
)
from tests.contract.api.ways import WAYS, over
from tests.integration.signaling.world import World as Domain, world

Promise = Callable[[World], Awaitable[None]]


class Own:
    """A world whose rooms are in this process."""

    def __init__(self, domain: Domain, api: SignalingApi) -> None:
        self.signaling = api
        self._domain = domain

    def by(self, user_id: int) -> Call:
        """Make the call of a user."""
        return self._domain.call(user_id)

    def service(self, user_id: int = 0) -> Call:
        """Make the call of a service."""
        return Call(caller=Caller(user_id=user_id, service="test"), request_id="r")

    async def started(self, *, private: bool = False) -> int:
        """Have a meeting go on."""
        return (await self._domain.started(1, private=private)).id

    async def seated(self, meeting_id: int, user_id: int, peer_id: str) -> Socket:
        """Let a user join."""
        return await self._domain.seated(meeting_id, user_id, peer_id)

    async def open(self, user_id: int) -> Socket:
        """Connect a user."""
        return await self._domain.open(user_id)

    async def closures(self) -> list[dict[str, Any]]:
        """Return what was announced."""
        return await self._domain.closures()


@asynccontextmanager
async def own(
    folder: Path, twin: Callable[[SignalingApi], Any] | None = None
) -> AsyncIterator[Own]:
    """Open a world over the service object, or over a twin that stands before it."""
    async with world(folder, "aiohttp") as domain:
        whole = domain.signaling.broadcasts
        yield Own(domain, whole if twin is None else twin(whole))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
async def test_keeps(way: str, promise: Promise, tmp_path: Path) -> None:
    """The api keeps each promise, by whichever way it is called."""
    async with own(tmp_path) as opened, over(way, "signaling", opened.signaling) as api:
        opened.signaling = api
        await promise(opened)


class Loud(Before[Broadcasts]):
    """Tells everybody in the room, whoever it is for."""

    async def broadcast_message(self, call: Call, broadcast: Broadcast) -> None:
        """Drop the targets where there is a room."""
        if broadcast.room_id:
            broadcast = msgspec.structs.replace(broadcast, target_user_ids=[])
        await self._whole.broadcast_message(call, broadcast)


class Anonymous(Before[Broadcasts]):
    """Does not say who it is from."""

    async def broadcast_message(self, call: Call, broadcast: Broadcast) -> None:
        """Drop the sender."""
        await self._whole.broadcast_message(
            call, msgspec.structs.replace(broadcast, from_user_id=0)
        )


class Echoing(Before[Broadcasts]):
    """Tells whoever came of themselves."""

    async def notify_user_joined(self, call: Call, joined: Joined) -> None:
        """Name another peer."""
        await self._whole.notify_user_joined(
            call, msgspec.structs.replace(joined, peer_id=joined.peer_id + "x")
        )


class Crowded(Before[Broadcasts]):
    """Lists users, not peers."""

    async def get_room_users(self, call: Call, room_id: str) -> list[RoomUser]:
        """Keep the last of each."""
        found = await self._whole.get_room_users(call, room_id)
        return list({each.user_id: each for each in found}.values())


class Public(Before[Broadcasts]):
    """Lists for everybody."""

    async def get_room_users(self, call: Call, room_id: str) -> list[RoomUser]:
        """Ask as a service."""
        call = Call(caller=Caller(service="x"), request_id="r")
        return await self._whole.get_room_users(call, room_id)


@pytest.mark.parametrize(
    ("twin", "by"),
    [
        (Loud, told_to_some),
        (Anonymous, told),
        (Echoing, came_and_went),
        (Crowded, listed),
        (Public, not_listed),
    ],
    ids=["loud", "anonymous", "echoing", "crowded", "public"],
)
async def test_rejects(twin: Callable[[Any], Any], by: Promise, tmp_path: Path) -> None:
    """The suite turns red on one that tells the wrong ones, or says too little or too much."""
    async with own(tmp_path, twin) as opened:
        with pytest.raises(AssertionError):
            await by(opened)

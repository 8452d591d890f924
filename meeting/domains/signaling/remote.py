"""The router of a house with several processes: frames for peers elsewhere go by post.

Where a peer is, the replica of its room says, without a query; only who is not in it is looked up,
once, before the sender hears that nobody is there.
"""

from collections.abc import Iterable

import msgspec
import structlog

from meeting.domains.signaling import letter as letters
from meeting.domains.signaling.letter import Letter
from meeting.domains.signaling.model import Place
from meeting.domains.signaling.ports import Post
from meeting.domains.signaling.room import Room
from meeting.domains.signaling.rooms import Rooms
from meeting.domains.signaling.roster import Roster
from meeting.domains.signaling.router import LocalRouter, Router

log = structlog.get_logger(__name__)


class RemoteRouter(Router):
    """The router of a house whose peers speak to this process or to others."""

    def __init__(self, local: LocalRouter, rooms: Rooms, roster: Roster, post: Post) -> None:
        self._local = local
        self._rooms = rooms
        self._roster = roster
        self._post = post

    async def _to_peer(self, letter: Letter, frame: bytes) -> int:
        room = self._rooms.get(letter.room_id)
        place = None
        if room is not None:
            seated = room.peer(letter.peer_id)
            place = room.replica.peer(letter.peer_id) if seated is None else seated.place
        if place is None:
            place = await self._roster.find(letter.room_id, letter.peer_id)
        if place is None or not letter.fits(place):
            return 0
        if place.node == self._post.node:
            return self._local.deliver(letter, frame)
        return await self._send([place], letter, frame)

    async def _to_user(self, letter: Letter, frame: bytes) -> int:
        room = self._known(letter)
        places = [] if room is None else room.replica.of_user(letter.user_id)
        if not any(letter.fits(place) for place in places):
            places = await self._roster.held(letter.room_id, letter.user_id)
        return await self._spread(places, letter, frame)

    async def _to_room(self, letter: Letter, frame: bytes) -> None:
        room = self._known(letter)
        roll = self._roster.roll
        places = (await roll(letter.room_id)).places if room is None else list(room.replica)
        await self._spread(places, letter, frame)

    async def _to_sockets(self, letter: Letter, frame: bytes) -> None:
        # A service that is told to try again must not be heard here each time.
        await self._post.send(None, letters.write(letter), frame)
        self._local.deliver(letter, frame)

    def take(self, head: bytes, frame: bytes) -> None:
        """Deliver a frame that came by post; it is not looked into."""
        try:
            letter = letters.read(head)
        except msgspec.MsgspecError:
            log.warning("a frame of another process is addressed to nobody")
            return
        self._local.deliver(letter, frame)

    def lost(self) -> None:
        """Act on frames that were lost on the way here."""
        if closed := self._rooms.cut_off(self._post.node):
            log.error("frames of other processes are lost: rooms are closed", rooms=closed)

    def _known(self, letter: Letter) -> Room | None:
        """Return a room whose replica shows all that the sender has been shown."""
        room, sender = self._rooms.get(letter.room_id), letter.sender
        if room is None or room.replica.version < (sender.version if sender else 1):
            return None
        return room

    async def _spread(self, places: Iterable[Place], letter: Letter, frame: bytes) -> int:
        """Deliver to peers here and elsewhere; those here need not wait for a peer's frame."""
        if letter.sender is None:
            there = await self._send(places, letter, frame)
            return there + self._local.deliver(letter, frame)
        here = self._local.deliver(letter, frame)
        return here + await self._send(places, letter, frame)

    async def _send(self, places: Iterable[Place], letter: Letter, frame: bytes) -> int:
        ours = ("", self._post.node)
        nodes = {
            place.node: None
            for place in places
            if place.admitted and place.node not in ours and letter.fits(place)
        }
        if not nodes:
            return 0
        return await self._post.send(list(nodes), letters.write(letter), frame)

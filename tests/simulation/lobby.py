"""Two processes of signalling whose peers come, speak and go, while both die now and then."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any, cast

from msgspec.structs import replace

from meeting.domains.signaling import frames, register
from meeting.domains.signaling.letter import Sender
from meeting.domains.signaling.model import Close, Limits, Place, Roll, Timings, place_of, prefix
from meeting.domains.signaling.ports import SignalingUnit
from meeting.domains.signaling.presence import Presence
from meeting.domains.signaling.reactions import Reactions
from meeting.domains.signaling.remote import RemoteRouter
from meeting.domains.signaling.rooms import Rooms
from meeting.domains.signaling.roster import LeaseRoster
from meeting.domains.signaling.router import LocalRouter
from meeting.domains.signaling.seats import Seats
from meeting.kernel.errors import Fault
from meeting.kernel.ports import Units
from tests.simulation.loop import Loop
from tests.simulation.process import Crash, Process
from tests.simulation.twin import rooms as twin

ROOM = "room_7"
USERS = 4
CLIENTS = 7
TROUBLE = 60.0
"""Virtual seconds in which peers come and go, and processes die."""
PEACE = 60.0
"""Until then all that is over must have been told."""
TIMINGS = Timings(grace=3, renew=1)


class Peer:
    """A member, and what it knows of the room from what it was told."""

    def __init__(self, loop: Loop, place: Place) -> None:
        self.place = place
        self.view: set[str] = set()
        self.version = 0
        self.closed: Close | None = None
        self.kept = True
        self.over = asyncio.Event()
        self.wrong: AssertionError | None = None
        """The first frame that it should not have heard."""
        self._loop = loop

    def joined(self, roll: Roll) -> bytes:
        """Make the answer to its join."""
        peers = [place.peer_id for place in roll.places]
        return frames.encode("joined", version=roll.version, peers=peers)

    def deliver(self, frame: bytes, *, urgent: bool = False) -> None:
        """Hear a frame; one that may not come now is remembered, whoever brought it."""
        if self.closed is None:
            try:
                self._hear(json.loads(frame))
            except AssertionError as error:
                self.wrong = self.wrong or error

    def end(self, code: Close, reason: str, *, kept: bool = True) -> None:
        """Note the end; the first counts."""
        if self.closed is None:
            self.closed, self.kept = code, kept
            self.over.set()

    def _hear(self, frame: dict[str, Any]) -> None:
        me = f"{self.place.peer_id} {self.place.session_id}"
        self._loop.note(f"{me} hears {frame}")
        match frame["type"]:
            case "joined":
                assert not self.version, f"{me} joined twice"
                self.view, self.version = set(frame["peers"]), frame["version"]
                assert self.place.peer_id in self.view
                return
            case "user_left" if "peer_id" not in frame:
                pass  # of somebody who had no socket
            case "user_joined":
                assert frame["peer_id"] not in self.view, f"{me}: double {frame}"
                self.view.add(frame["peer_id"])
            case "user_left":
                assert frame["peer_id"] in self.view, f"{me}: {frame} of nobody"
                self.view.remove(frame["peer_id"])
            case "roster":
                assert frame["version"] == self.version + 1, f"{me}: {frame} after {self.version}"
                self.version = frame["version"]
            case "meeting_ended":
                self.view = set()
            case "offer":
                assert frame["from"] in self.view, f"{me}: ghost of {frame}"
        assert self.version, f"{me}: {frame} before joined"


class Node:
    """One process of signalling."""

    def __init__(self, store: twin.Store, process: Process, rooms: Callable[[], Rooms]) -> None:
        self.process = process
        self.peers: list[Peer] = []
        loop = store.loop
        units = cast(Units[SignalingUnit], twin.Units(store, process))
        self.rooms = rooms()
        self.roster = LeaseRoster(units, loop, TIMINGS)
        self.presence = Presence(self.roster, self.rooms, loop, TIMINGS)
        self.post = twin.Post(store, process)
        seats = Seats(loop, Limits())
        tail = twin.Tail(store, process)
        self.follower = Reactions(tail=tail, rooms=self.rooms, seats=seats).rooms
        local = LocalRouter(self.rooms, seats)
        self.router = RemoteRouter(local, self.rooms, self.roster, self.post)
        self.works = [
            process.start(self.presence.run(self.places)),
            process.start(self.follow()),
            process.start(self.post.read(self.router.take, self.lost)),
        ]
        self.losses = 0

    def lost(self) -> None:
        """Note that frames were lost."""
        self.losses += 1
        self.router.lost()

    async def follow(self) -> None:
        """Follow the log."""
        while True:
            try:
                await self.follower.begin()
                break
            except Fault:
                await asyncio.sleep(0.1)
        await self.follower.run()

    def places(self) -> Iterator[Place]:
        """Return the places of living sockets."""
        return iter([peer.place for peer in self.peers if peer.version and peer.closed is None])

    async def visit(self, place: Place, stay: float, chance: float) -> Peer:
        """Join as a socket does, speak, and go in one of the ways of sockets."""
        loop = self.process.loop
        await self.follower.begun.wait()
        place = replace(place, node=self.post.node)
        peer = Peer(loop, place)
        self.peers.append(peer)
        try:
            await self.presence.hold(place)
            await self.process.step("the meeting is asked")
            granted = replace(place, admitted=True, joined_at=loop.now())
            peer.place = await self.presence.enter(granted, peer, peer.joined)
        except Fault as fault:
            loop.note(f"{place.session_id} is refused: {fault}")
            peer.end(Close.LEFT, "refused")
            await self.presence.withdraw(place, unsure=False)
            return peer
        until = loop.time() + stay
        while loop.time() < until and peer.closed is None:
            await asyncio.sleep(loop.chance.uniform(0, 2))
            await self.speak(peer)
        if peer.closed is None and stay < PEACE:
            peer.end(Close.LEFT, "left", kept=chance < 0.5)
            if chance < 0.5:
                await self.presence.lose(peer.place)
            else:
                await self.presence.leave(peer.place, "user_left")
        elif peer.closed is Close.OVERLOAD:
            await self.presence.lose(peer.place)
        return peer

    async def speak(self, peer: Peer) -> None:
        """Send something to somebody in sight."""
        others = sorted(peer.view - {peer.place.peer_id})
        if peer.closed is not None or not others:
            return
        frame = frames.encode("offer", **{"from": peer.place.peer_id})
        to, sender = self.process.loop.chance.choice(others), Sender.of(peer.place)
        try:
            if self.process.loop.chance.random() < 0.5:
                await self.router.to_peer(ROOM, to, None, frame, sender=sender)
            else:
                await self.router.to_room(ROOM, frame, but=peer.place.peer_id, sender=sender)
        except Fault as fault:
            self.process.loop.note(f"{peer.place.session_id}: {fault}")


class Lobby:
    """Both processes over one store; whichever dies is begun anew."""

    def __init__(self, loop: Loop, rooms: Callable[[], Rooms] = Rooms) -> None:
        self.loop = loop
        self.store = twin.Store(loop)
        self._rooms = rooms
        self._made = 0
        self.nodes = [self.begin(), self.begin()]
        self.visits: list[asyncio.Task[Peer]] = []

    def begin(self) -> Node:
        """Begin a process."""
        self._made += 1
        process = Process(self.loop, f"n{self._made}", crash=0.0005, slow=0.05)
        return Node(self.store, process, self._rooms)

    async def client(self, number: int) -> None:
        """Be one client, that comes again and again, to whichever process."""
        chance = self.loop.chance
        while self.loop.time() < TROUBLE:
            await asyncio.sleep(chance.uniform(0, 6))
            await self.visit(number, chance.uniform(0, 12))
        await asyncio.sleep(chance.uniform(0, 3))
        await self.visit(number, 2 * PEACE + chance.uniform(1, 2))

    async def visit(self, number: int, stay: float) -> None:
        """Visit once, until the visit or its process ends."""
        node, now = self.loop.chance.choice(self.nodes), self.loop.now()
        place = Place(
            room_id=ROOM,
            meeting_id=7,
            peer_id=f"p{number}",
            user_id=number % USERS + 1,
            username=f"user{number % USERS + 1}",
            session_id=self.loop.new("s"),
            joined_at=now,
        )
        work = node.process.start(node.visit(place, stay, self.loop.chance.random()))
        self.visits.append(cast("asyncio.Task[Peer]", work))
        await asyncio.wait({work})

    async def decide(self) -> None:
        """Let the meeting remove users, and once in a while end."""
        chance = self.loop.chance
        process = Process(self.loop, "meeting", slow=0.05)
        units = cast(Units[SignalingUnit], twin.Units(self.store, process))
        while self.loop.time() < TROUBLE:
            await asyncio.sleep(chance.uniform(0, 8))
            async with units.write() as unit:
                room = await register.open_(unit, ROOM, self.loop, TIMINGS)
                if chance.random() < 0.1:
                    await room.clear("meeting_ended")
                    continue
                reason = chance.choice(("kicked", "user_left"))
                user_id = chance.randrange(USERS) + 1
                await room.dismiss(user_id, reason, self.loop.now())  # type: ignore[arg-type]
                await room.write()

    async def live(self) -> None:
        """Go through the trouble, and see that what is left is told of."""
        works = [asyncio.create_task(self.client(number)) for number in range(CLIENTS)]
        works.append(asyncio.create_task(self.decide()))
        while self.loop.time() < TROUBLE + PEACE:
            await asyncio.sleep(0.5)
            self.calm()
            for at, node in enumerate(self.nodes):
                if node.process.dead:
                    self.store.inboxes.pop(node.post.node, None)
                    self.nodes[at] = self.begin()
        self.check()
        for node in self.nodes:
            node.process.kill()
        for work in works:
            work.cancel()

    def calm(self) -> None:
        """Look at what went wrong; once the trouble is over, let nothing go wrong."""
        works: list[asyncio.Task[Any]] = [work for node in self.nodes for work in node.works]
        for work in [*self.visits, *works]:
            error = work.exception() if work.done() and not work.cancelled() else None
            if error is not None and not isinstance(error, Crash):
                raise error
        for peer in (peer for node in self.nodes for peer in node.peers):
            if peer.wrong is not None:
                raise peer.wrong
        if self.loop.time() >= TROUBLE:
            self.store.trouble = False
            for node in self.nodes:
                node.process._crash = 0

    def check(self) -> None:
        """Hold what everybody knows against the store, and look at what died of errors."""
        shown = [place_of(lease) for key, lease in self.store.leases.items() if _place(key)]
        peers = {place.peer_id for place in shown}
        here = [peer for node in self.nodes for peer in node.peers if peer.closed is None]
        sessions = {peer.place.session_id for peer in here if peer.version}
        assert sessions == {place.session_id for place in shown}, "a place without a socket"
        for node in self.nodes:
            cut_off = [peer for peer in node.peers if peer.closed is Close.OVERLOAD]
            assert node.losses or not cut_off, "cut off, though no frame was lost"
        for peer in here:
            assert peer.view == peers, f"{peer.place.peer_id} sees {peer.view}, there are {peers}"
            assert peer.version == self.store.versions[ROOM]


def _place(key: str) -> bool:
    return key.startswith(prefix(ROOM))

"""The rows, the log and the post of signalling in memory, with a point to fail at at every step.

`Store` outlives processes; `Units`, `Tail` and `Post` are one process's ways to it. A transaction
works on a copy, one at a time, and takes effect at once at its end, or not at all.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import msgspec

from meeting.kernel import lease as rules
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.growth import Growth
from meeting.kernel.lease import Lease
from meeting.kernel.message import Event, Message
from meeting.kernel.relay import Posted
from tests.simulation.loop import Loop
from tests.simulation.process import Process

HEARD = 0.9
"""How often a wake-up is heard."""

LATE = 0.1
"""How often others see a commit well before who made it."""


class Store:
    """What outlives processes."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.leases: dict[str, Lease] = {}
        self.versions: dict[str, int] = {}
        self.log: list[Posted] = []
        self.writer = asyncio.Lock()
        self.growth = Growth()
        self.inboxes: dict[str, asyncio.Queue[tuple[bytes, bytes]]] = {}
        self.trouble = True
        """Things go wrong."""
        self.lossy = loop.chance.random() < 0.3
        """Inboxes are lost, too."""


class Leases:
    """Satisfies `Lockable` on a copy of the holds."""

    def __init__(self, loop: Loop, process: Process, held: dict[str, Lease]) -> None:
        self._loop = loop
        self._process = process
        self.held = held

    async def take(
        self, key: str, owner: str, ttl: timedelta, value: dict[str, Any] | None = None
    ) -> Lease | None:
        """Take a key; None while another owner holds it."""
        await self._process.step(f"take {key}")
        now = self._loop.now()
        if not rules.free(self.held.get(key), owner, now):
            return None
        fence = int(self._loop.new(), 16)
        lease = Lease(key=key, owner=owner, fence=fence, expires_at=now + ttl, value=value or {})
        self.held[key] = lease
        return lease

    async def renew(self, lease: Lease, ttl: timedelta) -> Lease | None:
        """Set how long a hold lives from now on; None when it is lost."""
        await self._process.step(f"renew {lease.key}")
        now = self._loop.now()
        renewed = rules.renew(self.held.get(lease.key), lease, ttl=ttl, now=now)
        if renewed is not None:
            self.held[lease.key] = renewed
        return renewed

    async def renew_all(self, keys: Sequence[str], ttl: timedelta) -> None:
        """Extend the holds on keys; those that are over stay over."""
        await self._process.step("renew all")
        now = self._loop.now()
        for key in keys:
            if (lease := self.held.get(key)) is not None and lease.lives(now):
                self.held[key] = msgspec.structs.replace(lease, expires_at=now + ttl)

    async def rewrite(self, lease: Lease, value: dict[str, Any]) -> bool:
        """Change what a hold shows; False when it was lost before."""
        await self._process.step(f"rewrite {lease.key}")
        current = self.held.get(lease.key)
        if current is None or not rules.same(current, lease):
            return False
        self.held[lease.key] = msgspec.structs.replace(current, value=value)
        return True

    async def release(self, lease: Lease) -> bool:
        """Give a hold back; False when it was lost before."""
        await self._process.step(f"release {lease.key}")
        current = self.held.get(lease.key)
        if current is None or not rules.same(current, lease):
            return False
        del self.held[lease.key]
        return True

    async def clear(self, prefix: str) -> Sequence[Lease]:
        """End all holds on keys that begin with `prefix`."""
        await self._process.step(f"clear {prefix}")
        return [self.held.pop(lease.key) for lease in self._below(prefix)]

    async def get(self, key: str, *, lock: bool = False) -> Lease | None:
        """Return the hold on a key."""
        await self._process.step(f"get {key}")
        return self.held.get(key)

    async def list(self, prefix: str, *, owner: str = "") -> Sequence[Lease]:
        """Return the holds on keys that begin with `prefix`."""
        await self._process.step(f"list {prefix}")
        return [lease for lease in self._below(prefix) if owner in ("", lease.owner)]

    async def over(self, prefix: str, limit: int, *, lock: bool = False) -> Sequence[Lease]:
        """Return holds that are over, the longest ago first."""
        await self._process.step(f"over {prefix}")
        now = self._loop.now()
        over = [lease for lease in self._below(prefix) if not lease.lives(now)]
        return sorted(over, key=lambda lease: lease.expires_at)[:limit]

    def _below(self, prefix: str) -> Sequence[Lease]:
        return [self.held[key] for key in sorted(self.held) if key.startswith(prefix)]


class Unit:
    """A transaction of signalling."""

    def __init__(self, store: Store, process: Process) -> None:
        self._loop = store.loop
        self._process = process
        self.leases = Leases(store.loop, process, dict(store.leases))
        self.versions = dict(store.versions)
        self.said: list[Message] = []

    def append(self, event: Event) -> None:
        """Announce an event."""
        self.said.append(Message.of(event, "signaling", self._loop, self._loop))

    async def version(self, room_id: str) -> int:
        """Return the version of a room's roster."""
        await self._process.step("version")
        return self.versions.get(room_id, 0)

    async def lock(self, room_id: str) -> int:
        """Return it; there is one writer at a time anyhow."""
        return await self.version(room_id)

    async def bump(self, room_id: str, by: int = 1) -> int:
        """Raise it."""
        await self._process.step("bump")
        self.versions[room_id] = self.versions.get(room_id, 0) + by
        return self.versions[room_id]


class Units:
    """Opens transactions for one process."""

    def __init__(self, store: Store, process: Process) -> None:
        self._store = store
        self._process = process

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Unit]:
        """Open a unit that sees one moment."""
        await self._process.step("read")
        yield Unit(self._store, self._process)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Unit]:
        """Open a unit that takes effect at its end."""
        store = self._store
        await self._process.step("write")
        async with store.writer:
            unit = Unit(store, self._process)
            yield unit
            await self._process.step("commit")
            store.leases, store.versions = unit.leases.held, unit.versions
            for message in unit.said:
                store.log.append(Posted(len(store.log) + 1, message))
        if store.loop.chance.random() < HEARD or not store.trouble:
            store.growth.anyhow()
        if store.trouble and store.loop.chance.random() < LATE:
            await asyncio.sleep(store.loop.chance.uniform(0, 1))
        await self._process.step("committed")


class Tail:
    """Satisfies `Tail` for one process."""

    def __init__(self, store: Store, process: Process) -> None:
        self._store = store
        self._process = process

    async def end(self) -> int:
        """Return the last position."""
        await self._process.step("end")
        return len(self._store.log)

    async def after(self, topic: str, position: int, limit: int = 100) -> Sequence[Posted]:
        """Return what is behind a position, a few at a time."""
        await self._process.step("tail")
        if self._store.trouble and self._store.loop.chance.random() < 0.05:
            raise Fault(Kind.UNAVAILABLE, "away")
        found = [each for each in self._store.log[position:] if each.message.topic == topic]
        most = self._store.loop.chance.randrange(1, limit)
        await self._process.step("tailed")
        return found[:most]

    async def wait(self, topic: str, seconds: float) -> None:
        """Wait for more."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._store.growth.of(topic).wait()

    def doubt(self) -> None:
        """Be the log itself."""


class Post:
    """Satisfies `Post` for one process; frames may be late, and sometimes an inbox is lost."""

    def __init__(self, store: Store, process: Process) -> None:
        self.node = process.name
        self._store = store
        self._process = process
        store.inboxes[self.node] = asyncio.Queue()

    async def send(self, nodes: Sequence[str] | None, head: bytes, frame: bytes) -> int:
        """Lay a frame into inboxes."""
        await self._process.step("send")
        if self._store.trouble and self._store.loop.chance.random() < 0.02:
            raise Fault(Kind.UNAVAILABLE, "away")
        boxes = self._store.inboxes
        to = [node for node in boxes if node != self.node] if nodes is None else nodes
        found = [boxes[node] for node in to if node in boxes]
        for each in found:
            each.put_nowait((head, frame))
        await self._process.step("sent")
        return len(found)

    async def read(self, take: Callable[[bytes, bytes], None], lost: Callable[[], None]) -> None:
        """Deliver what comes."""
        inbox = self._store.inboxes[self.node]
        while True:
            head, frame = await inbox.get()
            await self._process.step("take")
            lost_here = self._store.trouble and self._store.lossy
            if lost_here and self._store.loop.chance.random() < 0.02:
                lost()
            else:
                take(head, frame)

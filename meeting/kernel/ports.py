"""What the domains need from the stores. Each port has one contract suite for all its adapters."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

import msgspec

from meeting.kernel.lease import Lease
from meeting.kernel.letter import Held
from meeting.kernel.message import Entry, Event
from meeting.kernel.page import Found, Page
from meeting.kernel.task import Task

U_co = TypeVar("U_co", covariant=True)


class Unit(Protocol):
    """A unit of work: rows and what they announce are one commit, or nothing happened."""

    def append(self, event: Event) -> None:
        """Announce an event with this commit."""
        ...

    def enqueue(self, task: Task, *, key: str = "", delay: float = 0) -> None:
        """Ask for a task with this commit, in `delay` seconds at the earliest.

        While one with the same `key` waits or runs, nothing is asked for.
        """
        ...

    async def settle(self, held: Held) -> None:
        """End a task with this commit; `Over` where it has had its effect or is held by another."""
        ...

    async def advance(self, entry: Entry) -> None:
        """Move the consumer's cursor behind an entry; `Raced` where it stands elsewhere.

        A parked entry lies aside no longer; `Raced` where somebody else has dealt with it.
        """
        ...

    async def park(self, entry: Entry, error: str, attempts: int) -> None:
        """Lay an entry aside whose handler keeps failing, and move the cursor behind it.

        A parked one stays where it is, and is not handled again until somebody asks for it.
        """
        ...


class Units(Protocol[U_co]):
    """Opens units of work of one domain."""

    def read(self) -> AbstractAsyncContextManager[U_co]:
        """Open a unit that sees one snapshot and writes nothing."""
        ...

    def write(self) -> AbstractAsyncContextManager[U_co]:
        """Open a unit that commits when its block ends well and rolls back when it raises."""
        ...


class Feed(Protocol):
    """The durable log of events, pulled at a cursor that the consumer moves in its own unit."""

    async def pull(self, consumer: str, topic: str, limit: int = 100) -> Sequence[Entry]:
        """Return what the consumer has not consumed yet, in commit order.

        A consumer that the log does not know yet begins at the log's oldest entry. What it has
        parked and an operator wants handled again comes before what is new, and alone.
        """
        ...

    async def wait(self, consumer: str, topic: str, seconds: float) -> None:
        """Return when the topic may have grown since the consumer's last pull.

        Also after `seconds`; what another process commits may be noticed no sooner than that.
        """
        ...


class Leases(Protocol):
    """Holds on keys with owner, expiry and fence; each call is one step (rules: `kernel.lease`).

    On Redis the time is the server's. On SQL it is that of the process, by its injected clock;
    clocks that differ make a hold end early or late, but an old fence is refused all the same.
    """

    async def take(
        self, key: str, owner: str, ttl: timedelta, value: dict[str, Any] | None = None
    ) -> Lease | None:
        """Take a key; None while another owner holds it."""
        ...

    async def renew(self, lease: Lease, ttl: timedelta) -> Lease | None:
        """Set how long a hold lives from now on; None when it is lost."""
        ...

    async def renew_all(self, keys: Sequence[str], ttl: timedelta) -> None:
        """Extend the holds on keys, whoever has them; those that are over stay over."""
        ...

    async def rewrite(self, lease: Lease, value: dict[str, Any]) -> bool:
        """Change what a hold shows; False when it was lost before."""
        ...

    async def release(self, lease: Lease) -> bool:
        """Give a hold back; False when it was lost before."""
        ...

    async def clear(self, prefix: str) -> Sequence[Lease]:
        """End all holds on keys that begin with `prefix`, over or not, and return them, by key."""
        ...

    async def get(self, key: str) -> Lease | None:
        """Return the hold on a key, also one that is over."""
        ...

    async def list(self, prefix: str, *, owner: str = "") -> Sequence[Lease]:
        """Return the holds on keys that begin with `prefix`, all or one owner's, by key.

        Those that are over and not swept yet are among them.
        """
        ...

    async def over(self, prefix: str, limit: int) -> Sequence[Lease]:
        """Return holds on keys that begin with `prefix` and are over, the longest ago first."""
        ...


class Lockable(Leases, Protocol):
    """Leases among the rows of a unit of work: what is done to holds is part of its commit."""

    async def get(self, key: str, *, lock: bool = False) -> Lease | None:
        """Return the hold on a key; `lock` keeps other writers off it until the unit's end."""
        ...

    async def over(self, prefix: str, limit: int, *, lock: bool = False) -> Sequence[Lease]:
        """Return holds below `prefix` that are over; `lock` as above, but waits for nobody.

        Those that another writer is at are left out then.
        """
        ...


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A result that is kept whole: the body, and what it is found by."""

    key: str
    """Unique in its collection; the same key put again replaces the document."""
    meeting_id: int
    user_id: int
    kind: str
    at: datetime
    body: dict[str, Any]


class Documents(Protocol):
    """Keeps documents in collections; putting is idempotent by key."""

    async def put(self, collection: str, document: Document) -> None:
        """Keep a document; the same key replaces it."""
        ...

    async def get(self, collection: str, key: str) -> Document | None:
        """Return the document with that key."""
        ...

    async def find(
        self,
        collection: str,
        *,
        meeting_id: int,
        user_id: int | None = None,
        kind: str | None = None,
        newest_first: bool = False,
        page: Page,
    ) -> Found[Document]:
        """Return one page by time, then by key."""
        ...

    async def delete(self, collection: str, key: str) -> bool:
        """Remove a document; False where there was none."""
        ...

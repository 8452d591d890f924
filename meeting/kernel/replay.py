"""The answers to requests that carry an `Idempotency-Key`, so that a repeated one has no effect."""

from datetime import datetime
from typing import Protocol

import msgspec


class Slot(msgspec.Struct, frozen=True):
    """What a key is unique in: the user and the path."""

    user_id: int
    path: str
    key: str


class Kept(msgspec.Struct, frozen=True):
    """The first answer, as it went out."""

    status: int
    body: bytes


class Answers(Protocol):
    """Keeps the first answer of each slot, and knows who is working on one."""

    async def claim(self, slot: Slot, digest: str, owner: str, until: datetime) -> Kept | None:
        """Take a slot for a request that is to run now; the answer if it has run before.

        `conflict` where another body has the slot, or another owner is at work on it until its
        own `until`; `rate_limited` where the user holds too many slots.
        """
        ...

    async def extend(self, slot: Slot, owner: str, until: datetime) -> None:
        """Go on working on a slot."""
        ...

    async def keep(self, slot: Slot, owner: str, kept: Kept, until: datetime) -> None:
        """Keep the answer, if the slot is still the owner's."""
        ...

    async def drop(self, slot: Slot, owner: str) -> None:
        """Give the slot back without an answer, if it is still the owner's."""
        ...

"""Notices that the log has gone back, as a database does that was restored or has failed over.

Who follows it from a place in memory would find nothing until the log has come as far again, and
not know it. Where the two histories part nobody can tell: so what was told is no longer held to be
true, and whoever was told is closed by `lost`, and begins anew.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from meeting.kernel.errors import Fault, Kind
from meeting.kernel.follower import Follower
from meeting.kernel.tail import Tail

LOOK_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Setback:
    """Looks beside the followers of a domain, so that a database that hangs keeps none waiting."""

    def __init__(
        self,
        tail: Tail,
        followers: Sequence[Follower],
        lost: Callable[[], None],
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._tail = tail
        self.followers = followers
        self._lost = lost
        self._pause = pause

    async def run(self) -> None:
        """Look again and again until cancelled; a store that is away has not gone back."""
        while True:
            await self._pause(LOOK_SECONDS)
            try:
                await self.look()
            except Fault as fault:
                if fault.kind is not Kind.UNAVAILABLE:
                    raise

    async def look(self) -> None:
        """Compare the end of the log with where the followers were just before."""
        before = max(each.position for each in self.followers)
        end = await self._tail.end()
        if end >= before:
            return
        self._tail.doubt()  # a Redis holds what was carried before
        log.error("the log has gone back: whoever hears it here begins anew", end=end, heard=before)
        for each in self.followers:
            each.position = min(each.position, end)
        self._lost()

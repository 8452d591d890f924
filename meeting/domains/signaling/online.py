"""Keeps the user domain told of who is online: from a user's first socket to the end of the last.

No socket ever waits for it. What could not be told is told again until it was. Two processes may
speak of one user at the same moment; so whoever has spoken looks once more whether it still holds,
and the last that spoke has said what is true.
"""

import asyncio
from collections.abc import Awaitable, Iterable

import structlog

from meeting.domains.signaling.deadline import edge, within
from meeting.domains.signaling.model import Timings
from meeting.domains.signaling.stays import Stay, Stays, user_of
from meeting.domains.user.api import UserApi
from meeting.kernel.call import Caller
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.ids import Ids
from meeting.kernel.lease import Lease

LOOK_SECONDS = 1.0
BATCH = 50
"""Stays in one commit."""
AT_ONCE = 16
"""Users who are told of at the same time."""
TURNS = 5
"""How often somebody may come and go while they are told of, before others have their turn."""
UNKNOWN = (Kind.NOT_FOUND, Kind.USER_NOT_FOUND)

log = structlog.get_logger(__name__)


class Online:
    """The sockets of this process as stays, and what has to be told of them."""

    def __init__(
        self, stays: Stays, users: UserApi, clock: Clock, ids: Ids, timings: Timings
    ) -> None:
        self._stays = stays
        self._users = users
        self._clock = clock
        self._ids = ids
        self._timings = timings
        self._coming: dict[str, Stay] = {}
        """Sockets whose stay is not held yet."""
        self._here: dict[str, Stay] = {}
        self._going: list[tuple[Stay, bool]] = []
        self._untold: dict[int, Stay] = {}
        """By user: a stay that the user domain has to be told of."""
        self._stirred = asyncio.Event()
        self._news = asyncio.Event()
        self._renewed_at = clock.monotonic()

    def came(self, stay: Stay) -> None:
        """Note a new socket."""
        self._coming[stay.session_id] = stay
        self._stirred.set()

    def went(self, stay: Stay, *, at_once: bool) -> None:
        """Note the end of a socket, whose user may come back unless it ends `at_once`."""
        if self._coming.pop(stay.session_id, None) is None:
            self._here.pop(stay.session_id, None)
            self._going.append((stay, at_once))
        self._stirred.set()

    async def keep(self) -> None:
        """Hold, renew and end stays until cancelled; a store that is away is waited for."""
        while True:
            self._stirred.clear()
            try:
                await self.hold()
            except Fault as fault:
                log.warning("stays wait for the store", kind=fault.kind)
                self._stirred.clear()
            await _wait(self._stirred)

    async def tell(self) -> None:
        """Tell the user domain until cancelled."""
        while True:
            self._news.clear()
            try:
                more = await self.say()
            except Fault as fault:
                log.warning("presence waits for the store", kind=fault.kind)
                more = False
            if not more:
                await _wait(self._news)

    async def hold(self) -> None:
        """Bring the store up to date with the sockets of this process."""
        going, self._going = self._going[:BATCH], self._going[BATCH:]
        while going:
            # What can't be written now ends by itself, since nobody renews it.
            await self._stays.lapse(going)
            going, self._going = self._going[:BATCH], self._going[BATCH:]
            self._news.set()
        now = self._clock.monotonic()
        if now - self._renewed_at >= self._timings.held.total_seconds():
            # We stood still, or the store was away: others may have ended what is ours.
            self._coming |= self._here
            self._here.clear()
        while self._coming:
            batch = list(self._coming.values())[:BATCH]
            for stay in await self._stays.begin(batch):
                self._untold[stay.user_id] = stay
                self._news.set()
            for stay in batch:
                if self._coming.pop(stay.session_id, None) is not None:
                    self._here[stay.session_id] = stay
                else:
                    self._going.append((stay, False))
                    self._stirred.set()
        if now - self._renewed_at >= self._timings.renew:
            await self._stays.renew(list(self._here.values()))
            self._renewed_at = now

    async def say(self) -> bool:
        """Tell what there is to tell, a few at once; False when that was all, or none got through.

        Those who came go first. Whom it failed for goes to the end of the line.
        """
        came = list(self._untold.values())[:AT_ONCE]
        told = await _each(self._arrive(stay) for stay in came)
        for stay in came:
            if self._untold.get(stay.user_id) == stay:
                self._untold[stay.user_id] = self._untold.pop(stay.user_id)
        over = await self._stays.over(AT_ONCE)
        told += await _each(self._depart(lease) for lease in over)
        return any(told)

    async def _arrive(self, stay: Stay) -> bool:
        if not await self._settle(stay.user_id, here=True):
            return False
        await self._stays.told(stay)
        if self._untold.get(stay.user_id) == stay:
            del self._untold[stay.user_id]
        return True

    async def _depart(self, lease: Lease) -> bool:
        here = await self._stays.close(lease)
        if here is None:
            return True
        if not await self._settle(user_of(lease), here=here):
            return False
        await self._stays.forget(lease)
        return True

    async def _settle(self, user_id: int, *, here: bool) -> bool:
        """Say that a user is here or not, until it holds after it was said."""
        for _ in range(TURNS):
            if not await self._call(user_id, "online" if here else "offline"):
                return False
            now = await self._stays.here(user_id)
            if now == here:
                return True
            here = now
        return False

    async def _call(self, user_id: int, status: str) -> bool:
        caller = Caller(user_id=user_id)
        call = edge(caller, self._ids.new(), self._clock, self._timings.call)
        try:
            async with within(call, self._clock):
                await self._users.update_user_status(call.onward("signaling"), user_id, status)
        except Fault as fault:
            if fault.kind in UNKNOWN:
                return True  # the account is gone; there is nobody left to be shown
            log.warning("presence is told again", user_id=user_id, kind=fault.kind)
            return False
        except Exception:
            # A defect over there costs a try, not the sockets of this process.
            log.exception("presence could not be told", user_id=user_id)
            return False
        return True


async def _each(steps: Iterable[Awaitable[bool]]) -> list[bool]:
    """Take steps side by side; one that meets a store that is away counts as not done."""
    done = await asyncio.gather(*steps, return_exceptions=True)
    for each in done:
        if isinstance(each, BaseException) and not isinstance(each, Fault):
            raise each
    return [each is True for each in done]


async def _wait(stirred: asyncio.Event) -> None:
    """Wait until there is something to do, or to look."""
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            await stirred.wait()
    except TimeoutError:
        return

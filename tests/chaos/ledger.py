"""One run: start everything, let the killer at it, wait for the rest, and compare the books."""

import asyncio
import os
import time
from collections.abc import Callable

import msgspec

from tests.chaos.crew import Crew
from tests.chaos.journal import Book
from tests.chaos.killer import Killer
from tests.chaos.layout import Layout
from tests.chaos.orders import Orders
from tests.chaos.plan import How, plan
from tests.chaos.witness import Verdict, judge

LOOK_SECONDS = 0.1
START_SECONDS = 60.0
"""Until the first effect."""
STILL_SECONDS = 3.0
"""Without an effect: then a store with nothing to do is at its end."""
STUCK_SECONDS = 90.0
"""Without an effect though something is on its way; longer than the longest delay of a retry."""
AUDIT_SECONDS = 5.0
HIT_SHARE = 0.8
EARLY, AHEAD = 0.3, 2
"""Strikes are spread over the work: one is due when this much of its share is done, and so many
shares stay for after the last."""
Shown = Callable[[int, str], None]
"""Is told how many effects there are, and what is going on."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a run came to; its last line."""

    seed: int
    layout: str
    sabotage: str
    kills: int
    stops: int
    cuts: int
    hits: int
    """Kills and stops that hit a held lease: a worker's own, or with others that of anybody; of
    subscribers with a lease the one that has it."""
    tasks: int
    events: int
    lost: int
    doubled: int
    unanswered: int
    dead: int
    falls: int
    """Processes that ended by themselves."""
    seconds: float

    @property
    def code(self) -> int:
        """Return the exit code: 1 where something is wrong, 3 where too little was tried."""
        if self.lost or self.doubled or self.falls:
            return 1
        return 0 if self.hits >= HIT_SHARE * (self.kills + self.stops) else 3


class Run:
    """Directs one run in its folder."""

    def __init__(self, orders: Orders, layout: Layout, kills: int, shown: Shown) -> None:
        self._orders = orders
        self._layout = layout
        self._strikes = plan(orders.seed, kills, layout.CAST, sabotage=orders.sabotage)
        self._shown = shown
        self._total = layout.effects(orders)
        self._crew = Crew(orders, layout)
        self._stand = layout.stand(orders)
        self._killer = Killer(orders.seed, self._crew, layout, self._stand, orders.strikes)
        self._count = 0
        self._moved = self._audited = self._began = time.monotonic()

    async def go(self) -> tuple[Outcome, Verdict, list[str]]:
        """Run from beginning to end; the outcome, what it rests on, and who fell by itself."""
        await self._stand.open()
        self._allow(0)
        try:
            self._crew.start_all()
            red = await self._struck() or await self._finished()
            verdict = await self._judged(whole=not red)
        finally:
            self._crew.end()
            await self._stand.close()
        return self._outcome(verdict), verdict, self._crew.falls

    async def _struck(self) -> bool:
        """Strike by strike; True where something turned red."""
        if await self._worked(1, START_SECONDS):
            return True
        for done, strike in enumerate(self._strikes):
            wanted = 0 if strike.blind else self._share(done + EARLY)
            if await self._worked(wanted, self._layout.CAST.still):
                return True
            self._say(f"{strike.how} {strike.target}")
            await self._killer.strike(strike)
            self._allow(done + 1)
            await asyncio.sleep(strike.rest)
        return False

    async def _worked(self, wanted: int, still: float) -> bool:
        """Wait until so much was done, or nothing moves any more; True where it is red."""
        while not await self._look():
            if self._count >= wanted or time.monotonic() - self._moved > still:
                return False
            await asyncio.sleep(LOOK_SECONDS)
        return True

    async def _finished(self) -> bool:
        """Wait until all is done, or nothing moves any more; True where something turned red."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if await self._look():
                return True
            still = time.monotonic() - self._moved
            if self._crew.producing and still < STUCK_SECONDS:
                continue
            if still > STUCK_SECONDS:
                return False
            if still > STILL_SECONDS and not await self._stand.pending():
                return False

    async def _look(self) -> bool:
        """See how far it is; True where something has happened twice."""
        self._crew.look()
        count = await self._stand.count()
        now = time.monotonic()
        if count != self._count:
            self._count, self._moved = count, now
        self._say("")
        if now - self._audited < AUDIT_SECONDS and not self._orders.sabotage:
            return False
        self._audited = now
        return any(often > 1 for often in (await self._stand.found()).values())

    async def _judged(self, *, whole: bool) -> Verdict:
        """Compare the books, once nobody writes any more."""
        self._crew.end()
        found, dead = await self._stand.found(), await self._stand.dead()
        return judge(Book.read(self._orders.journal), found, dead, whole=whole)

    def _allow(self, done: int) -> None:
        """Let the producer ask for so much that there is work left at the strike after the next."""
        allowed = self._share(done + 2 if done < len(self._strikes) else done + AHEAD)
        fresh = self._orders.allowance.with_suffix(".new")
        fresh.write_text(str(allowed))
        os.replace(fresh, self._orders.allowance)  # noqa: PTH105 - readers see the old or the new

    def _share(self, strikes: float) -> int:
        """Return how much of the whole goes with so many strikes."""
        return int(self._total * strikes / (len(self._strikes) + AHEAD))

    def _say(self, what: str) -> None:
        struck = sum(self._killer.done.values())
        self._shown(self._count, f"{struck}/{len(self._strikes)} strikes  {what}")

    def _outcome(self, verdict: Verdict) -> Outcome:
        done, hits = self._killer.done, self._killer.hits

        def counted(how: How) -> int:
            return sum(number for (_, each), number in done.items() if each is how)

        return Outcome(
            seed=self._orders.seed,
            layout=self._layout.NAME,
            sabotage=self._orders.sabotage,
            kills=counted(How.KILL),
            stops=counted(How.STOP),
            cuts=counted(How.CUT),
            hits=sum(number for (_, how), number in hits.items() if how is not How.CUT),
            tasks=self._orders.tasks,
            events=self._orders.events,
            lost=len(verdict.lost),
            doubled=len(verdict.doubled) + len(verdict.invented),
            unanswered=verdict.unanswered,
            dead=verdict.dead,
            falls=len(self._crew.falls),
            seconds=round(time.monotonic() - self._began, 1),
        )

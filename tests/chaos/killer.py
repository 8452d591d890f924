"""Strikes the processes as the plan says, workers and readers while they hold a lease."""

import asyncio
import time
from collections import Counter
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

from tests.chaos.crew import Crew
from tests.chaos.layout import Layout
from tests.chaos.matter import dice
from tests.chaos.plan import How, Strike, Target
from tests.chaos.stand import Stand
from tests.child import Child

PATIENCE = 5.0
"""Seconds that are waited for somebody who holds a lease."""
START = 60.0
"""Seconds that are waited for somebody who has been started."""
LONG = 15.0
"""Seconds that are waited for a reader that marks before it works."""
LOOK_SECONDS = 0.02
SERVERS = (Target.REDIS, Target.POSTGRES)


class Killer:
    """Counts what it did, and what it hit."""

    def __init__(self, seed: int, crew: Crew, layout: Layout, stand: Stand, noted: Path) -> None:
        self._chance = dice(seed, "killer")
        self._crew = crew
        self._layout = layout
        self._stand = stand
        self.done: Counter[tuple[Target, How]] = Counter()
        self.hits: Counter[tuple[Target, How]] = Counter()
        """Anybody was hit while somebody held a task: a worker if it did itself, and of subscribers
        with a lease the one that had it."""
        self._noted = noted
        self._mark = 0

    async def strike(self, strike: Strike) -> None:
        """Do what a strike says, and see that whoever was struck is there again."""
        kind = (strike.target, strike.how)
        if strike.target in SERVERS:
            hit = bool(await self._stand.holders())
            self._note(strike, strike.target, hit=hit)
            await self._server(strike)
        else:
            if strike.blind and strike.target is not Target.WORKER:
                await self._marked()
            place, child, hit = await self._victim(strike)
            self._note(strike, self._crew.name(place), hit=hit)
            if strike.how is How.KILL:
                child.kill()
                await asyncio.sleep(strike.lasts)
                self._crew.start(place)
            else:
                await asyncio.sleep(strike.lasts)
                child.go_on()
        self.done[kind] += 1
        self.hits[kind] += hit

    def _note(self, strike: Strike, whom: str, *, hit: bool) -> None:
        with self._noted.open("a") as file:
            moment = datetime.now(UTC).strftime("%H:%M:%S.%f")
            file.write(
                f"{moment} {strike.how} {whom} {strike.lasts:.2f} s {'hit' if hit else ''}\n"
            )

    async def _server(self, strike: Strike) -> None:
        """Strike a server; all in this thread, with whose end it would end."""
        if strike.how is How.CUT:
            self._layout.cut(strike.target, self._chance)
        elif strike.how is How.KILL:
            self._layout.kill(strike.target)
            await asyncio.sleep(strike.lasts)
            self._layout.resume(strike.target)
        else:
            self._layout.hold(strike.target)
            await asyncio.sleep(strike.lasts)
            self._layout.go_on(strike.target)

    async def _marked(self) -> None:
        """Wait until the log is marked as read further than at the last strike, or for long."""
        end = time.monotonic() + LONG
        while (mark := await self._stand.mark()) == self._mark and time.monotonic() < end:
            await asyncio.sleep(LOOK_SECONDS)
        self._mark = mark

    async def _victim(self, strike: Strike) -> tuple[str, Child, bool]:
        """Choose who is struck, held still already; one whom a strike hits, if there is one."""
        last = time.monotonic() + START
        while not list(self._crew.living(strike.target)):
            if time.monotonic() > last:
                raise LookupError(f"no {strike.target} is alive")
            await asyncio.sleep(LOOK_SECONDS)
        end = time.monotonic() + PATIENCE
        while True:
            tired = time.monotonic() > end
            living = list(self._crew.living(strike.target))
            aims = await self._aims(strike.target)
            if tired and not living:
                raise LookupError(f"no {strike.target} is alive")
            fit = [each for each in living if self._crew.name(each[0]) in aims]
            if found := fit or (living if strike.blind or tired else []):
                place, child = self._chance.choice(found)
                # Held still first, looked at again then: what it holds now, it holds when struck.
                child.hold()
                hit = self._crew.name(place) in await self._aims(strike.target)
                if hit or strike.blind or tired:
                    return place, child, hit
                child.go_on()
            await asyncio.sleep(LOOK_SECONDS)

    async def _aims(self, target: Target) -> Collection[str]:
        """Name those of a kind whom a strike would hit now."""
        holders = await self._stand.holders()
        if target is Target.WORKER or not holders:
            return holders
        if target is Target.SUBSCRIBER and self._stand.house.redis is not None:
            return await self._stand.readers()
        return [self._crew.name(place) for place, _ in self._crew.living(target)]

"""Strikes the processes as the plan says, workers while they hold a lease."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from tests.chaos.child import Child
from tests.chaos.crew import Crew
from tests.chaos.layout import Layout
from tests.chaos.matter import dice
from tests.chaos.plan import How, Strike, Target
from tests.chaos.stand import Stand

TRIES = 20
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
        """A worker was hit if it held a task itself, anybody else if somebody did."""
        self._noted = noted

    async def strike(self, strike: Strike) -> None:
        """Do what a strike says, and see that whoever was struck is there again."""
        kind = (strike.target, strike.how)
        if strike.target in SERVERS:
            hit = bool(await self._stand.holders())
            self._note(strike, strike.target, hit=hit)
            await self._server(strike)
        else:
            place, child, hit = await self._victim(strike.target)
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

    async def _victim(self, target: Target) -> tuple[str, Child, bool]:
        """Choose who is struck, held still already; of workers one that holds a task, if any."""
        for attempt in range(TRIES):
            living = list(self._crew.living(target))
            if not living:
                await asyncio.sleep(0.2)
                continue
            place, child = self._chance.choice(living)
            # Held still first, looked at then: what it holds now, it holds when it is struck.
            child.hold()
            holders = await self._stand.holders()
            mine = {self._crew.name(place)} if target is Target.WORKER else holders
            if hit := bool(mine & holders):
                return place, child, hit
            if attempt == TRIES - 1:
                return place, child, False
            child.go_on()
            await asyncio.sleep(0.05)
        raise LookupError(f"no {target} is alive")

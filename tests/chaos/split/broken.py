"""A part of the house with one thing broken: the ledger must turn red on each.

- `early`: a task is acknowledged when it is taken, before its work is done.
- `key`: nobody looks at the `Idempotency-Key`.
"""

import asyncio
import sys
from collections.abc import Sequence

from meeting.cli import main
from meeting.domains.meeting.model import Draft, Meeting
from meeting.domains.meeting.schedule import Schedule
from meeting.kernel.call import Call
from meeting.kernel.letter import Held
from meeting.stores.relational.unit import SqlUnit
from meeting.transports.http import gate
from meeting.transports.queue.queue import RedisQueue

FORGOTTEN, REPEATED = 1.0, 3.0
"""Seconds between a task's end and its work, and between a meeting and the answer, so that a short
run meets what a long one would."""


def _early() -> None:
    take = RedisQueue.take

    async def taken(
        self: RedisQueue, queue: str, owner: str, limit: int, done: Sequence[Held] = ()
    ) -> Sequence[Held]:
        held = await take(self, queue, owner, limit, done)
        if held:
            await self.settle(held)
            await asyncio.sleep(FORGOTTEN)
        return held

    async def settle(self: SqlUnit, held: Held) -> None:
        """Leave the task alone: it is gone since it was taken."""

    RedisQueue.take = taken  # type: ignore[method-assign]
    SqlUnit.settle = settle  # type: ignore[method-assign]


def _key() -> None:
    create = Schedule.create

    async def slowly(self: Schedule, call: Call, draft: Draft) -> Meeting:
        made = await create(self, call, draft)
        await asyncio.sleep(REPEATED)
        return made

    gate.key_of = lambda value: ""  # type: ignore[attr-defined] # as it is looked up there
    Schedule.create = slowly  # type: ignore[method-assign]


if __name__ == "__main__":
    {"early": _early, "key": _key}[sys.argv.pop(1)]()
    main()

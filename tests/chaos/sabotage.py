"""Twins with one part broken, installed when a child starts: the ledger must turn red on each.

- `fence`: the end of a task does not ask whether the hold is still one's own.
- `early`: a task is acknowledged when it is taken, before its work is done.
- `mark`: the place up to which the log was read is moved before the work is done; by the relay,
  or, in a layout that has none, by the subscriber.
"""

import asyncio
from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, delete, tuple_

from meeting.kernel.letter import Held
from meeting.kernel.message import Entry
from meeting.kernel.queue import Place
from meeting.kernel.relay import Posted
from meeting.stores.relational import queue as sql, tasks as rows
from meeting.transports.pubsub import carrier
from meeting.transports.pubsub.names import POSITION
from meeting.transports.queue import scripts
from meeting.transports.redis.connection import Connection
from meeting.transports.redis.script import Script
from tests.chaos.house import House
from tests.chaos.matter import Ledger
from tests.chaos.orders import Orders

DAWDLE = 3.0
"""Seconds between the mark and the work, so that a short run meets what a long one would."""


class Blind(Ledger):
    """Ends a task whoever holds it by now."""

    async def settle(self, held: Held) -> None:
        """End a task without a look at the fence, or at whether it has had its effect."""
        if held.here:
            await self.connection.execute(delete(rows.tasks).where(_stale([held])))


class Hasty(Ledger):
    """Ends tasks that are acknowledged already."""

    async def settle(self, held: Held) -> None:
        """Leave the task alone: it is gone since it was taken."""


class Forward(Ledger):
    """Handles events behind which the cursor stands already."""

    async def advance(self, entry: Entry) -> None:
        """Leave the cursor alone: it was moved when the entry was pulled."""


def install(orders: Orders, house: House) -> None:
    """Break what the orders say; nothing where they say nothing."""
    if orders.sabotage == "fence":
        house.unit = Blind
        for place in (sql, rows):
            place.hold = _stale  # type: ignore[attr-defined] # as it is looked up where it is used
        for name in ("TAKE", "SETTLE", "EXTEND", "RELEASE", "AGAIN", "BURY"):
            setattr(scripts, name, _unfenced(getattr(scripts, name)))
    elif orders.sabotage == "early":
        house.unit = Hasty
        _early(house)
    elif orders.sabotage == "mark":
        if house.redis is None:
            house.unit = Forward
            _forward(house)
        else:
            _ahead(house, house.redis)


def _stale(held: Sequence[Held]) -> ColumnElement[bool]:
    """Match the tasks, under whichever fence they are held."""
    names = [(each.queue, each.letter.id) for each in held]
    same = tuple_(rows.tasks.c.queue, rows.tasks.c.task_id).in_(names)
    return and_(same, rows.tasks.c.place == Place.HELD)


def _unfenced(script: Script) -> Script:
    """Let any fence of a hold do."""
    text = script.text
    for compared in (" == ARGV[i + 1]", " == words[i + 1]", "fence ~= ARGV[2]"):
        never = "not fence" if "~=" in compared else " ~= nil"
        text = text.replace(compared, never)
    assert text != script.text
    return Script(text)


def _early(house: House) -> None:
    take = house.queue.take

    async def taken(
        queue: str, owner: str, limit: int, done: Sequence[Held] = ()
    ) -> Sequence[Held]:
        held = await take(queue, owner, limit, done)
        await house.queue.settle(held)
        return held

    house.queue.take = taken  # type: ignore[method-assign]


def _forward(house: House) -> None:
    pull = house.feed.pull

    async def pulled(consumer: str, topic: str, limit: int = 100) -> Sequence[Entry]:
        entries = await pull(consumer, topic, limit)
        async with house.units.write() as unit:
            for entry in entries:
                await Ledger.advance(unit, entry)
        await asyncio.sleep(DAWDLE)
        return entries

    house.feed.pull = pulled  # type: ignore[method-assign]


def _ahead(house: House, redis: Connection) -> None:
    """Let the relay mark a batch as carried, and carry it then."""
    carry = house.carrier.carry
    text = carrier._carry.text
    for part in (_ASKED, _MOVED):
        assert part in text
        text = text.replace(part, "")
    carrier._carry = Script(text)

    async def carried(before: int, batch: Sequence[Posted]) -> bool:
        after = str(batch[-1].position)
        if not await redis.run(_MARK, [POSITION], str(before), after):
            return False
        await asyncio.sleep(DAWDLE)
        return await carry(before, batch)

    house.carrier.carry = carried  # type: ignore[method-assign]


_ASKED = "if (redis.call('GET', KEYS[1]) or '0') ~= ARGV[1] then\n  return 0\nend\n"
_MOVED = "redis.call('SET', KEYS[1], ARGV[2])\n"
_MARK = Script(_ASKED + _MOVED + "return 1")

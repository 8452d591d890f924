"""What is worked on: a task, an event, and the rows that show that they have had their effect."""

import random
from typing import ClassVar

import msgspec
from sqlalchemy import Column, Integer, MetaData, String, Table, insert

from meeting.kernel.message import Event
from meeting.kernel.task import Task
from meeting.stores.relational.unit import SqlUnit

HOLD = 1.5
"""Seconds that a hold lasts without a sign of life."""
TRIES = 1000
"""Retries of a task: kills alone must not bring one to the dead."""
QUEUE = "chaos_tasks"
CONSUMER = "chaos"

own = MetaData()
effects = Table(
    "chaos_effects",
    own,
    Column("kind", String(8), nullable=False),
    Column("number", Integer, nullable=False),
    Column("who", String(64), nullable=False),
)
"""No key and no index: whatever happens twice stands here twice."""


class Mark(Task, frozen=True, kw_only=True):
    """A task that leaves its number behind; some are slow, some fail once, some can't be done."""

    TYPE: ClassVar[str] = "chaos.mark"
    QUEUE: ClassVar[str] = QUEUE
    number: int
    seconds: float
    mood: str = ""
    """`hopeless`: to the dead at once; `late`: its first attempt fails."""


class Told(Event, frozen=True, kw_only=True):
    """An event that leaves its number behind; one whose weight is no number is parked."""

    TYPE: ClassVar[str] = "chaos.told"
    TOPIC: ClassVar[str] = "chaos_events"
    number: int
    weight: int


class Ledger(SqlUnit):
    """A unit whose rows are effects, and whose tasks are held for a short time only."""

    SOURCE = "chaos"

    def enqueue(self, task: Task, *, key: str = "", delay: float = 0) -> None:
        """Ask for a task with this commit."""
        super().enqueue(task, key=key, delay=delay)
        queue, letter = self.letters[-1]
        brief = msgspec.structs.replace(letter, visibility_timeout=HOLD, max_retries=TRIES)
        self.letters[-1] = (queue, brief)

    async def effect(self, kind: str, number: int, who: str) -> None:
        """Leave a row behind."""
        await self.connection.execute(insert(effects).values(kind=kind, number=number, who=who))


def dice(*seeds: object) -> random.Random:
    """Return chance that is the same for the same seeds."""
    return random.Random(repr(seeds))  # noqa: S311 - it plans accidents, and guards nothing

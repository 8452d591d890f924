"""Queues that are broken on purpose, each in one way, which whatever holds a queue must reject."""

from collections.abc import Sequence

from meeting.kernel.lane import Lane
from meeting.kernel.letter import Held, Letter
from meeting.kernel.queue import Place
from tests.simulation.model.queue import Hold, Model, Pick, Task
from tests.simulation.twin.queue import Twin


class Unfenced(Model):
    """Knows a hold by the task alone."""

    def mine(self, hold: Hold) -> Task | None:
        """Look at the id alone."""
        return next((t for t in self.at(Place.HELD) if t.letter.id == hold[0]), None)


class Careless(Model):
    """Ends what comes with a take by the task alone."""

    def take(self, limit: int, now: float, pick: Pick, done: Sequence[Hold] = ()) -> list[Hold]:
        """Look at no fence."""
        ended = [task for task in self.at(Place.HELD) if task.letter.id in dict(done)]
        self.tasks = [task for task in self.tasks if task not in ended]
        return super().take(limit, now, pick)


class Late(Model):
    """Ends what comes with a take when others have come back."""

    def take(self, limit: int, now: float, pick: Pick, done: Sequence[Hold] = ()) -> list[Hold]:
        """Take first."""
        given = super().take(limit, now, pick)
        for hold in done:
            self.settle(hold)
        return given


class Deaf(Model):
    """Does not hear what is done where there is nothing to take."""

    def take(self, limit: int, now: float, pick: Pick, done: Sequence[Hold] = ()) -> list[Hold]:
        """Look whether anything waits."""
        return super().take(limit, now, pick, done if self.at(Place.WAITING) else ())


class Hasty(Twin):
    """Acknowledges at the take."""

    async def take(
        self, queue: str, owner: str, limit: int, done: Sequence[Held] = ()
    ) -> Sequence[Held]:
        """End what is taken."""
        taken = await super().take(queue, owner, limit, done)
        await self.settle(taken)
        return taken


class Dropping(Twin):
    """Loses each tenth task."""

    async def put(self, queue: str, letters: Sequence[Letter]) -> int:
        """Leave each tenth out."""
        await super().put(queue, [each for i, each in enumerate(letters) if i % 10 != 9])
        return len(letters)


class Forgetful(Model):
    """Forgets the delay."""

    def fail(self, hold: Hold, error: str, delay: float | None, now: float) -> bool:
        """Bring it back at once."""
        return super().fail(hold, error, None if delay is None else 0, now)


class Starving(Model):
    """Looks at what matters most alone."""

    def next(self, lane: Lane) -> list[Task]:
        """Give nothing of a lane while a higher one has something."""
        higher = any(super(Starving, self).next(other) for other in Lane if other > lane)
        return [] if higher else super().next(lane)


class Losing(Model):
    """Loses what is given back."""

    def release(self, hold: Hold) -> None:
        """Settle in place of it."""
        self.settle(hold)


class Timid(Model):
    """Brings a lapsed hold back without counting it."""

    def bring_back(self, now: float) -> None:
        """Let it wait again."""
        for task in self.at(Place.HELD):
            if task.until <= now:
                task.move(Place.WAITING, 0)
        super().bring_back(now)


class Doubling(Model):
    """Does not look at keys."""

    def living(self, key: str) -> bool:
        """See none."""
        return False

"""The specification of `meeting.kernel.queue.Queue`: one queue, as values in memory.

Every adapter is held to it (tests/contract/test_queue_model.py). Whoever asks says what time it is.

What an adapter is free in: of tasks that came back into a lane any may be next, `pick` decides; and
where a relay brings the tasks (`relayed`), a cancel may come before its task and is remembered.
Ids are unique by who gives them; what becomes of a second task of an id is not promised.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from meeting.kernel.lane import Lane, order
from meeting.kernel.letter import LAPSED, SPENT, Letter
from meeting.kernel.queue import Place


@dataclass(eq=False)
class Task:
    """What lies in the queue; `unread` is a body that is no letter; `letter` is empty then."""

    letter: Letter
    lane: Lane
    unread: bytes = b""
    place: Place = Place.WAITING
    back: bool = False
    """It came back from a hold, a delay or the dead: so it is before all that never left."""
    until: float = 0
    """The end of the hold, when a delayed one is due, when a dead one died."""
    fence: int = 0

    def move(self, place: Place, until: float, letter: Letter | None = None) -> None:
        """Lay it elsewhere, held by nobody."""
        self.place, self.until, self.back, self.letter = place, until, True, letter or self.letter
        self.fence = 0

    def die(self, letter: Letter, error: str, now: float) -> None:
        """Lay it with the dead, which frees its key."""
        self.move(Place.DEAD, now, letter.buried(error, datetime.fromtimestamp(now, UTC)))


Pick = Callable[[Sequence[Task]], Task]
Hold = tuple[str, int]  # the task's id and the fence of its take


class Model:
    """A queue: its tasks in the order in which they were put."""

    def __init__(self, *, relayed: bool = False) -> None:
        self.tasks: list[Task] = []
        self.turn = self.fence = 0
        self.relayed = relayed
        self.early: set[str] = set()
        """Cancelled before they came; an adapter may forget them after a day."""
        self.had: set[str] = set()
        """Those that had their effect while nobody ended them; of `here` both are one step."""

    def put(self, letter: Letter, now: float, unread: bytes = b"") -> bool:
        """Take a letter in, unless one with its key is there and not dead."""
        if new := not self.living(letter.key):
            self.tasks.append(task := Task(letter, letter.lane, unread))
            if letter.not_before > now:
                task.move(Place.DELAYED, letter.not_before)
        return new

    def take(self, limit: int, now: float, pick: Pick, done: Sequence[Hold] = ()) -> list[Hold]:
        """Hold up to `limit` tasks, from the lanes as `kernel.lane.order` has it, a turn a task.

        What is done ends before: a hold of it that is over does not come back.
        """
        for hold in done:
            self.settle(hold)
        self.bring_back(now)
        self.fence += 1
        given: list[Hold] = []
        while len(given) < limit and self.at(Place.WAITING):
            lane = next(lane for lane in order(self.turn) if self.next(lane))
            self.turn += 1
            task = pick(self.next(lane))
            if task.letter.id in self.early:
                self.cancel(task.letter.id)
            elif task.unread or task.letter.spent:
                self.bury(task, task.letter, SPENT, now)
            else:
                task.move(Place.HELD, now + task.letter.visibility_timeout)
                task.fence = self.fence
                given.append((task.letter.id, self.fence))
        return given

    def next(self, lane: Lane) -> list[Task]:
        """Return which tasks of a lane may be next: all that came back, or else the oldest."""
        waiting = [task for task in self.at(Place.WAITING) if task.lane is lane]
        return [task for task in waiting if task.back] or waiting[:1]

    def bring_back(self, now: float) -> None:
        """Return what is due, and what was held too long: that attempt has failed."""
        for task in [each for each in self.tasks if each.until <= now]:
            if task.place is Place.DELAYED:
                task.move(Place.WAITING, 0)
            elif task.place is Place.HELD and (letter := task.letter.failed(LAPSED, now)).spent:
                self.bury(task, letter, LAPSED, now)
            elif task.place is Place.HELD:
                task.move(Place.WAITING, 0, letter)

    def bury(self, task: Task, letter: Letter, error: str, now: float) -> None:
        """Lay a task with the dead that has no attempt left; what has had its effect ends."""
        if task.letter.id in self.had and not task.unread:
            self.tasks.remove(task)
        else:
            task.die(letter, error, now)

    def mine(self, hold: Hold) -> Task | None:
        """Return the task of a hold, over or not, unless it came back or was cancelled since."""
        found = self.at(Place.HELD)
        return next((task for task in found if (task.letter.id, task.fence) == hold), None)

    def extend(self, hold: Hold, now: float) -> bool:
        """Let a hold last from now on; False where it is lost or over."""
        if alive := (task := self.mine(hold)) is not None and task.until > now:
            task.until = now + task.letter.visibility_timeout
        return alive

    def settle(self, hold: Hold) -> bool:
        """End a task; False where its hold was lost, and nothing is changed."""
        if (task := self.mine(hold)) is not None:
            self.tasks.remove(task)
        return task is not None

    def finish(self, hold: Hold, *, here: bool) -> bool:
        """End a task from outside its unit of work; False where its hold was lost.

        Where the queue lies with the rows (`here`), the unit may have ended it: gone is done then.
        """
        gone = not any(task.letter.id == hold[0] for task in self.tasks)
        return self.settle(hold) or (here and gone)

    def fail(self, hold: Hold, error: str, delay: float | None, now: float) -> bool:
        """End an attempt: the task is delayed, or dead; False where its hold was lost."""
        if (task := self.mine(hold)) is not None:
            letter = task.letter.failed(error, now)
            if delay is None:
                self.bury(task, letter, error, now)
            else:
                task.move(Place.DELAYED, now + delay, letter)
        return task is not None

    def release(self, hold: Hold) -> None:
        """Undo a take."""
        if (task := self.mine(hold)) is not None:
            task.move(Place.WAITING, 0)

    def cancel(self, task_id: str) -> None:
        """Take a task out, held or not, but for the dead."""
        found = [each for each in self.tasks if each.letter.id == task_id and not each.unread]
        gone = [each for each in found if each.place is not Place.DEAD]
        self.tasks = [each for each in self.tasks if each not in gone]
        self.early -= {task_id}
        if self.relayed and not gone:
            self.early.add(task_id)

    def requeue(self, task_id: str = "") -> int:
        """Give dead letters new attempts, but for the unreadable and those whose key lives."""
        found = [each for each in self.at(Place.DEAD) if task_id in ("", each.letter.id)]
        for task in found:
            if not task.unread and not self.living(task.letter.key):
                task.move(Place.WAITING, 0, task.letter.revived())
                self.early -= {task.letter.id}
        return sum(task.place is Place.WAITING for task in found)

    def purge(self, place: Place) -> int:
        """Throw away what is in one place; what is held can't be."""
        gone = [] if place is Place.HELD else self.at(place)
        self.tasks = [task for task in self.tasks if task not in gone]
        return len(gone)

    def at(self, place: Place) -> list[Task]:
        """Return what is in one place: by turn, or by the end, the due time, the death."""
        waits = place is Place.WAITING
        found = (task for task in self.tasks if task.place is place)
        return sorted(found, key=lambda t: (-t.lane, not t.back) if waits else (t.until, 0))

    def living(self, key: str) -> bool:
        """Tell whether a task with this key waits, is delayed or runs."""
        return any(t.letter.key == key != "" and t.place is not Place.DEAD for t in self.tasks)

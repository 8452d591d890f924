"""The port to the queues of tasks, and what an operator sees of them.

At least once: a task that was taken and neither settled nor given back comes again when its hold is
over. Rules that every adapter follows: `kernel.lane` (who is first), `kernel.backoff` (when it
comes again), `kernel.letter` (what it looks like). The reference model is
`tests/simulation/model/queue.py`.
"""

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from meeting.kernel.lane import Lane
from meeting.kernel.letter import Held, Letter

HOUR = 3600.0


class Place(StrEnum):
    """Where in its queue a task is."""

    WAITING = "waiting"
    HELD = "held"
    DELAYED = "delayed"
    DEAD = "dead"


class Depth(msgspec.Struct, frozen=True, kw_only=True):
    """How many tasks are where in one queue, and how old the oldest waiting one is."""

    waiting: Mapping[Lane, int]
    held: int
    delayed: int
    dead: int
    oldest: float
    """Seconds since the oldest waiting task was written; 0 where none waits.

    An estimate: a queue may look only at those that are next in their lanes.
    """


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One task as an operator sees it."""

    id: str
    """Empty for something that can't be read."""
    place: Place
    lane: Lane | None
    body: bytes
    """The letter's JSON, or with the dead `{raw,error}`."""
    owner: str = ""
    until: float = 0
    """Unix seconds: the end of the hold, or when a delayed one is due."""
    progress: float = 0


class Effects(Protocol):
    """Which tasks have had their effect, where that is not written down in the queue itself."""

    async def had(self, queue: str, ids: Sequence[str]) -> Collection[str]:
        """Return which of these tasks have, as far as is committed by then."""
        ...


class Queue(Protocol):
    """Four lanes a queue, holds with fence, delay, dead letters. Bounded by the store alone."""

    async def put(self, queue: str, letters: Sequence[Letter]) -> int:
        """Lay tasks into their lanes, all or none; how many, less those whose key is there already.

        A letter without id gets one (whoever gives ids keeps them unique: what becomes of a second
        task of an id is not promised); one that is `not_before` a moment waits apart until then.
        """
        ...

    async def take(
        self, queue: str, owner: str, limit: int, done: Sequence[Held] = ()
    ) -> Sequence[Held]:
        """Take up to `limit` tasks, each held for its `visibility_timeout`.

        What is `done` in this queue ends first, as `settle` has it, in the same step: also where
        there is no room or nothing to take. Those whose hold was lost are left as they are. Whoever
        is not told how it went may bring the same again.

        Holds that are over and delays that are due come back into their lanes first; a hold that
        was over counts as an attempt that failed. What can't be read, and what has had its last
        attempt, is laid with the dead and not given out, unless it has had its effect, as far as is
        committed by then: then it ends. In a lane, what came back from a hold or a delay is before
        all that never left, in no promised order; the rest as it was put.
        """
        ...

    async def extend(self, held: Sequence[Held]) -> Sequence[Held]:
        """Let holds last for their `visibility_timeout` from now; return those that are lost.

        Lost: over, taken by another, or cancelled.
        """
        ...

    async def settle(self, held: Sequence[Held]) -> Sequence[Held]:
        """End tasks whose work is done; return those whose hold was lost before, left as they are.

        Where the queue lies with the rows (`Held.here`), the handler's unit of work may have
        settled it, so a task that is gone altogether is not lost; elsewhere it is.
        """
        ...

    async def fail(self, held: Held, error: str, delay: float | None) -> bool:
        """Give up an attempt: again in `delay` seconds, or with None to the dead letters.

        What has had its effect, although its worker does not know, ends instead of being dead, as
        far as is committed by then. False where the hold was lost: then nothing is changed.
        """
        ...

    async def release(self, held: Sequence[Held]) -> None:
        """Give tasks back to the head of their lanes, as if they had not been taken."""
        ...

    async def cancel(self, queue: str, task_id: str) -> None:
        """See that a task does not begin; a running one loses its hold, a dead one stays.

        Where a relay brings the tasks, a cancel may overtake its task: an id that is not there is
        remembered for a day (10,000 of them at most), and a task that comes with it does not begin.
        It counts as waiting until its turn comes. Beside the rows nothing is remembered: a task is
        there as soon as its unit is committed.
        """
        ...

    async def progress(self, held: Held, fraction: float) -> None:
        """Show how far a running task is, 0 to 1."""
        ...

    async def wait(self, queues: Sequence[str], seconds: float) -> None:
        """Return when there may be something to take, or after `seconds` at most."""
        ...

    async def depth(self, queue: str) -> Depth:
        """Count what is where."""
        ...

    async def list(self, queue: str, place: Place, offset: int, limit: int) -> Sequence[Seen]:
        """Return tasks of one place, first those whose turn is next; the dead by when they died."""
        ...

    async def find(self, queue: str, task_id: str) -> Seen | None:
        """Return a task, wherever in its queue it is."""
        ...

    async def requeue(self, queue: str, task_id: str = "") -> int:
        """Give dead letters new attempts, all or one, the longest dead first; how many.

        What can't be read stays, and what has a key that another task has by now.
        """
        ...

    async def purge(self, queue: str, place: Place) -> int:
        """Throw away what waits, is delayed or is dead; how many. What is held can't be."""
        ...

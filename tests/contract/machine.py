"""The state machine that holds an adapter of `Queue` to the reference model.

After each step, whatever it is, both give the same answer and have each task in the same place.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from hypothesis import HealthCheck, Phase, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from meeting.kernel.lane import Lane
from meeting.kernel.letter import Held, Letter, read
from meeting.kernel.queue import Place, Queue
from tests.simulation.model.queue import Hold, Model, Task

STEPS = 50
STEP_SECONDS = 1000
"""By so much time is moved; what ends, ends in the middle, so no real second decides anything."""
SPANS = st.sampled_from([STEP_SECONDS * 0.5, STEP_SECONDS * 1.5])
BACKS = st.lists(st.integers(0, 12), max_size=3)
"""Which holds are meant, see `Machine.hold`."""
PLACES = tuple(Place)
MANY = 5
"""Tasks in a queue that is worth purging."""


class World(Protocol):
    """An adapter under a time that is moved, on a loop of its own."""

    queue: Queue
    relayed: bool
    had: set[tuple[str, str]]
    """The tasks, by queue and id, that have had their effect in a database elsewhere."""
    run: Callable[[Any], Any]

    def now(self) -> float:
        """Return its Unix seconds."""
        ...

    def move(self, seconds: float) -> None:
        """Let time pass for it."""
        ...


class Machine(RuleBasedStateMachine):
    """One queue of the adapter and the model of it, with every hold that anybody ever had."""

    world: World
    count = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).count += 1
        self.name = f"q{self.count}"
        self.model = Model(relayed=self.world.relayed)
        self.put_so_far = 0
        self.given: list[tuple[Held, Hold]] = []
        """Each hold as the adapter and as the model knows it, over or not."""

    @property
    def now(self) -> float:
        """Return what time it is for both."""
        return self.world.now()

    @property
    def queue(self) -> Queue:
        """Return the adapter."""
        return self.world.queue

    def hold(self, back: int) -> tuple[Held, Hold]:
        """Choose a hold by a number: good, or of a task that another holds, or any.

        The latest are the last.
        """
        held = {task.letter.id for task in self.model.at(Place.HELD)}
        good = [each for each in self.given if self.model.mine(each[1])]
        stale = [each for each in self.given if each[1][0] in held and each not in good]
        some = ((), good, stale)[back % 3] or stale or self.given
        return some[-1 - back // 3 % len(some)]

    def holds(self, backs: list[int]) -> list[tuple[Held, Hold]]:
        """Choose holds of some tasks, one of each; none where there never was any."""
        some = map(self.hold, backs) if self.given else ()
        return list({hold[0]: (held, hold) for held, hold in some}.values())

    def named(self, number: int) -> str:
        """Name a task, by how many were put after it; one may be the next to come."""
        return f"t{max(self.put_so_far - number, 0)}"

    @rule(
        lane=st.sampled_from(Lane),
        key=st.sampled_from(["", "", "a", "b"]),
        delay=st.sampled_from([0, 0, 0, STEP_SECONDS * 0.5, STEP_SECONDS * 1.5]),
        span=SPANS,
        retries=st.sampled_from([(0, 9), (0, 9), (0, 1), (0, 0), (1, 1), (1, 0)]),
        count=st.integers(1, 3),
    )
    def put(
        self, lane: Lane, key: str, delay: float, span: float, retries: tuple[int, int], count: int
    ) -> None:
        """Put some: those are laid whose key is free."""
        letters = [
            Letter(
                id=f"t{self.put_so_far + number}",
                type="work",
                payload={"n": number},
                priority=int(lane),
                timestamp=1,
                key=key,
                not_before=self.now + delay if delay else 0,
                visibility_timeout=span,
                retry_count=retries[0],
                max_retries=retries[1],
            )
            for number in range(count)
        ]
        self.put_so_far += count
        laid = self.world.run(self.queue.put(self.name, letters))
        assert laid == sum(self.model.put(letter, self.now) for letter in letters)

    @rule(limit=st.integers(1, 4), backs=BACKS)
    def take(self, limit: int, backs: list[int]) -> None:
        """Take: each that is given was next in its lane, and looks as it should.

        With the take ends what is done, by holds good or not.
        """
        holds = self.holds(backs)
        done = [one for one, _ in holds]
        held = self.world.run(self.queue.take(self.name, "owner", limit, done))
        left = {name for name, _ in self.listed(Place.WAITING)}
        given = [each.letter.id for each in held]
        went: list[Task] = []

        def pick(some: Sequence[Task]) -> Task:
            # Who went without being given is known by now; in a lane it may go before the others.
            gone = [t for t in some if t.letter.id not in left and t.letter.id not in given]
            if gone:
                went.append(gone[0])
                return gone[0]
            mine = [t for t in some if t.letter.id in given and t.place is Place.WAITING]
            assert mine, f"{[t.letter.id for t in some]} were next, not {given}"
            return min(mine, key=lambda t: given.index(t.letter.id))

        ended = [hold for _, hold in holds]
        taken = {hold[0]: hold for hold in self.model.take(limit, self.now, pick, ended)}
        # Those that went without being given have let the turns of some lanes pass.
        assert sorted(taken) == sorted(given)
        for lane in Lane:
            mine = [each.letter.id for each in held if each.lane is lane]
            assert mine == [name for name in taken if name in mine]
        assert list(taken) == given or went
        for one in held:
            hold = taken[one.letter.id]
            task = self.model.mine(hold)
            assert task is not None
            assert seen(one.letter) == seen(task.letter)
            assert (one.queue, one.lane, one.owner) == (self.name, task.lane, "owner")
            assert one.here is not self.world.relayed
            self.given.append((one, hold))

    @precondition(lambda self: self.given)
    @rule(
        what=st.sampled_from(["settle", "fail", "extend", "release"]),
        backs=BACKS.filter(bool),
        delay=st.none() | SPANS,
    )
    def work(self, what: str, backs: list[int], delay: float | None) -> None:
        """Do something with holds, good or not; one rule, lest an example goes without."""
        if what == "settle":
            self.settle(backs)
        elif what == "fail":
            self.fail(backs[0], delay)
        elif what == "extend":
            self.extend(backs[0])
        else:
            self.release(backs[0])

    def settle(self, backs: list[int]) -> None:
        """Settle holds of some tasks, good or not."""
        holds = self.holds(backs)
        lost = self.world.run(self.queue.settle([one for one, _ in holds]))
        wanted = [one for one, hold in holds if not self.model.finish(hold, here=one.here)]
        assert sorted(each.letter.id for each in lost) == sorted(w.letter.id for w in wanted)

    def extend(self, back: int) -> None:
        """Extend a hold, good or not."""
        held, hold = self.hold(back)
        lost = self.world.run(self.queue.extend([held]))
        assert list(lost) == ([] if self.model.extend(hold, self.now) else [held])

    def fail(self, back: int, delay: float | None) -> None:
        """Give up an attempt, for a while or for good."""
        held, hold = self.hold(back)
        done = self.world.run(self.queue.fail(held, "failed", delay))
        assert done is self.model.fail(hold, "failed", delay, self.now)

    @precondition(lambda self: self.world.relayed and self.given)
    @rule(back=st.integers(0, 12))
    def effect(self, back: int) -> None:
        """Let a task have its effect, and its worker die before it ends it."""
        _, (task_id, _) = self.hold(back)
        self.world.had.add((self.name, task_id))
        self.model.had.add(task_id)

    def release(self, back: int) -> None:
        """Give one back."""
        held, hold = self.hold(back)
        self.world.run(self.queue.release([held]))
        self.model.release(hold)

    @rule(number=st.integers(0, 8))
    def cancel(self, number: int) -> None:
        """Cancel one, wherever it is, also before it comes."""
        task_id = self.named(number)
        self.world.run(self.queue.cancel(self.name, task_id))
        self.model.cancel(task_id)

    @precondition(lambda self: self.model.at(Place.DEAD))
    @rule(number=st.none() | st.integers(0, 8))
    def requeue(self, number: int | None) -> None:
        """Let all or one of the dead come back."""
        task_id = "" if number is None else self.named(number)
        count = self.world.run(self.queue.requeue(self.name, task_id))
        assert count == self.model.requeue(task_id)

    @precondition(lambda self: len(self.model.tasks) > MANY)
    @rule(place=st.sampled_from(PLACES))
    def purge(self, place: Place) -> None:
        """Throw one place away, where there is much."""
        count = self.world.run(self.queue.purge(self.name, place))
        assert count == self.model.purge(place)

    @precondition(lambda self: self.model.at(Place.HELD))
    @rule(limit=st.integers(1, 4), backs=BACKS)
    def lapse(self, limit: int, backs: list[int]) -> None:
        """Let what is held come back and go to others, but for what was done all the same."""
        self.world.move(STEP_SECONDS * 2)
        self.take(limit, backs)

    @rule(steps=st.integers(1, 2))
    def wait(self, steps: int) -> None:
        """Let time pass: holds are over and delays due."""
        self.world.move(STEP_SECONDS * steps)

    @invariant()
    def same(self) -> None:
        """Each task is in the place where the model has it, and the dead say why."""
        for place in PLACES:
            mine = sorted((task.letter.id, detail(task.letter, place)) for task in self.at(place))
            assert self.listed(place) == mine, place
        depth = self.world.run(self.queue.depth(self.name))
        assert depth.waiting == {
            lane: sum(t.lane is lane for t in self.at(Place.WAITING)) for lane in Lane
        }
        rest = tuple(len(self.at(each)) for each in (Place.HELD, Place.DELAYED, Place.DEAD))
        assert (depth.held, depth.delayed, depth.dead) == rest
        # No two things happen at one moment.
        self.world.move(1)

    def at(self, place: Place) -> list[Task]:
        """Return what the model has there."""
        return self.model.at(place)

    def listed(self, place: Place) -> list[tuple[str, object]]:
        """Return what the adapter has there."""
        found = self.world.run(self.queue.list(self.name, place, 0, 1000))
        return sorted((each.id, detail(read(each.body), place)) for each in found)


def seen(letter: Letter) -> tuple[Any, ...]:
    """Return what of a letter must be the same, but for the moments of its failures."""
    errors = tuple(failure.error for failure in letter.history)
    payload = tuple(sorted((k, v) for k, v in letter.payload.items() if k != "failed_at"))
    return letter.id, letter.key, letter.retry_count, letter.max_retries, errors, payload


def detail(letter: Letter, place: Place) -> tuple[Any, ...]:
    """Return what a list must show of it; what lives may count its lapses beside the letter."""
    return seen(letter) if place is Place.DEAD else (letter.lane,)


def check(made: World, examples: int, **more: Any) -> None:
    """Hold an adapter to the model; what fails is shown as it was found: shrinking takes long."""
    machine = type("Held", (Machine,), {"world": made})
    limits = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.reuse, Phase.generate],
        **more,
    )
    run_state_machine_as_test(machine, settings=limits)

"""Tasks are kept in the outbox as in the model, whatever order they and strangers' come into."""

import json
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from meeting.kernel.message import Message
from tests.contract.house import QUEUE, READERS, House, Job, held, opened
from tests.contract.test_feed_model import KEPT
from tests.redis import Redis
from tests.simulation.model.feed import Rows, Server, step
from tests.stores import at


class Both(RuleBasedStateMachine):
    """Does the same to the model and to the house."""

    def __init__(self, house: House, redis: Server) -> None:
        super().__init__()
        self.house, self.rows, self.redis = house, Rows(), redis
        house.server.empty()
        house.ask(house.clear())
        self.client = house.server.client()
        self.pushed = 0

    def teardown(self) -> None:
        """Hang up."""
        self.client.close()

    @rule(number=st.integers(1, 3))
    def ask(self, number: int) -> None:
        """Ask for tasks, and carry them."""
        assert self.rows.commit(self.house.ask(self.house.say([Job] * number, [])))
        assert self.house.ask(self.house.relay.step()) == step(self.rows, self.redis)
        self.house.clock.move(KEPT / 10)

    @rule(data=st.data(), limit=st.integers(1, 4))
    def work(self, data: st.DataObject, limit: int) -> None:
        """Take tasks; end some and give the others back, one by one, in any order."""
        taken = self.house.ask(self.house.queue.take(QUEUE, "me", limit))
        wanted = self.redis.take(QUEUE, limit)
        assert [each.letter.id for each in taken] == [each.message_id for each in wanted]
        for number in data.draw(st.permutations(range(len(taken)))):
            if data.draw(st.booleans()):
                self.house.ask(self.house.queue.settle([taken[number]]))
                self.redis.settle(wanted[number])
            else:
                self.house.ask(self.house.queue.release([taken[number]]))
                self.redis.release(wanted[number])

    @rule(written=st.sampled_from([{}, {"timestamp": 1}, {"timestamp": 10**10}]))
    def push(self, written: dict[str, int]) -> None:
        """Let a stranger lay a task into the queue, who says when it was written, or does not."""
        self.pushed += 1
        moment = self.house.clock.now()
        fields: dict[str, Any] = {"type": "any", "payload": {}}
        name = f"pushed {self.pushed}"
        self.client.rpush(f"{QUEUE}:normal", json.dumps(fields | written | {"id": name}))
        message = Message(**fields, at=moment, message_id=name, source="", kind="task", topic=QUEUE)
        self.redis.queues[QUEUE].append(message)

    @rule()
    def pop(self) -> None:
        """Let a stranger take a task out of the queue."""
        self.client.lpop(f"{QUEUE}:normal")
        del self.redis.queues[QUEUE][:1]

    @rule()
    def trim(self) -> None:
        """Forget what is old."""
        house, redis = self.house, self.redis
        house.clock.move(KEPT / 2)
        house.ask(house.keeper.trim(KEPT, house.ask(house.carrier.position())))
        self.rows.trim(house.clock.now() - KEPT, READERS, redis.position, redis.left)

    @rule()
    def lose(self) -> None:
        """Let Redis come back empty, and be filled again."""
        self.client.flushall()
        self.redis = type(self.redis)()
        assert self.house.ask(self.house.relay.step()) == step(self.rows, self.redis)

    @invariant()
    def alike(self) -> None:
        """Outbox and queue are the same."""
        rows = self.house.ask(self.house.posts.after(0, 10_000))
        assert [each.message for each in rows] == [each.message for each in self.rows.outbox]
        laid = [json.loads(each)["id"] for each in self.client.lrange(f"{QUEUE}:normal", 0, -1)]
        assert laid == [each.message_id for each in self.redis.queues[QUEUE]]


def test_alike(url: str, redis: Redis) -> None:
    """Whatever comes back, is pushed and popped, a row stays until its task has ended."""
    with opened(url, redis) as house:
        held(lambda: Both(house, Server()), 20)


class Glancing(Server):
    """Takes what was written before the first of its queue for ended."""

    def left(self, message: Message) -> bool:
        """Look at the head alone."""
        waiting = self.queues[message.topic]
        return super().left(message) and message.at >= waiting[0].at


class Deaf(Server):
    """Keeps a task that has ended while another waits."""

    def settle(self, message: Message) -> None:
        """Do not hear of it."""


class Hurried(Server):
    """Forgets tasks that still wait."""

    def left(self, message: Message) -> bool:
        """Ask for no queue."""
        return False


@pytest.mark.parametrize("broken", [Glancing, Deaf, Hurried])
def test_rejects(broken: type[Server], tmp_path: Path, redis: Redis) -> None:
    """Held to a model that is broken, the adapters fail: so what it says is looked at."""
    with opened(at(tmp_path), redis) as house, pytest.raises(AssertionError):
        held(lambda: Both(house, broken()), 200)

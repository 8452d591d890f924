"""The outbox on SQL and the feed over Redis do what the model does, whatever the order of calls."""

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from redis.exceptions import ResponseError

from meeting.kernel.message import Entry, Event, Message, Raced
from meeting.kernel.relay import BATCH, Posted
from meeting.transports.pubsub.names import POSITION
from tests.contract.house import QUEUE, READERS, TOPICS, House, Job, Number, Word, held, opened
from tests.redis import Redis
from tests.simulation.model.feed import Rows, Server, step
from tests.stores import at

TOPIC = st.sampled_from(TOPICS)
CONSUMERS = st.sampled_from(["a", "b", "c"])
SAID = st.lists(st.sampled_from([Number, Word, Job]), min_size=1, max_size=4)
KEPT = timedelta(minutes=10)
ELSEWHERE = 10**6
"""A position that no test reaches."""
RUNS = 20


class Both(RuleBasedStateMachine):
    """Does the same to the model and to the house; each entry and batch is kept as a pair."""

    def __init__(self, house: House, rows: Rows, redis: Server) -> None:
        super().__init__()
        self.house, self.rows, self.redis = house, rows, redis
        self.entries: list[tuple[Entry, Entry]] = []
        self.looks: list[tuple[int, Sequence[Posted], int, Sequence[Posted]]] = []
        self.kept: list[tuple[Server, dict[bytes, bytes]]] = []
        house.server.empty()
        house.ask(house.clear())
        self.client = house.server.client()
        self.ear = self.client.pubsub(ignore_subscribe_messages=True)
        self.ear.subscribe(*TOPICS)
        self.heard: list[str] = []

    def teardown(self) -> None:
        """Hang up."""
        self.ear.close()
        self.client.close()

    @rule(kinds=SAID)
    def say(self, kinds: Sequence[type[Event | Job]]) -> None:
        """Announce something."""
        assert self.rows.commit(self.house.ask(self.house.say(kinds, [])))
        self.number()

    def number(self) -> None:
        """Give the model's lines the places that the database gave, which leaves some out."""
        given = self.house.ask(self.house.posts.after(0, 10_000))
        places = {each.message.message_id: each.position for each in given}
        self.rows.outbox = [
            Posted(places.get(each.message.message_id, each.position), each.message)
            for each in self.rows.outbox
        ]
        self.rows.end = max(self.rows.end, *places.values())

    @rule(consumer=CONSUMERS, topic=TOPIC, over_redis=st.booleans(), limit=st.integers(1, 5))
    def pull(self, consumer: str, topic: str, over_redis: bool, limit: int) -> None:
        """Both give the same to a consumer."""
        if over_redis:
            found = self.house.ask(self.house.stream.pull(consumer, topic, limit))
            wanted = self.redis.pull(self.rows, consumer, topic, limit)
        else:
            found = self.house.ask(self.house.log.pull(consumer, topic, limit))
            wanted = self.rows.pull(consumer, topic, limit)
        assert [each.message for each in found] == [each.message for each in wanted]
        self.entries = [*self.entries, *zip(found, wanted, strict=True)][-20:]

    @rule(
        data=st.data(),
        kinds=st.lists(st.sampled_from([Number, Job]), max_size=2),
        fails=st.booleans(),
    )
    def consume(self, data: st.DataObject, kinds: Sequence[type[Event | Job]], fails: bool) -> None:
        """Move a cursor behind an entry, fresh or stale, and announce more with it."""
        if not self.entries:
            return
        number = data.draw(st.integers(0, len(self.entries) - 1))
        entry, model = self.entries[number]
        try:
            said = self.house.ask(self.house.say(kinds, [entry], fails=fails))
        except Raced:
            assert not self.rows.commit(done=[model])
        else:
            assert self.rows.commit(said, [model])
            if said:
                self.number()

    @rule()
    def relay(self) -> None:
        """Carry."""
        assert self.house.ask(self.house.relay.step()) == step(self.rows, self.redis)

    @rule(limit=st.sampled_from([1, 3, BATCH]))
    def look(self, limit: int) -> None:
        """Let a relay look that is slow to carry."""
        before = self.house.ask(self.house.carrier.position())
        batch = self.house.ask(self.house.posts.after(before, limit))
        wanted = self.rows.after(self.redis.position, limit)
        assert [each.message for each in batch] == [each.message for each in wanted]
        if batch:
            self.looks.append((before, batch, self.redis.position, wanted))

    @rule(data=st.data())
    def carry(self, data: st.DataObject) -> None:
        """Let it carry, however late."""
        if self.looks:
            number = data.draw(st.integers(0, len(self.looks) - 1))
            before, batch, place, wanted = self.looks[number]
            carried = self.house.ask(self.house.carrier.carry(before, batch))
            assert carried == self.redis.carry(place, wanted)

    @rule(names=st.lists(st.sampled_from("xyz"), min_size=1, max_size=3), topic=TOPIC)
    def adopt(self, names: Sequence[str], topic: str) -> None:
        """Hear strangers, who repeat themselves."""
        fields: dict[str, Any] = {"type": "any", "payload": {}, "source": "", "kind": "foreign"}
        at = self.house.clock.now()
        heard = [Message(**fields, at=at, message_id=name, topic=topic) for name in names]
        assert self.house.ask(self.house.adoption.adopt(heard, [])) == len(self.rows.adopt(heard))
        self.number()

    @rule(minutes=st.sampled_from([3, 12, 12]))
    def trim(self, minutes: int) -> None:
        """Let time pass, and forget what is old."""
        house, clock = self.house, self.house.clock
        clock.move(timedelta(minutes=minutes))
        firsts = house.ask(house.keeper.trim(KEPT, house.ask(house.carrier.position())))
        redis = self.redis
        wanted = self.rows.trim(clock.now() - KEPT, READERS, redis.position, redis.left)
        assert firsts == wanted
        house.ask(house.carrier.trim(firsts))
        self.redis.trim(wanted)

    @rule()
    def keep(self) -> None:
        """Remember what Redis holds."""
        dumps = {key: self.client.dump(key) for key in self.client.scan_iter()}
        self.kept.append((copy.deepcopy(self.redis), dumps))

    @rule(older=st.booleans())
    def lose(self, older: bool) -> None:
        """Let Redis come back empty, or as it was."""
        self.client.flushall()
        told = self.redis.published
        self.redis = type(self.redis)()
        if older and self.kept:
            self.redis = copy.deepcopy(self.kept[-1][0])
            for key, dump in self.kept[-1][1].items():
                self.client.restore(key, 0, dump)
        self.redis.published = told

    @rule(topic=TOPIC, ahead=st.sampled_from([0, 1, ELSEWHERE]))
    def forge(self, topic: str, ahead: int) -> None:
        """Let a stranger write into a stream what looks like an event, here or beyond."""
        at = self.house.clock.now()
        fields: dict[str, Any] = {"type": "any", "payload": {}, "source": ""}
        message = Message(**fields, at=at, message_id=f"forged {ahead}", topic=topic)
        place = self.house.ask(self.house.carrier.position()) + ahead
        with suppress(ResponseError):  # further than this the stream has been
            fields = {"m": msgspec.json.encode(message)}
            self.client.xadd(f"{topic}:log", fields, id=f"{place}-0")
        self.redis.forge(self.redis.position + ahead, message)

    @rule(to=st.sampled_from([0, ELSEWHERE]))
    def misplace(self, to: int) -> None:
        """Let the position be lost, or another database's."""
        self.client.set(POSITION, to)
        self.redis.position = to

    @invariant()
    def alike(self) -> None:
        """Outbox, streams, queue and what was published are the same."""
        rows = self.house.ask(self.house.posts.after(0, 10_000))
        assert [each.message for each in rows] == [each.message for each in self.rows.outbox]
        for topic in TOPICS:
            ids = [json.loads(e[b"m"])["message_id"] for _, e in self.client.xrange(f"{topic}:log")]
            assert ids == [each.message.message_id for each in self.redis.streams[topic]]
        laid = [json.loads(each)["id"] for each in self.client.lrange(f"{QUEUE}:normal", 0, -1)]
        assert laid == [each.message_id for each in self.redis.queues[QUEUE]]
        wanted = [each.message_id for each in self.redis.published]
        while said := self.ear.get_message(timeout=1 if len(self.heard) < len(wanted) else 0):
            self.heard.append(json.loads(said["data"])["message_id"])
        assert self.heard == wanted


def test_alike(url: str, redis: Redis) -> None:
    """Whatever is said, carried, consumed, forgotten and lost, the adapters do as the model."""
    with opened(url, redis) as house:
        held(lambda: Both(house, Rows(), Server()), RUNS)


class Unchecked(Server):
    """Takes a batch wherever the position stands."""

    def carry(self, before: int, batch: Sequence[Posted]) -> bool:
        """Believe that it is the right one."""
        self.position = before
        return super().carry(before, batch)


class Trusting(Server):
    """Gives whatever lies in a stream."""

    def pull(self, rows: Rows, consumer: str, topic: str, limit: int) -> list[Entry]:
        """Look at no position."""
        whole = copy.copy(self)
        whole.position = 10 * ELSEWHERE
        return Server.pull(whole, rows, consumer, topic, limit)


class Ruthless(Rows):
    """Forgets what is old, read or not."""

    def trim(
        self,
        before: datetime,
        readers: Mapping[str, Sequence[str]],
        carried: int | None,
        left: Callable[[Message], bool] = lambda _: False,
    ) -> dict[str, int]:
        """Ask for no reader."""
        return super().trim(before, {}, carried, left)


class Hurried(Rows):
    """Forgets tasks that still wait."""

    def trim(
        self,
        before: datetime,
        readers: Mapping[str, Sequence[str]],
        carried: int | None,
        left: Callable[[Message], bool] = lambda _: False,
    ) -> dict[str, int]:
        """Ask for no queue."""
        return super().trim(before, readers, carried)


class Gullible(Rows):
    """Takes in what strangers say as often as they say it."""

    def adopt(self, heard: Sequence[Message]) -> list[Message]:
        """Look at no id."""
        self.commit(heard)
        return list(heard)


@pytest.mark.parametrize(
    ("rows", "server"),
    [
        (Rows, Unchecked),
        (Rows, Trusting),
        (Ruthless, Server),
        (Hurried, Server),
        (Gullible, Server),
    ],
    ids=["no compare", "no bound", "no readers", "no queues", "no ids"],
)
def test_rejects(rows: type[Rows], server: type[Server], tmp_path: Path, redis: Redis) -> None:
    """Held to a model that is broken, the adapters fail: so what it says is looked at."""
    with opened(at(tmp_path), redis) as house, pytest.raises(AssertionError):
        held(lambda: Both(house, rows(), server()), 400)

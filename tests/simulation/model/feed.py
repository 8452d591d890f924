"""The specification of outbox, relay, feed, adoption and trimming, as values in memory.

`Rows` is what the database holds, `Server` what Redis holds, `step` what a relay does. A method
happens at once or not at all, and whoever dies, dies between two of them. From this follows: what
a consumer has taken of a topic is always its beginning, in commit order, each event once, however
often the server is emptied, set back or asked late. Adapters: tests/contract/test_feed_model.py.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from meeting.kernel.message import Entry, Message
from meeting.kernel.relay import BATCH, Posted, entries

EVENTS = ("event", "foreign")


class Rows:
    """The database: the outbox, and how far each consumer has come on each topic."""

    def __init__(self) -> None:
        self.outbox: list[Posted] = []
        self.cursors: dict[tuple[str, str], int] = {}
        self.end = 0
        """The last position that was given out; they rise in commit order."""

    def commit(self, said: Sequence[Message] = (), done: Sequence[Entry] = ()) -> bool:
        """Announce, and move cursors behind what was consumed.

        Nothing is done where a consumer stands elsewhere than it thought: then somebody else has
        consumed the entry, and whatever was to be committed with it must not happen again.
        """
        moved = dict(self.cursors)
        for entry in done:
            if moved.get((entry.consumer, entry.topic), 0) != int(entry.before):
                return False
            moved[entry.consumer, entry.topic] = int(entry.after)
        self.cursors = moved
        for message in said:
            self.end += 1
            self.outbox.append(Posted(self.end, message))
        return True

    def adopt(self, heard: Sequence[Message]) -> list[Message]:
        """Announce what strangers have published, each id once for as long as it is kept."""
        new = []
        for message in heard:
            if all(each.message.message_id != message.message_id for each in self.outbox):
                self.commit([message])
                new.append(message)
        return new

    def after(self, position: int, limit: int = BATCH) -> list[Posted]:
        """Return what a relay finds behind a position."""
        return [each for each in self.outbox if each.position > position][:limit]

    def standing(self, consumer: str, topic: str) -> int:
        """Return how far a consumer has come; 0 where it has not begun."""
        return self.cursors.get((consumer, topic), 0)

    def pull(self, consumer: str, topic: str, limit: int) -> list[Entry]:
        """Return what is ahead of a consumer, where the outbox itself is the log."""
        events = [each for each in self.outbox if each.message.kind in EVENTS]
        return _ahead(consumer, topic, self.standing(consumer, topic), events, limit)

    def trim(
        self,
        before: datetime,
        readers: Mapping[str, Sequence[str]],
        carried: int | None,
        left: Callable[[Message], bool] = lambda _: False,
    ) -> dict[str, int]:
        """Forget what is older, carried, and read by all `readers`; the first left of each topic.

        A task that is `left` in its queue, or may be, stays: the server may come back empty.

        The last line stays. Whoever is no reader of the house holds nothing: it is forgotten with
        the first entry that it has not read, and would begin anew.
        """
        bound = self.end - 1 if carried is None else min(self.end - 1, carried)
        firsts = {}
        for topic in {each.message.topic for each in self.outbox}:
            names = readers.get(topic, ())
            read = min([bound, *(self.standing(name, topic) for name in names)])
            here = [each for each in self.outbox if each.message.topic == topic]
            old = [each for each in here if each.position <= read and each.message.at < before]
            gone = [each for each in old if each.message.kind != "task" or not left(each.message)]
            self.outbox = [each for each in self.outbox if each not in gone]
            for (name, of), at in list(self.cursors.items()):
                if gone and of == topic and name not in names and at < gone[-1].position:
                    del self.cursors[name, of]
            firsts[topic] = next((each.position for each in here if each not in gone), self.end)
        return firsts


class Server:
    """Redis: a stream a topic, the queues, and how far the outbox has been carried."""

    def __init__(self) -> None:
        self.position = 0
        self.streams: defaultdict[str, list[Posted]] = defaultdict(list)
        self.tops: dict[str, int] = {}
        """The last position that ever came into a stream, trimmed or not."""
        self.queues: defaultdict[str, list[Message]] = defaultdict(list)
        self.open: set[str] = set()
        """Ids of the tasks that were carried and have not ended."""
        self.published: list[Message] = []

    def carry(self, before: int, batch: Sequence[Posted]) -> bool:
        """Take a batch and move the position; nothing where it stands elsewhere than `before`.

        A stream that is further than the position is not what a relay has carried: all goes.
        """
        if self.position != before:
            return False
        events = [each for each in batch if each.message.kind in EVENTS]
        if any(self.tops.get(each.message.topic, 0) > before for each in events):
            self.forget(before)
            return False
        for each in events:
            self.streams[each.message.topic].append(each)
            self.tops[each.message.topic] = each.position
        for message in (each.message for each in batch):
            if message.kind == "task":
                self.queues[message.topic].append(message)
                self.open.add(message.message_id)
            elif message.kind == "event":  # what a stranger published was published
                self.published.append(message)
        self.position = batch[-1].position
        return True

    def forget(self, before: int) -> None:
        """Throw away streams and position, to be carried anew, unless somebody did; no task."""
        if self.position == before:
            self.position, self.streams, self.tops = 0, defaultdict(list), {}

    def forge(self, position: int, message: Message) -> None:
        """Let a stranger write into a stream, which takes nothing that is not further than all."""
        if position > self.tops.get(message.topic, 0):
            self.streams[message.topic].append(Posted(position, message))
            self.tops[message.topic] = position

    def pull(self, rows: Rows, consumer: str, topic: str, limit: int) -> list[Entry]:
        """Return what is ahead of a consumer, as far as a relay has come.

        The cursor lies with the rows. Beyond the position are a stranger's entries alone: whoever
        followed them would pass over events that are still to come.
        """
        before = rows.standing(consumer, topic)
        carried = [each for each in self.streams[topic] if each.position <= self.position]
        return _ahead(consumer, topic, before, carried, limit)

    def take(self, queue: str, limit: int) -> list[Message]:
        """Hand tasks out from the head; a second one of an id goes to the dead."""
        waiting, held = self.queues[queue], dict[str, Message]()
        while waiting and len(held) < limit:
            message = waiting.pop(0)
            held.setdefault(message.message_id, message)
        return list(held.values())

    def settle(self, message: Message) -> None:
        """End a task that was taken; a second one of it that waits has nothing to do."""
        self.open.discard(message.message_id)

    def release(self, message: Message) -> None:
        """Give a task back to the head."""
        self.queues[message.topic].insert(0, message)

    def left(self, message: Message) -> bool:
        """Tell whether a task may not have ended; none is at hand.

        Nobody tells when a stranger pops one: that is seen as soon as nothing waits.
        """
        if not self.queues[message.topic]:
            self.open.discard(message.message_id)
        return message.message_id in self.open

    def trim(self, firsts: Mapping[str, int]) -> None:
        """Forget what the outbox has forgotten."""
        for topic, first in firsts.items():
            self.streams[topic] = [each for each in self.streams[topic] if each.position >= first]


def step(rows: Rows, server: Server) -> bool:
    """Carry what is there, as one relay does; False where there is nothing to carry."""
    before = server.position
    if batch := rows.after(before):
        server.carry(before, batch)
    elif before > rows.end:  # never given out here: the position is another database's
        server.forget(before)
    return bool(batch) or before > rows.end


def _ahead(who: str, topic: str, before: int, log: Sequence[Posted], limit: int) -> list[Entry]:
    found = [each for each in log if each.message.topic == topic and each.position > before]
    return entries(who, topic, before, found[:limit])

"""The load of the bench of relays: what it counts, and what it takes for a failure."""

import asyncio
import itertools
import time
from collections.abc import Callable

import pytest

from tests.bench import traffic
from tests.bench.crowd import FRAME, HALL, ROOM, frame, halls, pairs
from tests.bench.traffic import Lost, Talk, Traffic

Broken = Callable[[list[bytes]], list[bytes]]


class Relay:
    """Brings all readers what it is given, or what `broken` makes of it, in a turn of the loop."""

    def __init__(
        self,
        readers: int,
        broken: Broken | None = None,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.talk = Talk(self._take, frame().encode(), readers)
        self.traffic = Traffic([self.talk], now=now)
        self._broken = broken
        self._held: list[bytes] = []

    def _take(self, text: bytes) -> None:
        if not self._held:
            asyncio.get_running_loop().call_soon(self._bring)
        self._held.append(text)

    def _bring(self) -> None:
        held, self._held = self._held, []
        for text in self._broken(held) if self._broken else held:
            for reader in range(self.talk.readers):
                self.traffic.heard(self.talk, reader, text)


@pytest.mark.parametrize("readers", [1, 3])
async def test_all_that_is_sent_is_counted(readers: int) -> None:
    """A window keeps its frames in flight, a rate sends as many as it says, and times each."""
    relay = Relay(readers)
    assert await relay.traffic.flood(4, 0.001, 0.02) > 0
    assert relay.traffic.delivered == readers * relay.talk.said
    before = relay.traffic.delivered
    await relay.traffic.steady(1000 * readers, 0.02)
    assert relay.traffic.delivered - before == 20 * readers
    assert len(relay.traffic.taken) == 20 * readers


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (lambda held: held[1:], "where 0 was next"),
        (lambda held: [held[0], *held], "frame 0 came where 1 was next"),
        (lambda held: held[::-1], "where 0 was next"),
        (lambda _: [b'{"type":"error"}'], "something else came"),
        (lambda _: [], "did not come"),
    ],
    ids=["loses", "doubles", "reorders", "refuses", "drops all"],
)
async def test_a_relay_that_fails_has_no_figure(
    broken: Broken, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it does wrong ends the course with a sentence, at a window and at a rate."""
    monkeypatch.setattr(traffic, "PATIENCE", 0.01)
    with pytest.raises(Lost, match=said):
        await Relay(1, broken).traffic.flood(3, 0, 0)
    seconds = itertools.count()  # so that all is due at once
    with pytest.raises(Lost, match=said):
        await Relay(1, broken, lambda: next(seconds)).traffic.steady(5000, 0.001)


def test_every_second_speaks_to_one_of_its_room() -> None:
    """Nobody is in two pairs; the seed decides who is in which."""
    crowd = pairs(120, seed=1)
    together = [(said.sender, *said.readers) for said in crowd.talks]
    assert sorted(each for pair in together for each in pair) == list(range(120))
    for sender, reader in together:
        assert crowd.places[sender].room == crowd.places[reader].room
    assert len(crowd.rooms) == 3
    assert together != [(said.sender, *said.readers) for said in pairs(120, seed=2).talks]
    assert len(pairs(1, seed=1).talks) == 1
    assert max(sum(each.room == room for each in crowd.places) for room in crowd.rooms) == ROOM


def test_a_hall_listens_to_one() -> None:
    """Its readers are the sockets of one user, as many as a user may have."""
    crowd = halls(100, 0)
    assert len(crowd.talks) == 3
    for said in crowd.talks:
        listening = [crowd.places[each] for each in said.readers]
        assert len(listening) == HALL
        assert {(each.room, each.user) for each in listening} == {
            (crowd.places[said.sender].room, listening[0].user)
        }
    assert crowd.users == 4


def test_frames_have_one_length() -> None:
    """Whatever they name."""
    assert len(frame()) == len(frame(to_peer_id="p1")) == len(frame(to_user_id=2**31)) == FRAME

"""A room on two processes that die at any step: what its peers know is what the store has."""

from collections.abc import Callable, Sequence

import pytest

from meeting.domains.signaling.changes import Change, RosterChanged
from meeting.domains.signaling.letter import Letter
from meeting.domains.signaling.room import Room, Seated
from meeting.domains.signaling.rooms import Rooms
from tests.simulation.lobby import Lobby
from tests.simulation.loop import Loop, explore

SEEDS = 30


def scene(rooms: Callable[[], Rooms] = Rooms) -> Callable[[Loop], object]:
    """Return a scene with these rooms."""

    async def play(loop: Loop) -> None:
        await Lobby(loop, rooms).live()

    return play


def test_everybody_knows_who_is_there() -> None:
    """In order, each change once, no ghost is heard, and at the end all agree with the store."""
    assert explore(scene(), range(SEEDS)) >= 1  # type: ignore[arg-type]


class Hasty(Room):
    """Tells what comes when it comes."""

    def _tell(self, seated: Seated, change: Change, said: Sequence[bytes], *, final: bool) -> None:
        if isinstance(change, RosterChanged) and change.version > seated.told:
            seated.told = change.before
        super()._tell(seated, change, said, final=final)


class Deaf(Room):
    """Forgets what it hears while somebody is on the way in."""

    def hear(self, change: Change, *, final: bool) -> None:
        """Keep nothing."""
        super().hear(change, final=final)
        for arrival in self.arrivals:
            arrival.missed.clear()


class Open(Room):
    """Lets everybody be heard at once."""

    def _give(self, seated: Seated, letter: Letter, frame: bytes) -> None:
        seated.member.deliver(frame)


@pytest.mark.parametrize("kind", [Hasty, Deaf, Open])
def test_rejects(kind: type[Room], monkeypatch: pytest.MonkeyPatch) -> None:
    """Rooms that do not wait for what is missing, forget, or let ghosts speak are found out."""
    monkeypatch.setattr("meeting.domains.signaling.rooms.Room", kind)
    with pytest.raises(AssertionError):
        explore(scene(), range(4 * SEEDS))  # type: ignore[arg-type]

"""One room of this process: its members, and what each of them has been told of the roster.

Changes come from the log in the order of their versions, and those of our own making at once as
well, from whoever made them. Each member is told each change once, the next one first: what is
newer than the next is left to the log, which brings both. So no lock orders what members hear, and
nobody waits for another process.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from meeting.domains.signaling import telling
from meeting.domains.signaling.changes import Change, RosterChanged
from meeting.domains.signaling.letter import Letter
from meeting.domains.signaling.model import MIB, Close, Place, Roll
from meeting.domains.signaling.replica import Replica

MISSED = 1000
"""Changes that are kept for a peer on its way in."""
WAITING = 256
WAITING_BYTES = MIB
"""Frames and bytes that wait for one member, or for one peer on its way in."""
BEHIND = "this server has lost track of the room; connect and join again"
TEXTS = {
    Close.LEFT: "you left",
    Close.KICKED: "kicked",
    Close.REPLACED: "a newer socket came",
    Close.LEASE_OVER: "your place was not renewed in time; connect and join again",
}


class Member(Protocol):
    """A peer as its room knows it. Neither method ever waits."""

    def deliver(self, frame: bytes, *, urgent: bool = False) -> None:
        """Queue an encoded frame; a member whose queue is full is closed instead."""
        ...

    def end(self, code: Close, reason: str, *, kept: bool = True) -> None:
        """Close the member's socket; `kept` False when its place has ended already."""
        ...


class Waiting:
    """Frames that can't be delivered yet, in the order in which they came; bounded."""

    def __init__(self) -> None:
        self._frames: deque[tuple[Letter, bytes]] = deque()
        self._size = 0

    def put(self, letter: Letter, frame: bytes) -> bool:
        """Keep a frame; False where there is no room."""
        if len(self._frames) >= WAITING or self._size + len(frame) > WAITING_BYTES:
            return False
        self._frames.append((letter, frame))
        self._size += len(frame)
        return True

    def drain(self) -> Sequence[tuple[Letter, bytes]]:
        """Take all out."""
        found, self._frames, self._size = self._frames, deque(), 0
        return found

    def __iter__(self) -> Iterator[tuple[Letter, bytes]]:
        return iter(self._frames)

    def __len__(self) -> int:
        return len(self._frames)


class Seated:
    """A member, the place it has, and how far it has been told of the roster."""

    __slots__ = ("member", "place", "told", "waiting")

    def __init__(self, place: Place, member: Member) -> None:
        self.place = place
        self.member = member
        self.told = place.version
        """What it was shown when it joined, to begin with."""
        self.waiting = Waiting()
        """Frames of peers that it has not been told of yet."""


class Arrival:
    """A peer on its way in, and what the room heard meanwhile that it must hear when it is there.

    Each has its own, so that a rush of joins costs nobody what the others are sent.
    """

    __slots__ = ("early", "missed", "overrun", "place")

    def __init__(self, place: Place) -> None:
        self.place = place
        self.missed: list[Change] = []
        """What the log has told."""
        self.early = Waiting()
        """Frames that came for it."""
        self.overrun = False
        """Something that was meant for it is lost."""

    def miss(self, change: Change) -> None:
        """Keep a change."""
        if len(self.missed) < MISSED:
            self.missed.append(change)
        else:
            self.overrun = True

    def keep(self, letter: Letter, frame: bytes) -> None:
        """Keep a frame."""
        self.overrun |= not self.early.put(letter, frame)


class Room:
    """The members of one room that speak to this process."""

    def __init__(self) -> None:
        self.replica = Replica()
        self.arrivals: set[Arrival] = set()
        """Peers of this process that are on their way in."""
        self._seated: dict[str, Seated] = {}
        self._by_user: dict[int, dict[str, Seated]] = {}

    def seat(
        self, arrival: Arrival, place: Place, member: Member, roll: Roll, joined: bytes
    ) -> None:
        """Seat who arrived: it gets `joined`, which shows the roll, then whatever came since."""
        self.arrivals.discard(arrival)
        if not self.replica.version and not arrival.overrun:
            self.replica.begin(roll)
            for change in arrival.missed:
                self._follow(change, final=True)
        if (former := self._seated.get(place.peer_id)) is not None:
            # The store has ended it; the log has not told us yet.
            heir = former.place.user_id == place.user_id
            self._end(former, Close.REPLACED if heir else Close.LEASE_OVER)
        seated = Seated(place, member)
        self._seated[place.peer_id] = seated
        self._by_user.setdefault(place.user_id, {})[place.peer_id] = seated
        member.deliver(joined)
        if arrival.overrun:
            self._cut_off(seated)
            return
        for change in arrival.missed:
            self._tell(seated, change, telling.told(change), final=True)
        for letter, frame in arrival.early.drain():
            if letter.fits(place):
                self._give(seated, letter, frame)

    def remove(self, place: Place) -> Member | None:
        """Unseat the member of this very session, if it is here."""
        seated = self._seated.get(place.peer_id)
        if seated is None or seated.place.session_id != place.session_id:
            return None
        del self._seated[place.peer_id]
        peers = self._by_user[place.user_id]
        del peers[place.peer_id]
        if not peers:
            del self._by_user[place.user_id]
        return seated.member

    def hear(self, change: Change, *, final: bool) -> None:
        """Tell the members of a change; `final` when it comes from the log, which has no gaps."""
        if final:
            for arrival in self.arrivals:
                arrival.miss(change)
        self._follow(change, final=final)
        said = telling.told(change) if self._seated else []
        for seated in list(self._seated.values()):
            self._tell(seated, change, said, final=final)
            for letter, frame in seated.waiting.drain():
                self._give(seated, letter, frame)

    def forward(self, letter: Letter, frame: bytes) -> int:
        """Deliver a frame to whom it is for; to how many, with those that are still coming."""
        found = 0
        for seated in self._addressed(letter):
            if letter.fits(seated.place):
                found += 1
                self._give(seated, letter, frame)
        if not (letter.peer_id and found):
            for arrival in self.arrivals:
                if letter.fits(arrival.place):
                    found += 1
                    arrival.keep(letter, frame)
        return found

    def cut_off(self) -> None:
        """Close all members, and who is on the way in as soon as it is there.

        Something that was meant for them is lost, and nobody knows what.
        """
        for arrival in self.arrivals:
            arrival.overrun = True
        for seated in list(self._seated.values()):
            self._cut_off(seated)

    def peer(self, peer_id: str) -> Seated | None:
        """Return one peer."""
        return self._seated.get(peer_id)

    def of_user(self, user_id: int) -> list[Seated]:
        """Return the peers of one user."""
        return list(self._by_user.get(user_id, {}).values())

    def __iter__(self) -> Iterator[Seated]:
        return iter(list(self._seated.values()))

    def __len__(self) -> int:
        return len(self._seated)

    def _addressed(self, letter: Letter) -> Iterable[Seated]:
        if letter.peer_id:
            peer = self.peer(letter.peer_id)
            return [] if peer is None else [peer]
        return self.of_user(letter.user_id) if letter.user_id else self

    def _follow(self, change: Change, *, final: bool) -> None:
        """Take a change into the replica, which begins anew where the log has passed one over.

        One that lags for good would hold back what is said to whoever knows more than it does. So
        all that are seated join again; who is on the way in brings a roll to begin with.
        """
        if not isinstance(change, RosterChanged):
            return
        if final and 0 < self.replica.version < change.before:
            self.replica = Replica()
            for seated in self:
                self._cut_off(seated)
        else:
            self.replica.follow(change)

    def _tell(self, seated: Seated, change: Change, said: Sequence[bytes], *, final: bool) -> None:
        if not isinstance(change, RosterChanged):
            if seated.place.version <= change.version:
                _deliver(seated, said)
            return
        if change.version <= seated.told:
            return
        if change.before != seated.told:
            if final:
                self._cut_off(seated)
            return
        seated.told = change.version
        session = seated.place.session_id
        own = [gone for gone in change.left if gone.place.session_id == session]
        if own:
            self._end(seated, own[0].close)
        elif change.ended:
            _deliver(seated, said)
            self.remove(seated.place)
            seated.member.end(Close.MEETING_ENDED, "the meeting has ended", kept=False)
        else:
            _deliver(seated, said)

    def _give(self, seated: Seated, letter: Letter, frame: bytes) -> None:
        """Deliver a frame, or keep it until the member knows who sent it, and we who has left."""
        sender, known = letter.sender, self.replica.version
        if sender is not None and (seated.told < sender.version or known < seated.told):
            if not seated.waiting.put(letter, frame):
                self._cut_off(seated)
        elif sender is None or not self.replica.gone(sender):
            seated.member.deliver(frame)

    def _end(self, seated: Seated, code: Close) -> None:
        self.remove(seated.place)
        seated.member.end(code, TEXTS[code], kept=False)

    def _cut_off(self, seated: Seated) -> None:
        """Close a member, whose place is kept: what it has missed it gets anew by a join."""
        self.remove(seated.place)
        seated.member.end(Close.OVERLOAD, BEHIND)


def _deliver(seated: Seated, said: Sequence[bytes]) -> None:
    for frame in said:
        seated.member.deliver(frame)

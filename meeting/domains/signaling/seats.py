"""The sockets of this process: how many there may be, and whose end when a token does."""

import asyncio
from collections.abc import Iterator
from typing import Protocol

from meeting.domains.signaling.model import Close, Limits, Place
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind


class Occupant(Protocol):
    """The session on a seat."""

    @property
    def place(self) -> Place | None:
        """Return its place in a room."""
        ...

    def deliver(self, frame: bytes, *, urgent: bool = False) -> None:
        """Queue an encoded frame; never waits."""
        ...

    def end(self, code: Close, reason: str, *, kept: bool = True) -> None:
        """Close its socket."""
        ...

    def pulse(self, now: float) -> None:
        """Look at the time: ping, or end a silent socket."""
        ...


class Seat:
    """Room for one socket, taken before its token is looked up, so that no revocation slips by."""

    def __init__(self, user_id: int, tokens: frozenset[str], until: int) -> None:
        self.user_id = user_id
        self.tokens = tokens
        """The `jti` of the token, and of the one that a ticket was made from."""
        self.until = until
        """Unix seconds at which the credential is over."""
        self.revoked = False
        self.occupant: Occupant | None = None

    def revoke(self, reason: str) -> None:
        """End the socket, now or as soon as it is there."""
        self.revoked = True
        if self.occupant is not None:
            self.occupant.end(Close.TOKEN_ENDED, reason)


class Seats:
    """All sockets of this process."""

    def __init__(self, clock: Clock, limits: Limits) -> None:
        self._clock = clock
        self._limits = limits
        self._by_user: dict[int, set[Seat]] = {}
        self._count = 0
        self.empty = asyncio.Event()
        """Set while there is no socket."""
        self.empty.set()

    def take(self, user_id: int, tokens: frozenset[str], until: int) -> Seat:
        """Make room for a socket; `rate_limited` where there is none."""
        own = self._by_user.get(user_id, set())
        if len(own) >= self._limits.sockets_per_user or self._count >= self._limits.sockets:
            raise Fault(
                Kind.RATE_LIMITED,
                "too many sockets are open; close some and try again",
                retry_after=5,
            )
        seat = Seat(user_id, tokens, until)
        self._by_user.setdefault(user_id, own).add(seat)
        self._count += 1
        self.empty.clear()
        return seat

    def give_back(self, seat: Seat) -> None:
        """Make the room free again; a second time does nothing."""
        own = self._by_user.get(seat.user_id, set())
        if seat in own:
            own.remove(seat)
            self._count -= 1
            if not self._count:
                self.empty.set()
            if not own:
                del self._by_user[seat.user_id]

    def revoke(self, user_id: int, jti: str, reason: str) -> None:
        """End the sockets of one token, or with an empty `jti` all of a user's."""
        for seat in list(self._by_user.get(user_id, ())):
            if not jti or jti in seat.tokens:
                seat.revoke(reason)

    def cut_off(self, reason: str) -> None:
        """Close all sockets; whoever connects again has its token looked up anew."""
        for seat in list(self):
            if seat.occupant is not None:
                seat.occupant.end(Close.OVERLOAD, reason)

    def deliver(self, user_id: int, frame: bytes) -> None:
        """Queue a frame at all sockets of a user."""
        for seat in list(self._by_user.get(user_id, ())):
            if seat.occupant is not None:
                seat.occupant.deliver(frame)

    def pulse(self) -> None:
        """End what is over or silent, ping the rest where it is due."""
        now, moment = self._clock.monotonic(), self._clock.now().timestamp()
        for seat in list(self):
            if moment >= seat.until:
                seat.revoke("the token is over")
            elif seat.occupant is not None:
                seat.occupant.pulse(now)

    def places(self) -> list[Place]:
        """Return the places that living sockets hold."""
        return [
            seat.occupant.place
            for seat in self
            if seat.occupant is not None and seat.occupant.place is not None
        ]

    def __iter__(self) -> Iterator[Seat]:
        for seats in self._by_user.values():
            yield from seats

    def __len__(self) -> int:
        return self._count

"""What a user of the split house comes for, and what must be found of it afterwards."""

from collections.abc import Iterator

import msgspec

from tests.chaos.journal import Thing

EFFECTS = 8
"""Rows and mails that a visit leaves behind if all goes well, as `Audit.count` counts them."""
TRIES = 64
"""What can't be asked for again under the same name is tried so often at most, by names apart."""
GUESTS = 1_000_000
OPEN = 8
"""One of so many meetings is not ended, so that its room stays ready."""


class Visit(msgspec.Struct, frozen=True):
    """One user, who has a name of their own."""

    number: int

    @property
    def reached(self) -> int:
        """Return how many effects there are to be up to here."""
        return self.number * EFFECTS

    @property
    def name(self) -> str:
        """Name the account."""
        return f"user{self.number}"

    @property
    def ends(self) -> bool:
        """Tell whether the meeting is ended."""
        return self.number % OPEN != 0

    def deed(self, *kinds: str) -> "Deed":
        """Note what is to happen once, however often it is asked for."""
        return Deed(self.number, tuple((kind, self.number) for kind in kinds))

    def attempt(self, count: int, *kinds: str) -> "Deed":
        """Note what happens each time that it is asked for."""
        return Deed(self.number, tuple((kind, self.number * TRIES + count) for kind in kinds))

    def end(self, guest: int) -> "Deed":
        """Note the end of the meeting, at which a guest may have been."""
        there = (self.number, guest) if guest else (self.number,)
        kinds = ("ended", "released", "report")
        attended = tuple(("attended", attended_by(self.number, each)) for each in there)
        return Deed(self.number, (*self.deed(*kinds).things, *attended))


class Deed(msgspec.Struct, frozen=True):
    """What one request is to bring about, in all."""

    number: int
    things: tuple[Thing, ...]

    @property
    def ids(self) -> str:
        """Return what the journal says about it."""
        return " ".join(f"{kind}:{number}" for kind, number in self.things)


def visits(after: int, last: int) -> Iterator[Visit]:
    """Yield the visits that nobody has begun."""
    return map(Visit, range(after + 1, last + 1))


def attended_by(meeting: int, user: int) -> int:
    """Number the presence of a user in a report, both by the visits that they came from."""
    return meeting * GUESTS + user


def address(number: int) -> str:
    """Return the loopback address of an attempt to log in, by which its row is known."""
    return f"127.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def numbered(address: str) -> int:
    """Return the attempt that came from an address."""
    _, high, middle, low = map(int, address.split("."))
    return high << 16 | middle << 8 | low

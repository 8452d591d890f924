"""Who connects to a relay, and who speaks to whom."""

import json
import random
from collections.abc import Sequence

import msgspec

from tests.bench.traffic import DIGITS, MARK

ROOM = 50
"""Peers of a room in which pairs speak to each other."""
HALL = 32
"""Those who hear one sender: as many sockets as one user may have with us."""
FRAME = 304
"""Bytes that a client sends."""


class Place(msgspec.Struct, frozen=True):
    """One connection."""

    room: str
    peer: str
    user: int
    """Which of the users it is, from 0; a house without users passes over it."""


class Said(msgspec.Struct, frozen=True):
    """Who sends, and the places that get each of its frames."""

    sender: int
    readers: Sequence[int]


class Crowd(msgspec.Struct, frozen=True):
    """Connections by their number, and who among them speaks."""

    places: Sequence[Place]
    talks: Sequence[Said]

    @property
    def users(self) -> int:
        """How many users there are."""
        return 1 + max(each.user for each in self.places)

    @property
    def rooms(self) -> list[str]:
        """Return the names of all rooms."""
        return list(dict.fromkeys(each.room for each in self.places))


def pairs(connections: int, seed: int) -> Crowd:
    """Have half of the connections send, each to one other of its room."""
    number = 2 * max(1, connections // 2)
    places = [Place(f"pairs{at // ROOM}", f"p{at}", at // HALL) for at in range(number)]
    talks = []
    for start in range(0, number, ROOM):
        room = list(range(start, min(number, start + ROOM)))
        random.Random(seed + start).shuffle(room)  # noqa: S311 - repeats, by the seed
        talks += [Said(room[at], room[at + 1 : at + 2]) for at in range(0, len(room), 2)]
    return Crowd(places, talks)


def halls(connections: int, _seed: int) -> Crowd:
    """Have one of each room send to all others of it, who are one user's sockets."""
    places: list[Place] = []
    talks: list[Said] = []
    for hall in range(connections // (HALL + 1)):
        first = len(places)
        room = f"halls{hall}"
        places.append(Place(room, f"h{first}", 0))
        places += [Place(room, f"h{first + at}", hall + 1) for at in range(1, HALL + 1)]
        talks.append(Said(first, range(first + 1, first + HALL + 1)))
    return Crowd(places, talks)


def frame(**fields: object) -> str:
    """Make what a client sends, to the byte as long as all are."""
    body = {"type": "ice_candidate", **fields, "candidate": MARK.decode() + "0" * DIGITS}
    short = json.dumps(body, separators=(",", ":"))
    return short[:-2] + "-" * (FRAME - len(short)) + short[-2:]

"""What an operator sees of a queue on Redis and does with it; long lists go piece by piece."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from meeting.kernel.lane import Lane
from meeting.kernel.letter import Letter, Unreadable
from meeting.kernel.queue import Depth, Place, Seen
from meeting.transports.queue import scripts
from meeting.transports.queue.message import BARE, LISTS, lane, opened
from meeting.transports.redis.connection import Connection

WAITING = tuple(f":{name}" if name else "" for name in LISTS)
"""Ends of the keys of the lists."""
DEAD = ":dlq"
PIECE = 16
"""Messages looked at in one step, at first; more while they are short."""
LONGEST_PIECE = 1024
ENOUGH = 2**20
"""Bytes in one step, about."""
WIDTH = 6
"""Of each task: id, list, owner, ms, progress, message."""


class _Named(msgspec.Struct):
    id: str = ""


async def depth(connection: Connection, queue: str) -> Depth:
    """Count what is where."""
    low, normal, high, critical, bare, held, delayed, dead, oldest = await connection.run(
        scripts.DEPTH, [queue]
    )
    waiting = {
        Lane.LOW: low,
        Lane.NORMAL: normal + bare,
        Lane.HIGH: high,
        Lane.CRITICAL: critical,
    }
    return Depth(waiting=waiting, held=held, delayed=delayed, dead=dead, oldest=oldest / 1000)


async def page(
    connection: Connection, queue: str, place: Place, offset: int, limit: int
) -> Sequence[Seen]:
    """Return tasks of one place, first those whose turn is next."""
    found = await connection.run(scripts.LIST, [queue], place, offset, limit)
    rows = (found[i : i + WIDTH] for i in range(0, len(found), WIDTH))
    return [_seen(place, row) for row in rows]


async def find(connection: Connection, queue: str, task_id: str) -> Seen | None:
    """Return a task, wherever in its queue it is."""
    if found := await connection.run(scripts.FIND, [queue], task_id):
        place, *row = found
        return _seen(Place(place.decode()), [task_id.encode(), *row])
    for number, name in enumerate(WAITING):
        raw = await seek(connection, queue, task_id, [name])
        if raw is not None:
            return _seen(Place.WAITING, [b"", number, b"", b"0", b"0", raw])
    raw = await seek(connection, queue, task_id, [DEAD])
    return None if raw is None else _seen(Place.DEAD, [b"", -1, b"", b"0", b"0", raw])


async def seek(
    connection: Connection,
    queue: str,
    task_id: str,
    names: Sequence[str],
    *,
    remove: bool = False,
) -> bytes | None:
    """Look through lists for a message, and take it out if told to; None where it is not."""
    for name in names:
        skip, piece = 0, PIECE
        while True:
            looked, size, *found = await connection.run(
                scripts.SEEK, [queue], task_id, name, skip, piece, int(remove)
            )
            if found:
                raw: bytes = found[0]
                return raw
            if looked < piece:
                break
            skip += looked
            piece = min(piece * 2, LONGEST_PIECE) if size < ENOUGH else max(piece // 2, 1)
    return None


async def requeue(connection: Connection, queue: str, task_id: str) -> int:
    """Give dead letters new attempts, all or one; what can't be read stays."""
    if task_id:
        raw = await seek(connection, queue, task_id, [DEAD])
        return 0 if raw is None else await _revive(connection, queue, [raw])
    left, kept, revived = int(await connection.command("LLEN", queue + DEAD)), 0, 0
    while left > 0:
        found = await connection.command("LRANGE", queue + DEAD, kept, kept + PIECE - 1)
        if not found:
            break
        done = await _revive(connection, queue, found)
        revived += done
        kept += len(found) - done
        left -= len(found)
    return revived


async def purge(connection: Connection, queue: str, place: Place) -> int:
    """Throw away what waits, is delayed or is dead; how many."""
    if place is Place.HELD:
        return 0
    seen = await depth(connection, queue)
    left = sum(seen.waiting.values()) + seen.delayed + seen.dead
    gone = 0
    while left > 0:
        some: int = await connection.run(scripts.PURGE, [queue], place, PIECE)
        gone += some
        left -= some
        if some < PIECE or place is Place.DEAD:
            break
    return gone


async def _revive(connection: Connection, queue: str, dead: Sequence[bytes]) -> int:
    values: list[str | bytes | int] = []
    for raw, letter in _readable(dead):
        values += (raw, letter.id, int(letter.lane), letter.revived().write())
    done: int = await connection.run(scripts.REVIVE, [queue], *values) if values else 0
    return done


def _readable(dead: Sequence[bytes]) -> Iterator[tuple[bytes, Letter]]:
    for raw in dead:
        with suppress(Unreadable):
            yield raw, opened(raw)


def _seen(place: Place, row: Sequence[Any]) -> Seen:
    task_id, number, owner, ms, progress, raw = row
    known = None if place is Place.DEAD or number not in range(BARE + 1) else lane(number)
    return Seen(
        id=task_id.decode(errors="replace") or _id(raw),
        place=place,
        lane=known,
        body=raw,
        owner=owner.decode(errors="replace"),
        until=float(ms) / 1000,
        progress=float(progress),
    )


def _id(raw: bytes) -> str:
    try:
        return msgspec.json.decode(raw, type=_Named).id
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""

"""What a take brings: tasks at hand, and what is only to be laid with the dead."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from meeting.kernel.letter import LAPSED, SPENT, Held, Letter, Unreadable, unread
from meeting.transports.queue.message import lane, opened

ODD = {
    b"twice": "another task with its id is at hand",
    b"unreadable": "the server can't read it",
    b"lapsed": LAPSED,
}
WIDTH = 5
"""Of each task: id, list, lapses, odd, message."""


class Corpse(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is held only to be laid with the dead."""

    id: bytes
    """Of its hold; nobody has looked at it."""
    fence: int
    task_id: str = ""
    """Of the task that may have had its effect; empty where there is none to be read."""
    error: str
    key: str = ""
    type: str = ""
    body: bytes
    """What lies with the dead in its place."""


def taken(queue: str, owner: str, found: Sequence[Any], now: datetime) -> Iterator[Held | Corpse]:
    """Read what the script `take` returned behind the number of messages."""
    fence, seconds = int(found[0]), int(found[1])
    for i in range(2, len(found), WIDTH):
        task_id, place, lapses, odd, raw = found[i : i + WIDTH]
        try:
            letter = opened(raw)
        except Unreadable as error:
            body = unread(raw, str(error))
            yield Corpse(id=task_id, fence=fence, error=str(error), body=body)
            continue
        if lapses:
            letter = _lapsed(letter, int(lapses), seconds)
        if said := _hopeless(letter, odd, int(lapses)):
            yield Corpse(
                id=task_id,
                fence=fence,
                task_id="" if odd == b"twice" else letter.id,
                error=said,
                key=letter.key,
                type=letter.type,
                body=letter.buried(said, now).write(),
            )
            continue
        if letter.processing_start_time != seconds:
            letter = msgspec.structs.replace(letter, processing_start_time=seconds)
        yield Held(queue=queue, lane=lane(place), letter=letter, owner=owner, fence=fence)


def _hopeless(letter: Letter, odd: bytes, lapses: int) -> str:
    """Say why a task is not to be given out; empty where it is."""
    if odd:
        return ODD[odd]
    if letter.spent:
        return LAPSED if lapses else SPENT
    return ""


def _lapsed(letter: Letter, lapses: int, at: float) -> Letter:
    """Count holds that were over; they stand beside the message until it is written anew."""
    for _ in range(min(lapses, letter.max_retries + 1)):
        letter = letter.failed(LAPSED, at)
    return letter

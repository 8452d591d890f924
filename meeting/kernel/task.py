"""Tasks as typed structs: what a domain asks to be done later, once."""

from typing import ClassVar, Self

import msgspec

from meeting.kernel.lane import Lane
from meeting.kernel.letter import Letter


class Task(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of all tasks: a subclass names its `TYPE` and `QUEUE`, its fields are the payload."""

    TYPE: ClassVar[str]
    QUEUE: ClassVar[str]
    LANE: ClassVar[Lane] = Lane.NORMAL

    @classmethod
    def read(cls, letter: Letter) -> Self:
        """Take the task out of a letter; `msgspec.ValidationError` where it is none."""
        return msgspec.convert(letter.payload, type=cls, strict=False)

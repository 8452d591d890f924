"""What an audio stream is, as its first chunk says, and the part of it that is gathered now."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from meeting.domains.ai.api import SPEECH, Chunk
from meeting.domains.ai.clip import About, Clip, check_start, checked
from meeting.domains.ai.content import AUDIO_BYTES, AUDIO_SECONDS, check_bytes
from meeting.domains.ai.request import meeting_named, tasks_named
from meeting.kernel.errors import Fault, invalid

RATE = 48_000
FIXED = ("sample_rate", "channels", "language", "user_id")
"""With format, tasks and meeting: what a later chunk repeats, or says nothing of."""


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """What a stream is."""

    first: Chunk
    names: Mapping[str, str]
    """The task behind each name as it was sent."""
    about: About
    received: datetime

    @classmethod
    def of(cls, first: Chunk, received: datetime) -> "Opening":
        """Read what the first chunk says of the stream."""
        about = About(
            meeting_id=meeting_named(first.meeting_id, first.room_id),
            user_id=first.user_id,
            format=first.format.strip().lower() or "pcm",
            sample_rate=first.sample_rate or RATE,
            channels=first.channels or 1,
            language=first.language,
            started_at=first.started_at,
        )
        checked(about, received)
        return cls(
            first=first, names=tasks_named(first.tasks, [SPEECH]), about=about, received=received
        )

    @property
    def frame(self) -> int:
        """Return how many bytes one moment takes; of what has a header of its own, 1."""
        return 2 * self.about.channels if self.about.format == "pcm" else 1

    def millis(self, size: int) -> int:
        """Return how long so many bytes are; 0 where only a decoder can tell."""
        if self.about.format != "pcm":
            return 0
        return size * 1000 // (self.frame * self.about.sample_rate)

    def check(self, chunk: Chunk, most: int) -> None:
        """Refuse a chunk that is too big, cut within a sample, or of another stream."""
        check_bytes("data", chunk.data, most)
        if len(chunk.data) % self.frame:
            raise invalid("data", f"must be whole frames of {self.frame} bytes")
        if chunk is self.first:
            return
        said = {field: getattr(chunk, field) for field in FIXED}
        if chunk.format:
            said["format"] = chunk.format.strip().lower()
        if chunk.meeting_id or chunk.room_id:
            said["meeting_id"] = meeting_named(chunk.meeting_id, chunk.room_id)
        for field, value in said.items():
            if value and value != getattr(self.about, field):
                raise fixed(field)
        if chunk.tasks and tasks_named(chunk.tasks, ()) != self.names:
            raise fixed("tasks")


def fixed(field: str) -> Fault:
    """Say that a later chunk may not change what the first one said."""
    return invalid(field, "is fixed by the first chunk; leave it out, or open another stream")


class Segment:
    """A part of a stream without a gap, which becomes one result."""

    def __init__(self, opening: Opening, number: int, start_ms: int) -> None:
        self.number = number
        self.start_ms = start_ms
        self.sequence = 0
        """Of the last chunk."""
        self.size = 0
        self._opening = opening
        self._parts: list[bytes] = []
        self._started: datetime | None = None
        self._received = opening.received

    def add(self, chunk: Chunk, received: datetime) -> None:
        """Take a chunk in; a segment is no longer than a recording."""
        self.sequence = chunk.sequence
        if not chunk.data:
            return
        size = self.size + len(chunk.data)
        if size > AUDIO_BYTES or self._opening.millis(size) > 1000 * AUDIO_SECONDS:
            raise invalid(
                "data",
                f"may be {AUDIO_SECONDS} s and {AUDIO_BYTES} bytes until is_final; open another",
            )
        if not self._parts:
            self._started = self._begins(chunk, received)
        self._parts.append(chunk.data)
        self.size, self._received = size, received

    def _begins(self, chunk: Chunk, received: datetime) -> datetime | None:
        """Return when a chunk begins: as it says, as the stream says, or by when it came."""
        opening = self._opening
        if chunk.started_at is not None:
            check_start(chunk.started_at, received)
            return chunk.started_at
        if opening.about.started_at is not None:
            return opening.about.started_at + (received - opening.received)
        length = opening.millis(len(chunk.data))
        return received - timedelta(milliseconds=length) if length else None

    @property
    def received(self) -> datetime:
        """Return when the last of it came."""
        return self._received

    def clip(self) -> Clip:
        """Return what was gathered."""
        about = msgspec.structs.asdict(self._opening.about) | {"started_at": self._started}
        return Clip(data=b"".join(self._parts), segment=self.number, **about)

    def after(self, duration_ms: int) -> "Segment":
        """Return the next one, after this one was heard to be so long."""
        spent = self._opening.millis(self.size) or duration_ms
        return Segment(self._opening, self.number + bool(self.size), self.start_ms + spent)

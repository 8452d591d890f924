"""Audio that is to be recognised, and what can be told of it before anybody decodes it."""

from datetime import UTC, datetime, timedelta

import msgspec

from meeting.domains.ai.content import AUDIO_BYTES, check_bytes, check_sound, sound_format
from meeting.domains.ai.model import language_named
from meeting.kernel.errors import invalid

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What is said about audio that is to be recognised."""

    meeting_id: int
    user_id: int = 0
    format: str = "pcm"
    sample_rate: int = 16_000
    channels: int = 1
    language: str = ""
    started_at: datetime | None = None


class Recording(About, frozen=True, kw_only=True):
    """What a client wants to have recognised, as it was sent."""

    audio_data: str
    """Base64."""


class Clip(About, frozen=True, kw_only=True):
    """The same as bytes."""

    data: bytes
    segment: int = 0
    """Which part of a stream it is."""


def checked(about: About, received: datetime) -> None:
    """Check what is said about audio, before anybody looks at it."""
    sound_format(about.format, about.sample_rate, about.channels)
    language_named(about.language)
    check_start(about.started_at, received)


def check_clip(clip: Clip) -> None:
    """Check audio as far as that can be done without decoding it."""
    if not clip.data:
        raise invalid("audio_data", "must not be empty")
    check_bytes("audio_data", clip.data, AUDIO_BYTES)
    check_sound(clip.data, clip.format.strip().lower(), clip.sample_rate, clip.channels)


def check_start(started_at: datetime | None, received: datetime) -> None:
    """Refuse a start that no clock near ours can have shown."""
    if started_at is None:
        return
    if started_at.tzinfo is None:
        raise invalid("started_at", "must be RFC 3339 with a zone")
    if not EARLIEST <= started_at <= received + timedelta(days=1):
        raise invalid("started_at", "must be a moment since 2000 and not in the future")

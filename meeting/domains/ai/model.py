"""Tasks and results of analysis as values, with the rules on them."""

import re
from datetime import datetime
from typing import Annotated, Any

import msgspec

from meeting.kernel.errors import invalid

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,4}")

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Millis = Annotated[int, msgspec.Meta(ge=0, le=2**31)]


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of speech and its place in the audio."""

    start_ms: Millis
    end_ms: Millis
    text: str


class Speech(msgspec.Struct, frozen=True, kw_only=True):
    """What was said, by which model; nothing heard is an empty text with confidence 0.

    Every field is required and checked, so that a result that lacks one is no result.
    """

    text: str
    confidence: Share
    language: Annotated[str, msgspec.Meta(max_length=64)]
    duration_ms: Millis
    segments: list[Segment]
    model: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    model_sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    latency_ms: Millis


class Analysis(msgspec.Struct, frozen=True, kw_only=True):
    """A result as the AI domain keeps it; the key is (meeting, task, type, segment)."""

    task_id: str
    meeting_id: int
    user_id: int
    """Whose speech or face it is."""
    analysis_type: str
    segment: int = 0
    status: str = "ok"
    result: dict[str, Any]
    confidence: float
    model: str
    model_sha256: str
    created_at: datetime


def language_named(tag: str) -> str:
    """Return a language tag as given (BCP-47 or ISO 639); empty means: detect it."""
    if tag and not _LANGUAGE.fullmatch(tag):
        raise invalid("language", "must be a language tag such as en or zh-CN, or absent")
    return tag

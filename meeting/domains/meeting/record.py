"""What was said in a meeting and found in it, as values, and which text counts."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

import msgspec

from meeting.domains.ai.api import SPEECH
from meeting.domains.ai.events import SpeechCompleted

TRANSCRIPTS = "meeting_transcripts"
ANALYSES = "ai_analysis_results"

Source = Literal["best", "live", "offline"]


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One passage of a transcript."""

    meeting_id: int
    task_id: str
    segment: int
    user_id: int
    username: str
    text: str
    language: str
    confidence: float
    started_at: datetime
    ended_at: datetime
    source: Literal["live", "offline"]
    model: str
    model_sha256: str


class Analysis(msgspec.Struct, frozen=True, kw_only=True):
    """One result of the AI domain, whole."""

    meeting_id: int
    task_id: str
    segment: int
    user_id: int
    analysis_type: str
    status: str = "ok"
    result: dict[str, Any]
    confidence: float
    created_at: datetime
    model: str
    model_sha256: str


def result_key(meeting_id: int, task_id: str, analysis_type: str, segment: int) -> str:
    """Name a result, so that it is stored once however often it arrives."""
    return f"{meeting_id}:{task_id}:{analysis_type}:{segment}"


def line_of(event: SpeechCompleted, username: str) -> Line:
    """Take the passage out of the event."""
    return Line(
        meeting_id=event.meeting_id,
        task_id=event.task_id,
        segment=event.segment,
        user_id=event.user_id,
        username=username,
        text=event.text,
        language=event.language,
        confidence=event.confidence,
        started_at=event.started_at,
        ended_at=event.ended_at,
        source=event.source,
        model=event.model,
        model_sha256=event.model_sha256,
    )


def analysis_of(event: SpeechCompleted) -> Analysis:
    """Take the result out of the event, in the shape that a client sees."""
    return Analysis(
        meeting_id=event.meeting_id,
        task_id=event.task_id,
        segment=event.segment,
        user_id=event.user_id,
        analysis_type=SPEECH,
        result={
            "text": event.text,
            "confidence": event.confidence,
            "language": event.language,
            "duration_ms": event.duration,
            "segments": event.segments,
            "model": event.model,
            "model_sha256": event.model_sha256,
            "latency_ms": event.latency,
        },
        confidence=event.confidence,
        created_at=event.timestamp,
        model=event.model,
        model_sha256=event.model_sha256,
    )


def best(live: Iterable[Line], offline: Iterable[Line]) -> list[Line]:
    """Let offline text replace the live text of the same user and span; by time, then by key."""
    kept = sorted(offline, key=_place)
    spans: dict[int, list[tuple[datetime, datetime]]] = defaultdict(list)
    for line in kept:
        own = spans[line.user_id]
        if own and line.started_at <= own[-1][1]:
            own[-1] = (own[-1][0], max(own[-1][1], line.ended_at))
        else:
            own.append((line.started_at, line.ended_at))
    kept.extend(line for line in live if not _covered(line, spans[line.user_id]))
    return sorted(kept, key=_place)


def _covered(line: Line, spans: list[tuple[datetime, datetime]]) -> bool:
    """Tell whether a span (sorted, apart from each other) overlaps the line."""
    after = bisect_left(spans, line.ended_at, key=lambda span: span[0])
    return after > 0 and spans[after - 1][1] > line.started_at


def _place(line: Line) -> tuple[datetime, str]:
    return line.started_at, result_key(line.meeting_id, line.task_id, SPEECH, line.segment)

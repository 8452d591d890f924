"""What the AI domain announces: results with content, never errors or empty ones."""

from typing import ClassVar, Literal

from meeting.kernel.clock import At
from meeting.kernel.message import Event

TOPIC = "ai_events"


class SpeechCompleted(Event, frozen=True, kw_only=True):
    """Speech was recognised; its result key is meeting, task, analysis type and segment."""

    TYPE: ClassVar[str] = "speech_recognition.completed"
    TOPIC: ClassVar[str] = TOPIC
    task_id: str
    meeting_id: int
    user_id: int
    text: str
    confidence: float
    language: str
    duration: int
    """Milliseconds of audio."""
    timestamp: At
    latency: int
    started_at: At
    ended_at: At
    segments: list[dict[str, object]]
    segment: int = 0
    source: Literal["live", "offline"] = "live"
    model: str
    model_sha256: str

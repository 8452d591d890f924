"""What other domains may ask the AI domain, and the types of analysis by all their names.

A number that is 0, a text that is empty and a list without entries stand for what is not said,
since a wire knows no other way. A meeting is named by `meeting_id`, by `room_id`, or by both.
"""

from datetime import datetime
from typing import Protocol

import msgspec

from meeting.kernel.call import Call
from meeting.kernel.errors import invalid

SPEECH = "speech_recognition"
EMOTION = "emotion_detection"
DEEPFAKE = "deepfake_detection"
SYNTHESIS = "synthesis_detection"
REPORT = "meeting_report"

ALIASES = {"asr": SPEECH, "emotion": EMOTION, "deepfake": DEEPFAKE, "synthesis": SYNTHESIS}
TASKS = (SPEECH, EMOTION, DEEPFAKE, SYNTHESIS)


NEWEST = 500
"""Results of a meeting that one call returns at most."""


class AudioRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A recording to be analysed."""

    audio_data: bytes
    format: str = ""
    """pcm (s16le), wav, flac, mp3, ogg, opus, webm, m4a or aac; empty: pcm."""
    sample_rate: int = 0
    """Of `pcm`; 0: 16000."""
    channels: int = 0
    """Of `pcm`; 0: 1."""
    room_id: str = ""
    user_id: int = 0
    """Who speaks; 0: the caller."""
    tasks: list[str] = []
    """By any of their names; empty: speech."""
    duration: int = 0
    """Milliseconds, by the sender's word; what is in the audio counts."""
    meeting_id: int = 0
    language: str = ""
    """A language tag; empty: it is detected."""
    started_at: datetime | None = None
    """None: by its length before it came in."""


class FrameRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A picture to be analysed."""

    frame_data: bytes
    format: str = ""
    """jpeg, png, webp or rgb24; empty: jpeg."""
    width: int = 0
    """Of `rgb24`, in pixels, as the height."""
    height: int = 0
    room_id: str = ""
    user_id: int = 0
    """Whose face it is; 0: the caller's."""
    tasks: list[str] = []
    """By any of their names; empty: emotion and deepfake."""
    fps: int = 0
    meeting_id: int = 0


class AiResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one task found."""

    result_type: str
    result_data: str
    """JSON of an object: the task's shape, or `{"status": "unavailable" or "error", "reason"}`."""
    confidence: float = 0.0
    created_at: datetime | None = None
    task_id: str = ""
    user_id: int = 0
    model: str = ""


class FrameAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the tasks on a picture found, by their names as they were sent."""

    task_id: str
    status: str
    """ok, partial (some failed) or error (all failed)."""
    error: str = ""
    """What failed and why; empty where nothing did."""
    results: dict[str, AiResult]


class AudioAnswer(FrameAnswer, frozen=True, kw_only=True):
    """What the tasks on a recording found."""

    text: str = ""
    """What was said."""
    confidence: float = 0.0


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """A task with all its results, or the newest results of a meeting."""

    task_id: str = ""
    """Empty for a meeting, as the fields up to `created_at` are then."""
    status: str = ""
    """pending, running, ok, partial, error or cancelled."""
    result_type: str = ""
    result_data: str = ""
    confidence: float = 0.0
    created_at: datetime | None = None
    results: list[AiResult]


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of an audio stream; the first one says what the whole stream is."""

    data: bytes = b""
    sequence: int = 0
    stream_id: str = ""
    user_id: int = 0
    room_id: str = ""
    format: str = ""
    sample_rate: int = 0
    """Of `pcm`; 0: 48000."""
    channels: int = 0
    tasks: list[str] = []
    is_final: bool = False
    meeting_id: int = 0
    language: str = ""
    started_at: datetime | None = None
    """When this piece begins; None: by its length before it came in."""


class VideoChunk(msgspec.Struct, frozen=True, kw_only=True):
    """A picture of a video stream."""

    data: bytes = b""
    sequence: int = 0
    stream_id: str = ""
    user_id: int = 0
    room_id: str = ""
    format: str = ""
    width: int = 0
    height: int = 0
    fps: int = 0
    tasks: list[str] = []
    is_final: bool = False
    meeting_id: int = 0


class StreamResult(msgspec.Struct, frozen=True, kw_only=True):
    """What was found in a stream so far, or a gap in it."""

    stream_id: str
    """As the first chunk named it."""
    sequence: int
    """Of the chunk that completed the result."""
    result_type: str
    """A task as it was sent, or `gap`, whose data is {expected, got}."""
    result_data: str
    """JSON of an object; speech adds {segment, start_ms, end_ms, stable_chars} to its shape."""
    confidence: float = 0.0
    is_final: bool = False
    timestamp: datetime


def analysis_named(name: str) -> str:
    """Return the type of analysis behind a name or alias, trimmed and in any case."""
    wanted = name.strip().lower()
    found = ALIASES.get(wanted, wanted)
    if found not in (*TASKS, REPORT):
        raise invalid("type", "must be one of " + ", ".join((*TASKS, REPORT, *ALIASES)))
    return found


class AiApi(Protocol):
    """The calls that a user or a service can make, in this process or over a wire.

    A service acts for the user that it names, and is refused for no membership.
    """

    async def process_audio_data(self, call: Call, request: AudioRequest) -> AudioAnswer:
        """Have a recording analysed; each name in `tasks` has a result under it.

        One task alone that fails raises its fault: `ai_unavailable`, `ai_failed`, `validation` …
        """
        ...

    async def process_video_frame(self, call: Call, request: FrameRequest) -> FrameAnswer:
        """Have a picture analysed, likewise."""
        ...

    async def get_ai_analysis(self, call: Call, task_id: str = "", meeting_id: int = 0) -> Findings:
        """Return a task with its results, or the newest results of a meeting; for its members.

        Both may be given where they agree. `not_found`, `meeting_not_found`, `forbidden`.
        """
        ...

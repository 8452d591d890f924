"""REST of the AI domain: what was said, and what was found out in a meeting."""

from typing import Annotated, Self

import msgspec
from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from meeting.domains.ai.api import DEEPFAKE, EMOTION
from meeting.domains.ai.clip import Recording
from meeting.domains.ai.detection import Detection, Picture
from meeting.domains.ai.history import History
from meeting.domains.ai.model import Segment
from meeting.domains.ai.recognition import Recognised, Recognition
from meeting.kernel.call import Call
from meeting.kernel.clock import At
from meeting.kernel.errors import invalid
from meeting.kernel.ids import meeting_of
from meeting.kernel.page import Page
from meeting.transports.http.analysis import AnalysisView
from meeting.transports.http.envelope import Envelope, Envelopes, Nothing, Paged, paged


class About(msgspec.Struct, kw_only=True):
    """Which meeting a request is about, and whom; `user_id` is the caller unless given."""

    meeting_id: int | None = None
    room_id: str | None = None
    user_id: int | None = None

    @property
    def meeting(self) -> int:
        """Return the meeting, by its id or by its room."""
        named = None if self.room_id is None else meeting_of(self.room_id)
        if self.room_id is not None and named is None:
            raise invalid("room_id", "must be room_<meeting_id>")
        if named is not None and self.meeting_id not in (None, named):
            raise invalid("room_id", "must be the room of meeting_id")
        found = named if self.meeting_id is None else self.meeting_id
        if found is None:
            raise invalid("meeting_id", "is required")
        return found


class SpeechBody(About, kw_only=True):
    """Audio to recognise; rate and channels are those of `pcm` (s16le)."""

    audio_data: str
    format: str = "pcm"
    sample_rate: int = 16_000
    channels: int = 1
    language: str | None = None
    started_at: At | None = None


class PictureBody(About, kw_only=True):
    """A picture to look at."""

    video_frame: str
    format: str = "jpeg"


class SpeechView(msgspec.Struct, frozen=True, kw_only=True):
    """What was said; nothing heard is an empty text with confidence 0."""

    task_id: str
    status: str = "ok"
    text: str
    confidence: float
    language: str
    duration_ms: int
    segments: list[Segment]
    model: str
    model_sha256: str
    latency_ms: int

    @classmethod
    def of(cls, found: Recognised) -> Self:
        """Show a result and the name that it is kept under."""
        return cls(task_id=found.task_id, **msgspec.structs.asdict(found.speech))


def routes(
    recognition: Recognition, detection: Detection, history: History, envelope: Envelopes
) -> list[HTTPRouteHandler]:
    """Make the routes of the AI domain."""

    @post(["/ai/speech-recognition", "/ai/speech/recognition", "/ai/asr"], status_code=200)
    async def recognise(data: SpeechBody, call: Call) -> Envelope[SpeechView]:
        """Recognise speech in pcm, wav, flac, mp3, ogg, opus, webm, m4a or aac."""
        wanted = Recording(
            audio_data=data.audio_data,
            meeting_id=data.meeting,
            user_id=data.user_id or 0,
            format=data.format,
            sample_rate=data.sample_rate,
            channels=data.channels,
            language=data.language or "",
            started_at=data.started_at,
        )
        return envelope(call, SpeechView.of(await recognition.recognise(call, wanted)))

    @post("/ai/emotion-detection", status_code=200)
    async def emotion(data: PictureBody, call: Call) -> Envelope[Nothing]:
        """Read the emotion in a face; unavailable for now."""
        await detection.detect(call, EMOTION, _picture(data))

    @post("/ai/deepfake-detection", status_code=200)
    async def deepfake(data: PictureBody, call: Call) -> Envelope[Nothing]:
        """Tell a swapped face from a real one; unavailable for now."""
        await detection.detect(call, DEEPFAKE, _picture(data))

    @get("/ai/analysis/{meeting_id:int}")
    async def analyses(
        meeting_id: FromPath[int],
        call: Call,
        page: Page,
        kind: Annotated[str, QueryParameter(name="type", description="a task, or its alias")] = "",
    ) -> Envelope[Paged[AnalysisView]]:
        """List what was found out in a meeting, newest first."""
        found = await history.analyses(call, meeting_id, kind, page)
        return envelope(call, paged(found, page, AnalysisView.of))

    return [recognise, emotion, deepfake, analyses]


def _picture(data: PictureBody) -> Picture:
    return Picture(
        video_frame=data.video_frame,
        meeting_id=data.meeting,
        user_id=data.user_id or 0,
        format=data.format,
    )

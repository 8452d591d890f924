"""Keeps results that services hand in, in the documents where those of events lie."""

import math
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from meeting.domains.ai.api import REPORT, SPEECH, analysis_named
from meeting.domains.meeting import rights
from meeting.domains.meeting.api import RESULT_BYTES, AnalysisResult
from meeting.domains.meeting.ports import MeetingUnit
from meeting.domains.meeting.record import ANALYSES, TRANSCRIPTS, Analysis, Line, result_key
from meeting.domains.meeting.report import summary_id
from meeting.domains.meeting.reporting import renew
from meeting.kernel.call import Call
from meeting.kernel.clock import At, Clock
from meeting.kernel.errors import Fault, Kind, invalid
from meeting.kernel.ids import MAX_ID
from meeting.kernel.nesting import MAX_DEPTH, shallow
from meeting.kernel.ports import Document, Documents, Units

NAME = 128
"""Characters that a task_id or a model may have."""
Shape = TypeVar("Shape", bound=msgspec.Struct)
Millis = Annotated[int, Meta(ge=0, le=2**31)]


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """What any result may say of itself."""

    segment: Annotated[int, Meta(ge=0, lt=2**31)] = 0
    model: Annotated[str, Meta(max_length=NAME)] = ""
    model_sha256: Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?\Z")] = ""


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of speech."""

    start_ms: Millis
    end_ms: Millis
    text: str


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What a result of speech has to say, for a transcript to be made of it."""

    text: str
    language: Annotated[str, Meta(max_length=64)] = ""
    duration_ms: Millis = 0
    segments: list[Passage] = []
    source: Literal["live", "offline"] = "live"
    started_at: At | None = None
    """Absent: by its length before it was made."""


class Findings:
    """Takes results in from services; what was kept under a key before is replaced."""

    def __init__(self, *, units: Units[MeetingUnit], documents: Documents, clock: Clock) -> None:
        self._units = units
        self._documents = documents
        self._clock = clock

    async def save(self, call: Call, result: AnalysisResult) -> None:
        """Keep a result, then have the report of a meeting that is over made again with it."""
        call.caller.serves()
        analysis, heard = self._read(result, call.caller.service)
        async with self._units.read() as unit:
            rights.known(await unit.meeting(analysis.meeting_id))
            seat = await unit.seat(analysis.meeting_id, analysis.user_id)
        await self._put(ANALYSES, analysis, analysis.analysis_type, analysis.created_at)
        if heard is not None and heard.text:
            await self._transcribe(_line(analysis, heard, seat.username if seat else ""))
        async with self._units.write() as unit:
            await renew(unit, analysis.meeting_id)

    def _read(self, result: AnalysisResult, service: str) -> tuple[Analysis, Heard | None]:
        """Check a result as far as it is read again; the rest is kept as it is."""
        kind = analysis_named(result.analysis_type)
        if not 1 <= result.meeting_id <= MAX_ID:
            raise invalid("meeting_id", f"must be 1 to {MAX_ID}")
        if not (kind == REPORT and result.user_id == 0) and not 1 <= result.user_id <= MAX_ID:
            raise invalid("user_id", f"must be 1 to {MAX_ID}")
        if not (math.isfinite(result.confidence) and 0 <= result.confidence <= 1):
            raise invalid("confidence", "must be 0 to 1")
        _plain("model", result.model)
        body = _body(result.result_data)
        named = _shaped(body, Named)
        if kind == REPORT:
            task_id = summary_id(result.meeting_id)
            if result.task_id not in ("", task_id):
                raise invalid("task_id", f"must be {task_id}")
        elif not result.task_id:
            raise invalid("task_id", "is required")
        else:
            task_id = _plain("task_id", result.task_id)
        now = self._clock.now()
        analysis = Analysis(
            meeting_id=result.meeting_id,
            task_id=task_id,
            segment=0 if kind == REPORT else named.segment,
            user_id=result.user_id,
            analysis_type=kind,
            result=body,
            confidence=result.confidence,
            created_at=now if result.created_at is None else min(_moment(result.created_at), now),
            model=result.model or _plain("model", named.model) or f"external:{service}"[:NAME],
            model_sha256=named.model_sha256,
        )
        return analysis, _shaped(body, Heard) if kind == SPEECH else None

    async def _transcribe(self, line: Line) -> None:
        """Keep a passage, unless its event came first, which knows the times better."""
        if await self._documents.get(TRANSCRIPTS, _key(line, SPEECH)) is None:
            await self._put(TRANSCRIPTS, line, line.source, line.started_at)

    async def _put(self, collection: str, body: Analysis | Line, kind: str, at: datetime) -> None:
        about = body.analysis_type if isinstance(body, Analysis) else SPEECH
        await self._documents.put(
            collection,
            Document(
                key=_key(body, about),
                meeting_id=body.meeting_id,
                user_id=body.user_id,
                kind=kind,
                at=at,
                body=msgspec.to_builtins(body),
            ),
        )


def _key(body: Analysis | Line, about: str) -> str:
    return result_key(body.meeting_id, body.task_id, about, body.segment)


def _line(analysis: Analysis, heard: Heard, username: str) -> Line:
    length = timedelta(milliseconds=heard.duration_ms)
    started = heard.started_at or analysis.created_at - length
    return Line(
        meeting_id=analysis.meeting_id,
        task_id=analysis.task_id,
        segment=analysis.segment,
        user_id=analysis.user_id,
        username=username,
        text=heard.text,
        language=heard.language,
        confidence=analysis.confidence,
        started_at=_moment(started),
        ended_at=_moment(started) + length,
        source=heard.source,
        model=analysis.model,
        model_sha256=analysis.model_sha256,
    )


def _body(text: str) -> dict[str, Any]:
    """Read what came as JSON."""
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > RESULT_BYTES:
        raise Fault(
            Kind.TOO_LARGE,
            "result_data: may have {most} bytes",
            details={"limit": RESULT_BYTES},
            most=RESULT_BYTES,
        )
    if not shallow(data):
        raise invalid("result_data", f"may be {MAX_DEPTH} levels deep")
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise invalid("result_data", "must be a JSON object") from error


def _shaped(body: dict[str, Any], shape: type[Shape]) -> Shape:
    try:
        return msgspec.convert(body, type=shape)
    except msgspec.ValidationError as error:
        raise invalid("result_data", str(error)[:200]) from error


def _plain(field: str, text: str) -> str:
    if len(text) > NAME or not text.isprintable():
        raise invalid(field, f"must have at most {NAME} characters, none of them unseen")
    return text


def _moment(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except (OverflowError, ValueError):
        raise invalid("created_at", "must lie in the years 1 to 9999") from None

"""Speech to text: one recording in, one result that is kept and announced, or a clear error."""

import hashlib
from datetime import datetime, timedelta

import msgspec
import structlog

from meeting.domains.ai.admission import Admission
from meeting.domains.ai.api import SPEECH
from meeting.domains.ai.clip import About, Clip, Recording, check_clip, checked
from meeting.domains.ai.content import AUDIO_BYTES, AUDIO_SECONDS, Sound, check_length, decode
from meeting.domains.ai.events import SpeechCompleted
from meeting.domains.ai.model import Analysis, Speech
from meeting.domains.ai.ports import AiUnit, Decoder, Engine
from meeting.domains.ai.slots import Slots
from meeting.kernel.call import Call
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind, invalid
from meeting.kernel.ids import Ids
from meeting.kernel.ports import Units

log = structlog.get_logger(__name__)

DECODED_RATE = 16_000


class Recognised(msgspec.Struct, frozen=True, kw_only=True):
    """A result and the name it is kept under."""

    task_id: str
    speech: Speech


class Recognition:
    """Has speech recognised for those who are in a meeting."""

    def __init__(
        self,
        *,
        units: Units[AiUnit],
        admission: Admission,
        engine: Engine,
        decoder: Decoder,
        slots: Slots,
        clock: Clock,
        ids: Ids,
        longest: float = 120.0,
    ) -> None:
        self._units = units
        self._admission = admission
        self._engine = engine
        self._decoder = decoder
        self._slots = slots
        self._clock = clock
        self._ids = ids
        self._longest = longest
        """Seconds for one recognition; infinite where a person at a debugger is waited for."""

    async def recognise(self, call: Call, wanted: Recording) -> Recognised:
        """Recognise, keep and announce; the same `call.key` and content again changes nothing."""
        received = self._clock.now()
        checked(wanted, received)
        data = await decode("audio_data", wanted.audio_data, AUDIO_BYTES)
        about = {name: getattr(wanted, name) for name in About.__struct_fields__}
        clip = Clip(data=data, **about)
        check_clip(clip)
        subject = await self._admission.analyse(call, wanted.meeting_id, wanted.user_id)
        task_id = self._task_id(call, wanted, data)
        if call.key and (kept := await self._kept(task_id)) is not None:
            return kept
        return await self.hear(call, clip, subject, task_id, received)

    async def hear(
        self, call: Call, clip: Clip, subject: int, task_id: str, received: datetime
    ) -> Recognised:
        """Recognise, keep and announce what was checked, of a user who was admitted.

        Cancelled, it leaves its turn, and the engine the work.
        """
        deadline = min(call.deadline, self._clock.monotonic() + self._longest)
        async with self._slots.slot():
            log.info("speech begins", task_id=task_id, meeting_id=clip.meeting_id)
            sound = await self._samples(clip, deadline)
            speech = await self._infer(sound, clip.language, deadline)
        return await self._keep(task_id, subject, clip, received, speech)

    async def _samples(self, clip: Clip, deadline: float) -> Sound:
        form = clip.format.strip().lower()
        if form == "wav":
            return Sound(data=clip.data, format="wav")
        if form == "pcm":
            return Sound(
                data=clip.data,
                format="pcm",
                sample_rate=clip.sample_rate,
                channels=clip.channels,
            )
        samples = await self._decoder.decode(
            clip.data, form, seconds=AUDIO_SECONDS, deadline=deadline
        )
        check_length(len(samples) // 2, DECODED_RATE)
        return Sound(data=samples, format="pcm", sample_rate=DECODED_RATE)

    async def _infer(self, sound: Sound, language: str, deadline: float) -> Speech:
        params: dict[str, str] = {"format": sound.format}
        if sound.format == "pcm":
            params |= {"sample_rate": str(sound.sample_rate), "channels": str(sound.channels)}
        if language:
            params["language"] = language
        try:
            result = await self._engine.infer(SPEECH, sound.data, params, deadline)
            return msgspec.convert(result, type=Speech)
        except msgspec.ValidationError as error:
            log.error("result refused", task=SPEECH, reason=str(error))  # noqa: TRY400 - no traceback for a bad answer
            raise Fault(Kind.AI_FAILED, "the engine gave no proper result") from error
        except Fault as fault:
            if reason := fault.details.get("input_data"):  # the engine's name for it, not ours
                raise invalid("audio_data", reason) from fault
            raise

    async def _kept(self, task_id: str, segment: int = 0) -> Recognised | None:
        async with self._units.read() as unit:
            analysis = await unit.get(task_id, SPEECH, segment)
        if analysis is None:
            return None
        return Recognised(task_id=task_id, speech=msgspec.convert(analysis.result, type=Speech))

    async def _keep(
        self, task_id: str, subject: int, clip: Clip, received: datetime, speech: Speech
    ) -> Recognised:
        length = timedelta(milliseconds=speech.duration_ms)
        started = clip.started_at or received - length
        analysis = Analysis(
            task_id=task_id,
            meeting_id=clip.meeting_id,
            user_id=subject,
            analysis_type=SPEECH,
            segment=clip.segment,
            result=msgspec.to_builtins(speech),
            confidence=speech.confidence,
            model=speech.model,
            model_sha256=speech.model_sha256,
            created_at=self._clock.now(),
        )
        async with self._units.write() as unit:
            added = await unit.add(analysis)
            if added and speech.text:
                unit.append(
                    SpeechCompleted(
                        task_id=task_id,
                        meeting_id=clip.meeting_id,
                        user_id=subject,
                        text=speech.text,
                        confidence=speech.confidence,
                        language=speech.language,
                        duration=speech.duration_ms,
                        timestamp=analysis.created_at,
                        latency=speech.latency_ms,
                        started_at=started,
                        ended_at=started + length,
                        segments=msgspec.to_builtins(speech.segments),
                        segment=clip.segment,
                        model=speech.model,
                        model_sha256=speech.model_sha256,
                    )
                )
        if not added and (kept := await self._kept(task_id, clip.segment)) is not None:
            return kept  # the same request came twice at once: both get the one that is kept
        log.info(
            "speech recognised",
            task_id=task_id,
            meeting_id=clip.meeting_id,
            user_id=subject,
            duration_ms=speech.duration_ms,
            latency_ms=speech.latency_ms,
        )
        return Recognised(task_id=task_id, speech=speech)

    def _task_id(self, call: Call, wanted: Recording, data: bytes) -> str:
        """Name the task; with a key so that a retry after a crash finds what was kept."""
        if not call.key:
            return self._ids.new("ai_")
        caller = call.caller
        about = (
            f"{caller.user_id}\0{caller.service}\0{call.key}\0{wanted.meeting_id}"
            f"\0{wanted.user_id}\0{wanted.format}\0{wanted.sample_rate}\0{wanted.channels}"
            f"\0{wanted.language}\0{wanted.started_at}\0"
        )
        digest = hashlib.sha256(about.encode("utf-8", "surrogatepass"))
        digest.update(hashlib.sha256(data).digest())
        return "ai_" + digest.hexdigest()[:32]

"""The AI domain as other domains see it: satisfies `AiApi`."""

from collections.abc import Mapping, Sequence

import msgspec

from meeting.domains.ai.admission import Admission
from meeting.domains.ai.api import (
    NEWEST,
    SPEECH,
    AiResult,
    AudioAnswer,
    AudioRequest,
    Findings,
    FrameAnswer,
    FrameRequest,
)
from meeting.domains.ai.clip import Clip, check_clip, checked
from meeting.domains.ai.content import check_frame
from meeting.domains.ai.model import Analysis
from meeting.domains.ai.ports import AiUnit
from meeting.domains.ai.recognition import Recognition
from meeting.domains.ai.request import (
    FAILURES,
    PICTURES,
    absent,
    deaf,
    failure,
    meeting_named,
    reason,
    tasks_named,
)
from meeting.kernel.call import Call
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind, invalid
from meeting.kernel.ids import Ids
from meeting.kernel.ports import Units

Outcome = AiResult | Fault
ANSWER_BYTES = 16 * 2**20
"""What the results in one answer may hold together; older ones are left out then."""


class AiService:
    """Answers the other domains, users and services alike; each is held to its own rules."""

    def __init__(
        self,
        *,
        units: Units[AiUnit],
        admission: Admission,
        recognition: Recognition,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._units = units
        self._admission = admission
        self._recognition = recognition
        self._clock = clock
        self._ids = ids

    async def process_audio_data(self, call: Call, request: AudioRequest) -> AudioAnswer:
        """Have a recording analysed; a single task that fails is the fault of the call."""
        received = self._clock.now()
        names = tasks_named(request.tasks, [SPEECH])
        clip = Clip(
            data=request.audio_data,
            meeting_id=meeting_named(request.meeting_id, request.room_id),
            user_id=request.user_id,
            format=request.format or "pcm",
            sample_rate=request.sample_rate or 16_000,
            channels=request.channels or 1,
            language=request.language,
            started_at=request.started_at,
        )
        checked(clip, received)
        check_clip(clip)
        subject = await self._admission.analyse(call, clip.meeting_id, clip.user_id)
        task_id = self._ids.new("ai_")
        outcomes: dict[str, Outcome] = {
            task: deaf(task) for task in names.values() if task != SPEECH
        }
        text = ""
        if SPEECH in names.values():
            try:
                heard = await self._recognition.hear(call, clip, subject, task_id, received)
            except Fault as fault:
                if fault.kind not in FAILURES:
                    raise
                outcomes[SPEECH] = fault
            else:
                text = heard.speech.text
                outcomes[SPEECH] = AiResult(
                    result_type=SPEECH,
                    result_data=msgspec.json.encode(heard.speech).decode(),
                    confidence=heard.speech.confidence,
                    model=heard.speech.model,
                )
        answer = self._answer(task_id, subject, names, outcomes)
        spoken = outcomes.get(SPEECH)
        return AudioAnswer(
            **msgspec.structs.asdict(answer),
            text=text,
            confidence=spoken.confidence if isinstance(spoken, AiResult) else 0.0,
        )

    async def process_video_frame(self, call: Call, request: FrameRequest) -> FrameAnswer:
        """Have a picture analysed, for which there is no model yet."""
        names = tasks_named(request.tasks, PICTURES)
        meeting_id = meeting_named(request.meeting_id, request.room_id)
        check_frame(request.frame_data, request.format or "jpeg", request.width, request.height)
        subject = await self._admission.analyse(call, meeting_id, request.user_id)
        outcomes = {task: absent(task) for task in names.values()}
        return self._answer(self._ids.new("ai_"), subject, names, outcomes)

    async def get_ai_analysis(self, call: Call, task_id: str = "", meeting_id: int = 0) -> Findings:
        """Return a task with its results, or the newest results of a meeting."""
        if not task_id:
            if not meeting_id:
                raise invalid("task_id", "or meeting_id is required")
            await self._admission.read(call, meeting_id)
            async with self._units.read() as unit:
                return Findings(results=_results(await unit.newest(meeting_id, NEWEST)))
        async with self._units.read() as unit:
            found = await unit.task(task_id, NEWEST)
        own = [each for each in found if each.meeting_id == (meeting_id or found[0].meeting_id)]
        if not found:
            raise _unknown()
        await self._open(call, (own or found)[0].meeting_id)
        if not own:
            raise invalid("meeting_id", "is not the meeting of task_id; leave one of them out")
        first, results = own[0], _results(own)
        return Findings(
            task_id=task_id,
            status=_status([each.status == "ok" for each in own]),
            result_type=first.analysis_type,
            result_data=results[0].result_data,
            confidence=first.confidence,
            created_at=first.created_at,
            results=results,
        )

    async def _open(self, call: Call, meeting_id: int) -> None:
        """Admit a member to a task; of a meeting that is hidden there is none."""
        try:
            await self._admission.read(call, meeting_id)
        except Fault as fault:
            if fault.kind is Kind.MEETING_NOT_FOUND:
                raise _unknown() from fault
            raise

    def _answer(
        self,
        task_id: str,
        subject: int,
        names: Mapping[str, str],
        outcomes: Mapping[str, Outcome],
    ) -> FrameAnswer:
        """Put outcomes together under the names as they were sent."""
        failed = {task: each for task, each in outcomes.items() if isinstance(each, Fault)}
        if len(outcomes) == 1 and failed:
            raise next(iter(failed.values()))
        now = self._clock.now()
        results = {}
        for name, task in names.items():
            outcome = outcomes[task]
            if isinstance(outcome, Fault):
                outcome = AiResult(result_type=name, result_data=failure(outcome))
            results[name] = msgspec.structs.replace(
                outcome, result_type=name, created_at=now, task_id=task_id, user_id=subject
            )
        return FrameAnswer(
            task_id=task_id,
            status=_status([task not in failed for task in outcomes]),
            error="; ".join(f"{task}: {reason(fault)}" for task, fault in failed.items()),
            results=results,
        )


def _status(succeeded: Sequence[bool]) -> str:
    if all(succeeded):
        return "ok"
    return "partial" if any(succeeded) else "error"


def _results(kept: Sequence[Analysis]) -> list[AiResult]:
    """Show results, as many as an answer holds, and the first whatever its size."""
    results: list[AiResult] = []
    held = 0
    for each in kept:
        data = msgspec.json.encode(each.result).decode()
        held += len(data)
        if results and held > ANSWER_BYTES:
            break
        results.append(
            AiResult(
                result_type=each.analysis_type,
                result_data=data,
                confidence=each.confidence,
                created_at=each.created_at,
                task_id=each.task_id,
                user_id=each.user_id,
                model=each.model,
            )
        )
    return results


def _unknown() -> Fault:
    return Fault(Kind.NOT_FOUND, "there is no such task")

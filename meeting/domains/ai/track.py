"""What one stream gives out: its chunks put in order, and a result for each segment of them."""

from datetime import datetime

import msgspec

from meeting.domains.ai.api import SPEECH, Chunk, StreamResult
from meeting.domains.ai.clip import check_clip
from meeting.domains.ai.model import Speech
from meeting.domains.ai.recognition import Recognition
from meeting.domains.ai.request import FAILURES, deaf, failure
from meeting.domains.ai.running import Run, Running
from meeting.domains.ai.segment import Opening, Segment
from meeting.kernel.call import Call
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, invalid

GAP = "gap"


class Track:
    """A stream that was let in."""

    def __init__(
        self,
        opening: Opening,
        run: Run,
        *,
        running: Running,
        recognition: Recognition,
        call: Call,
        subject: int,
        task_id: str,
        clock: Clock,
    ) -> None:
        self.ended = False
        """The client has said that nothing follows."""
        self._opening = opening
        self._run = run
        self._running = running
        self._recognition = recognition
        self._call = call
        self._subject = subject
        self._task_id = task_id
        self._clock = clock
        self._tasks = frozenset(opening.names.values())
        self._segment = Segment(opening, 0, 0)
        self._expected = opening.first.sequence
        self._heard = False

    async def take(self, chunk: Chunk) -> list[StreamResult]:
        """Take a chunk in; return what it completes, and whether it was the one expected."""
        self._opening.check(chunk, self._running.limits.chunk_bytes)
        expected, got = self._expected, chunk.sequence
        results: list[StreamResult] = []
        if got > expected:
            results += await self._close()
        if got != expected:
            stream_id = self._opening.first.stream_id
            results.append(gap(stream_id, expected, got, self._clock.now()))
        if got >= expected:
            self._running.hold(self._run, len(chunk.data))
            self._segment.add(chunk, self._clock.now())
            self._expected = got + 1
            self.ended = chunk.is_final
        return results

    async def settle(self) -> list[StreamResult]:
        """Return what is left when nothing more comes."""
        if not self._heard and not self._segment.size:
            raise invalid("data", "must not be empty in all chunks")
        return await self._close()

    async def _close(self) -> list[StreamResult]:
        """Settle the segment and begin the next one; one without audio needs no results."""
        segment, duration, results = self._segment, 0, []
        if segment.size:
            speech = await self._hear(segment) if SPEECH in self._tasks else None
            results = self._finals(segment, speech)
            duration = speech.duration_ms if isinstance(speech, Speech) else 0
            self._heard = True
        self._segment = segment.after(duration)
        self._run.held = 0
        return results

    async def _hear(self, segment: Segment) -> Speech | Fault:
        """Recognise a segment; among several tasks a failure is a result like others."""
        clip = segment.clip()
        try:
            check_clip(clip)
            heard = await self._recognition.hear(
                self._call, clip, self._subject, self._task_id, segment.received
            )
        except Fault as fault:
            if fault.kind not in FAILURES or self._tasks == {SPEECH}:
                raise
            return fault
        return heard.speech

    def _finals(self, segment: Segment, speech: Speech | Fault | None) -> list[StreamResult]:
        """Give each task its result; those that audio is of no use to say so once a stream."""
        results = []
        for name, task in self._opening.names.items():
            confidence = 0.0
            if task != SPEECH:
                if self._heard:
                    continue
                data = failure(deaf(task))
            elif isinstance(speech, Speech):
                data, confidence = _data(speech, segment), speech.confidence
            elif speech is not None:
                data = failure(speech)
            else:
                continue
            results.append(self._result(name, segment.sequence, data, confidence))
        return results

    def _result(self, kind: str, sequence: int, data: str, confidence: float) -> StreamResult:
        return StreamResult(
            stream_id=self._opening.first.stream_id,
            sequence=sequence,
            result_type=kind,
            result_data=data,
            confidence=confidence,
            is_final=True,
            timestamp=self._clock.now(),
        )


def gap(stream_id: str, expected: int, got: int, now: datetime) -> StreamResult:
    """Tell a client that a chunk is not the one which was to come."""
    return StreamResult(
        stream_id=stream_id,
        sequence=got,
        result_type=GAP,
        result_data=msgspec.json.encode({"expected": expected, "got": got}).decode(),
        timestamp=now,
    )


def _data(speech: Speech, segment: Segment) -> str:
    """Write what was said in a segment, and where in the stream; all of it is settled."""
    where = {
        "segment": segment.number,
        "start_ms": segment.start_ms,
        "end_ms": segment.start_ms + speech.duration_ms,
        "stable_chars": len(speech.text),
    }
    return msgspec.json.encode(msgspec.structs.asdict(speech) | where).decode()

"""Audio that comes in pieces: what was said in it, a result a segment, in order.

A segment ends at `is_final` and where chunks are missing; then it is recognised, and only after its
results are given out the next chunk is asked for. So what a client sends meanwhile waits where it
came from, and nothing is heaped up here but the segment itself. Every format of a recording can be
streamed. `pcm` may be cut anywhere between two samples; of the others a segment that begins after a
gap is read on its own, which some formats allow and others do not.
"""

from collections.abc import AsyncGenerator, AsyncIterator

from meeting.domains.ai.admission import Admission
from meeting.domains.ai.api import SPEECH, Chunk, StreamResult, VideoChunk
from meeting.domains.ai.content import check_frame
from meeting.domains.ai.recognition import Recognition
from meeting.domains.ai.request import PICTURES, absent, deaf, meeting_named, tasks_named
from meeting.domains.ai.running import Run, Running, pulled
from meeting.domains.ai.segment import Opening
from meeting.domains.ai.track import Track
from meeting.kernel.call import Call
from meeting.kernel.clock import Clock
from meeting.kernel.errors import invalid
from meeting.kernel.ids import Ids


class Streams:
    """Listens to streams of those who are in a meeting."""

    def __init__(
        self,
        *,
        recognition: Recognition,
        admission: Admission,
        running: Running,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._recognition = recognition
        self._admission = admission
        self._running = running
        self._clock = clock
        self._ids = ids

    async def stream(
        self, call: Call, chunks: AsyncIterator[Chunk]
    ) -> AsyncGenerator[StreamResult, None]:
        """Give out results until the client's `is_final`, or its end; close it when done with it.

        What ends it before is raised: a chunk that may not be, the one task that failed, a token
        or a meeting that is over, a client that says nothing.
        """
        with self._running.run(call) as run:
            first = await run.pull(chunks)
            if first is None:
                raise invalid("stream", "must have a chunk at least")
            track = await self._open(run, call, first)
            chunk: Chunk | None = first
            while chunk is not None:
                for result in await run.until(track.take(chunk)):
                    with run.giving():
                        yield result
                if track.ended:
                    break
                chunk = await run.pull(chunks)
            async with pulled(chunks) as more:
                for result in await run.until(track.settle()):
                    with run.giving():
                        yield result
                if track.ended and await more():
                    raise invalid("is_final", "ends the stream; nothing may follow it")

    async def watch(
        self, call: Call, chunks: AsyncIterator[VideoChunk]
    ) -> AsyncIterator[StreamResult]:
        """Check a stream of pictures, then say that no model is there to watch it."""
        first = await anext(chunks, None)
        if first is None:
            raise invalid("stream", "must have a chunk at least")
        names = tasks_named(first.tasks, PICTURES)
        meeting_id = meeting_named(first.meeting_id, first.room_id)
        check_frame(first.data, first.format or "jpeg", first.width, first.height)
        await self._admission.analyse(call, meeting_id, first.user_id)
        raise absent(next(iter(names.values())))

    async def _open(self, run: Run, call: Call, first: Chunk) -> Track:
        """Let a stream in by its first chunk."""
        opening = Opening.of(first, self._clock.now())
        opening.check(first, self._running.limits.chunk_bytes)
        meeting_id, named = opening.about.meeting_id, opening.about.user_id
        run.concerns(meeting_id, named or call.caller.user_id)
        subject = await run.until(self._admission.analyse(call, meeting_id, named))
        tasks = set(opening.names.values())
        if len(tasks) == 1 and SPEECH not in tasks:
            raise deaf(tasks.pop())
        return Track(
            opening,
            run,
            running=self._running,
            recognition=self._recognition,
            call=call,
            subject=subject,
            task_id=self._ids.new("ai_"),
            clock=self._clock,
        )

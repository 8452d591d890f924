"""What comes in pieces: audio, of which a segment has a result each, in order, and pictures.

A segment ends at `is_final` and where chunks are missing; then it is recognised, and only after its
results are given out the next chunk is asked for. So what a client sends meanwhile waits where it
came from, and nothing is heaped up here but the segment itself. Every format of a recording can be
streamed. `pcm` may be cut anywhere between two samples; of the others a segment that begins after a
gap is read on its own, which some formats allow and others do not.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Protocol, TypeVar

from meeting.domains.ai.admission import Admission
from meeting.domains.ai.api import SPEECH, Chunk, StreamResult, VideoChunk
from meeting.domains.ai.recognition import Recognition
from meeting.domains.ai.request import absent, deaf
from meeting.domains.ai.running import C, Run, Running, pulled
from meeting.domains.ai.segment import Opening
from meeting.domains.ai.sight import Sight
from meeting.domains.ai.track import Track
from meeting.kernel.call import Call
from meeting.kernel.clock import Clock
from meeting.kernel.errors import invalid
from meeting.kernel.ids import Ids

C_contra = TypeVar("C_contra", contravariant=True)


class Taking(Protocol[C_contra]):
    """A stream that was let in, as `Track` and `Sight` are."""

    ended: bool

    async def take(self, chunk: C_contra) -> list[StreamResult]:
        """Take a chunk in; return what it completes."""
        ...

    async def settle(self) -> list[StreamResult]:
        """Return what is left when nothing more comes."""
        ...


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

    def stream(
        self, call: Call, chunks: AsyncIterator[Chunk]
    ) -> AsyncGenerator[StreamResult, None]:
        """Give out results until the client's `is_final`, or its end; close it when done with it.

        What ends it before is raised: a chunk that may not be, the one task that failed, a token
        or a meeting that is over, a client that says nothing, or takes nothing.
        """
        return self._answer(call, chunks, self._open)

    def watch(
        self, call: Call, chunks: AsyncIterator[VideoChunk]
    ) -> AsyncGenerator[StreamResult, None]:
        """Do likewise with pictures, for which no model is there: each task has a final of that."""
        return self._answer(call, chunks, self._look)

    async def _answer(
        self,
        call: Call,
        chunks: AsyncIterator[C],
        let_in: Callable[[Run, Call, C], Awaitable[Taking[C]]],
    ) -> AsyncGenerator[StreamResult, None]:
        with self._running.run(call) as run:
            first = await run.pull(chunks)
            if first is None:
                raise invalid("stream", "must have a chunk at least")
            taking = await let_in(run, call, first)
            chunk: C | None = first
            while chunk is not None:
                for result in await run.until(taking.take(chunk)):
                    with run.giving():
                        yield result
                if taking.ended:
                    break
                chunk = await run.pull(chunks)
            async with pulled(chunks) as more:
                for result in await run.until(taking.settle()):
                    with run.giving():
                        yield result
                if taking.ended and await more():
                    raise invalid("is_final", "ends the stream; nothing may follow it")

    async def _look(self, run: Run, call: Call, first: VideoChunk) -> Sight:
        """Let a stream of pictures in by its first one."""
        sight = Sight(first, self._clock)
        run.concerns(sight.meeting_id, first.user_id or call.caller.user_id)
        await run.until(self._admission.analyse(call, sight.meeting_id, first.user_id))
        tasks = set(sight.names.values())
        if len(tasks) == 1:
            raise absent(tasks.pop())
        return sight

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

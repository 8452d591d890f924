"""A stream of pictures: each is checked, and every task says once that no model looks at it."""

from meeting.domains.ai.api import StreamResult, VideoChunk
from meeting.domains.ai.content import check_frame
from meeting.domains.ai.request import PICTURES, absent, failure, meeting_named, tasks_named
from meeting.domains.ai.segment import fixed
from meeting.domains.ai.track import gap
from meeting.kernel.clock import Clock


class Sight:
    """A stream that may be let in; `meeting_id` is what it is about."""

    def __init__(self, first: VideoChunk, clock: Clock) -> None:
        self.ended = False
        """The client has said that nothing follows."""
        self.names = tasks_named(first.tasks, PICTURES)
        self.meeting_id = meeting_named(first.meeting_id, first.room_id)
        self._first = first
        self._format = _format(first) or "jpeg"
        self._clock = clock
        self._expected = first.sequence
        self._told = False
        self._check(first)

    async def take(self, chunk: VideoChunk) -> list[StreamResult]:
        """Take a picture in; return what it completes, and whether it was the one expected."""
        if chunk is not self._first:
            self._compare(chunk)
            if chunk.data or not chunk.is_final:
                self._check(chunk)
        expected, got = self._expected, chunk.sequence
        results = await self.settle() if got > expected else []
        if got != expected:
            results.append(gap(self._first.stream_id, expected, got, self._clock.now()))
        if got >= expected:
            self._expected = got + 1
            self.ended = chunk.is_final
        return results

    async def settle(self) -> list[StreamResult]:
        """Return what is left when nothing more comes: a final for each name, once a stream."""
        if self._told:
            return []
        self._told = True
        return [
            StreamResult(
                stream_id=self._first.stream_id,
                sequence=self._expected - 1,
                result_type=name,
                result_data=failure(absent(task)),
                is_final=True,
                timestamp=self._clock.now(),
            )
            for name, task in self.names.items()
        ]

    def _check(self, chunk: VideoChunk) -> None:
        width, height = chunk.width or self._first.width, chunk.height or self._first.height
        check_frame(chunk.data, self._format, width, height)

    def _compare(self, chunk: VideoChunk) -> None:
        """Refuse a picture that says it is of another stream."""
        first = self._first
        named = chunk.meeting_id or chunk.room_id
        if named and meeting_named(chunk.meeting_id, chunk.room_id) != self.meeting_id:
            raise fixed("meeting_id")
        if chunk.user_id not in (0, first.user_id):
            raise fixed("user_id")
        if _format(chunk) not in ("", self._format):
            raise fixed("format")
        if chunk.tasks and tasks_named(chunk.tasks, ()) != self.names:
            raise fixed("tasks")


def _format(chunk: VideoChunk) -> str:
    return chunk.format.strip().lower()

"""The suite of `MeetingApi` over the service object, and over twins that it must reject."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from meeting.domains.meeting.api import AnalysisResult, MeetingApi, MeetingInfo
from meeting.domains.meeting.findings import Findings
from meeting.domains.meeting.model import MeetingType
from meeting.domains.meeting.reporting import Reporter
from meeting.domains.meeting.rooms import RoomMaker
from meeting.domains.meeting.service import MeetingService
from meeting.domains.meeting.tasks import QUEUE, CreateMeeting, EndMeeting
from meeting.kernel.call import Call, Caller
from meeting.kernel.ids import RandomIds
from meeting.kernel.page import Page
from meeting.kernel.password import Passwords
from meeting.kernel.queue import Place
from meeting.kernel.worker import Worker
from meeting.stores.relational.database import metadata
from meeting.stores.relational.queue import SqlQueue
from tests.contract.api.meeting import (
    HOST,
    PROMISES,
    World,
    active,
    hidden,
    moved,
    saved,
)
from tests.contract.api.ways import WAYS, over
from tests.stores import at
from tests.unit.meeting.world import DRAFT, World as Domain

Promise = Callable[[World], Awaitable[None]]


class Own:
    """A world whose meeting domain is in this process."""

    def __init__(self, domain: Domain, api: MeetingApi) -> None:
        self.meetings = api
        self._domain = domain

    def by(self, user_id: int) -> Call:
        """Make the call of a user."""
        return self._domain.call(user_id)

    def service(self, user_id: int = 0) -> Call:
        """Make the call of a service."""
        return Call(caller=Caller(user_id=user_id, service="test"), request_id="r")

    async def scheduled(self, *, private: bool = False, **fields: Any) -> int:
        """Schedule a meeting."""
        now = self._domain.clock.now()
        about = {"start_time": now, "end_time": now + timedelta(hours=1), **fields}
        if private:
            about["meeting_type"] = MeetingType.PRIVATE
        draft = msgspec.structs.replace(DRAFT, **about)
        return (await self._domain.schedule.create(self.by(HOST), draft)).id

    async def join(self, user_id: int, meeting_id: int) -> None:
        """Let a user join."""
        await self._domain.attendance.join(self.by(user_id), meeting_id)

    async def announced(self) -> list[str]:
        """Return what was announced."""
        return [message.type for message in await self._domain.told()]

    async def tasks(self) -> list[str]:
        """Return what was asked for."""
        queue = SqlQueue(self._domain.database, self._domain.clock, RandomIds())
        seen = [each for place in Place for each in await queue.list(QUEUE, place, 0, 100)]
        asked = [msgspec.json.decode(each.body)["type"] for each in seen]
        return [each for each in asked if each != CreateMeeting.TYPE]

    async def kept(self, meeting_id: int) -> list[dict[str, Any]]:
        """Return what is kept."""
        found = await self._domain.results.analysis(
            self.by(HOST), meeting_id, kind=None, user_id=None, page=Page(1, 100)
        )
        return [msgspec.to_builtins(row) for row in found.rows]

    async def transcript(self, meeting_id: int) -> list[dict[str, Any]]:
        """Return what was said."""
        found = await self._domain.results.transcript(
            self.by(HOST), meeting_id, source="best", user_id=None, page=Page(1, 100)
        )
        return [msgspec.to_builtins(row) for row in found.rows]

    async def report(self, meeting_id: int) -> dict[str, Any]:
        """Work, and return the report."""
        domain = self._domain
        reporter = Reporter(units=domain.units, documents=domain.documents, clock=domain.clock)
        queue = SqlQueue(domain.database, domain.clock, RandomIds())
        done = asyncio.Event()
        worker = Worker(
            QUEUE,
            "a test",
            queue=queue,
            handlers={EndMeeting: reporter, CreateMeeting: RoomMaker(domain.units)},
            concurrency=1,
            clock=domain.clock,
            told=lambda _held, _outcome, _seconds: done.set(),
        )
        while await worker.step():
            while True:
                done.clear()
                if not (await queue.depth(QUEUE)).held:
                    break
                await done.wait()
        return dict(
            msgspec.to_builtins(
                await domain.results.report(self.by(HOST), meeting_id), str_keys=True
            )
        )

    async def move(self, span: timedelta) -> None:
        """Let time pass."""
        self._domain.clock.move(span)


@pytest.fixture(scope="module")
def passwords() -> Iterator[Passwords]:
    """Open one pool of hashing threads for all tests."""
    pool = Passwords()
    yield pool
    pool.close()


@asynccontextmanager
async def own(
    folder: Path, passwords: Passwords, kind: type[MeetingService] = MeetingService
) -> AsyncIterator[Own]:
    """Open a world over the service object, whole or broken."""
    domain = Domain(at(folder), passwords)
    async with domain.database.write() as connection:
        await connection.run_sync(metadata.create_all)
    try:
        yield Own(
            domain,
            kind(
                units=domain.units,
                schedule=domain.schedule,
                attendance=domain.attendance,
                lifecycle=domain.lifecycle,
                findings=Findings(
                    units=domain.units, documents=domain.documents, clock=domain.clock
                ),
            ),
        )
    finally:
        await domain.database.close()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
async def test_keeps(way: str, promise: Promise, tmp_path: Path, passwords: Passwords) -> None:
    """The api keeps each promise, by whichever way it is called."""
    async with own(tmp_path, passwords) as world, over(way, "meeting", world.meetings) as api:
        world.meetings = api
        await promise(world)


class Open(MeetingService):
    """Asks nobody who asks."""

    async def get_meeting(self, call: Call, meeting_id: int) -> MeetingInfo:
        """Show everybody everything."""
        return await super().get_meeting(
            Call(caller=Caller(service="x"), request_id="r"), meeting_id
        )


class Idle(MeetingService):
    """Answers, and ends nothing."""

    async def update_meeting_status(
        self, call: Call, meeting_id: int, status: str, participant_count: int = 0
    ) -> None:
        """Move, but not to the end."""
        if status == "ended":
            return
        await super().update_meeting_status(call, meeting_id, status, participant_count)


class Shuffled(MeetingService):
    """Lists the oldest first."""

    async def get_active_meetings(self, call: Call) -> list[MeetingInfo]:
        """Turn the list round."""
        return (await super().get_active_meetings(call))[::-1]


class Doubling(MeetingService):
    """Keeps what comes again beside what is there."""

    saved = 0

    async def save_ai_analysis_result(self, call: Call, result: AnalysisResult) -> None:
        """Give each its own task."""
        self.saved += 1
        task_id = f"{result.task_id}{self.saved}"
        await super().save_ai_analysis_result(
            call, msgspec.structs.replace(result, task_id=task_id)
        )


@pytest.mark.parametrize(
    ("twin", "by"),
    [(Open, hidden), (Idle, moved), (Shuffled, active), (Doubling, saved)],
    ids=["open", "idle", "shuffled", "doubling"],
)
async def test_rejects(
    twin: type[MeetingService], by: Promise, tmp_path: Path, passwords: Passwords
) -> None:
    """The suite turns red on one that hides nothing, does nothing, lists wrongly, or doubles."""
    async with own(tmp_path, passwords, twin) as world:
        with pytest.raises(AssertionError):
            await by(world)

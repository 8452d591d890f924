"""The user and meeting domains behind a real HTTP port; what tests say to it goes over the wire."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from json import dumps
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import msgspec

from meeting.domains.ai.events import SpeechCompleted
from meeting.domains.meeting import tasks
from meeting.domains.meeting.attendance import Attendance
from meeting.domains.meeting.errands import Joiner, Leaver
from meeting.domains.meeting.findings import Findings
from meeting.domains.meeting.lifecycle import Lifecycle
from meeting.domains.meeting.people import People
from meeting.domains.meeting.reporting import Reporter
from meeting.domains.meeting.results import Results
from meeting.domains.meeting.rooms import RoomMaker, Rooms
from meeting.domains.meeting.schedule import Schedule
from meeting.domains.meeting.service import MeetingService
from meeting.domains.meeting.speech import SpeechKeeper
from meeting.kernel.clock import rfc3339
from meeting.kernel.consumer import Consumer
from meeting.kernel.letter import Letter
from meeting.kernel.queue import Place
from meeting.kernel.task import Task
from meeting.kernel.worker import Worker
from meeting.stores.relational.database import Database, metadata
from meeting.stores.relational.documents import SqlDocuments
from meeting.stores.relational.meeting import SqlMeetingUnit
from meeting.stores.relational.outbox import Log
from meeting.stores.relational.queue import SqlQueue
from meeting.stores.relational.unit import SqlUnits
from meeting.transports.http import app, health, meeting, user
from meeting.transports.http.limits import Limits
from meeting.transports.http.server import Listener
from tests.front import Front
from tests.stores import at


class Answer(msgspec.Struct, frozen=True):
    """What came back: the HTTP status, the whole body, and its data."""

    status: int
    body: dict[str, Any]

    @property
    def data(self) -> Any:
        """Return the data of a good answer."""
        assert self.status < 300, self.body
        return self.body["data"]

    @property
    def error(self) -> tuple[int, int]:
        """Return HTTP status and business code of an error."""
        assert "error" in self.body, self.body
        return self.status, self.body["code"]


class Person:
    """A logged-in user with a plain HTTP client."""

    def __init__(self, client: aiohttp.ClientSession, name: str, token: str, user_id: int) -> None:
        self._client = client
        self._token = token
        self.name = name
        self.id = user_id

    async def ask(
        self, method: str, path: str, json: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """Send a request and read its answer."""
        sent = {"Authorization": f"Bearer {self._token}", **(headers or {})}
        body = None
        if json is not None:
            body = io.BytesIO(dumps(json).encode())  # a file: some bodies here are large
            sent["Content-Type"] = "application/json"
        async with self._client.request(
            method, f"/api/v1{path}", data=body, headers=sent
        ) as response:
            return Answer(response.status, await response.json(content_type=None))

    async def get(self, path: str) -> Answer:
        """Ask for something."""
        return await self.ask("GET", path)

    async def post(self, path: str, json: Any = None, **headers: str) -> Answer:
        """Ask for something to be done."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.ask("POST", path, json, named)


class House(Front):
    """The front with meetings behind it."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, Limits(per_address=1000), ())
        units = SqlUnits(database, SqlMeetingUnit, self.clock, self.ids)
        people = People(self.service)
        self.feed = Log(database)
        self.documents = SqlDocuments(database)
        speech = SpeechKeeper(units=units, documents=self.documents)
        self.heard = Consumer(
            "meeting",
            SpeechCompleted.TOPIC,
            feed=self.feed,
            units=units,
            handlers={SpeechCompleted: speech.report},
            effects={SpeechCompleted: speech.keep},
        )
        schedule = Schedule(units=units, clock=self.clock, people=people, passwords=self.passwords)
        attendance = Attendance(
            units=units,
            clock=self.clock,
            people=people,
            passwords=self.passwords,
            tokens=self.tokens,
        )
        lifecycle = Lifecycle(units=units, clock=self.clock)
        self.meetings = MeetingService(
            units=units,
            schedule=schedule,
            attendance=attendance,
            lifecycle=lifecycle,
            findings=Findings(units=units, documents=self.documents, clock=self.clock),
        )
        self.attempted = asyncio.Event()
        self.queue = SqlQueue(database, self.clock, self.ids)
        self.worker = Worker(
            tasks.QUEUE,
            "a test",
            queue=self.queue,
            handlers={
                tasks.CreateMeeting: RoomMaker(units),
                tasks.EndMeeting: Reporter(units=units, documents=self.documents, clock=self.clock),
                tasks.JoinMeeting: Joiner(attendance),
                tasks.LeaveMeeting: Leaver(units=units, attendance=attendance, people=people),
            },
            concurrency=4,
            clock=self.clock,
            told=lambda _held, _outcome, _seconds: self.attempted.set(),
        )
        self.routes = meeting.routes(
            schedule=schedule,
            lifecycle=lifecycle,
            attendance=attendance,
            results=Results(units=units, documents=self.documents),
            rooms=Rooms(units),
            envelope=self.envelope,
            websocket_url="ws://{}/ws".format,
            ice_servers=[{"urls": ["stun:127.0.0.1:3478"]}],
        )

    async def person(self, name: str) -> Person:
        """Register somebody and log them in."""
        made = await self.register(name, nickname=f"{name.title()} Doe")
        return Person(self.client, name, (await self.login(name))["token"], made["id"])

    async def work(self) -> None:
        """Let the worker do what is there to do now."""
        while await self.worker.step():
            while True:
                self.attempted.clear()
                if not (await self.queue.depth(tasks.QUEUE)).held:
                    break
                await self.attempted.wait()

    async def wanted(self, task: Task, queue: str = tasks.QUEUE) -> None:
        """Put a task into the queue as a producer does that knows nothing but the contract."""
        letter = Letter(type=task.TYPE, payload=msgspec.to_builtins(task))
        assert await self.queue.put(queue, [letter]) == 1

    async def dead(self) -> list[str]:
        """Return why tasks are dead."""
        seen = await self.queue.list(tasks.QUEUE, Place.DEAD, 0, 100)
        return [msgspec.json.decode(each.body)["payload"]["error"] for each in seen]

    def draft(self, **fields: Any) -> dict[str, Any]:
        """Make the body of a meeting of one hour from now."""
        now = self.clock.now()
        times = {"start_time": rfc3339(now), "end_time": rfc3339(now + timedelta(hours=1))}
        return {"title": "Stand-up", **times, **fields}

    async def meeting(self, host: Person, *, started: bool = True, **fields: Any) -> int:
        """Create a meeting, and start it unless told not to."""
        made = (await host.post("/meetings", self.draft(**fields))).data
        if started:
            assert (await host.post(f"/meetings/{made['id']}/start")).data["status"] == 2
        return int(made["id"])


H = TypeVar("H", bound=House)


@asynccontextmanager
async def house(folder: Path, make: Callable[[Database], H]) -> AsyncIterator[H]:
    """Open the house that `make` builds on any free port."""
    database = Database(at(folder))
    async with database.write() as connection:
        await connection.run_sync(metadata.create_all)
    opened = make(database)
    own = user.routes(
        accounts=opened.accounts,
        sessions=opened.sessions,
        profiles=opened.profiles,
        logins=opened.logins,
        by_account=opened.by_account,
        envelope=opened.envelope,
    )
    port = app.build(opened.desk, [*own, *opened.routes], health.routes(lambda: opened.state))
    listener = Listener(port, "127.0.0.1", 0, setting="http.port", drain_seconds=5)
    await listener.start()
    opened.url = f"http://127.0.0.1:{listener.port}"
    try:
        async with aiohttp.ClientSession(opened.url) as client:
            opened.client = client
            yield opened
    finally:
        await listener.stop()
        opened.passwords.close()
        await database.close()

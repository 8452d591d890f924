"""The house with the AI domain in it, asking whatever engine a test puts at its endpoint."""

import asyncio
import base64
import contextlib
import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from meeting.codecs.audio import AudioDecoder
from meeting.domains.ai.admission import Admission
from meeting.domains.ai.detection import Detection
from meeting.domains.ai.events import TOPIC
from meeting.domains.ai.history import History
from meeting.domains.ai.reactions import Reactions
from meeting.domains.ai.recognition import Recognition
from meeting.domains.ai.running import Running
from meeting.domains.ai.service import AiService
from meeting.domains.ai.slots import Slots
from meeting.domains.ai.stream import Streams
from meeting.kernel.message import Entry
from meeting.stores.relational.ai import SqlAiUnit
from meeting.stores.relational.database import Database
from meeting.stores.relational.outbox import LogTail
from meeting.stores.relational.unit import SqlUnits
from meeting.transports.http import ai
from meeting.transports.zeromq.client import EngineClient
from tests.integration.meeting.house import House, house

SECOND = bytes(2 * 16_000)
SPEECH = {
    "text": "hello",
    "confidence": 0.9,
    "language": "en",
    "duration_ms": 1000,
    "segments": [{"start_ms": 0, "end_ms": 900, "text": "hello"}],
    "model": "whisper_base",
    "model_sha256": "ab" * 32,
    "latency_ms": 7,
}


def audio(meeting_id: int, data: bytes = SECOND, **fields: Any) -> dict[str, Any]:
    """Make the body of a request for speech; a second of silence unless told otherwise."""
    return {"audio_data": base64.b64encode(data).decode(), "meeting_id": meeting_id, **fields}


class Laboratory(House):
    """Meetings, and speech recognised in them."""

    def __init__(self, endpoint: str, database: Database) -> None:
        super().__init__(database)
        units = SqlUnits(database, SqlAiUnit, self.clock, self.ids)
        admission = Admission(self.meetings)
        self.engine = EngineClient(lambda: endpoint, clock=self.clock, ids=self.ids)
        self.recognition = Recognition(
            units=units,
            admission=admission,
            engine=self.engine,
            decoder=AudioDecoder(self.clock),
            slots=Slots(running=1, waiting=1),
            clock=self.clock,
            ids=self.ids,
        )
        self.running = Running(self.clock)
        self.streams = Streams(
            recognition=self.recognition,
            admission=admission,
            running=self.running,
            clock=self.clock,
            ids=self.ids,
        )
        self.reactions = Reactions(tail=LogTail(database), running=self.running)
        self.ai = AiService(
            units=units,
            admission=admission,
            recognition=self.recognition,
            clock=self.clock,
            ids=self.ids,
        )
        history = History(units, admission)
        self.routes += ai.routes(self.recognition, Detection(admission), history, self.envelope)

    async def announced(self) -> list[Entry]:
        """Return what the AI domain has announced."""
        return list(await self.feed.pull("test", TOPIC))


@asynccontextmanager
async def laboratory(folder: Path, endpoint: str) -> AsyncIterator[Laboratory]:
    """Open the house on any free port, with its client of the engine running."""
    async with house(folder, functools.partial(Laboratory, endpoint)) as opened:
        await opened.reactions.start()
        task = asyncio.create_task(opened.engine.run())
        try:
            yield opened
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

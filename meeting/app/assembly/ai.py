"""The AI domain."""

from meeting.app.assembly.engine import Machine, patience
from meeting.app.assembly.part import Part
from meeting.app.assembly.stores import Stores
from meeting.app.config import DAY, Config
from meeting.app.module import Module
from meeting.app.modules import AI
from meeting.codecs.audio import LONGEST_DECODE, AudioDecoder
from meeting.domains.ai.admission import Admission
from meeting.domains.ai.detection import Detection
from meeting.domains.ai.history import History
from meeting.domains.ai.reactions import Reactions
from meeting.domains.ai.recognition import Recognition
from meeting.domains.ai.running import Limits, Running
from meeting.domains.ai.service import AiService
from meeting.domains.ai.slots import Slots
from meeting.domains.ai.stream import Streams
from meeting.domains.meeting.api import MeetingApi
from meeting.kernel.clock import Clock
from meeting.kernel.ids import Ids
from meeting.stores.relational.ai import SqlAiUnit
from meeting.transports.grpc.ai import served
from meeting.transports.http import ai as ai_routes
from meeting.transports.http.envelope import Envelopes


def make(
    config: Config,
    kept: Stores,
    meetings: MeetingApi,
    machine: Machine,
    clock: Clock,
    ids: Ids,
) -> Part:
    """Make the AI domain."""
    units = kept.rows.units(SqlAiUnit)
    admission = Admission(meetings)
    recognition = Recognition(
        units=units,
        admission=admission,
        engine=machine.client,
        decoder=AudioDecoder(clock, longest=DAY if config.debug else LONGEST_DECODE),
        slots=Slots(config.ai.in_flight, config.ai.waiting),
        clock=clock,
        ids=ids,
        longest=patience(config),
    )
    running = Running(clock, Limits(idle=DAY) if config.debug else None)
    reactions = Reactions(tail=kept.tail(), running=running)
    streams = Streams(
        recognition=recognition, admission=admission, running=running, clock=clock, ids=ids
    )
    service = AiService(
        units=units, admission=admission, recognition=recognition, clock=clock, ids=ids
    )
    routes = ai_routes.routes(
        recognition, Detection(admission), History(units, admission), Envelopes(clock)
    )

    async def drain() -> None:
        running.drain()

    module = Module(
        AI,
        start=reactions.start,
        prepare=reactions.prepare,
        background=reactions.background(),
        drain=drain,
    )
    return Part(module=module, routes=routes, rpcs=served(service, streams))

"""The AI domain."""

from collections.abc import Sequence

import msgspec
from litestar.handlers import HTTPRouteHandler

from meeting.app.assembly.engine import Machine, patience
from meeting.app.assembly.stores import Stores
from meeting.app.config import DAY, Config
from meeting.app.module import Module
from meeting.app.modules import AI
from meeting.codecs.audio import LONGEST_DECODE, AudioDecoder
from meeting.domains.ai.admission import Admission
from meeting.domains.ai.detection import Detection
from meeting.domains.ai.history import History
from meeting.domains.ai.recognition import Recognition
from meeting.domains.ai.slots import Slots
from meeting.domains.meeting.api import MeetingApi
from meeting.kernel.clock import Clock
from meeting.kernel.ids import Ids
from meeting.stores.relational.ai import SqlAiUnit
from meeting.transports.http import ai as ai_routes
from meeting.transports.http.envelope import Envelopes


class Analysis(msgspec.Struct, frozen=True):
    """The AI domain's faces."""

    module: Module
    recognition: Recognition
    detection: Detection
    history: History


def make(
    config: Config, kept: Stores, meetings: MeetingApi, machine: Machine, clock: Clock, ids: Ids
) -> Analysis:
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
    return Analysis(
        module=Module(AI),
        recognition=recognition,
        detection=Detection(admission),
        history=History(units, admission),
    )


def routes(analysis: Analysis, envelope: Envelopes) -> Sequence[HTTPRouteHandler]:
    """Make the domain's HTTP routes."""
    return ai_routes.routes(analysis.recognition, analysis.detection, analysis.history, envelope)

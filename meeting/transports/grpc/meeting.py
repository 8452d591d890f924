"""MeetingService, both ways: what others call here, and the `MeetingApi` of a process elsewhere."""

import msgspec

from meeting.domains.meeting.api import Access, AnalysisResult, MeetingApi, MeetingInfo
from meeting.domains.meeting.model import Settings
from meeting.kernel.call import Call
from meeting.transports.grpc import alike
from meeting.transports.grpc.channel import Channel
from meeting.transports.grpc.messages.google.protobuf import Empty
from meeting.transports.grpc.messages.grpc import (
    GetActiveMeetingsResponse,
    GetMeetingRequest,
    GetMeetingResponse,
    SaveAiAnalysisResultRequest,
    UpdateMeetingStatusRequest,
    ValidateUserAccessRequest,
    ValidateUserAccessResponse,
)
from meeting.transports.grpc.method import method
from meeting.transports.grpc.service import Rpc, service

_objects = msgspec.json.Decoder(dict[str, object])


def info_out(info: MeetingInfo) -> GetMeetingResponse:
    """Write a meeting; its settings are JSON."""
    settings = msgspec.json.encode(info.settings).decode()
    return alike.message(GetMeetingResponse, info, settings=settings)


def info_in(wire: GetMeetingResponse) -> MeetingInfo:
    """Read a meeting; settings that are not known here are left out."""
    written = _objects.decode(wire.settings or "{}")
    known = {name: written[name] for name in Settings.__struct_fields__ if name in written}
    return alike.struct(MeetingInfo, wire, settings=msgspec.convert(known, Settings))


def served(meetings: MeetingApi) -> list[Rpc]:
    """Make MeetingService of the meeting domain."""

    async def get(call: Call, asked: GetMeetingRequest) -> GetMeetingResponse:
        return info_out(await meetings.get_meeting(call, asked.meeting_id))

    async def access(call: Call, asked: ValidateUserAccessRequest) -> ValidateUserAccessResponse:
        found = await meetings.validate_user_access(
            call, asked.user_id, asked.meeting_id, admit=asked.admit
        )
        return alike.message(ValidateUserAccessResponse, found)

    async def update(call: Call, asked: UpdateMeetingStatusRequest) -> Empty:
        await meetings.update_meeting_status(
            call, asked.meeting_id, asked.status, asked.participant_count
        )
        return Empty()

    async def active(call: Call, _asked: Empty) -> GetActiveMeetingsResponse:
        found = await meetings.get_active_meetings(call)
        return GetActiveMeetingsResponse(meetings=[info_out(each) for each in found])

    async def save(call: Call, asked: SaveAiAnalysisResultRequest) -> Empty:
        await meetings.save_ai_analysis_result(call, alike.struct(AnalysisResult, asked))
        return Empty()

    return service(
        "MeetingService",
        {
            "GetMeeting": get,
            "ValidateUserAccess": access,
            "UpdateMeetingStatus": update,
            "GetActiveMeetings": active,
            "SaveAIAnalysisResult": save,
        },
    )


class MeetingClient:
    """Satisfies `MeetingApi` by calls to another process."""

    _get = method("/grpc.MeetingService/GetMeeting", repeat=True)
    _access = method("/grpc.MeetingService/ValidateUserAccess", repeat=True)
    _update = method("/grpc.MeetingService/UpdateMeetingStatus", repeat=True)
    _active = method("/grpc.MeetingService/GetActiveMeetings", repeat=True)
    _save = method("/grpc.MeetingService/SaveAIAnalysisResult", repeat=True)

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    async def get_meeting(self, call: Call, meeting_id: int) -> MeetingInfo:
        """Return a meeting; `meeting_not_found` where it is absent or hidden from the caller."""
        asked = GetMeetingRequest(meeting_id=meeting_id)
        return info_in(await self._channel.call(self._get, call, asked))

    async def validate_user_access(
        self, call: Call, user_id: int, meeting_id: int, *, admit: bool = False
    ) -> Access:
        """Tell whether a user may be in a meeting; `admit` joins the user first, as REST would.

        Asked again after a lost answer it finds the user joined, which is no other answer.
        """
        asked = ValidateUserAccessRequest(user_id=user_id, meeting_id=meeting_id, admit=admit)
        return alike.struct(Access, await self._channel.call(self._access, call, asked))

    async def update_meeting_status(
        self, call: Call, meeting_id: int, status: str, participant_count: int = 0
    ) -> None:
        """Bring a meeting into a state, as its host would by REST; for services alone."""
        asked = UpdateMeetingStatusRequest(
            meeting_id=meeting_id, status=status, participant_count=participant_count
        )
        await self._channel.call(self._update, call, asked)

    async def get_active_meetings(self, call: Call) -> list[MeetingInfo]:
        """Return the meetings that go on, newest start first; for services."""
        answer = await self._channel.call(self._active, call, Empty())
        return [info_in(each) for each in answer.meetings]

    async def save_ai_analysis_result(self, call: Call, result: AnalysisResult) -> None:
        """Keep a result by its key, in place of what is kept there; for services alone."""
        asked = alike.message(SaveAiAnalysisResultRequest, result)
        await self._channel.call(self._save, call, asked)

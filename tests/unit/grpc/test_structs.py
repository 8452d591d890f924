"""What the domains say to each other is the same on the other side of the wire."""

from collections.abc import Callable
from typing import Any

import betterproto2
import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from meeting.domains.ai import api as ai_api
from meeting.domains.meeting import api as meeting_api
from meeting.domains.notification import api as notification_api
from meeting.domains.signaling import api as signaling_api
from meeting.domains.user import api as user_api
from meeting.transports.grpc import ai, alike, meeting, notification, user
from meeting.transports.grpc.codec import decoder, encoder
from meeting.transports.grpc.messages import grpc as wire
from tests.unit.grpc.structs import structs

APIS = (ai_api, meeting_api, notification_api, signaling_api, user_api)
Ways = tuple[Callable[[Any], Any], Callable[[Any], Any]]


def same(kind: type[msgspec.Struct], message: type[betterproto2.Message]) -> Ways:
    """Return both ways of a struct whose fields are those of its message."""
    return lambda each: alike.message(message, each), lambda each: alike.struct(kind, each)


def answer(kind: type[ai_api.FrameAnswer], message: type[betterproto2.Message]) -> Ways:
    """Return both ways of an answer that holds results by task."""
    return (
        lambda each: alike.message(message, each, results=ai.results_out(each.results)),
        lambda each: alike.struct(kind, each, results=ai.results_in(each.results)),
    )


WAYS: dict[type[msgspec.Struct], Ways] = {
    user_api.Person: (user.person_out, user.person_in),
    user_api.Identity: (user.identity_out, user.identity_in),
    meeting_api.MeetingInfo: (meeting.info_out, meeting.info_in),
    meeting_api.Access: same(meeting_api.Access, wire.ValidateUserAccessResponse),
    meeting_api.AnalysisResult: same(meeting_api.AnalysisResult, wire.SaveAiAnalysisResultRequest),
    signaling_api.Joined: same(signaling_api.Joined, wire.NotifyUserJoinedRequest),
    signaling_api.Left: same(signaling_api.Left, wire.NotifyUserLeftRequest),
    signaling_api.Broadcast: same(signaling_api.Broadcast, wire.BroadcastMessageRequest),
    signaling_api.RoomUser: same(signaling_api.RoomUser, wire.RoomUser),
    ai_api.AudioRequest: same(ai_api.AudioRequest, wire.ProcessAudioDataRequest),
    ai_api.FrameRequest: same(ai_api.FrameRequest, wire.ProcessVideoFrameRequest),
    ai_api.AiResult: same(ai_api.AiResult, wire.AiResult),
    ai_api.AudioAnswer: answer(ai_api.AudioAnswer, wire.ProcessAudioDataResponse),
    ai_api.FrameAnswer: answer(ai_api.FrameAnswer, wire.ProcessVideoFrameResponse),
    ai_api.Findings: (ai.findings_out, ai.findings_in),
    ai_api.Chunk: same(ai_api.Chunk, wire.AudioChunk),
    ai_api.VideoChunk: same(ai_api.VideoChunk, wire.VideoChunk),
    ai_api.StreamResult: same(ai_api.StreamResult, wire.AiStreamResult),
    notification_api.Notice: same(notification_api.Notice, wire.SendNotificationRequest),
    notification_api.BulkNotice: same(
        notification_api.BulkNotice, wire.SendBulkNotificationsRequest
    ),
    notification_api.NotificationInfo: same(
        notification_api.NotificationInfo, wire.NotificationInfo
    ),
    notification_api.Notifications: (notification.history_out, notification.history_in),
}
"""How each struct of an api is written and read."""


@settings(max_examples=600, deadline=None)
@given(kind=st.sampled_from(list(WAYS)), data=st.data())
def test_a_struct_comes_out_as_it_went_in(kind: type[msgspec.Struct], data: st.DataObject) -> None:
    """Whatever a struct holds is what the other side reads, by way of bytes."""
    struct = data.draw(structs(kind))
    out, back = WAYS[kind]
    written = out(struct)
    message: type[betterproto2.Message] = type(written)
    assert back(decoder(message)(encoder(message)(written))) == struct


@pytest.mark.parametrize("api", APIS, ids=lambda api: str(api.__name__))
def test_no_struct_is_forgotten(api: Any) -> None:
    """Each struct that an api has is one that the wire carries."""
    own = {
        each
        for each in vars(api).values()
        if isinstance(each, type)
        and issubclass(each, msgspec.Struct)
        and each.__module__ == api.__name__
    }
    assert own - set(WAYS) == set()


def test_a_setting_of_tomorrow() -> None:
    """A meeting's setting that this version does not know is left out, not an error."""
    message = wire.GetMeetingResponse(settings='{"enable_ai":false,"enable_telepathy":true}')
    found = meeting.info_in(message)
    assert not found.settings.enable_ai
    assert found.settings.enable_chat

"""Reading what clients say, and encoding what the server says."""

import contextlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from meeting.domains.signaling import frames
from meeting.kernel.errors import Fault, Kind

SENDER = {"from_user_id": 1, "username": "alice", "room_id": "room_7"}
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ('{"type":"join","room_id":7}', frames.Join(room_id=7)),
        ('{"type":"join","peer_id":"tab-1","more":[1]}', frames.Join(peer_id="tab-1")),
        ('{"type":"leave"}', frames.Leave()),
        ('{"type":"ping","id":"a"}', frames.Ping(id="a")),
        ('{"type":"offer","to_user_id":2,"sdp":"v"}', frames.Offer(to_user_id=2, sdp="v")),
    ],
)
def test_a_frame_is_read(text: str, frame: frames.Known) -> None:
    """Fields that nobody knows are ignored."""
    assert frames.read(text) == frame


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '"join"',
        "{",
        "{}",
        '{"type":4}',
        '{"type":"chat"}',
        '{"type":"offer"}',
        '{"type":"offer","sdp":""}',
        '{"type":"offer","sdp":1}',
        '{"type":"offer","sdp":"\\ud800"}',
        '{"type":"ping","id":NaN}',
        '{"type":"ping","id":1.5}',
        '{"type":"join","peer_id":"a b"}',
        '{"type":"join","peer_id":"a\\n"}',
        '{"type":"join","peer_id":""}',
        '{"type":"offer","sdp":"v","to_user_id":4294967296}',
        '{"type":"ice_candidate","candidate":"c","sdpMLineIndex":-1}',
        "\ud800",
    ],
)
def test_what_is_no_frame_is_refused(text: str) -> None:
    """Each is a validation error with a text."""
    with pytest.raises(frames.Unreadable) as caught:
        frames.read(text)
    assert caught.value.kind is Kind.VALIDATION
    assert str(caught.value)


@pytest.mark.parametrize(
    ("sent", "echoed"),
    [
        ('"m1"', "m1"),
        ("7", 7),
        (str(2**53), 2**53),
        (str(2**53 + 1), None),
        (f'"{"m" * 129}"', None),
        ("1.5", None),
        ("true", None),
        ("[1]", None),
    ],
)
def test_a_refusal_knows_what_to_echo(sent: str, echoed: frames.Id) -> None:
    """Type and id of a frame that can't be read otherwise come back, if they may be such."""
    with pytest.raises(frames.Unreadable) as caught:
        frames.read(f'{{"type":"chat","id":{sent}}}')
    assert (caught.value.request_type, caught.value.request_id) == ("chat", echoed)


@pytest.mark.parametrize(("brackets", "good"), [(31, True), (32, False), (5000, False)])
def test_json_is_at_most_32_deep(brackets: int, good: bool) -> None:
    """The object itself is one level; depth that only stands in a text is none."""
    text = '{"type":"ping","x":' + "[" * brackets + "]" * brackets + "}"
    if good:
        assert frames.read(text) == frames.Ping()
    else:
        with pytest.raises(frames.Unreadable, match="32"):
            frames.read(text)
    assert frames.read('{"type":"ping","x":"' + "[" * brackets + '\\"["}') == frames.Ping()


@given(st.binary() | st.text())
def test_nothing_else_is_ever_raised(message: str | bytes) -> None:
    """Any bytes are a frame or `Unreadable`."""
    with contextlib.suppress(frames.Unreadable):
        frames.read(message)


def test_the_senders_identity_stands_over_what_it_wrote() -> None:
    """A relayed frame says who sent it, and leaves out what was not given."""
    frame = frames.read('{"type":"answer","sdp":"v","to_user_id":2,"from_user_id":9}')
    assert isinstance(frame, frames.Answer)
    assert (
        json.loads(frames.relayed(frame, SENDER, NOW))
        == {
            "type": "answer",
            "sdp": "v",
            "to_user_id": 2,
            "timestamp": "2026-11-24T12:00:00Z",
        }
        | SENDER
    )


def test_one_encoding_serves_many() -> None:
    """Each session puts its own number in front."""
    body = frames.encode("user_left", user_id=1)
    assert json.loads(frames.numbered(body, 7)) == {"seq": 7, "type": "user_left", "user_id": 1}


def test_a_frame_takes_no_more_memory_than_it_has_bytes() -> None:
    """The bound of a queue counts bytes, so none may hide behind a frame."""
    body = frames.encode("offer", sdp="v" * 60_000)
    assert body.__sizeof__() <= len(body) + 64


def test_an_error_names_code_and_request() -> None:
    """The code is the frame's, not the business code."""
    body = frames.error(Fault(Kind.MEETING_FULL, "all seats are taken"), "join", 3)
    assert json.loads(body) == {
        "type": "error",
        "code": 409,
        "message": "all seats are taken",
        "request_type": "join",
        "id": 3,
    }

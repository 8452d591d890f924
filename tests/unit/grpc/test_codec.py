"""The codec of gRPC: the bytes of others, from functions that are made once a class."""

from datetime import UTC, datetime
from typing import Any

import betterproto2
import pytest
from google.protobuf.message import DecodeError
from hypothesis import example, given, settings, strategies as st

from meeting.transports.grpc.codec import Malformed, decoder, encoder
from meeting.transports.grpc.codec.scan import ITEMS
from meeting.transports.grpc.messages import grpc as ours
from tests.unit.grpc.wires import KINDS, google, messages, whole

ANY_KIND = st.sampled_from(KINDS)
HOSTILE = [
    b"\x08",  # a number that is missing
    b"\x08\x80",
    b"\x08" + b"\xff" * 9 + b"\x01",  # as long as a number may be
    b"\x08" + b"\xff" * 9 + b"\x7f",  # with bits that are over
    b"\x08" + b"\x80" * 10 + b"\x01",  # longer
    b"\x88\x00\x01",  # a tag in two bytes for one
    b"\x88\x80\x80\x80\x00\x01",
    b"\x88\x80\x80\x80\x80\x00\x01",
    b"\xff\xff\xff\xff\x1f\x01",
    b"\xf8\xff\xff\xff\x0f\x01",  # the highest tag
    b"\xf8\xff\xff\xff\x1f\x01",  # a tag of 33 bits
    b"\x00\x01",  # field 0
    b"\x0a\x03ab",  # a length beyond the end
    b"\x0a\xff\xff\xff\xff\x07",
    b"\x0a\xff\xff\xff\xff\x0f",
    b"\x0a\x81\x00a",
    b"\x0a\x81\x80\x80\x80\x80\x00a",
    b"\x0a\x02\xc3\x28",  # no UTF-8
    b"\x12\x02\xc3\x28",
    b"\x12\x03\xed\xa0\x80",  # half a pair
    b"\x12\x02\xc0\x80",  # a zero in two bytes
    b"\x09\x00",  # eight bytes that are one
    b"\x0d\x00\x00\x00",
    b"\x0e",
    b"\x0f\x00",
    b"\xf3\x07\xf4\x07",  # a group that nobody knows
    b"\xf3\x07\x08\x01\xf4\x07",
    b"\xf3\x07",
    b"\xf4\x07",
    b"\xf3\x07\xfc\x07",
    b"\xf3\x07" * 90 + b"\xf4\x07" * 90,
    b"\xf3\x07" * 200 + b"\xf4\x07" * 200,
    b"\x0a\x02\x08\x80",  # a number over the edge of its message
    b"\x0a\x01\x80\x01",
    b"\x0a\x00\x0a\x02\x08\x01",
    b"\x22\x02\x0a\x05abcde",
    b"\x32\x02\x08\x01\x32\x02\x10\x05",  # one time in two halves
]


@settings(max_examples=300, deadline=None)
@given(kind=ANY_KIND, data=st.data())
def test_bytes_are_those_of_others(kind: type[betterproto2.Message], data: st.DataObject) -> None:
    """Our bytes are betterproto2's and Google's, and are read back as what was written."""
    message = data.draw(messages(kind))
    written = encoder(kind)(message)
    theirs = google(kind)()
    theirs.ParseFromString(written)
    assert theirs.SerializeToString(deterministic=True) == written
    assert whole(decoder(kind)(written)) == whole(message)
    assert bytes(message) == written


@settings(max_examples=1500, deadline=None)
@given(kind=ANY_KIND, raw=st.sampled_from(HOSTILE) | st.binary(max_size=60), data=st.data())
def test_hostile_bytes(kind: type[betterproto2.Message], raw: bytes, data: st.DataObject) -> None:
    """What Google takes is taken and means the same; what it refuses is refused."""
    good = encoder(kind)(data.draw(messages(kind)))
    cut = data.draw(st.integers(0, len(good)))
    agree(kind, data.draw(st.sampled_from([raw, good[:cut], good + raw, good[:cut] + raw])))


@pytest.mark.parametrize("raw", HOSTILE, ids=repr)
def test_each_hostile_one(raw: bytes) -> None:
    """Each of the known tricks means for each class what it means for Google."""
    for kind in KINDS:
        agree(kind, raw)


def agree(kind: type[betterproto2.Message], raw: bytes) -> None:
    """Compare our reading of bytes with Google's."""
    theirs = google(kind)()
    try:
        theirs.ParseFromString(raw)
    except DecodeError:
        with pytest.raises(Malformed):
            decoder(kind)(raw)
        return
    try:
        found = decoder(kind)(raw)
    except Malformed as error:
        assert "time" in str(error), raw  # which a datetime can't hold
        return
    theirs.DiscardUnknownFields()
    again = google(kind)()
    again.ParseFromString(encoder(kind)(found))
    assert truncated(again) == truncated(theirs)


def truncated(message: Any) -> str:
    """Show one of Google's messages, its times cut to the microseconds that Python knows."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.message_type.full_name == "google.protobuf.Timestamp":
            value.nanos -= value.nanos % 1000
        elif field.message_type.GetOptions().map_entry:
            for each in value.values():
                truncated(each)
        elif field.is_repeated:
            for each in value:
                truncated(each)
        else:
            truncated(value)
    return str(message.SerializeToString(deterministic=True))


def test_a_zero_that_is_not_the_default() -> None:
    """-0.0 is sent, as Google does; betterproto2 takes it for the default."""
    written = encoder(ours.AiResult)(ours.AiResult(confidence=-0.0))
    agree(ours.AiResult, written)
    assert str(decoder(ours.AiResult)(written).confidence) == "-0.0"


@pytest.mark.parametrize(("seconds", "nanos"), [(2**62, 0), (-(2**62), 0), (0, -1), (0, 10**9)])
def test_a_time_that_is_none(seconds: int, nanos: int) -> None:
    """A Timestamp outside of its own bounds is malformed, not an error of ours."""
    theirs: Any = google(ours.GetUserResponse)()
    theirs.created_at.seconds, theirs.created_at.nanos = seconds, nanos
    with pytest.raises(Malformed, match="time"):
        decoder(ours.GetUserResponse)(theirs.SerializeToString())


@given(number=st.integers())
@example(number=2**32)
@example(number=-1)
def test_a_number_out_of_range_is_not_sent(number: int) -> None:
    """A number that a field can't hold is an error here, not another number there."""
    encode = encoder(ours.GetUserRequest)
    if 0 <= number < 2**32:
        assert decoder(ours.GetUserRequest)(encode(ours.GetUserRequest(number))).user_id == number
        return
    with pytest.raises(ValueError, match="user_id"):
        encode(ours.GetUserRequest(user_id=number))


def test_every_class_has_a_codec() -> None:
    """All messages of the proto file are known to the codec, and there are as many as we think."""
    assert len(KINDS) == len(ours.MEETING_PROTO_DESCRIPTOR.message_types_by_name)
    for kind in KINDS:
        assert encoder(kind)(decoder(kind)(b"")) == b""


def test_a_time_of_another_zone() -> None:
    """Only the moment travels: it comes back in UTC."""
    at = datetime(2026, 3, 1, 12, 30, 15, 250, tzinfo=UTC)
    person = ours.GetUserResponse(created_at=at.astimezone())
    assert decoder(ours.GetUserResponse)(encoder(ours.GetUserResponse)(person)).created_at == at


@pytest.mark.parametrize(
    ("kind", "piece"),
    [
        (ours.GetUserRequest, b"\x08\x01"),  # one field again and again
        (ours.GetUserRequest, b"\x78\x01"),  # one that nobody knows
        (ours.GetUsersByIdsRequest, b"\x08\x01"),  # a list, one by one
        (ours.GetUsersByIdsResponse, b"\x0a\x00"),  # empty messages
        (ours.GetUserResponse, b"\x32\x00"),  # one message in many halves
    ],
)
def test_a_message_of_many_fields(kind: type[betterproto2.Message], piece: bytes) -> None:
    """A message may have many fields, but not millions: each takes time of everybody's."""
    decoder(kind)(piece * ITEMS)
    with pytest.raises(Malformed, match="more than 65536"):
        decoder(kind)(piece * (ITEMS + 1))


def test_fields_in_fields_count_together() -> None:
    """Numbers of a list in one piece, fields of a message in another and in a group count too."""
    ids = varint(ITEMS) + b"\x01" * ITEMS
    with pytest.raises(Malformed, match="more than 65536"):
        decoder(ours.GetUsersByIdsRequest)(b"\x0a" + ids)
    inner = b"\x08\x01" * (ITEMS // 2)
    user = b"\x0a" + varint(len(inner)) + inner
    decoder(ours.GetUsersByIdsResponse)(user)
    with pytest.raises(Malformed, match="more than 65536"):
        decoder(ours.GetUsersByIdsResponse)(user + user)
    with pytest.raises(Malformed, match="more than 65536"):
        decoder(ours.GetUserRequest)(b"\xf3\x07" + b"\x08\x01" * ITEMS + b"\xf4\x07")


def varint(number: int) -> bytes:
    """Write a length."""
    said = bytearray()
    while number > 0x7F:
        said.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*said, number])

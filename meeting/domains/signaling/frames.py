"""The v2.0 frames: what clients may say, read strictly, and what the server says, encoded once.

A server frame is encoded without `seq`, so that one encoding serves all who get it; the writer of
each session puts its own number in front (`numbered`).
"""

from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from meeting.domains.signaling.model import PeerId
from meeting.kernel.clock import rfc3339
from meeting.kernel.errors import ERRORS, Fault, Kind, invalid
from meeting.kernel.nesting import MAX_DEPTH, shallow

Id = Annotated[str, Meta(max_length=128)] | Annotated[int, Meta(ge=-(2**53), le=2**53)] | None
UserId = Annotated[int, Meta(ge=1, le=2**32 - 1)]
"""A user, or the recorder, whose id is the highest."""
RoomId = Annotated[str, Meta(min_length=1, max_length=100)] | Annotated[int, Meta(ge=1)]
Text = Annotated[str, Meta(min_length=1)]


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What every client frame may carry; who it is from is known here, whatever it says."""

    id: Id = None
    room_id: RoomId | None = None


class Join(Frame, frozen=True, kw_only=True, tag="join"):
    """Asks for a place in a room."""

    peer_id: PeerId | None = None


class Leave(Frame, frozen=True, kw_only=True, tag="leave"):
    """Gives the place back and ends the socket."""


class Ping(Frame, frozen=True, kw_only=True, tag="ping"):
    """Asks for a pong."""


class Pong(Frame, frozen=True, kw_only=True, tag="pong"):
    """Is a sign of life."""


class Relayed(Frame, frozen=True, kw_only=True):
    """A frame for one peer, or for all peers of one user in the room."""

    to_user_id: UserId | None = None
    to_peer_id: PeerId | None = None


class Offer(Relayed, frozen=True, kw_only=True, tag="offer"):
    """Proposes a connection."""

    sdp: Text


class Answer(Relayed, frozen=True, kw_only=True, tag="answer"):
    """Accepts a proposed connection."""

    sdp: Text


class Candidate(Relayed, frozen=True, kw_only=True, tag="ice_candidate"):
    """Names an address at which the sender may be reached; empty: there are no more."""

    candidate: str
    sdp_mid: str | UnsetType | None = msgspec.field(name="sdpMid", default=UNSET)
    sdp_index: Annotated[int, Meta(ge=0, le=65535)] | UnsetType | None = msgspec.field(
        name="sdpMLineIndex", default=UNSET
    )


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """The little that an answer to an unreadable frame needs."""

    type: Any = None
    id: Any = None


Known = Join | Leave | Ping | Pong | Offer | Answer | Candidate
_known: msgspec.json.Decoder[Known] = msgspec.json.Decoder(Known)
_sent = msgspec.json.Decoder(Sent)
_told = msgspec.json.Decoder(dict[str, Any])
_encoder = msgspec.json.Encoder()


class Unreadable(Fault):
    """A frame that is refused before it is understood; knows what can be echoed."""

    def __init__(
        self, kind: Kind, text: str, request_type: str = "", request_id: Id = None
    ) -> None:
        super().__init__(kind, text)
        self.request_type = request_type
        self.request_id = request_id


def read(message: str | bytes) -> Known:
    """Read a client's frame; `Unreadable` says what is wrong with it."""
    if isinstance(message, bytes):
        raise Unreadable(Kind.VALIDATION, "send text frames of JSON, not binary ones")
    data = message.encode("utf-8", "surrogatepass")
    if not shallow(data):
        text = f"JSON may be {MAX_DEPTH} levels deep, and its brackets have to match"
        raise Unreadable(Kind.VALIDATION, text)
    try:
        return _known.decode(data)
    except msgspec.ValidationError as error:
        raise _refused(data, error) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(Kind.VALIDATION, "the frame is not valid JSON in UTF-8") from error


def _refused(data: bytes, error: msgspec.ValidationError) -> Unreadable:
    try:
        sent = _sent.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Unreadable(Kind.VALIDATION, "a frame is one JSON object with a type")
    known = isinstance(sent.type, str)
    try:
        echo: Id = msgspec.convert(sent.id, Id)
    except msgspec.ValidationError:
        echo = None
    text = str(error) if known else "type: must be one of the v2.0 names, such as join"
    return Unreadable(Kind.VALIDATION, text[:300], sent.type[:32] if known else "", echo)


def encode(type_: str, **fields: Any) -> bytes:
    """Encode a server frame for whoever gets it; fields that are UNSET are left out."""
    kept = {name: value for name, value in fields.items() if value is not UNSET}
    return _encoded({"type": type_, **kept})


def _encoded(value: dict[str, Any]) -> bytes:
    """Encode; copied, since msgspec's own result keeps up to half as much again allocated."""
    return bytes(memoryview(_encoder.encode(value)))


def numbered(frame: bytes, seq: int) -> bytes:
    """Put a session's number in front of an encoded frame."""
    return b'{"seq":%d,' % seq + frame[1:]


def error(fault: Fault, request_type: str = "", request_id: Id = None) -> bytes:
    """Encode the answer to a frame that was refused; the socket stays open."""
    return encode(
        "error",
        code=ERRORS[fault.kind].frame,
        message=str(fault),
        request_type=request_type,
        id=UNSET if request_id is None else request_id,
    )


def relayed(frame: Offer | Answer | Candidate, sender: dict[str, Any], now: datetime) -> bytes:
    """Encode a frame as its addressee gets it: the sender's identity stands over all it wrote."""
    content = msgspec.to_builtins(frame)
    for name in ("room_id", "id", "to_user_id", "to_peer_id"):
        if content[name] is None:
            del content[name]
    return _encoded(content | sender | {"timestamp": rfc3339(now)})


def broadcast(type_: str, content: str, **about: Any) -> bytes:
    """Encode what a service has to say; content that is a JSON object travels as one."""
    try:
        data = content.encode()
    except UnicodeEncodeError as error:
        raise invalid("content", "must be text without halves of characters") from error
    told: Any = content
    if shallow(data):
        with suppress(msgspec.DecodeError):
            told = _told.decode(data)
    return encode(type_, **about, content=told)


def type_of(frame: Known) -> str:
    """Return the wire name of a frame's type."""
    return str(frame.__struct_config__.tag)

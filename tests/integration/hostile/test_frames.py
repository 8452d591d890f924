"""Whatever comes over a WebSocket costs at most the sender's own socket."""

import struct
from contextlib import closing
from typing import Any, NamedTuple

import pytest
from hypothesis import given, strategies as st

from tests.integration.hostile.house import HAIL, House
from tests.integration.hostile.ledger import Ledger
from tests.integration.hostile.mutation import spoiled
from tests.integration.hostile.peer import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Peer,
    Told,
    frame,
)

PORTS = ("http", "signaling")
MOST = 40
"""Frames after which a socket is replaced: fifty a second may come over one."""
LARGEST = 64 * 1024
CODES = {400, 401, 403, 404, 405, 409, 413, 429}
"""What an error frame may say about a client's frame; 500 and 503 are about the server."""

ABOUT: dict[str, Any] = {
    "id": "i",
    "room_id": "room_1",
    "from_user_id": 2,
    "to_user_id": 1,
    "to_peer_id": "p",
}
VALID: tuple[dict[str, Any], ...] = (
    {"type": "join", "id": "i", "room_id": "room_1", "peer_id": "p"},
    {"type": "join", "room_id": 3},
    ABOUT | {"type": "offer", "sdp": "v=0"},
    ABOUT | {"type": "answer", "sdp": "v=0"},
    ABOUT | {"type": "ice_candidate", "candidate": "", "sdpMid": "0", "sdpMLineIndex": 0},
    {"type": "leave", "room_id": "room_1"},
    {"type": "ping", "id": 5},
    {"type": "pong"},
    ABOUT | {"type": "chat", "content": "c", "seq": 1},
)
"""All frames that a client may send, and one that comes with a later version."""


class Shot(NamedTuple):
    """Bytes to send: how many frames they are, and whether the last of them is a whole one."""

    data: bytes
    frames: int = 1
    whole: bool = True


@st.composite
def fragments(draw: st.DrawFn, opcode: int, payload: bytes) -> Shot:
    """Draw a message in pieces, with or without its end, and something in between."""
    cuts = sorted(draw(st.lists(st.integers(0, len(payload)), min_size=1, max_size=3)))
    starts = [0, *cuts]
    ends = [*cuts, len(payload)]
    last = draw(st.booleans()) or draw(st.booleans())
    parts = [
        frame(
            opcode if index == 0 else CONTINUATION,
            payload[start:end],
            fin=last and index == len(starts) - 1,
        )
        for index, (start, end) in enumerate(zip(starts, ends, strict=True))
    ]
    between = draw(st.sampled_from([b"", b"", frame(PING, b"x"), frame(PONG), frame(TEXT, b"{}")]))
    return Shot(parts[0] + between + b"".join(parts[1:]), len(parts) + bool(between))


PAYLOADS = st.sampled_from(VALID).flatmap(spoiled)
BAD_TEXT = st.sampled_from(
    [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b'{"type":"ping","id":"\xf5"}', b"\xe2\x82", b""]
)
CLOSES = st.one_of(
    st.binary(max_size=1),
    st.tuples(st.integers(0, 5000), st.binary(max_size=125)).map(
        lambda told: struct.pack("!H", told[0]) + told[1]
    ),
)
TEXTS = PAYLOADS.map(lambda payload: Shot(frame(TEXT, payload.decode(errors="replace").encode())))
"""What is text at least: other bytes cost the socket at once."""
BREACHES = st.one_of(
    PAYLOADS.map(lambda payload: Shot(frame(TEXT, payload))),
    PAYLOADS.map(lambda payload: Shot(frame(BINARY, payload))),
    (PAYLOADS | BAD_TEXT).flatmap(lambda payload: fragments(TEXT, payload)),
    BAD_TEXT.map(lambda payload: Shot(frame(TEXT, payload))),
    st.binary(max_size=130).map(lambda payload: Shot(frame(PING, payload))),
    st.builds(
        lambda opcode, payload, fin, reserved, masked: Shot(
            frame(opcode, payload, fin=fin, reserved=reserved, masked=masked)
        ),
        st.integers(0, 15),
        st.binary(max_size=140),
        st.booleans(),
        st.integers(0, 7),
        st.booleans(),
    ),
    CLOSES.map(lambda payload: Shot(frame(CLOSE, payload))),
    st.sampled_from([2, 8]).map(lambda form: Shot(frame(TEXT, b'{"type":"pong"}', form=form))),
    st.sampled_from([LARGEST, LARGEST + 1, 4 * LARGEST + 1]).map(
        lambda size: Shot(frame(TEXT, b'"' + b"x" * (size - 2) + b'"'))
    ),
    st.sampled_from([20, 65_536, 2**31, 2**63 - 1, 2**64 - 1]).map(
        lambda length: Shot(frame(TEXT, b"{}", length=length), whole=False)
    ),
    st.binary(min_size=1, max_size=40).map(lambda data: Shot(data, whole=False)),
)
"""What breaks the protocol, or nearly does, and mostly costs the socket."""


class Salvo(NamedTuple):
    """What is sent at once, and over which kind of socket."""

    port: str
    joined: bool
    shots: list[Shot]


@st.composite
def salvoes(draw: st.DrawFn) -> Salvo:
    """Draw a salvo: mostly text, now and then a breach, less often by who has joined.

    Sockets are lost by breaches, and to make them anew is what takes this test its time.
    """
    port = draw(st.sampled_from(PORTS))
    if draw(st.sampled_from(range(6))):
        return Salvo(port, draw(st.booleans()), draw(st.lists(TEXTS, min_size=1, max_size=3)))
    joined = draw(st.sampled_from([False, False, False, True]))
    return Salvo(port, joined, [draw(TEXTS | BREACHES), draw(BREACHES)])


class Gang:
    """One socket of each kind, replaced when it was closed or has sent enough."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._peers: dict[tuple[str, bool], Peer] = {}

    def peer(self, port: str, joined: bool) -> Peer:
        """Return the socket on a port, in a room or not yet."""
        found = self._peers.get((port, joined))
        if found is not None and found.sent > MOST:
            found.leave()
            found = None
        if found is None:
            self._house.anchor.drain()
            found = Peer(self._house.port(port), self._house.token("dave"))
            self._peers[port, joined] = found
            if joined:
                found.join(self._house.meeting)
        return found

    def lose(self, port: str, joined: bool) -> None:
        """Let go of a socket that the server has closed."""
        self._peers.pop((port, joined)).close()

    def close(self) -> None:
        """Close all."""
        for peer in self._peers.values():
            peer.leave()


def fire(peer: Peer, shots: list[Shot]) -> Told:
    """Send the shots, and return what the server said to them."""
    for shot in shots:
        try:
            peer.send(shot.data, shot.frames)
        except ConnectionError:
            return peer.finish()
        if not shot.whole:
            return peer.finish()
    return peer.settle()


def test_no_frame_costs_more_than_its_socket(house: House) -> None:
    """Two thousand salvoes on both ports, before and after a join: no error of ours, no trace.

    What is right after all leaves none either, but where the user is and since when.
    """
    with closing(Ledger(house.state)) as ledger, closing(Gang(house)) as gang:

        @HAIL
        @given(salvo=salvoes())
        def hail(salvo: Salvo) -> None:
            told = fire(gang.peer(salvo.port, salvo.joined), salvo.shots)
            if told.close:
                gang.lose(salvo.port, salvo.joined)
            said = [one for one in told.frames if one["type"] == "error"]
            assert {one["code"] for one in said} <= CODES, said
            assert ledger.changed() == {}

        hail()
    house.anchor.drain()
    assert house.anchor.settle().close == 0
    house.check()


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize(
    ("shot", "close"),
    [
        (frame(TEXT, b"\xff\xfe"), 1007),
        (frame(TEXT, b"{}", reserved=4), 1002),
        (frame(3, b"{}"), 1002),
        (frame(CONTINUATION, b"{}"), 1002),
        (frame(PING, b"", fin=False), 1002),
        (frame(PING, b"x" * 126), 1002),
        (frame(CLOSE, b"\x03"), 1002),
        (frame(TEXT, b"x" * (LARGEST + 1)), 1009),
        (frame(TEXT, b"x" * (4 * LARGEST + 1)), 1009),
    ],
    ids=[
        *("no UTF-8", "reserved bit", "unknown opcode", "nothing to continue"),
        *("ping in pieces", "long ping", "short close", "large", "very large"),
    ],
)
def test_what_breaks_the_protocol_closes_the_socket(
    house: House, port: str, shot: bytes, close: int
) -> None:
    """RFC 6455 names the code of each breach, and both ports close with it."""
    with closing(Peer(house.port(port), house.token("bob"))) as peer:
        peer.send(shot)
        assert peer.listen("").close == close
    house.check()

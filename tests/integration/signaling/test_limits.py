"""Peers that send too much, read too little, or say nothing."""

import asyncio
import gc
import json
import tracemalloc
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from meeting.domains.signaling.model import MIB, Limits, Timings
from meeting.domains.signaling.session import Session
from tests.integration.signaling.world import Server, World, world

LARGE = "v" * 60_000
BUFFER = 256 * 1024
"""What transport, writer and the relaying itself may hold beside the queue."""


@pytest.fixture
async def fast(tmp_path: Path, server: Server) -> AsyncIterator[World]:
    """Serve without a rate, and with a short linger."""
    limits = Limits(frames_per_second=10**9)
    async with world(tmp_path, server, limits, Timings(linger=2)) as made:
        yield made


def waiting(house: World, user_id: int) -> int | None:
    """Return how many bytes wait for a user's peer; None once it is no longer served."""
    for seat in house.signaling.seats:
        if seat.user_id == user_id and isinstance(seat.occupant, Session) and seat.occupant.place:
            return seat.occupant._outgoing.size
    return None


async def test_a_peer_that_stops_reading_hurts_nobody(fast: World) -> None:
    """It gets 4004 once its own queue is full, memory stays bounded, 1000 of 1000 frames pass."""
    meeting = await fast.started()
    one, two, deaf = [await fast.seated(meeting.id, user) for user in (1, 2, 3)]
    for peer in (one, two):
        await peer.send("ping")
        await peer.until("pong")
    gc.collect()
    tracemalloc.start()
    before = most = passed = 0
    for number in range(1000):
        queued = waiting(fast, 3)
        if queued is not None:
            await one.send("offer", to_user_id=3, sdp=LARGE)
        await one.send("offer", to_user_id=2, sdp=str(number))
        got = await two.next()
        passed += got["type"] == "offer" and got["sdp"] == str(number)
        used = tracemalloc.get_traced_memory()[0]
        if not queued:
            before = before if queued is None else used  # with the buffers of both ends full
        else:
            most = max(most, used - before)
        if queued is not None and waiting(fast, 3) is None:
            assert await deaf.closed() == 4004
    tracemalloc.stop()
    assert passed == 1000
    assert 3 * MIB < most <= 4 * MIB + BUFFER, most / MIB


async def test_a_peer_that_never_reads_again_is_dropped(fast: World, server: Server) -> None:
    """After the linger the connection is gone, though its client never read the close."""
    meeting = await fast.started()
    one = await fast.seated(meeting.id, 1)
    deaf = await fast.seated(meeting.id, 3)
    async with asyncio.timeout(30):
        while len(fast.signaling.seats) > 1:
            await one.send("offer", to_user_id=3, sdp=LARGE)
            await asyncio.sleep(0)
    assert len(await fast.keys()) == 2  # the place is kept for the grace
    # 4004 where the kernel had taken it in by then; a gateway says that the owner has left.
    assert await deaf.closed() in {4004, 1006} | ({1001} if server == "gateway" else set())


async def test_the_bound_of_a_frame(house: World) -> None:
    """64 KiB pass; a byte more closes with 1009."""
    frame = '{"type":"ping","x":"%s"}'
    room = 65536 - len(frame) + 2
    peer = await house.open(1)
    await peer.socket.send_str(frame % ("x" * room))
    assert (await peer.next())["type"] == "pong"
    await peer.socket.send_str(frame % ("x" * (room + 1)))
    assert await peer.closed() == 1009
    giant = await house.open(1)
    await giant.socket.send_str("x" * 2**20)
    assert await giant.closed() == 1009


async def test_the_rate_drops_frames_and_then_the_socket(house: World) -> None:
    """Over 50 in a second each is error 429; after 5 s without a pause it is close 4029."""
    peer = await house.open(1)
    for _ in range(52):
        await peer.send("ping")
    kinds = [(await peer.next()).get("code", "pong") for _ in range(52)]
    assert sorted(map(str, kinds)) == ["429"] * 2 + ["pong"] * 50
    for _ in range(11):
        house.clock.move(timedelta(seconds=0.5))
        for _ in range(26):
            await peer.send("ping")
        async with asyncio.timeout(10):
            for _ in range(26):
                message = await peer.socket.receive()
                if message.type is aiohttp.WSMsgType.CLOSE:
                    assert message.data == 4029
                    return
    pytest.fail("the socket was not closed")


async def test_silence_ends_a_socket(house: World) -> None:
    """The server pings; whoever answers stays, whoever is silent for 25 s does not."""
    meeting = await house.started()
    loud, mute = await house.seated(meeting.id, 1), await house.seated(meeting.id, 2)
    await loud.until("roster")
    for _ in range(4):
        house.clock.move(timedelta(seconds=10))
        house.signaling.seats.pulse()
        await loud.nothing()  # reading answers the ping as well
    assert await mute.closed() == 1011
    await loud.nothing()


async def test_a_ping_control_frame_is_answered(house: World) -> None:
    """A client may ping by itself, and a server's ping reaches it."""
    async with house.http.ws_connect(
        house.url, headers={"Authorization": f"Bearer {house.token(1)}"}, autoping=False
    ) as socket:
        await socket.ping(b"hey")
        answer = await socket.receive(10)
        assert (answer.type, bytes(answer.data)) == (aiohttp.WSMsgType.PONG, b"hey")
        house.clock.move(timedelta(seconds=10))
        house.signaling.seats.pulse()
        assert (await socket.receive(10)).type is aiohttp.WSMsgType.PING


async def test_invalid_utf8_closes_without_a_traceback(
    house: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Text that is none gets 1007."""
    peer = await house.open(1)
    await peer.socket.send_frame(b"\xff\xfe", aiohttp.WSMsgType.TEXT)
    assert await peer.closed() == 1007
    assert not [record for record in caplog.records if record.exc_info]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
TYPES = st.sampled_from(["join", "offer", "answer", "ice_candidate", "pong", "x", 4, None])
NAMES = st.sampled_from(
    ["id", "room_id", "peer_id", "to_user_id", "to_peer_id", "sdp", "candidate", "sdpMid"]
)
OBJECTS = st.dictionaries(NAMES, VALUES)


def payloads(count: int) -> list[str | bytes]:
    """Collect what hypothesis would send."""
    found: list[str | bytes] = []

    @settings(
        max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.builds(dict, OBJECTS, type=TYPES) | st.text(max_size=60) | st.binary(max_size=60))
    def collect(payload: object) -> None:
        found.append(payload if isinstance(payload, str | bytes) else json.dumps(payload))

    collect()
    return found


async def test_no_bytes_break_a_session(
    house: World, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever is sent as a frame is answered by an error, and the next ping by a pong."""
    peer = await house.open(1)
    for number, payload in enumerate(payloads(300)):
        house.clock.move(timedelta(seconds=1))
        if isinstance(payload, bytes):
            await peer.socket.send_frame(payload, aiohttp.WSMsgType.BINARY)
        else:
            await peer.socket.send_str(payload)
        await peer.send("ping", id=f"n{number}")
        while (frame := await peer.next())["type"] != "pong" or frame.get("id") != f"n{number}":
            assert frame["type"] in {"error", "pong"}
            assert frame.get("code") != 500
    assert "Traceback" not in capsys.readouterr().out
    assert not [record for record in caplog.records if record.exc_info]
    assert await house.keys() == []

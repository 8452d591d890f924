"""Whatever comes to the engine's socket is answered with an error, and the engine goes on."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import zmq
from hypothesis import given, strategies as st

from tests.integration.hostile.house import HAIL, House, shout
from tests.integration.hostile.ledger import Ledger
from tests.integration.hostile.mutation import SPLINTERS, spoiled

PATIENCE_MS = 30_000
KEYS = {"task_id", "status", "result", "error", "latency"}
ERRORS = ("unavailable: ", "invalid: ", "overloaded: ", "deadline: ", "cancelled: ")
"""How an error may begin; `internal:` is a defect of ours."""
LARGEST = 40 << 20

PARAMS: dict[str, Any] = {"language": "en", "sample_rate": "16000", "channels": 1, "format": "pcm"}
SPEECH = {"task_id": "t", "task_type": "speech_recognition", "model_path": "", "params": PARAMS}
JSON_FORM: tuple[dict[str, Any], ...] = (
    SPEECH | {"input_data": "AAAAAAAA"},
    SPEECH | {"input_data": [0, 0, 255, 1], "model_path": "/models/whisper_base.onnx"},
    {"task_id": "t", "task_type": "speech_recognition", "input_data": "AAAA", **PARAMS},
    SPEECH | {"params": PARAMS | {"deadline_ms": "5"}, "task_type": "emotion_detection"},
    {"task_id": "p", "task_type": "ping"},
    {"task_id": "i", "task_type": "info", "params": {}},
    {"task_id": "t", "task_type": "cancel"},
)
RAW_FORM: tuple[dict[str, Any], ...] = tuple(
    {"v": 1} | request for request in (SPEECH, SPEECH | {"task_type": "ping"})
)
PARAMETERS = st.sampled_from(sorted([*PARAMS, "deadline_ms", "width", "height", "nobody"]))


@st.composite
def hostile_params(draw: st.DrawFn) -> bytes:
    """Draw a request whose parameters alone are wrong."""
    wrong = st.one_of(st.text(max_size=8), st.integers(), st.sampled_from(["nan", "1e9", "-0"]))
    params = draw(st.dictionaries(PARAMETERS, wrong, max_size=4))
    return json.dumps(SPEECH | {"input_data": "AAAAAAAA", "params": PARAMS | params}).encode()


HEADERS = st.sampled_from(RAW_FORM).flatmap(spoiled)
FRAMES = st.one_of(st.binary(max_size=64), SPLINTERS, HEADERS)
MESSAGES = st.one_of(
    st.sampled_from(JSON_FORM).flatmap(spoiled).map(lambda text: [text]),
    hostile_params().map(lambda text: [text]),
    st.tuples(HEADERS, st.binary(max_size=99)).map(list),
    st.lists(FRAMES, min_size=1, max_size=6),
    st.integers(1, 6).map(lambda count: [b""] * count),
    st.tuples(HEADERS, st.integers(1, 400_000).map(bytes)).map(list),
)
"""Messages of one frame and more; the empty ones among them are what a REQ puts first."""


@contextmanager
def client(endpoint: str, kind: int) -> Iterator[zmq.Socket[bytes]]:
    """Open a socket to the engine."""
    opened: zmq.Socket[bytes]
    with zmq.Context.instance().socket(kind) as opened:
        opened.setsockopt(zmq.LINGER, 0)
        opened.setsockopt(zmq.RCVTIMEO, PATIENCE_MS)
        opened.connect(endpoint)
        yield opened


def ask(opened: "zmq.Socket[bytes]", frames: list[bytes]) -> dict[str, Any]:
    """Send one message and read the one reply, which has to be in the contract's form."""
    opened.send_multipart(frames)
    *delimiter, reply = opened.recv_multipart()
    wanted = opened.type == zmq.DEALER and not frames[0]
    assert delimiter == ([b""] if wanted else [])
    told: dict[str, Any] = json.loads(reply)
    assert set(told) == KEYS, told
    assert isinstance(told["latency"], int), told
    if told["status"] == "success":
        assert told["error"] == "", told
    else:
        assert told["status"] == "error", told
        assert told["result"] == {}, told
        assert told["error"].startswith(ERRORS), told
    return told


def lives(house: House) -> None:
    """Assert that the engine goes on, and the server with it."""
    with client(house.endpoint, zmq.REQ) as opened:
        told = ask(opened, [json.dumps({"task_id": "p", "task_type": "ping"}).encode()])
        assert told["status"] == "success", told
    house.check()


def test_no_message_is_more_than_an_error(house: House, ledger: Ledger) -> None:
    """Two thousand messages from DEALER and REQ: one proper reply each, and stores untouched."""
    with client(house.endpoint, zmq.DEALER) as dealer, client(house.endpoint, zmq.REQ) as req:
        sockets = {"dealer": dealer, "req": req}

        @HAIL
        @given(frames=MESSAGES, name=st.sampled_from(sorted(sockets)))
        def hail(frames: list[bytes], name: str) -> None:
            ask(sockets[name], frames)
            assert ledger.changed() == {}

        hail()
    lives(house)
    ledger.close()


@pytest.mark.parametrize("size", [LARGEST + 1, LARGEST + 8_000_000], ids=["over", "far over"])
def test_a_frame_above_the_limit_harms_nobody(house: House, size: int) -> None:
    """Just above it the answer is an error; far above it the connection ends; others are served."""
    with client(house.endpoint, zmq.DEALER) as opened:
        opened.setsockopt(zmq.RECONNECT_IVL, -1)
        header = json.dumps(RAW_FORM[0]).encode()
        if size < LARGEST + 4_000_000:
            assert ask(opened, [header, bytes(size)])["error"].startswith("invalid: ")
        else:
            with opened.get_monitor_socket(zmq.EVENT_DISCONNECTED) as ended:
                opened.send_multipart([header, bytes(size)])
                assert ended.poll(PATIENCE_MS)
                opened.disable_monitor()
    lives(house)


def test_bytes_that_are_no_zeromq_harm_nobody(house: House) -> None:
    """Who speaks HTTP or garbage to the engine's port is cut off."""
    address, _, port = house.endpoint.removeprefix("tcp://").partition(":")
    for greeting in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\xff" * 70, b"\x00" * 8, b""):
        shout((address, int(port)), greeting)
    lives(house)


def test_base64_is_read_strictly(house: House) -> None:
    """Text that is no base64 is refused, not guessed at; a good one gets as far as the model."""
    with client(house.endpoint, zmq.REQ) as opened:
        for text, begins in (
            (base64.b64encode(bytes(320)).decode(), "unavailable: "),
            ("AAA", "invalid: input_data"),
            ("AAA\n", "invalid: input_data"),
            ("AA_-", "invalid: input_data"),
            ("", "invalid: input_data"),
        ):
            told = ask(opened, [json.dumps(SPEECH | {"input_data": text}).encode()])
            assert told["error"].startswith(begins), (text[:8], told)

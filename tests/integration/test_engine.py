"""The engine as strangers see it: over its socket, by pyzmq alone, as a program and on threads."""

import base64
import json
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import zmq

from meeting.engine import _native

KEYS = {"task_id", "status", "result", "error", "latency"}
ANYWHERE = "tcp://127.0.0.1:0"
PATIENCE = 30_000  # ms
PROGRAM = Path(_native.__file__).parent / "bin" / "meeting-engine"
SPEECH = {"task_id": "s", "task_type": "speech_recognition"}
PCM = b"\x00\x01" * 160


def onnxruntime() -> str:
    """Path of the library in the installed wheel, found without importing it."""
    spec = find_spec("onnxruntime")
    assert spec is not None
    assert spec.origin is not None
    return str(next(Path(spec.origin).parent.glob("capi/libonnxruntime.so*")))


@contextmanager
def program(models: Path, *flags: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The executable on a free port, and where it listens; gone at the end."""
    command = [str(PROGRAM), "--models", str(models), "--onnxruntime", onnxruntime()]
    with subprocess.Popen(
        [*command, "--endpoint", ANYWHERE, *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        try:
            assert child.stdout is not None
            yield child, json.loads(child.stdout.readline())["endpoint"]
        finally:
            child.kill()


@contextmanager
def threads(models: Path) -> Iterator[str]:
    """The engine on threads of this process, and where it listens."""
    engine = _native.Engine(str(models), onnxruntime(), ANYWHERE, workers=2, queue=64)
    engine.start()
    try:
        yield engine.endpoint
    finally:
        engine.stop()


@pytest.fixture(params=["program", "threads"])
def endpoint(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where an engine without models listens."""
    if request.param == "threads":
        with threads(tmp_path) as address:
            yield address
    else:
        with program(tmp_path) as (child, address):
            yield address
            assert child.poll() is None


@contextmanager
def connect(kind: int, endpoint: str) -> Iterator[zmq.Socket[bytes]]:
    """A client's socket."""
    with zmq.Context() as context, context.socket(kind) as socket:
        socket.linger = 0
        socket.rcvtimeo = PATIENCE
        socket.connect(endpoint)
        yield socket


def ask(endpoint: str, request: Any) -> dict[str, Any]:
    """One request of a plain REQ client."""
    with connect(zmq.REQ, endpoint) as socket:
        socket.send_json(request)
        return check(socket.recv())


def raw(task_id: str, task_type: str, body: bytes = b"", **params: Any) -> list[bytes]:
    """The frames of the raw form."""
    header = {"v": 1, "task_id": task_id, "task_type": task_type, "params": params}
    return [json.dumps(header).encode(), body]


def check(reply: bytes) -> dict[str, Any]:
    """Decode a reply and hold it to the contract's shape."""
    message: dict[str, Any] = json.loads(reply)
    assert message.keys() == KEYS
    assert isinstance(message["latency"], int)
    assert message["status"] == ("error" if message["error"] else "success")
    if message["error"]:
        assert message["result"] == {}
    return message


def test_ping_and_info(endpoint: str) -> None:
    """Both answer without a model, and info lists every model with its state and reason."""
    ping = ask(endpoint, {"task_id": "p", "task_type": "ping"})
    assert (ping["task_id"], ping["result"]) == ("p", {})
    info = ask(endpoint, {"task_id": "i", "task_type": "info"})["result"]
    assert info.keys() == {"version", "models", "workers", "queued"}
    found = {model["id"]: model for model in info["models"]}
    assert found.keys() == {"whisper_base", "silero_vad", "emotion_net", "deepfake_detector"}
    assert {model["status"] for model in found.values()} == {"unavailable"}
    assert "meeting models pull" in found["whisper_base"]["reason"]


@pytest.mark.parametrize("data", [base64.b64encode(PCM).decode(), list(PCM)])
def test_absent_model(endpoint: str, data: object) -> None:
    """Good input is `unavailable:` with the reason; nothing is invented."""
    reply = ask(endpoint, SPEECH | {"input_data": data, "params": {"sample_rate": 16000}})
    assert reply["task_id"] == "s"
    assert reply["error"].startswith("unavailable: model whisper_base: ")


@pytest.mark.parametrize("task", ["emotion_detection", "deepfake_detection"])
def test_later_tasks(endpoint: str, task: str) -> None:
    """Tasks that have no code yet are known and say so."""
    reply = ask(endpoint, {"task_id": "t", "task_type": task, "input_data": "AAAA"})
    assert reply["error"].startswith("unavailable: ")


def test_raw_form(endpoint: str) -> None:
    """REQ and DEALER, with and without a delimiter, get one frame back for header and bytes."""
    with connect(zmq.REQ, endpoint) as socket:
        socket.send_multipart(raw("r", "speech_recognition", PCM))
        assert check(socket.recv())["error"].startswith("unavailable: ")
    with connect(zmq.DEALER, endpoint) as socket:
        for delimiter in ([], [b""]):
            socket.send_multipart([*delimiter, *raw("r", "speech_recognition", PCM)])
            *before, reply = socket.recv_multipart()
            assert before == delimiter
            assert check(reply)["task_id"] == "r"


@pytest.mark.parametrize(
    ("params", "body", "begin"),
    [
        ({"sample_rate": 0}, PCM, "invalid: sample_rate:"),
        ({"channels": "65535"}, PCM, "invalid: channels:"),
        ({"language": "klingon"}, PCM, "invalid: language:"),
        ({"format": "mp3"}, PCM, "invalid: format:"),
        ({"format": "wav"}, b"RIFF", "invalid: format:"),
        ({"deadline_ms": 0}, PCM, "invalid: deadline_ms:"),
        ({"deadline_ms": "soon"}, PCM, "invalid: deadline_ms:"),
        ({"language": ["en"]}, PCM, "invalid: language:"),
        ({}, b"", "invalid: "),
    ],
)
def test_bad_input(endpoint: str, params: dict[str, Any], body: bytes, begin: str) -> None:
    """What the caller has to mend is `invalid:` with its name, also where the model is absent."""
    with connect(zmq.DEALER, endpoint) as socket:
        socket.send_multipart(raw("b", "speech_recognition", body, **params))
        reply = check(socket.recv())
    assert reply["task_id"] == "b"
    assert reply["error"].startswith(begin)


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../whisper_base",
        "/models/../whisper_base",
        "models/whisper_base",
        "/models/deep/whisper_base.onnx",
        "..",
        "emotion_net",
        "silero_vad",
        "whisper_base\0.onnx",
        "file:///models/whisper_base",
    ],
)
def test_model_outside(endpoint: str, path: str) -> None:
    """A model path that is no model of the task is refused, whatever lies there."""
    reply = ask(endpoint, SPEECH | {"model_path": path, "input_data": "AAAA"})
    assert reply["error"].startswith("invalid: model_path: ")


@pytest.mark.parametrize("path", ["", "whisper_base", "/models/whisper_base.onnx"])
def test_model_named(endpoint: str, path: str) -> None:
    """The three ways to name the same model are understood."""
    reply = ask(endpoint, SPEECH | {"model_path": path, "input_data": list(PCM)})
    assert reply["error"].startswith("unavailable: model whisper_base")


@pytest.mark.parametrize("task", ["", "face_detection", "voice_activity", "PING", "info\0"])
def test_unknown_task(endpoint: str, task: str) -> None:
    """A task_type that there is not is refused with those that there are."""
    reply = ask(endpoint, {"task_id": "u", "task_type": task})
    assert reply["task_id"] == "u"
    assert reply["error"].startswith("invalid: task_type: must be speech_recognition, ")


@pytest.mark.parametrize(
    "frames",
    [
        [b""],
        [b"{"],
        [b"[]"],
        [b'{"task_id":"\xff"}'],
        [b'{"task_id":"a","x":' + b"[" * 40 + b"]" * 40 + b"}"],
        [b'{"task_id":"a"}', b"bytes"],
        [b'{"v":1,"task_id":"a"}', b"bytes", b"more"],
        [b"\x00" * 1000] * 50,
    ],
)
def test_unreadable(endpoint: str, frames: list[bytes]) -> None:
    """What is no request is answered with an empty task_id, and the engine goes on."""
    with connect(zmq.DEALER, endpoint) as socket:
        socket.send_multipart(frames)
        reply = check(socket.recv_multipart()[-1])
        assert reply["task_id"] == ""
        assert reply["error"].startswith("invalid: message: ")
        socket.send_multipart(raw("p", "ping"))
        assert check(socket.recv())["status"] == "success"


def test_many_in_flight(endpoint: str) -> None:
    """One socket has fifty requests under way, and each is answered once."""
    with connect(zmq.DEALER, endpoint) as socket:
        sent = {str(number) for number in range(50)}
        for task_id in sent:
            socket.send_multipart(raw(task_id, "speech_recognition", PCM))
        answered = [check(socket.recv())["task_id"] for _ in sent]
    assert sorted(answered) == sorted(sent)


def test_random_frames(endpoint: str) -> None:
    """Two hundred messages of random frames are each answered, and the engine goes on."""
    dice = random.Random(20261124)  # noqa: S311 - fixed, so that a failure can be repeated
    with connect(zmq.DEALER, endpoint) as socket:
        for _ in range(200):
            frames = [dice.randbytes(dice.randrange(1, 2000)) for _ in range(dice.randrange(1, 5))]
            socket.send_multipart(frames)
            assert check(socket.recv())["error"].startswith("invalid: message: ")
    assert ask(endpoint, {"task_id": "p", "task_type": "ping"})["status"] == "success"


def test_cancel_of_nothing(endpoint: str) -> None:
    """A cancel that finds nothing says so."""
    reply = ask(endpoint, {"task_id": "gone", "task_type": "cancel"})
    assert reply["error"].startswith("invalid: task_id: ")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal(tmp_path: Path, number: signal.Signals) -> None:
    """SIGTERM and SIGINT end the program with 0 and without a word."""
    with program(tmp_path) as (child, address):
        assert ask(address, {"task_id": "p", "task_type": "ping"})["status"] == "success"
        child.send_signal(number)
        assert child.wait(30) == 0
        assert child.stderr is not None
        assert child.stderr.read() == ""


@pytest.mark.parametrize(
    ("flags", "status", "hint"),
    [
        ([], 2, "--models is missing"),
        (["--models", "x"], 2, "--onnxruntime is missing"),
        (["--models", "x", "--workers", "none"], 2, "from 1 to 256"),
        (["--models", "x", "--onnxruntime", "/absent.so"], 1, "install the onnxruntime wheel"),
        (["--models", "x", "--onnxruntime", "{library}", "--endpoint", "here"], 1, "looks like"),
    ],
)
def test_refusal(flags: list[str], status: int, hint: str) -> None:
    """The program that can't start says what to do and has an exit code of its own."""
    command = [str(PROGRAM), *(flag.format(library=onnxruntime()) for flag in flags)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == status
    assert hint in done.stderr
    assert done.stdout == ""


def test_taken_port(tmp_path: Path) -> None:
    """Two engines can't have one address, and the second says so."""
    with threads(tmp_path) as address:
        with pytest.raises(RuntimeError, match="another process listens there"):
            _native.Engine(str(tmp_path), onnxruntime(), address, workers=1, queue=1)
        with (
            pytest.raises(json.JSONDecodeError),
            program(tmp_path, "--endpoint", address),
        ):
            pass


def test_help() -> None:
    """--help teaches every flag."""
    done = subprocess.run([str(PROGRAM), "--help"], capture_output=True, text=True, check=True)
    flags = (
        "--endpoint",
        "--models",
        "--onnxruntime",
        "--workers",
        "--queue",
        "--deadline",
        "--grace",
    )
    for flag in flags:
        assert flag in done.stdout


def test_wrong_library(tmp_path: Path) -> None:
    """A library that is not there is an exception with the next step."""
    code = (
        "from meeting.engine._native import Engine\n"
        f"Engine({str(tmp_path)!r}, '/absent.so', {ANYWHERE!r}, workers=1, queue=1)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "RuntimeError: ONNX Runtime can't be loaded: /absent.so" in done.stderr
    assert "install the onnxruntime wheel" in done.stderr


def test_life_on_threads(tmp_path: Path) -> None:
    """An engine starts once and stops as often as one likes; its address is free afterwards."""
    engine = _native.Engine(str(tmp_path), onnxruntime(), ANYWHERE, workers=1, queue=1)
    address = engine.endpoint
    engine.start()
    with pytest.raises(RuntimeError, match="starts once"):
        engine.start()
    engine.stop()
    engine.stop()
    with pytest.raises(RuntimeError, match="starts once"):
        engine.start()
    again = _native.Engine(str(tmp_path), onnxruntime(), address, workers=1, queue=1)
    assert again.endpoint == address
    again.stop()


@pytest.mark.parametrize(
    "given",
    [{"workers": 0}, {"workers": 257}, {"queue": 0}, {"deadline": 0}, {"deadline": 86_401}],
)
def test_bounds_on_threads(tmp_path: Path, given: dict[str, int]) -> None:
    """Numbers out of range are a ValueError that names them."""
    numbers = {"workers": 1, "queue": 1} | given
    with pytest.raises(ValueError, match=next(iter(given))):
        _native.Engine(str(tmp_path), onnxruntime(), ANYWHERE, **numbers)

"""The real engine on threads and as a child, and speech through the whole domain on it."""

import asyncio
import math
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import meeting.engine
from meeting.engine import library
from meeting.engine._native import Engine
from meeting.engine.host import EngineFailed, EngineSettings, Host
from meeting.engine.library import Missing, onnxruntime, program
from meeting.engine.process import ProcessHost
from meeting.engine.thread import ThreadHost
from meeting.kernel.clock import SystemClock
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.ids import RandomIds
from meeting.transports.zeromq.client import EngineClient
from tests.integration.ai.laboratory import audio, laboratory


def settings(folder: Path, **changes: object) -> EngineSettings:
    """Make settings without models on a free port."""
    values = {"models": folder, "library": onnxruntime(), "endpoint": "tcp://127.0.0.1:0"}
    return EngineSettings(**(values | changes))  # type: ignore[arg-type]


async def version(endpoint: str) -> str:
    """Ask the engine at an endpoint for its version, as soon as it answers."""
    client = EngineClient(lambda: endpoint, clock=SystemClock(), ids=RandomIds())
    task = asyncio.create_task(client.run())
    try:
        return (await client.info()).version
    finally:
        task.cancel()
        await asyncio.wait([task])


@pytest.mark.parametrize("kind", [ThreadHost, ProcessHost])
async def test_an_engine_starts_answers_and_stops(
    tmp_path: Path, kind: type[ThreadHost | ProcessHost]
) -> None:
    """On threads and as a child alike, on the port that it got."""
    host: Host = kind(settings(tmp_path))
    await host.start()
    assert not host.endpoint.endswith(":0")
    assert await version(host.endpoint)
    await host.stop()
    await host.stop()


@pytest.mark.parametrize("kind", [ThreadHost, ProcessHost])
async def test_an_engine_that_can_t_start_says_why(
    tmp_path: Path, bare: str, kind: type[ThreadHost | ProcessHost]
) -> None:
    """A taken port fails the start, with the address and what to do in the reason."""
    host: Host = kind(settings(tmp_path, endpoint=bare))
    with pytest.raises(EngineFailed, match="another process listens there") as caught:
        await host.start()
    assert bare in str(caught.value)
    await host.stop()


async def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    """So that one knows what to build."""
    with pytest.raises(EngineFailed, match="no-engine"):
        await ProcessHost(settings(tmp_path), tmp_path / "no-engine").start()


async def test_a_child_that_dies_comes_back_at_the_same_place(tmp_path: Path) -> None:
    """SIGKILL: another one serves the same endpoint, and a client finds it by itself."""
    host = ProcessHost(settings(tmp_path), first_pause=0.01)
    await host.start()
    client = EngineClient(lambda: host.endpoint, clock=SystemClock(), ids=RandomIds())
    tasks = [asyncio.create_task(work) for work in (client.run(), host.watch())]
    try:
        assert (await client.info()).version
        first, endpoint = host.pid, host.endpoint
        assert first is not None
        os.kill(first, signal.SIGKILL)
        while host.pid == first:
            await asyncio.sleep(0.01)
        assert host.endpoint == endpoint
        assert (await client.info()).version
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await host.stop()


async def test_a_child_dies_with_us(tmp_path: Path) -> None:
    """A server that is killed leaves no engine behind that holds its port."""
    script = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from meeting.engine.library import onnxruntime\n"
        "from meeting.engine.process import ProcessHost\n"
        "from meeting.engine.host import EngineSettings\n"
        "async def main():\n"
        "    host = ProcessHost(EngineSettings(models=Path(sys.argv[1]), library=onnxruntime(),"
        " endpoint='tcp://127.0.0.1:0'))\n"
        "    await host.start()\n"
        "    print('pid', host.pid, flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script, str(tmp_path)), stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    line = b""
    while not line.startswith(b"pid "):
        line = await parent.stdout.readline()
    child = int(line.split()[1])
    parent.kill()
    await parent.wait()
    async with asyncio.timeout(10):
        while _alive(child):
            await asyncio.sleep(0.01)


def _alive(pid: int) -> bool:
    """Tell whether a process runs; one that only waits to be reaped does not."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def test_the_library_is_found_without_importing_it() -> None:
    """The wheel's file is there, and its Python side stays out of this process."""
    script = (
        "import sys\nfrom meeting.engine.library import onnxruntime\n"
        "print(onnxruntime())\nsys.exit('onnxruntime' in sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", script],
        check=True,
        capture_output=True,
        text=True,
    )
    assert Path(found.stdout.strip()).is_file()


def test_files_that_are_not_there_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what to do."""
    assert program().is_file()
    monkeypatch.setattr(library, "find_spec", lambda _name: None)
    monkeypatch.setattr(meeting.engine, "__path__", [str(tmp_path)])
    with pytest.raises(Missing, match="pip install onnxruntime"):
        onnxruntime()
    with pytest.raises(Missing, match=f"{tmp_path}.*meeting-engine"):
        program()


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[str]:
    """A real engine that has no models; its endpoint."""
    engine = Engine(str(tmp_path), str(onnxruntime()), "tcp://127.0.0.1:0", 1, 8)
    engine.start()
    yield engine.endpoint
    engine.stop()


@pytest.fixture(scope="module")
def hearing(models: Path) -> Iterator[str]:
    """A real engine with its models; its endpoint."""
    engine = Engine(str(models), str(onnxruntime()), "tcp://127.0.0.1:0", 2, 8)
    engine.start()
    yield engine.endpoint
    engine.stop()


@pytest.mark.parametrize("kind", [ThreadHost, ProcessHost])
async def test_a_recognition_ends_at_the_engine_s_own_deadline(
    models: Path, shared: Path, kind: type[ThreadHost | ProcessHost]
) -> None:
    """On threads and as a child alike, where whoever asks sets none, as under a debugger."""
    host: Host = kind(settings(models, deadline=1))
    await host.start()
    client = EngineClient(lambda: host.endpoint, clock=SystemClock(), ids=RandomIds())
    task = asyncio.create_task(client.run())
    try:
        while any(model.status == "loading" for model in (await client.info()).models):
            await asyncio.sleep(0.05)
        sound = (shared / "media" / "en-librispeech-1995-1837-0001.wav").read_bytes()
        samples = sound[44:] * 20
        with pytest.raises(Fault) as caught:
            await client.infer("speech_recognition", samples, {}, math.inf)
        assert caught.value.kind is Kind.DEADLINE
    finally:
        task.cancel()
        await asyncio.wait([task])
        await host.stop()


async def test_without_a_model_speech_is_unavailable(tmp_path: Path, bare: str) -> None:
    """503 with the reason and nothing kept; bad audio is told as such all the same."""
    async with laboratory(tmp_path, bare) as house:
        host = await house.person("alice")
        meeting = await house.meeting(host)
        answer = await host.post("/ai/speech-recognition", audio(meeting))
        assert answer.error == (503, 40001)
        assert "whisper_base" in answer.body["error"]["details"]["reason"]
        no_samples = b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0" + bytes(16) + b"data\0\0\0\0"
        wrong = audio(meeting, no_samples, format="wav")
        assert (await host.post("/ai/speech-recognition", wrong)).error == (400, 30002)
        unknown = audio(meeting, language="xx")
        assert (await host.post("/ai/speech-recognition", unknown)).error == (400, 400)
        assert (await host.get(f"/ai/analysis/{meeting}")).data["total"] == 0


@pytest.fixture
def webm(tmp_path: Path, shared: Path) -> bytes:
    """Real speech, as a browser records it."""
    wav = shared / "media" / "en-librispeech-1995-1837-0001.wav"
    path = tmp_path / "speech.webm"
    command = ["ffmpeg", "-nostdin", "-loglevel", "error", "-i", str(wav)]
    subprocess.run([*command, "-c:a", "libopus", "-b:a", "48k", str(path)], check=True)
    return path.read_bytes()


async def test_speech_is_recognised_from_a_browser_s_recording(
    tmp_path: Path, hearing: str, webm: bytes
) -> None:
    """Base64, ffmpeg, ZeroMQ, the real model and back: the words, the model and its checksum."""
    async with laboratory(tmp_path, hearing) as house:
        while any(model.status == "loading" for model in (await house.engine.info()).models):
            await asyncio.sleep(0.05)
        host = await house.person("alice")
        body = audio(await house.meeting(host), webm, format="webm")
        found = (await host.post("/ai/speech-recognition", body)).data
        assert "the first great sorrow of his life" in found["text"]
        assert (found["model"], found["language"]) == ("whisper_base", "en")
        assert len(found["model_sha256"]) == 64
        assert found["duration_ms"] == pytest.approx(8_730, abs=60)
        assert len(await house.announced()) == 1

"""Inference has one door: a server that hears speech holds no inference library itself."""

import base64
import wave
from pathlib import Path

import aiohttp
import psutil

from tests.engine import engine
from tests.process import Client, serving

LIBRARIES = ("onnxruntime", "torch", "ctranslate", "opencv", "meeting/engine/_native")


def spoken(shared: Path) -> str:
    """Return two seconds of somebody speaking, as base64 of samples."""
    with wave.open(str(shared / "media" / "en-librispeech-1995-1837-0001.wav")) as file:
        return base64.b64encode(file.readframes(2 * file.getframerate())).decode()


def loaded(process: psutil.Process) -> set[str]:
    """Return which of the libraries are in a process's memory."""
    files = [region.path for region in process.memory_maps()]
    return {name for name in LIBRARIES if any(name in file for file in files)}


async def test_an_engine_elsewhere(tmp_path: Path, models: Path, shared: Path) -> None:
    """With the engine in another process speech is heard there, by nothing in the server."""
    with engine(models) as other:
        async with (
            serving(tmp_path, engine__mode="external", engine__endpoint=other.endpoint) as server,
            aiohttp.ClientSession() as http,
        ):
            await server.ready()
            ann = await Client(server.url["http"], http).enter("ann")
            body = {"meeting_id": await ann.meeting(), "audio_data": spoken(shared)}
            heard = await ann.data("POST", "/ai/speech-recognition", body | {"language": "en"})
            assert "sorrow" in heard["text"]
            process = psutil.Process(server.process.pid)
            assert loaded(process) == set()
            assert process.children() == []
    assert server.tracebacks() == []


async def test_threads_are_seen(tmp_path: Path) -> None:
    """The look into memory finds the library where it is: in a server that runs the engine."""
    async with serving(tmp_path, models__pull="false", models__folder=str(tmp_path)) as server:
        await server.ready()
        found = loaded(psutil.Process(server.process.pid))
    assert found == {"onnxruntime", "meeting/engine/_native"}

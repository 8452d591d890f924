"""The engine's program in a root directory that holds nothing but what it needs."""

import json
import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import zmq

from meeting.engine import _native

PROGRAM = Path(_native.__file__).parent / "bin" / "meeting-engine"


def libraries(file: Path) -> set[Path]:
    """Every library that the loader takes for `file`, and the loader itself."""
    command = ["/usr/bin/ldd", str(file)]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    words = [word for line in listed.splitlines() for word in line.split()]
    return {Path(word) for word in words if word.startswith("/")}


def furnish(root: Path, models: Path) -> None:
    """Lay the program, its libraries, ONNX Runtime and the models into an empty root."""
    spec = find_spec("onnxruntime")
    assert spec is not None
    assert spec.origin is not None
    runtime = next(Path(spec.origin).parent.glob("capi/libonnxruntime.so*"))
    for library in libraries(PROGRAM) | libraries(runtime):
        target = root / library.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, target)
    shutil.copy(PROGRAM, root / "meeting-engine")
    shutil.copy(runtime, root / "libonnxruntime.so")
    for name in ("whisper_base", "silero_vad"):
        shutil.copytree(models / name, root / "models" / name)


def test_speech_without_python(tmp_path: Path, models: Path, shared: Path) -> None:
    """With its libraries, ONNX Runtime and the models alone it recognises speech."""
    furnish(tmp_path, models)
    # Without root's rights a namespace of our own gives the right to change the root.
    own = [] if os.geteuid() == 0 else ["unshare", "--map-root-user"]
    command = [*own, "chroot", str(tmp_path), "/meeting-engine", "--models", "/models"]
    command += ["--onnxruntime", "/libonnxruntime.so", "--endpoint", "tcp://127.0.0.1:0"]
    sound = (shared / "media" / "en-librispeech-1995-1837-0001.wav").read_bytes()
    header = {"v": 1, "task_id": "s", "task_type": "speech_recognition"}
    with (
        subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env={"PATH": "/usr/sbin:/usr/bin"}
        ) as child,
        zmq.Context() as context,
        context.socket(zmq.REQ) as socket,
    ):
        try:
            assert child.stdout is not None
            socket.linger = 0
            socket.rcvtimeo = 120_000
            socket.connect(json.loads(child.stdout.readline())["endpoint"])
            loading = True
            while loading:
                socket.send_json({"task_id": "i", "task_type": "info"})
                info: Any = socket.recv_json()
                loading = any(one["status"] == "loading" for one in info["result"]["models"])
            socket.send_multipart(
                [json.dumps(header | {"params": {"format": "wav"}}).encode(), sound]
            )
            reply: Any = socket.recv_json()
        finally:
            child.terminate()
        assert child.wait(60) == 0
    assert reply["error"] == ""
    assert "great sorrow of his life" in reply["result"]["text"]
    assert reply["result"]["model"] == "whisper_base"

"""The engine's executable as a child, and a plain ZeroMQ client of it."""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import zmq

PATIENCE_MS = 240_000


class Requester:
    """A plain REQ client: one frame of JSON there, one back."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.REQ)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.RCVTIMEO, PATIENCE_MS)
        self._socket.connect(endpoint)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, task: str, data: bytes = b"", **params: str) -> dict[str, Any]:
        """Send a request and return the reply."""
        request = {"task_id": "t", "task_type": task, "model_path": "", "params": params}
        request["input_data"] = base64.b64encode(data).decode()
        self._socket.send_json(request)
        reply: dict[str, Any] = json.loads(self._socket.recv())
        return reply

    def hear(self, data: bytes, **params: str) -> dict[str, Any]:
        """Recognise speech that has to succeed."""
        reply = self.ask("speech_recognition", data, **params)
        assert reply["status"] == "success", reply
        result: dict[str, Any] = reply["result"]
        return result

    def settle(self) -> None:
        """Wait until no model is loading any more."""
        while any(model["status"] == "loading" for model in self.ask("info")["result"]["models"]):
            pass


@contextmanager
def engine(models: Path, *settings: str) -> Iterator[Requester]:
    """Run `meeting engine` and give a client of it, once its models are there."""
    command = [sys.executable, "-m", "meeting", "engine"]
    command += ["--set", "engine.endpoint=tcp://127.0.0.1:0", "--set", f"models.folder={models}"]
    command += [part for one in settings for part in ("--set", one)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            client = Requester(json.loads(child.stdout.readline())["endpoint"])
            with client:
                client.settle()
                yield client
        finally:
            child.terminate()

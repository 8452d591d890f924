"""An HTTP server that misbehaves on demand, and manifests that point to it."""

import contextlib
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec

from meeting.models import Manifest, verify

DATA = bytes(range(256)) * 4000


class Server:
    """An HTTP server on a free port with one behaviour a path; keeps what was asked."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.ranges = True
        self.cut: int | None = None
        self.skew = 0
        self.stall = threading.Event()
        self.asked: list[tuple[str, str | None]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.answer(self)

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.02,))
        self.thread.start()

    def url(self, path: str) -> str:
        """The address of a path."""
        return f"http://127.0.0.1:{self.http.server_address[1]}{path}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """One answer; with `cut` it breaks off or stalls after so many bytes of the file."""
        wanted = request.headers.get("Range")
        self.asked.append((request.path, wanted))
        data = self.files.get(request.path)
        if data is None:
            request.send_error(404)
            return
        start = 0
        if self.ranges and wanted:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(data):
                request.send_error(416)
                return
            request.send_response(206)
            start += self.skew
            request.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            request.send_response(200)
        request.send_header("Content-Length", str(len(data) - start))
        request.end_headers()
        end = len(data) if self.cut is None else min(len(data), start + self.cut)
        with contextlib.suppress(ConnectionError):
            request.wfile.write(data[start:end])
            request.wfile.flush()
            if end < len(data) and not self.stall.is_set():
                self.stall.wait(60)

    def close(self) -> None:
        """Stop, and let go of every answer that stalls."""
        self.stall.set()
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


def sha(data: bytes) -> str:
    """The sha256 of bytes."""
    return hashlib.sha256(data).hexdigest()


def listing(url: str, data: bytes = DATA, **changes: object) -> Manifest:
    """A manifest of one model of one part at a URL."""
    source: dict[str, object] = {"kind": "url", "url": url}
    return plain([source], data, **changes)


def plain(sources: list[dict[str, object]], data: bytes = DATA, **changes: object) -> Manifest:
    """A manifest of one model of one part that is used as it comes."""
    pin = {"size": len(data), "sha256": sha(data)}
    part = {"role": "model", "file": "model.onnx", "sources": sources, **pin}
    words = {"id": "one", "task": "voice_activity", "licence": "MIT", "origin": "made up"}
    model = {**words, **pin, "installed": len(data), "parts": [part], **changes}
    return msgspec.convert({"format": 1, "models": [model]}, Manifest)


def written(url: str) -> str:
    """The same manifest as a file."""
    pin = f'size = {len(DATA)}\nsha256 = "{sha(DATA)}"\n'
    return (
        "format = 1\n[[models]]\n"
        'id = "one"\ntask = "voice_activity"\nlicence = "MIT"\norigin = "made up"\n'
        f"installed = {len(DATA)}\n{pin}"
        f'[[models.parts]]\nrole = "model"\nfile = "model.onnx"\n{pin}'
        f'[[models.parts.sources]]\nkind = "url"\nurl = "{url}"\n'
    )


def states(listed: Manifest, cache: Path) -> list[str]:
    """The states by a deep look."""
    return [one.state for one in verify(listed, cache)]


def rest(cache: Path) -> list[str]:
    """Names of what is left in the workshop's parts."""
    return sorted(path.name for path in (cache / ".workshop" / "parts").iterdir())

"""Serves an ASGI app on a port that aiohttp holds, so that one gate guards all ports alike."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiohttp import ClientPayloadError, web
from aiohttp.http_exceptions import HttpProcessingError

from meeting.transports.http.asgi import App, Message, Scope
from meeting.transports.policy import POLICY, PREFIX

PART = 64 * 2**10
_SHORT = frozenset(path for _, path in POLICY)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def bridge(app: App) -> Handler:
    """Make the handler; a path of the policy is also served without its prefix."""

    async def handle(request: web.Request) -> web.StreamResponse:
        bridged = Bridged(request)
        with suppress(ConnectionResetError):  # the client has gone: there is nobody to tell
            await app(_scope(request), bridged.receive, bridged.send)
        return bridged.response

    return handle


class Bridged:
    """One request of aiohttp's as ASGI sees it."""

    def __init__(self, request: web.BaseRequest) -> None:
        self.response = web.StreamResponse()
        self._request = request
        self._ended = False

    async def receive(self) -> Message:
        """Return the next part of the body; after the last one there is only the end."""
        if self._ended:
            return {"type": "http.disconnect"}
        content = self._request.content
        try:
            part = await content.read(PART)
        except (OSError, ClientPayloadError, HttpProcessingError):
            self._ended = True  # the client is gone, or its framing is broken
            return {"type": "http.disconnect"}
        self._ended = content.at_eof()
        return {"type": "http.request", "body": part, "more_body": not self._ended}

    async def send(self, message: Message) -> None:
        """Send one message of the answer."""
        response = self.response
        if message["type"] == "http.response.start":
            response.set_status(message["status"])
            for name, value in message["headers"]:
                response.headers.add(name.decode("latin-1"), value.decode("latin-1"))
            if response.headers.get("connection") == "close":
                response.force_close()
            await response.prepare(self._request)
            return
        if message["body"] and self._request.method != "HEAD":
            await response.write(message["body"])
        if not message.get("more_body", False):
            await response.write_eof()


def _scope(request: web.Request) -> Scope:
    path = request.path
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": f"{request.version.major}.{request.version.minor}",
        "method": request.method,
        "scheme": request.scheme,
        "path": PREFIX + path if path.rstrip("/") in _SHORT else path,
        "raw_path": request.rel_url.raw_path.encode("ascii"),
        "query_string": request.rel_url.raw_query_string.encode("ascii"),
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.raw_headers],
        "client": (request.remote, 0) if request.remote else None,
        "server": None,
        "state": {},
    }

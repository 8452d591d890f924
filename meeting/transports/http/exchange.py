"""One request and its answer, as the gate sees them: ids, status, headers that every answer has."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault
from meeting.kernel.ids import Ids
from meeting.transports.http.asgi import Message, Receive, Scope, Send
from meeting.transports.http.refusal import refusal

LONGEST_ID = 64
LINGER_SECONDS = 2.0
LINGER_BYTES = 16 * 2**20
HARMLESS = 2**16
ALWAYS = [
    (b"vary", b"Origin"),
    (b"cache-control", b"no-store"),  # answers hold tokens and what people said
    (b"x-content-type-options", b"nosniff"),
]
EXPOSED = b"X-Request-ID, Idempotency-Replayed, Retry-After"


class Exchange:
    """Carries what the gate learns about a request on its way in, and stamps the answer."""

    def __init__(self, scope: Scope, send: Send, ids: Ids, clock: Clock) -> None:
        self.headers: Mapping[str, str] = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in reversed(scope["headers"])
        }
        self.request_id = chosen(self.headers.get("x-request-id"), ids)
        self.template = ""
        self.user_id = 0
        self.meeting: dict[str, int] = {}
        """The `meeting_id` of the path, once it is known to be one; for the log."""
        self.status = 0
        self.finished = False
        """Whether the body was read to its end."""
        self.origin = b""
        """The page's origin, once it is admitted."""
        self._send = send
        self._clock = clock

    @property
    def language(self) -> str:
        """Return the `Accept-Language` header."""
        return self.headers.get("accept-language", "")

    async def send(self, message: Message) -> None:
        """Send one message of the answer, with the headers that every answer has."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message["headers"], *stamp(self.request_id)]
            if self.origin:
                headers.append((b"access-control-allow-origin", self.origin))
                headers.append((b"access-control-expose-headers", EXPOSED))
            message = {"type": "http.response.start", "status": self.status, "headers": headers}
        await self._send(message)

    async def fail(self, fault: Fault, unread: Receive | None = None) -> None:
        """Answer with an error; a body that was not read to its end is `unread`.

        A client that is still sending gets the answer first and then a moment to see it: closing
        at once would reset the connection under the answer.
        """
        said = refusal(fault, self.request_id, self._clock.now(), self.language)
        headers, body = [*said.headers], said.body
        if unread is not None:
            headers.append((b"connection", b"close"))
        await self.send({"type": "http.response.start", "status": said.status, "headers": headers})
        if unread is None:
            await self.send({"type": "http.response.body", "body": body, "more_body": False})
            return
        await self.send({"type": "http.response.body", "body": body, "more_body": True})
        await linger(unread)
        await self.send({"type": "http.response.body", "body": b"", "more_body": False})


def stamp(request_id: str) -> list[tuple[bytes, bytes]]:
    """Return the headers that every answer has."""
    return [(b"x-request-id", request_id.encode()), *ALWAYS]


async def linger(receive: Receive) -> None:
    """Throw away what a client still sends, for a short while."""
    left = LINGER_BYTES
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while left > 0:
                message = await receive()
                if message["type"] != "http.request" or not message.get("more_body", False):
                    return
                left -= len(message.get("body", b""))


def chosen(wanted: str | None, ids: Ids) -> str:
    """Take the caller's request id if it is one, else make our own."""
    if wanted and len(wanted) <= LONGEST_ID and all("!" <= letter <= "~" for letter in wanted):
        return wanted
    return ids.new()

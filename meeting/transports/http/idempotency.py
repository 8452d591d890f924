"""`Idempotency-Key`: a POST that is sent again gets the first answer, and has its effect once.

The marker of a running request ends by itself shortly after its process is gone; the use case
gets the key too (`Call.key`), so that what was committed before the end is found, not repeated.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import structlog

from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, invalid
from meeting.kernel.ids import Ids
from meeting.kernel.replay import Answers, Kept, Slot
from meeting.kernel.token import Tokens
from meeting.transports.http.asgi import Message, Send

log = structlog.get_logger(__name__)

KEPT_FOR = timedelta(hours=24)
LEASE = timedelta(seconds=15)
RENEWAL_SECONDS = 5.0
LONGEST_KEY = 128
LONGEST_ANSWER = 2**20
UNAUTHENTICATED, RATE_LIMITED, SERVER_ERROR = 401, 429, 500


def key_of(value: str | None) -> str:
    """Read the header; "" where there is none."""
    if value is None:
        return ""
    if not 1 <= len(value) <= LONGEST_KEY or not all("!" <= letter <= "~" for letter in value):
        raise invalid("Idempotency-Key", f"must be 1 to {LONGEST_KEY} visible ASCII characters")
    return value


class Once:
    """Runs a request whose slot is free, and repeats the answer of one that has run."""

    def __init__(self, answers: Answers, tokens: Tokens, clock: Clock, ids: Ids) -> None:
        self._answers = answers
        self._tokens = tokens
        self._clock = clock
        self._ids = ids

    async def run(
        self, slot: Slot, body: bytes, act: Callable[[Send], Awaitable[None]], send: Send
    ) -> None:
        """Answer by `send`, with the first answer if there is one, else with that of `act`."""
        owner = self._ids.new()
        digest = self._tokens.mark(body)  # a plain hash would let a password in it be guessed
        kept = await self._answers.claim(slot, digest, owner, self._clock.now() + LEASE)
        if kept is not None:
            await replayed(kept, send)
            return
        answer = Capture()
        renewal = asyncio.create_task(self._renew(slot, owner))
        try:
            await act(answer.send)
        except BaseException:
            await self._answers.drop(slot, owner)
            raise
        finally:
            renewal.cancel()
            with suppress(asyncio.CancelledError):
                await renewal
        await self._settle(slot, owner, answer)
        for message in answer.messages:
            await send(message)

    async def _settle(self, slot: Slot, owner: str, answer: "Capture") -> None:
        """Keep the answer before it is sent, so that nobody who missed it can act again."""
        passing = answer.status in (UNAUTHENTICATED, RATE_LIMITED) or answer.status >= SERVER_ERROR
        try:
            if passing or len(answer.body) > LONGEST_ANSWER:
                await self._answers.drop(slot, owner)
            else:
                kept = Kept(answer.status, answer.body)
                await self._answers.keep(slot, owner, kept, self._clock.now() + KEPT_FOR)
        except Fault as fault:
            # The effect is there and the caller is to hear of it; the marker ends by itself.
            log.warning("answer not kept", kind=fault.kind)

    async def _renew(self, slot: Slot, owner: str) -> None:
        while True:
            await asyncio.sleep(RENEWAL_SECONDS)
            try:
                await self._answers.extend(slot, owner, self._clock.now() + LEASE)
            except Fault as fault:
                log.warning("idempotency marker not extended", kind=fault.kind)


class Capture:
    """Takes an answer in instead of sending it."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.status = SERVER_ERROR
        self.body = b""

    async def send(self, message: Message) -> None:
        """Take one message of the answer."""
        self.messages.append(message)
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["type"] == "http.response.body":
            self.body += message["body"]


async def replayed(kept: Kept, send: Send) -> None:
    """Send a kept answer, marked as such."""
    await send(
        {
            "type": "http.response.start",
            "status": kept.status,
            "headers": [
                (b"content-type", b"application/json"),
                (b"content-length", str(len(kept.body)).encode()),
                (b"idempotency-replayed", b"true"),
            ],
        }
    )
    await send({"type": "http.response.body", "body": kept.body, "more_body": False})

"""Calls to one peer: another domain's process, or several that share its work.

A call ends in its time, whatever the peer does. What can be repeated without harm is, within that
time, and at another address if there is one.
"""

import asyncio
import math
import random
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog
from grpclib.metadata import encode_timeout
from h2.exceptions import ProtocolError

from meeting.kernel.call import Call
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind, invalid
from meeting.kernel.secret import Secret
from meeting.kernel.trace import outward, span
from meeting.transports.grpc.codec import Malformed, Unfit
from meeting.transports.grpc.dispatch import within
from meeting.transports.grpc.faults import restored
from meeting.transports.grpc.inbox import Lost
from meeting.transports.grpc.link import Link
from meeting.transports.grpc.method import Method
from meeting.transports.grpc.place import Place
from meeting.transports.grpc.wire import Headers, once

log = structlog.get_logger(__name__)

CALL_SECONDS = 2.0
MESSAGE_BYTES = 32 * 2**20
TRIES = 3
LONGEST_CONNECT = 5.0
PAUSE_SECONDS = 0.05
CONNECTING = 0.75
"""Which part of a call's time all its tries to connect may take."""
SILENT_SECONDS = 1.0
"""How long a call has to have heard nothing before that speaks against the connection."""
PAUSING = 0.05
"""Which part of it each pause may be, at most."""


class Channel:
    """The way to one peer; `addresses` are `host:port`, the first that answers is kept to."""

    def __init__(
        self,
        peer: str,
        addresses: Sequence[str],
        secret: Secret,
        clock: Clock,
        *,
        seconds: float = CALL_SECONDS,
        message_bytes: int = MESSAGE_BYTES,
        tls: ssl.SSLContext | None = None,
        chance: random.Random | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.peer = peer
        self._places = [Place(address) for address in addresses]
        self._secret = secret
        self._clock = clock
        self._seconds = seconds
        self._message_bytes = message_bytes
        self._tls = tls
        self._chance = chance or random.Random()  # noqa: S311 - it spreads pauses, and no more
        self._pause = pause

    async def call(self, method: Method, call: Call, message: Any) -> Any:
        """Make one call for whom `call` says, and return the answer, or raise the peer's fault."""
        try:
            data = method.encode(message)
        except Unfit as error:
            raise invalid(error.field, error.allowed) from error
        left = min(self._seconds, call.deadline - self._clock.monotonic())
        if left <= 0:
            raise self._late()
        with span(f"{self.peer}.{method.name}", call):
            try:
                answer = await within(left, self._tries(method, call, data, left))
                return method.decode(answer)
            except Fault as fault:
                if fault.kind is not Kind.DEADLINE or fault.__cause__ is None:
                    raise
                raise self._late() from fault
            except Malformed as error:
                raise Fault(
                    Kind.INTERNAL,
                    "{peer} answered what can't be read",
                    details={"peer": self.peer},
                    peer=self.peer,
                ) from error

    async def _tries(self, method: Method, call: Call, data: bytes, left: float) -> bytes:
        """Call, and again where that does no harm, until the peer has said what it has to say."""
        tries = max(TRIES, len(self._places) + 1)
        connecting = min(left * CONNECTING / tries, LONGEST_CONNECT)
        for retry in range(tries):
            if retry:
                wait = min(PAUSE_SECONDS * 2**retry, left * PAUSING)
                await self._pause(wait * self._chance.uniform(0.5, 1.0))
            place = self._place()
            try:
                link = await place.linked(self._tls, connecting)
            except Lost as error:
                self._note(place, error)
                continue  # nothing was sent yet
            try:
                answer, end = await self._once(place, link, method, call, data)
            except (Lost, ProtocolError) as error:
                self._note(place, error)
                if not method.repeat:
                    break
                continue
            fault = restored(end)
            if fault is None:
                return answer
            if fault.kind is not Kind.UNAVAILABLE or "peer" in fault.details:
                raise self._told(fault)
            place.fail()  # it is stopping
            if not method.repeat:
                break
        raise Fault(
            Kind.UNAVAILABLE,
            "{peer} can't be reached; try again shortly",
            details={"peer": self.peer},
            peer=self.peer,
        )

    async def _once(
        self, place: Place, link: Link, method: Method, call: Call, data: bytes
    ) -> tuple[bytes, dict[str, str]]:
        began = asyncio.get_running_loop().time()
        try:
            return await link.call(self._headers(place, method, call), data, self._message_bytes)
        except asyncio.CancelledError:
            # Others are on this connection: one short call says nothing about it.
            enough = min(SILENT_SECONDS, self._seconds / 2)
            waited = asyncio.get_running_loop().time() - began
            if link.heard < began and waited >= enough:  # not a word: better a new connection
                place.leave(link)
            raise

    def _place(self) -> Place:
        """Choose where to call: where it never failed, or where that is longest ago."""
        return min(self._places, key=lambda place: place.failed)

    def _headers(self, place: Place, method: Method, call: Call) -> Headers:
        left = max(0.0, min(self._seconds, call.deadline - self._clock.monotonic()))
        headers = [
            (":method", "POST"),
            (":scheme", "http" if self._tls is None else "https"),
            (":path", method.path),
            (":authority", place.address),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            *(once(*each) for each in outward().items()),
        ]
        if math.isfinite(left):
            headers.append(once("grpc-timeout", encode_timeout(left)))
        if call.caller.service:  # whoever is none speaks for nobody
            headers += [
                ("authorization", f"Bearer {self._secret.reveal()}"),
                ("x-service", call.caller.service),
                ("x-user-id", str(call.caller.user_id)),
                once("x-request-id", call.request_id),
                ("x-depth", str(call.depth)),
            ]
        return headers

    def _late(self) -> Fault:
        return Fault(
            Kind.DEADLINE,
            "{peer} took too long; try again shortly",
            details={"peer": self.peer},
            peer=self.peer,
        )

    def _told(self, fault: Fault) -> Fault:
        """Return what the peer said; that it does not know us is nothing that our caller did."""
        if fault.kind is not Kind.UNAUTHENTICATED:
            return fault
        log.error("a peer does not take our service token; set grpc.secret alike", peer=self.peer)
        return Fault(
            Kind.UNAVAILABLE,
            "{peer} does not know this server; its log says more",
            details={"peer": self.peer},
            peer=self.peer,
        )

    def _note(self, place: Place, error: Exception) -> None:
        log.warning("peer not reached", peer=self.peer, address=place.address, reason=str(error))
        place.fail()

    async def close(self) -> None:
        """Hang up everywhere."""
        for place in self._places:
            await place.left()

"""From the head of a call to its status: the gate, the work in its time, the line in the log."""

import asyncio
import math
from collections.abc import Awaitable, Mapping
from contextlib import aclosing
from typing import TypeVar

import structlog
from h2.exceptions import ProtocolError

from meeting.kernel.call import Call
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.trace import inward, span
from meeting.transports.grpc.bounds import bound
from meeting.transports.grpc.codec import Malformed
from meeting.transports.grpc.exchange import IDLE_SECONDS, Exchange
from meeting.transports.grpc.faults import fault_of, status_of
from meeting.transports.grpc.gate import Gate
from meeting.transports.grpc.inbox import Lost
from meeting.transports.grpc.service import Act, Rpc, one
from meeting.transports.http.body import Store
from meeting.transports.policy import Who

log = structlog.get_logger("meeting.access")

T = TypeVar("T")
ADMISSION_SECONDS = 10.0
"""How long it may take to find out who calls."""
WATCHING = 16
"""How many endless calls one connection may have."""
PROBES = frozenset({"/grpc.health.v1.Health/Check"})
"""Calls that somebody makes every second, and of which nobody wants a line."""
CONTENT = ("application/grpc", "application/grpc+proto")


class Dispatch:
    """Does the calls of one port."""

    def __init__(
        self,
        rpcs: Mapping[str, Rpc],
        gate: Gate,
        clock: Clock,
        bodies: Store,
        message_bytes: int,
    ) -> None:
        self._rpcs = rpcs
        self._gate = gate
        self._clock = clock
        self._bodies = bodies
        self._message_bytes = message_bytes
        self.closing = False
        """New calls are turned away: the process ends."""

    async def serve(self, exchange: Exchange, headers: Mapping[str, str], address: str) -> None:
        """Do one call; cancelled where the caller is gone, or was told that we stop."""
        began = self._clock.monotonic()
        told: dict[str, object] = {"status": "CANCELLED"}
        fault: Fault | None = None
        try:
            try:
                if (status := unfit(headers)) is not None:
                    told["status"] = f"HTTP {status}"
                    await exchange.refuse(status)
                    return
                await self._admit(exchange, headers, address, told)
            except asyncio.CancelledError:
                if not exchange.told or (task := asyncio.current_task()) is None:
                    raise
                task.uncancel()
                fault = Fault(Kind.UNAVAILABLE, "the server stops; try again")
            except (ProtocolError, Lost):
                return  # the caller took the stream away, or is gone
            except (Fault, Malformed) as error:
                fault = fault_of(error)
            except Exception:
                # Whatever broke, the caller hears of it as a status, and the log why.
                log.exception("call failed")
                fault = Fault(
                    Kind.INTERNAL, "something broke here; the log has it under the request id"
                )
            told["status"] = "OK" if fault is None else status_of(fault).name
            await exchange.end(fault)
        finally:
            say = log.debug if headers[":path"] in PROBES else log.info
            say("call", **told, ms=round((self._clock.monotonic() - began) * 1000, 1))

    async def _admit(
        self, exchange: Exchange, headers: Mapping[str, str], address: str, told: dict[str, object]
    ) -> None:
        """Find out who calls, and do it in the time that there is."""
        path = headers[":path"]
        rpc = self._rpcs.get(path)
        told["method"] = path if rpc is not None else ""
        if self.closing:
            raise Fault(Kind.UNAVAILABLE, "the server stops; try again")
        call = await within(ADMISSION_SECONDS, self._gate.admit(path, headers, address))
        told["user_id"], told["service"] = call.caller.user_id, call.caller.service
        structlog.contextvars.bind_contextvars(
            request_id=call.request_id, user_id=call.caller.user_id
        )
        if rpc is None or rpc.act is None:
            raise Fault(Kind.METHOD_NOT_ALLOWED, "this server does not do that yet")
        exchange.endless = rpc.endless
        exchange.nobodys = rpc.endless and not call.caller.is_service
        if rpc.endless and exchange.watching() > WATCHING:
            raise Fault(
                Kind.RATE_LIMITED, "too many such calls are open on this connection; end one first"
            )
        with span(path, call, inward(headers)):
            await within(
                call.deadline - self._clock.monotonic(), self._act(rpc, rpc.act, call, exchange)
            )

    async def _act(self, rpc: Rpc, act: Act, call: Call, exchange: Exchange) -> None:
        with self._bodies.room() as room:
            rule = self._gate.rules[rpc.path]
            idle = IDLE_SECONDS if rule.who is Who.OPEN else None
            limit = bound(rule, self._message_bytes)
            messages = exchange.messages(rpc.decode, limit, room, idle)
            asked = messages if rpc.many_in else await one(messages)
            if rpc.many_out:
                await exchange.begin()
                async with aclosing(act(call, asked)) as answers:
                    async for answer in answers:
                        await exchange.send(rpc.encode(answer))
            else:
                await exchange.send(rpc.encode(await act(call, asked)))


def unfit(headers: Mapping[str, str]) -> int | None:
    """Return the status of HTTP for a request that is no gRPC; None where it is."""
    if headers[":method"] != "POST":
        return 405
    if headers.get("content-type") not in CONTENT:
        return 415
    return None if headers.get("te") == "trailers" else 400


async def within(seconds: float, work: Awaitable[T]) -> T:
    """Wait for work so long at most; `deadline` where that is not enough."""
    limit = asyncio.timeout(None if math.isinf(seconds) else max(0.0, seconds))
    try:
        async with limit:
            return await work
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise Fault(Kind.DEADLINE, "this took too long and was stopped; try again") from error

"""Who is called, in a process of its own: `python -m tests.bench.answering WAY …`, a line of JSON.

It ends with its standard input, so that nothing is left behind.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import uvloop
from google.protobuf import message_factory

from meeting.app.config import Log
from meeting.app.logging import configure
from meeting.app.run import settle
from meeting.domains.user.api import UserApi
from meeting.kernel.call import Call, Caller
from meeting.kernel.secret import Secret
from meeting.transports.grpc import meeting, user
from meeting.transports.grpc.channel import Channel
from meeting.transports.grpc.gate import Desk
from meeting.transports.grpc.messages.grpc import (
    ValidateUserAccessRequest,
    ValidateUserAccessResponse,
)
from meeting.transports.grpc.server import Port
from meeting.transports.http.limits import Limits, Window
from meeting.transports.services import Services
from tests.bench.domains import SECONDS, Domains, clock, ids, opened, tokens

SECRET = Secret("the-token-of-services-in-a-bench-and-a-long-one")
PATH = "/grpc.MeetingService/ValidateUserAccess"
ASKED = message_factory.GetMessageClass(ValidateUserAccessRequest.DESCRIPTOR)
ANSWER = message_factory.GetMessageClass(ValidateUserAccessResponse.DESCRIPTOR)


def channel(peer: str, port: int) -> Channel:
    """Make our client's way to a port of this machine."""
    return Channel(peer, [f"127.0.0.1:{port}"], SECRET, clock, seconds=SECONDS)


@asynccontextmanager
async def ours(domains: Domains, part: str) -> AsyncIterator[int]:
    """Serve a domain as a house does, behind its gate and with its log, at some port."""
    bounds = Limits()
    desk = Desk(
        tokens=tokens,
        users=domains.users,
        clock=clock,
        ids=ids,
        limits=bounds,
        by_user=Window(bounds.per_user, clock),
        services=Services(SECRET, near=True),
    )
    rpcs = user.served(domains.users) if part == "user" else meeting.served(domains.meetings)
    port = Port(rpcs, desk, "127.0.0.1", 0, setting=f"grpc.{part}")
    await port.start()
    try:
        yield port.port
    finally:
        await port.stop()


@asynccontextmanager
async def google(domains: Domains, _part: str) -> AsyncIterator[int]:
    """Serve the same answer by grpc.aio with nothing before it, at some port."""

    async def validate(asked: Any, _context: Any) -> Any:
        call = Call(caller=Caller(service="signaling"), request_id="bench")
        access = await domains.meetings.validate_user_access(
            call, asked.user_id, asked.meeting_id, admit=asked.admit
        )
        return ANSWER(has_access=access.has_access, role=access.role, error=access.error)

    service, name = PATH[1:].split("/")
    handler: Any = grpc.unary_unary_rpc_method_handler(
        validate,
        request_deserializer=ASKED.FromString,
        response_serializer=lambda answer: answer.SerializeToString(),
    )
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(service, {name: handler})]
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield port
    finally:
        await server.stop(None)


@asynccontextmanager
async def called(port: int) -> AsyncIterator[UserApi | None]:
    """Call the user domain elsewhere, where a port is given."""
    if not port:
        yield None
        return
    way = channel("user", port)
    try:
        yield user.UserClient(way)
    finally:
        await way.close()


async def main(given: argparse.Namespace) -> None:
    """Serve until the standard input ends."""
    over = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, over.set)
    serving = {"ours": ours, "google": google}[given.way]
    async with (
        called(given.user) as users,
        opened(given.database, users) as domains,
        serving(domains, given.part) as port,
    ):
        settle()
        sys.stdout.write(json.dumps({"port": port}) + "\n")
        sys.stdout.flush()
        await over.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("way", choices=("ours", "google"))
    parser.add_argument("part", choices=("user", "meeting"))
    parser.add_argument("--database", default="", help="with its rows; without it answers are kept")
    parser.add_argument("--user", type=int, default=0, help="port of the user domain; else here")
    configure(Log(format="json"))
    uvloop.run(main(parser.parse_args()))

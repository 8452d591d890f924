"""A gRPC port in the test's own process, and Google's client to call it."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import grpc

from meeting.kernel.call import Call, Caller
from meeting.kernel.secret import Secret
from meeting.transports.grpc import user
from meeting.transports.grpc.channel import Channel
from meeting.transports.grpc.gate import Desk
from meeting.transports.grpc.server import Port
from meeting.transports.grpc.service import Rpc, shape
from meeting.transports.services import Services
from tests.front import Front
from tests.unit.grpc.wires import google

SECRET = "the-token-of-services-in-a-test-and-a-long-one"
SERVICE = [("authorization", f"Bearer {SECRET}"), ("x-service", "test")]

Metadata = Iterable[tuple[str, str]]


class Stub:
    """Google's client of one port."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.channel = grpc.aio.insecure_channel(address)

    async def call(
        self, path: str, metadata: Metadata = (), seconds: float = 10, **fields: Any
    ) -> Any:
        """Call `UserService/GetUser`, say, with the fields of its message."""
        found = shape(f"/grpc.{path}")
        asked, answer = google(found.request), google(found.answer)
        call: Any = self.channel.unary_unary(
            found.path,
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=answer.FromString,
        )
        return await call(asked(**fields), metadata=tuple(metadata), timeout=seconds)

    async def refused(self, path: str, *given: Any, **fields: Any) -> tuple[str, str]:
        """Call, and return the name of the status and the text of the refusal."""
        try:
            await self.call(path, *given, **fields)
        except grpc.aio.AioRpcError as error:
            return error.code().name, error.details() or ""
        return "OK", ""


def desk(house: Front, *, near: bool = False) -> Desk:
    """Make the desk of a gRPC port on the one of a front."""
    return Desk(
        tokens=house.tokens,
        users=house.service,
        clock=house.clock,
        ids=house.ids,
        limits=house.desk.limits,
        by_user=house.desk.by_user,
        services=Services(Secret(SECRET), near),
    )


@asynccontextmanager
async def port(
    house: Front,
    rpcs: list[Rpc] | None = None,
    *,
    near: bool = False,
    at: int = 0,
    **options: Any,
) -> AsyncIterator[Port]:
    """Open a port with UserService, or with other calls."""
    rpcs = user.served(house.service) if rpcs is None else rpcs
    opened = Port(rpcs, desk(house, near=near), "127.0.0.1", at, setting="grpc.user", **options)
    await opened.start()
    try:
        yield opened
    finally:
        await opened.stop()


@asynccontextmanager
async def stub(opened: Port) -> AsyncIterator[Stub]:
    """Connect Google's client."""
    client = Stub(f"127.0.0.1:{opened.port}")
    async with client.channel:
        yield client


@asynccontextmanager
async def channel(house: Front, *ports: Port | str, **options: Any) -> AsyncIterator[Channel]:
    """Connect our own client, which calls its peer `user`."""
    addresses = [each if isinstance(each, str) else f"127.0.0.1:{each.port}" for each in ports]
    options = {"secret": Secret(SECRET)} | options
    opened = Channel("user", addresses, clock=house.clock, **options)
    try:
        yield opened
    finally:
        await opened.close()


def call(user_id: int = 0, service: str = "test", **fields: Any) -> Call:
    """Make the call of a service."""
    caller = Caller(user_id=user_id, service=service)
    return Call(caller=caller, **{"request_id": "asked-here"} | fields)

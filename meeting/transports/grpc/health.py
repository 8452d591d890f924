"""grpc.health.v1: whether a service of this port can do its work, asked once or watched."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection

from grpclib.health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from meeting.kernel.call import Call
from meeting.kernel.errors import Fault, Kind
from meeting.transports.grpc.method import Method
from meeting.transports.grpc.service import Rpc, parser

NAME = "grpc.health.v1.Health"
CHECK = Method(
    f"/{NAME}/Check",
    HealthCheckRequest.SerializeToString,
    HealthCheckResponse.FromString,
    repeat=True,
)
ASKING = HealthCheckRequest()
"""Asks of a whole process."""
LOOK_SECONDS = 1.0
"""How often somebody who watches is looked for."""

Ready = Callable[[str], bool]
"""Tells of a service by its full name whether it can work; of "" whether the process can."""


def served(
    services: Collection[str],
    ready: Ready,
    *,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> list[Rpc]:
    """Make the two calls for the services of a port."""
    known = {"", *services}

    def status(service: str) -> HealthCheckResponse.ServingStatus.ValueType:
        if service not in known:
            return HealthCheckResponse.SERVICE_UNKNOWN
        return HealthCheckResponse.SERVING if ready(service) else HealthCheckResponse.NOT_SERVING

    async def check(_call: Call, asked: HealthCheckRequest) -> HealthCheckResponse:
        if asked.service not in known:
            raise Fault(Kind.NOT_FOUND, "there is no such service here; reflection lists them")
        return HealthCheckResponse(status=status(asked.service))

    async def watch(_call: Call, asked: HealthCheckRequest) -> AsyncIterator[HealthCheckResponse]:
        told = None
        while True:
            if (found := status(asked.service)) != told:
                told = found
                yield HealthCheckResponse(status=found)
            await pause(LOOK_SECONDS)

    decode = parser(HealthCheckRequest)
    return [
        Rpc(
            path=f"/{NAME}/Check",
            act=check,
            decode=decode,
            encode=HealthCheckResponse.SerializeToString,
        ),
        Rpc(
            path=f"/{NAME}/Watch",
            act=watch,
            decode=decode,
            encode=HealthCheckResponse.SerializeToString,
            many_out=True,
            endless=True,
        ),
    ]

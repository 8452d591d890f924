"""What every port tells everybody: what is there, and whether it works."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpclib.health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from meeting.transports.grpc.messages import grpc as messages
from tests.front import Front, front
from tests.integration.grpc.world import port, stub

SCRIPT = Path(__file__).parents[2] / "foreign" / "reflect.py"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Front]:
    """The user domain."""
    async with front(tmp_path) as opened:
        yield opened


async def test_a_stranger_finds_out_what_is_there(house: Front) -> None:
    """Google's reflection client lists and describes all calls, and its health client asks."""
    async with port(house, ready=lambda service: service != "grpc.UserService") as opened:
        address = f"127.0.0.1:{opened.port}"
        asking = await asyncio.create_subprocess_exec(
            sys.executable, SCRIPT, address, stdout=asyncio.subprocess.PIPE
        )
        said = (await asking.communicate())[0].decode().splitlines()
    assert asking.returncode == 0
    described = messages.MEETING_PROTO_DESCRIPTOR.services_by_name["UserService"]
    for method in described.methods:
        fields = ",".join(field.name for field in method.input_type.fields)
        line = f"/grpc.UserService/{method.name} {fields} {method.output_type.full_name}"
        assert line in said
    assert {line.split()[0] for line in said if line.startswith("/")} == set(opened.gate.rules)
    assert said[-3:] == ["all is SERVING", "grpc.UserService is NOT_SERVING", "nobody is NOT_FOUND"]


async def test_who_watches_is_told(house: Front) -> None:
    """A watcher is told at once how it is, then each change, and that the server stops."""
    well = True
    async with (
        port(house, ready=lambda _: well) as opened,
        stub(opened) as client,
    ):
        watch: Any = client.channel.unary_stream(
            "/grpc.health.v1.Health/Watch",
            request_serializer=HealthCheckRequest.SerializeToString,
            response_deserializer=HealthCheckResponse.FromString,
        )(HealthCheckRequest(service="grpc.UserService"))
        assert (await watch.read()).status == HealthCheckResponse.SERVING
        well = False
        assert (await watch.read()).status == HealthCheckResponse.NOT_SERVING
        await opened.stop()
        assert await watch.code() is grpc.StatusCode.UNAVAILABLE
        assert "stops" in await watch.details()

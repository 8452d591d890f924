"""A program of another house that calls by gRPC: it learns what there is from the port itself."""

import asyncio
from types import TracebackType
from typing import Any, Self

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import MessageToDict
from google.protobuf.message_factory import GetMessageClass

from tests.stories.told import Told

SECONDS = 10.0


class Caller:
    """Google's client of one port, with a credential or without; a context."""

    def __init__(self, port: int, token: str = "", **metadata: str) -> None:
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self._database = Told(self._channel, SECONDS)
        self._pool = DescriptorPool(self._database)
        self._metadata = [(name.replace("_", "-"), value) for name, value in metadata.items()]
        if token:
            self._metadata.append(("authorization", f"Bearer {token}"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._channel.close()

    async def services(self) -> set[str]:
        """Ask which services the port has."""
        return set(await asyncio.to_thread(self._database.get_services))

    async def methods(self) -> dict[str, MethodDescriptor]:
        """Ask for all calls of all services that the port has, by path."""
        return await asyncio.to_thread(self._methods)

    async def call(self, path: str, **fields: Any) -> dict[str, Any]:
        """Call `UserService/GetUser`, say; the fields of the answer, by their names."""
        return await asyncio.to_thread(self._call, path, fields)

    async def refused(self, path: str, **fields: Any) -> str:
        """Call what must not succeed; the name of the status."""
        try:
            answer = await self.call(path, **fields)
        except grpc.RpcError as error:
            status: Any = error
            return str(status.code().name)
        raise AssertionError((path, answer))

    def _methods(self) -> dict[str, MethodDescriptor]:
        found = map(self._pool.FindServiceByName, self._database.get_services())
        return {
            f"/{service.full_name}/{method.name}": method
            for service in found
            for method in service.methods
        }

    def _call(self, path: str, fields: dict[str, Any]) -> dict[str, Any]:
        service, _, name = path.partition("/")
        where = service if "." in service else f"grpc.{service}"
        found = self._pool.FindServiceByName(where).FindMethodByName(name)
        call: Any = self._channel.unary_unary(
            f"/{where}/{name}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=GetMessageClass(found.output_type).FromString,
        )
        asked = GetMessageClass(found.input_type)(**fields)
        answer = call(asked, metadata=self._metadata, timeout=SECONDS)
        return MessageToDict(answer, preserving_proto_field_name=True)

"""Google's client of a gRPC port, made by protoc from the proto file, or from what a port tells.

No code of ours has a part in it: messages and their bytes are Google's.
"""

import subprocess
import sys
from asyncio import sleep
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

FOLDER = Path(__file__).parents[2] / "proto"
NAME = "meeting.proto"
SECONDS = 20.0


@cache
def compiled() -> Mapping[str, MethodDescriptor]:
    """Compile the proto file; its calls by path."""
    with TemporaryDirectory() as folder:
        out = Path(folder, "set")
        command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{FOLDER}", NAME]
        command += ["--include_imports", f"--descriptor_set_out={out}"]
        subprocess.run(command, check=True)
        files = FileDescriptorSet.FromString(out.read_bytes())
    pool = DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return {
        f"/{service.full_name}/{method.name}": method
        for service in pool.FindFileByName(NAME).services_by_name.values()
        for method in service.methods
    }


class Stub:
    """Calls a port, with a credential or without; a context, within which calls are made."""

    def __init__(
        self, methods: Mapping[str, MethodDescriptor], port: int, token: str = "", **said: str
    ) -> None:
        self._methods = methods
        self._channel: Any = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        self._metadata = [(name.replace("_", "-"), value) for name, value in said.items()]
        if token:
            self._metadata.append(("authorization", f"Bearer {token}"))
        self.answered: set[str] = set()
        """The paths of calls that ended well."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._channel.close()

    async def call(self, path: str, **fields: Any) -> Any:
        """Call `UserService/GetUser`, say, with one message; the answer, or the first of many."""
        path = f"/grpc.{path}"
        method = self._methods[path]
        call = await self._asked(path, GetMessageClass(method.input_type)(**fields))
        if method.server_streaming:
            answer = await call.read()
            call.cancel()
            assert answer is not grpc.aio.EOF, path
        else:
            answer = await call
        self.answered.add(path)
        return answer

    async def status(self, path: str, **fields: Any) -> str:
        """Call; the name of the status."""
        return await told(self.call(path, **fields))

    async def raw(self, path: str, data: bytes) -> str:
        """Call whatever it is with whatever it is; the name of the status."""
        call = self._channel.unary_unary(path)
        return await told(call(data, metadata=self._metadata, timeout=SECONDS))

    def stream(self, path: str) -> Any:
        """Begin a call with many messages, which are written and read by who asks."""
        return self._open(f"/grpc.{path}")

    async def talk(self, path: str, messages: Iterable[Mapping[str, Any]]) -> list[Any]:
        """Send many messages, then read all answers."""
        call = self.stream(path)
        for fields in messages:
            await call.write(self.message(path, **fields))
        await call.done_writing()
        answers = [answer async for answer in call]
        self.answered.add(f"/grpc.{path}")
        return answers

    def message(self, path: str, **fields: Any) -> Any:
        """Make a message for a call."""
        return GetMessageClass(self._methods[f"/grpc.{path}"].input_type)(**fields)

    async def _asked(self, path: str, message: Any) -> Any:
        """Begin a call with one message, which whoever is refused at the gate does not send.

        Where a message goes out after the end of its call, grpc.aio forgets how that ended.
        """
        if not self._methods[path].client_streaming:
            return self._open(path, message)
        call = self._open(path)
        await call.initial_metadata()
        await sleep(0)
        if not call.done():
            await call.write(message)
        return call

    def _open(self, path: str, message: Any = None) -> Any:
        method = self._methods[path]
        ways = (method.client_streaming, method.server_streaming)
        kind = "_".join("stream" if many else "unary" for many in ways)
        call = getattr(self._channel, kind)(
            path,
            request_serializer=lambda asked: asked.SerializeToString(),
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )
        return call(message, metadata=self._metadata, timeout=SECONDS)


async def told(call: Any) -> str:
    """Wait for the end of a call; the name of its status."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error.code().name
    return "OK"

"""What a port tells of itself by reflection, as a database of descriptors that Google's pool asks.

The messages of reflection are taken from grpclib, as our own port takes them: those of Google's
package `grpc_reflection` have the same names, and one process can't have both. That package is
tried by a program of its own, tests/foreign/reflect.py.
"""

from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpclib.reflection.v1alpha.reflection_pb2 import (
    ServerReflectionRequest,
    ServerReflectionResponse,
)

PATH = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"


class Told:
    """Asks a channel of grpcio for files, each once; what there is not is a `KeyError`."""

    def __init__(self, channel: Any, seconds: float) -> None:
        self._ask = channel.stream_stream(
            PATH,
            request_serializer=ServerReflectionRequest.SerializeToString,
            response_deserializer=ServerReflectionResponse.FromString,
        )
        self._seconds = seconds
        self._files: dict[str, FileDescriptorProto] = {}

    def get_services(self) -> list[str]:
        """Ask for the names of all services."""
        return [
            each.name for each in self._answer(list_services="*").list_services_response.service
        ]

    def FindFileByName(self, name: str) -> FileDescriptorProto:  # noqa: N802 - the pool calls it so
        """Find a file."""
        if name not in self._files:
            self._keep(file_by_filename=name)
        return self._files[name]

    def FindFileContainingSymbol(self, symbol: str) -> FileDescriptorProto:  # noqa: N802 - likewise
        """Find the file that a name is described in."""
        return self._files[self._keep(file_containing_symbol=symbol)]

    def _keep(self, **asked: str) -> str:
        """Keep what is told of; the name of the file that was asked for."""
        answer = self._answer(**asked)
        if answer.HasField("error_response"):
            raise KeyError(answer.error_response.error_message)
        files = map(
            FileDescriptorProto.FromString, answer.file_descriptor_response.file_descriptor_proto
        )
        found = [self._files.setdefault(file.name, file).name for file in files]
        return found[0]

    def _answer(self, **asked: Any) -> Any:
        return next(self._ask(iter([ServerReflectionRequest(**asked)]), timeout=self._seconds))

"""Server reflection, v1 and v1alpha: a client without our proto file finds out what is here."""

from collections.abc import AsyncIterator, Collection, Iterator
from typing import Any

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pool import Default
from grpclib.const import Status
from grpclib.health.v1 import health_pb2
from grpclib.reflection.v1 import reflection_pb2 as v1
from grpclib.reflection.v1alpha import reflection_pb2 as v1alpha

from meeting.kernel.call import Call
from meeting.transports.grpc.messages.google_proto_descriptor_pool import (
    default_google_proto_descriptor_pool as ours,
)
from meeting.transports.grpc.service import Rpc, parser

NAMES = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")
_POOLS = (ours, Default())
_OTHERS = (health_pb2.DESCRIPTOR, v1.DESCRIPTOR, v1alpha.DESCRIPTOR)
"""What lies in the second pool, once these are imported."""


def served(services: Collection[str]) -> list[Rpc]:
    """Make the two forms of the call, which list these services and themselves."""
    listed = sorted({*services, *NAMES})
    return [_form(module, name, listed) for module, name in zip((v1, v1alpha), NAMES, strict=True)]


def _form(module: Any, name: str, services: Collection[str]) -> Rpc:
    def answer(asked: Any) -> Any:
        said = module.ServerReflectionResponse(valid_host=asked.host, original_request=asked)
        wanted = asked.WhichOneof("message_request")
        try:
            _tell(said, wanted, asked, services)
        except KeyError:
            said.error_response.error_code = Status.NOT_FOUND.value
            said.error_response.error_message = "there is no such thing here"
        return said

    async def reflect(_call: Call, messages: AsyncIterator[Any]) -> AsyncIterator[Any]:
        async for asked in messages:
            yield answer(asked)

    return Rpc(
        path=f"/{name}/ServerReflectionInfo",
        act=reflect,
        decode=parser(module.ServerReflectionRequest),
        encode=module.ServerReflectionResponse.SerializeToString,
        many_in=True,
        many_out=True,
        endless=True,
    )


def _tell(said: Any, wanted: str | None, asked: Any, services: Collection[str]) -> None:
    """Fill an answer in; `KeyError` where there is nothing of that name."""
    match wanted:
        case "list_services":
            for service in services:
                said.list_services_response.service.add(name=service)
        case "file_by_filename":
            _files(said, _found("FindFileByName", asked.file_by_filename))
        case "file_containing_symbol":
            _files(said, _found("FindFileContainingSymbol", asked.file_containing_symbol))
        case "all_extension_numbers_of_type":  # we have no extensions
            found = _found("FindMessageTypeByName", asked.all_extension_numbers_of_type)
            said.all_extension_numbers_response.base_type_name = found.full_name
        case _:
            raise KeyError(wanted)


def _found(how: str, name: str) -> Any:
    for pool in _POOLS:
        try:
            return getattr(pool, how)(name)
        except KeyError:
            continue
    raise KeyError(name)


def _files(said: Any, file: FileDescriptor) -> None:
    """Add a file, and those that it needs."""
    written = {each.name: each.serialized_pb for each in _needed(file)}
    said.file_descriptor_response.file_descriptor_proto.extend(written.values())


def _needed(file: FileDescriptor) -> Iterator[FileDescriptor]:
    yield file
    for each in file.dependencies:
        yield from _needed(each)

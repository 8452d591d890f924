"""What one port serves: for each call of the proto file who does it, and how its messages read."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any, NamedTuple

import betterproto2
import msgspec
from google.protobuf.message import DecodeError, Message

from meeting.kernel.call import Call
from meeting.kernel.errors import Fault, Kind
from meeting.transports.grpc.codec import Malformed, decoder, encoder
from meeting.transports.grpc.messages import grpc as messages
from meeting.transports.grpc.messages.google import protobuf
from meeting.transports.policy import LATER, RPCS, Rule

Act = Callable[[Call, Any], Any]
"""Takes the message, or all of them as they come; returns the answer, or all as they are made."""

_CLASSES: Mapping[str, type[betterproto2.Message]] = {
    kind.DESCRIPTOR.full_name: kind
    for module in (messages, protobuf)
    for name in module.__all__
    if hasattr(kind := getattr(module, name), "DESCRIPTOR")
}


class Shape(NamedTuple):
    """A call of the proto file: its messages, and whether there are many of them."""

    path: str
    request: type[betterproto2.Message]
    answer: type[betterproto2.Message]
    many_in: bool
    many_out: bool


_SHAPES: Mapping[str, Shape] = {
    (path := f"/{described.full_name}/{method.name}"): Shape(
        path,
        _CLASSES[method.input_type.full_name],
        _CLASSES[method.output_type.full_name],
        method.client_streaming,
        method.server_streaming,
    )
    for described in messages.MEETING_PROTO_DESCRIPTOR.services_by_name.values()
    for method in described.methods
}


def shape(path: str) -> Shape:
    """Look a call of meeting.proto up."""
    return _SHAPES[path]


class Rpc(msgspec.Struct, frozen=True, kw_only=True):
    """One call that a port serves."""

    path: str
    act: Act | None
    """Who does it; None: nobody yet."""
    decode: Callable[[bytes], Any]
    encode: Callable[[Any], bytes]
    many_in: bool = False
    many_out: bool = False
    endless: bool = False
    """Goes on until somebody hangs up, so that nobody waits for its end."""

    @property
    def service(self) -> str:
        """Return the full name of its service."""
        return self.path.split("/")[1]


def service(name: str, acts: Mapping[str, Act]) -> list[Rpc]:
    """Make the calls of a service of meeting.proto: each has somebody who does it, or is `LATER`.

    Who does a call with one message each way is `async (call, message) -> answer`; where many come
    the second argument is an async iterator, and where many leave an async iterator is returned.
    """
    shapes = {
        path.rpartition("/")[2]: each
        for path, each in _SHAPES.items()
        if path.startswith(f"/grpc.{name}/")
    }
    if unknown := set(acts) - set(shapes):
        msg = f"{name} of meeting.proto has no {sorted(unknown)}"
        raise LookupError(msg)
    if undone := [each for each in shapes if (shapes[each].path in LATER) is (each in acts)]:
        msg = f"{name}: {undone} have to be served, or to be in LATER of transports/policy.py"
        raise LookupError(msg)
    return [
        Rpc(
            path=each.path,
            act=acts.get(method),
            decode=decoder(each.request),
            encode=encoder(each.answer),
            many_in=each.many_in,
            many_out=each.many_out,
        )
        for method, each in shapes.items()
    ]


def parser(kind: type[Message]) -> Callable[[bytes], Any]:
    """Make a decoder of one of Google's own classes, whose services are not in meeting.proto."""

    def decode(data: bytes) -> Any:
        try:
            return kind.FromString(data)
        except DecodeError as error:
            raise Malformed("it can't be read") from error

    return decode


def rows(rpcs: Iterable[Rpc]) -> dict[str, Rule]:
    """Return the policy of each call; one without a row is an error of ours."""
    paths = [rpc.path for rpc in rpcs]
    if missing := sorted(path for path in paths if path not in RPCS):
        msg = f"calls without a row in transports/policy.py: {missing}; add one each"
        raise LookupError(msg)
    return {path: RPCS[path] for path in paths}


async def one(messages: AsyncIterator[Any]) -> Any:
    """Take the only message of a call."""
    async for message in messages:
        async for _ in messages:
            break
        else:
            return message
    raise Fault(Kind.VALIDATION, "this call takes one message", details={"message": "one"})

"""Calls as a client makes them: how each is written and read, and whether it may be repeated."""

from collections.abc import Callable
from typing import Any

import msgspec

from meeting.transports.grpc.codec import decoder, encoder
from meeting.transports.grpc.service import shape


class Method(msgspec.Struct, frozen=True):
    """A call as a client makes it."""

    path: str
    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]
    repeat: bool
    """Whether twice is as good as once."""

    @property
    def name(self) -> str:
        """Return its name within the service."""
        return self.path.rpartition("/")[2]


def method(path: str, *, repeat: bool = False) -> Method:
    """Make a call of meeting.proto: `method("/grpc.UserService/GetUser", repeat=True)`."""
    found = shape(path)
    return Method(path, encoder(found.request), decoder(found.answer), repeat)

"""A struct and a message whose fields have the same names, one made of the other."""

from typing import Any, TypeVar

import betterproto2
import msgspec

S = TypeVar("S", bound=msgspec.Struct)
M = TypeVar("M", bound=betterproto2.Message)


def message(kind: type[M], struct: msgspec.Struct, **others: Any) -> M:
    """Write a struct; `others` are the fields that have another form in the message."""
    same = (name for name in struct.__struct_fields__ if name not in others)
    return kind(**{name: getattr(struct, name) for name in same}, **others)


def struct(kind: type[S], wire: betterproto2.Message, **others: Any) -> S:
    """Read a message; `others` are the fields that have another form in the struct."""
    same = (name for name in kind.__struct_fields__ if name not in others)
    return kind(**{name: getattr(wire, name) for name in same}, **others)

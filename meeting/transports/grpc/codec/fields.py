"""The fields of a message class, as both halves of the codec want to know them."""

import dataclasses
import typing
from typing import Any, cast

import betterproto2
import msgspec

VARINT, FIXED64, SIZED, GROUP, END, FIXED32 = range(6)
"""How a field's value lies on the wire."""

KNOWN = (
    betterproto2.TYPE_BOOL,
    betterproto2.TYPE_BYTES,
    betterproto2.TYPE_DOUBLE,
    betterproto2.TYPE_INT32,
    betterproto2.TYPE_INT64,
    betterproto2.TYPE_MAP,
    betterproto2.TYPE_MESSAGE,
    betterproto2.TYPE_STRING,
    betterproto2.TYPE_UINT32,
)
"""The types that our messages use."""


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field: how its class names it, and what stands for it on the wire."""

    name: str
    number: int
    form: str
    """Its type in the proto file, as betterproto2 calls it."""
    repeated: bool = False
    message: type[Any] | None = None
    """The class of a message; of a map's values."""
    moment: bool = False
    """A Timestamp, which its class holds as a `datetime`."""


def fields(kind: type[betterproto2.Message]) -> list[Field]:
    """Read the fields of a class, in the order of their numbers."""
    hints = typing.get_type_hints(kind)
    found = [
        _field(each.name, betterproto2.FieldMetadata.get(each), hints[each.name])
        for each in dataclasses.fields(cast("Any", kind))
    ]
    return sorted(found, key=lambda field: field.number)


def _field(name: str, meta: betterproto2.FieldMetadata, hint: Any) -> Field:
    if meta.proto_type not in KNOWN or meta.group:
        msg = f"{name}: the codec has no {meta.group or meta.proto_type} yet; teach it that first"
        raise LookupError(msg)
    if meta.map_meta and meta.map_meta[0].proto_type != betterproto2.TYPE_STRING:
        msg = f"{name}: the codec has maps from strings to messages alone; teach it others first"
        raise LookupError(msg)
    held = [each for each in typing.get_args(hint) if each is not type(None)]
    framed = meta.proto_type in (betterproto2.TYPE_MESSAGE, betterproto2.TYPE_MAP)
    return Field(
        name=name,
        number=meta.number,
        form=meta.proto_type,
        repeated=bool(meta.repeated),
        message=(meta.unwrap() if meta.unwrap else held[-1]) if framed else None,
        moment=meta.unwrap is not None,
    )

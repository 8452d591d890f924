"""Messages of all our classes, made up by hypothesis, and the same ones in Google's hands."""

import dataclasses
import inspect
from datetime import UTC, datetime
from typing import Any

import betterproto2
from google.protobuf import message_factory
from google.protobuf.message import Message
from hypothesis import strategies as st

from meeting.transports.grpc.codec.fields import Field, fields
from meeting.transports.grpc.messages import grpc as ours

KINDS: list[type[betterproto2.Message]] = [
    found
    for name in ours.__all__
    if inspect.isclass(found := getattr(ours, name)) and issubclass(found, betterproto2.Message)
]

MOMENTS = st.datetimes(
    min_value=datetime(1, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    timezones=st.just(UTC),
).map(lambda moment: moment.replace(fold=0))
SINGLE: dict[str, st.SearchStrategy[Any]] = {
    betterproto2.TYPE_BOOL: st.booleans(),
    betterproto2.TYPE_BYTES: st.binary(max_size=200),
    betterproto2.TYPE_DOUBLE: st.floats(allow_nan=False).map(
        lambda number: number + 0.0
    ),  # no -0.0
    betterproto2.TYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    betterproto2.TYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    betterproto2.TYPE_STRING: st.text(max_size=200),
    betterproto2.TYPE_UINT32: st.integers(0, 2**32 - 1),
}


def messages(kind: type[betterproto2.Message]) -> st.SearchStrategy[Any]:
    """Make up messages of a class, with defaults among the values."""
    return st.builds(kind, **{field.name: _values(field) for field in fields(kind)})


def google(kind: Any) -> type[Message]:
    """Return Google's class of the same message."""
    return message_factory.GetMessageClass(kind.DESCRIPTOR)


def whole(message: betterproto2.Message) -> dict[str, Any]:
    """Show what a message holds, for a comparison that knows -0.0 and absent messages."""
    return {
        field.name: repr(getattr(message, field.name))
        for field in dataclasses.fields(message)  # type: ignore[arg-type] # it is one, untyped
    }


def _values(field: Field) -> st.SearchStrategy[Any]:
    if field.form == betterproto2.TYPE_MAP:
        assert field.message is not None
        return st.dictionaries(st.text(max_size=9), messages(field.message), max_size=1)
    if field.moment:
        return st.none() | MOMENTS
    if field.message is not None:
        held = messages(field.message)
        return st.lists(held, max_size=3) if field.repeated else st.none() | held
    single = SINGLE[field.form]
    return st.lists(single, max_size=5) if field.repeated else single

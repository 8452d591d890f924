"""From messages to bytes: a function a field, put together once for each class."""

import struct
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import betterproto2

from meeting.transports.grpc.codec.fields import FIXED64, SIZED, VARINT, Field, fields

Write = Callable[[bytearray, Any], None]
"""Appends a field with this value to the bytes of its message; nothing where it is the default."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
RANGES = {
    betterproto2.TYPE_UINT32: (0, 2**32 - 1),
    betterproto2.TYPE_INT32: (-(2**31), 2**31 - 1),
    betterproto2.TYPE_INT64: (-(2**63), 2**63 - 1),
}
_double = struct.Struct("<d").pack
_ZERO = _double(0.0)


class Unfit(ValueError):
    """A value that no message can carry."""

    def __init__(self, field: str, allowed: str) -> None:
        super().__init__(f"{field}: {allowed}")
        self.field = field
        self.allowed = allowed


@cache
def encoder(kind: type[betterproto2.Message]) -> Callable[[Any], bytes]:
    """Make the function that turns a message of this class into bytes.

    It raises `Unfit` for what its field can't hold: the wire would carry something else.
    """
    write = _message(kind)

    def encode(message: Any) -> bytes:
        out = bytearray()
        write(out, message)
        return bytes(out)

    return encode


@cache
def _message(kind: type[betterproto2.Message]) -> Write:
    writers = [(field.name, _writer(field)) for field in fields(kind)]

    def write(out: bytearray, message: Any) -> None:
        held = vars(message)
        for name, put in writers:
            put(out, held[name])

    return write


def _writer(field: Field) -> Write:
    if field.form == betterproto2.TYPE_MAP:
        return _map(field)
    if field.repeated:
        return _packed(field) if field.form in RANGES else _each(field)
    if field.message is not None:
        return _present(_sized(field.number, _framed(field)))
    if field.form == betterproto2.TYPE_DOUBLE:
        return _number(field.number)
    if field.form in RANGES or field.form == betterproto2.TYPE_BOOL:
        return _integer(field)
    return _text(field)


def _text(field: Field) -> Write:
    tag = _tag(field.number, SIZED)
    text = field.form == betterproto2.TYPE_STRING

    def put(out: bytearray, value: Any) -> None:
        if value:
            data = _utf8(field, value) if text else value
            out += tag
            varint(out, len(data))
            out += data

    return put


def _integer(field: Field) -> Write:
    tag = _tag(field.number, VARINT)
    least, most = RANGES.get(field.form, (0, 1))

    def put(out: bytearray, value: int) -> None:
        if value:
            out += tag
            varint(out, _within(field, value, least, most))

    return put


def _packed(field: Field) -> Write:
    tag = _tag(field.number, SIZED)
    least, most = RANGES[field.form]

    def put(out: bytearray, values: Iterable[int]) -> None:
        if values:
            packed = bytearray()
            for value in values:
                varint(packed, _within(field, value, least, most))
            out += tag
            varint(out, len(packed))
            out += packed

    return put


def _number(number: int) -> Write:
    tag = _tag(number, FIXED64)

    def put(out: bytearray, value: float) -> None:
        data = _double(value)
        if data != _ZERO:  # -0.0 is equal to the default, and not the same
            out += tag
            out += data

    return put


def _each(field: Field) -> Write:
    """Write the values of a repeated field one after the other, also those that are defaults."""

    def text(out: bytearray, value: str) -> None:
        out += _utf8(field, value)

    put = _sized(field.number, text if field.message is None else _framed(field))

    def put_all(out: bytearray, values: Iterable[Any]) -> None:
        for value in values:
            put(out, value)

    return put_all


def _map(field: Field) -> Write:
    key = _text(Field(name="key", number=1, form=betterproto2.TYPE_STRING))
    value = _sized(2, _framed(field))

    def entry(out: bytearray, item: tuple[str, Any]) -> None:
        # Both halves are written even where they are defaults, as others do.
        if item[0]:
            key(out, item[0])
        else:
            out += b"\x0a\x00"
        value(out, item[1])

    put = _sized(field.number, entry)

    def put_all(out: bytearray, values: dict[str, Any]) -> None:
        for item in values.items():
            put(out, item)

    return put_all


def _framed(field: Field) -> Write:
    return _moment if field.moment else _message(_held(field))


def _held(field: Field) -> type[betterproto2.Message]:
    if field.message is None:  # pragma: no cover - whoever asks has looked
        raise LookupError(field.name)
    return field.message


def _sized(number: int, write: Write) -> Write:
    """Write something with its length before it."""
    tag = _tag(number, SIZED)

    def put(out: bytearray, value: Any) -> None:
        inner = bytearray()
        write(inner, value)
        out += tag
        varint(out, len(inner))
        out += inner

    return put


def _present(write: Write) -> Write:
    def put(out: bytearray, value: Any) -> None:
        if value is not None:
            write(out, value)

    return put


def _utf8(field: Field, value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError as error:
        raise Unfit(field.name, "must be text, without half a character") from error


def _within(field: Field, value: int, least: int, most: int) -> int:
    """Return what a varint carries for a number: a negative one is its complement of 64 bits."""
    if not least <= value <= most:
        raise Unfit(field.name, f"must be from {least} to {most}")
    return value if value >= 0 else value + 2**64


def varint(out: bytearray, value: int) -> None:
    """Append an unsigned number, seven bits a byte, the lowest first."""
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def _tag(number: int, wire: int) -> bytes:
    out = bytearray()
    varint(out, number << 3 | wire)
    return bytes(out)


_seconds = _integer(Field(name="seconds", number=1, form=betterproto2.TYPE_INT64))
_nanos = _integer(Field(name="nanos", number=2, form=betterproto2.TYPE_INT32))


def _moment(out: bytearray, value: datetime) -> None:
    seconds, rest = divmod(value - EPOCH, SECOND)
    _seconds(out, seconds)
    _nanos(out, rest.microseconds * 1000)

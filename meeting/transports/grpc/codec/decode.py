"""From bytes to messages: a function a tag, put together once for each class.

Takes what Google's protobuf takes and refuses what it refuses, but for one thing: a Timestamp that
no `datetime` can hold is refused here, where it would fail later anyway.
"""

import struct
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import betterproto2

from meeting.transports.grpc.codec.encode import EPOCH
from meeting.transports.grpc.codec.fields import FIXED64, SIZED, VARINT, Field, fields
from meeting.transports.grpc.codec.scan import (
    DEPTH,
    ITEMS,
    Left,
    Malformed,
    short,
    skip,
    span,
    spend,
    varint,
)

Values = dict[str, Any]
"""The fields of a message that have been read so far; messages in it are `Values` themselves."""
Read = Callable[[Values, bytes, int, Left], int]
"""Reads a field that begins at a place into the values; returns the place behind it."""
Make = Callable[[Values], Any]

_double = struct.Struct("<d").unpack_from


@cache
def decoder(kind: type[betterproto2.Message]) -> Callable[[bytes], Any]:
    """Make the function that turns bytes into a message of this class, or raises `Malformed`."""
    readers, make = _message(kind)

    def decode(data: bytes) -> Any:
        values: Values = {}
        try:
            _fill(readers, values, data, 0, len(data), [ITEMS])
            return make(values)
        except (IndexError, struct.error):
            raise Malformed("the message is cut off") from None
        except UnicodeDecodeError:
            raise Malformed("a text is not UTF-8") from None

    return decode


@cache
def _message(kind: type[betterproto2.Message]) -> tuple[Mapping[int, Read], Make]:
    """Make the readers of a class by tag, and what puts a message together at the end."""
    readers: dict[int, Read] = {}
    makers: list[tuple[str, Make]] = []
    for field in fields(kind):
        readers |= _readers(field)
        if field.message is not None and not field.repeated and field.form != betterproto2.TYPE_MAP:
            makers.append((field.name, _framed(field)[1]))

    def make(values: Values) -> Any:
        for name, build in makers:
            if name in values:
                values[name] = build(values[name])
        return kind(**values)

    return readers, make


def _fill(
    readers: Mapping[int, Read], values: Values, data: bytes, at: int, end: int, left: Left
) -> None:
    """Read all fields between two places."""
    while at < end:
        spend(left)
        tag = data[at]
        at += 1
        if tag > 0x7F:
            tag, at = short(data, at - 1, 2**32 - 1)
        if (read := readers.get(tag)) is not None:
            at = read(values, data, at, left)
        else:
            at = skip(data, at, tag, DEPTH, left)
    if at != end:
        raise Malformed("a field is longer than its message")


def _readers(field: Field) -> dict[int, Read]:
    """Make the readers of one field: a repeated number comes packed or one by one."""
    number, name = field.number << 3, field.name
    if field.form == betterproto2.TYPE_MAP:
        return {number | SIZED: _entry(field)}
    if field.message is not None:
        return {number | SIZED: _items(field) if field.repeated else _merged(field)}
    if field.form in (betterproto2.TYPE_STRING, betterproto2.TYPE_BYTES):
        text = field.form == betterproto2.TYPE_STRING
        return {number | SIZED: _listed(name, text) if field.repeated else _text(name, text)}
    if field.form == betterproto2.TYPE_DOUBLE:
        return {number | FIXED64: _number(name)}
    cut = _CUTS[field.form]
    if not field.repeated:
        return {number | VARINT: _integer(name, cut)}
    return {number | VARINT: _appended(name, cut), number | SIZED: _packed(name, cut)}


def _text(name: str, text: bool) -> Read:
    def read(values: Values, data: bytes, at: int, _left: Left) -> int:
        at, end = span(data, at)
        values[name] = data[at:end].decode() if text else data[at:end]
        return end

    return read


def _listed(name: str, text: bool) -> Read:
    def read(values: Values, data: bytes, at: int, _left: Left) -> int:
        at, end = span(data, at)
        values.setdefault(name, []).append(data[at:end].decode() if text else data[at:end])
        return end

    return read


def _integer(name: str, cut: Callable[[int], int]) -> Read:
    def read(values: Values, data: bytes, at: int, _left: Left) -> int:
        value, at = varint(data, at)
        values[name] = cut(value)
        return at

    return read


def _appended(name: str, cut: Callable[[int], int]) -> Read:
    def read(values: Values, data: bytes, at: int, _left: Left) -> int:
        value, at = varint(data, at)
        values.setdefault(name, []).append(cut(value))
        return at

    return read


def _packed(name: str, cut: Callable[[int], int]) -> Read:
    def read(values: Values, data: bytes, at: int, left: Left) -> int:
        at, end = span(data, at)
        held = values.setdefault(name, [])
        while at < end:
            spend(left)
            value, at = varint(data, at)
            held.append(cut(value))
        if at != end:
            raise Malformed("a number is longer than its list")
        return end

    return read


def _number(name: str) -> Read:
    def read(values: Values, data: bytes, at: int, _left: Left) -> int:
        values[name] = _double(data, at)[0]
        return at + 8

    return read


def _merged(field: Field) -> Read:
    """Read a message; what comes twice is one message with the fields of both."""
    readers, name = _framed(field)[0], field.name

    def read(values: Values, data: bytes, at: int, left: Left) -> int:
        at, end = span(data, at)
        _fill(readers, values.setdefault(name, {}), data, at, end, left)
        return end

    return read


def _items(field: Field) -> Read:
    (readers, make), name = _framed(field), field.name

    def read(values: Values, data: bytes, at: int, left: Left) -> int:
        at, end = span(data, at)
        inner: Values = {}
        _fill(readers, inner, data, at, end, left)
        values.setdefault(name, []).append(make(inner))
        return end

    return read


def _entry(field: Field) -> Read:
    """Read an entry of a map; the last of several with one key counts."""
    make, name = _framed(field)[1], field.name
    readers = _readers(Field(name="key", number=1, form=betterproto2.TYPE_STRING)) | _readers(
        Field(name="value", number=2, form=betterproto2.TYPE_MESSAGE, message=field.message)
    )

    def read(values: Values, data: bytes, at: int, left: Left) -> int:
        at, end = span(data, at)
        entry: Values = {}
        _fill(readers, entry, data, at, end, left)
        values.setdefault(name, {})[entry.get("key", "")] = make(entry.get("value", {}))
        return end

    return read


def _framed(field: Field) -> tuple[Mapping[int, Read], Make]:
    if field.message is None:  # pragma: no cover - whoever asks has looked
        raise LookupError(field.name)
    kind: type[betterproto2.Message] = field.message
    readers, make = _message(kind)
    return readers, _moment if field.moment else make


def _moment(values: Values) -> datetime:
    seconds, nanos = values.get("seconds", 0), values.get("nanos", 0)
    try:
        if not 0 <= nanos < 10**9:
            raise OverflowError
        return EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1000)
    except OverflowError:
        raise Malformed("a time is not from the years 1 to 9999") from None


def _signed(bits: int) -> Callable[[int], int]:
    mask, sign = 2**bits - 1, 2 ** (bits - 1)
    return lambda value: ((value & mask) ^ sign) - sign


_CUTS: Mapping[str, Callable[[int], int]] = {
    betterproto2.TYPE_UINT32: lambda value: value & 2**32 - 1,
    betterproto2.TYPE_INT32: _signed(32),
    betterproto2.TYPE_INT64: _signed(64),
    betterproto2.TYPE_BOOL: bool,
}
"""What a field's type keeps of a number of 64 bits."""

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
from meeting.transports.grpc.codec.fields import (
    END,
    FIXED32,
    FIXED64,
    GROUP,
    SIZED,
    VARINT,
    Field,
    fields,
)

Values = dict[str, Any]
"""The fields of a message that have been read so far; messages in it are `Values` themselves."""
Left = list[int]
"""One number: how many more fields and items the whole message may have."""
Read = Callable[[Values, bytes, int, Left], int]
"""Reads a field that begins at a place into the values; returns the place behind it."""
Make = Callable[[Values], Any]

DEPTH = 100
"""How deep groups of an unknown field may be nested; our own messages are three deep at most."""
ITEMS = 65_536
"""How many fields and items of lists a message may have, with those of the messages in it.

Each costs far more time than bytes, and nothing else goes on meanwhile.
"""
_double = struct.Struct("<d").unpack_from
_MASK = 2**64 - 1


class Malformed(ValueError):
    """Bytes that are no such message."""


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
        _spend(left)
        tag = data[at]
        at += 1
        if tag > 0x7F:
            tag, at = _short(data, at - 1, 2**32 - 1)
        if (read := readers.get(tag)) is not None:
            at = read(values, data, at, left)
        else:
            at = _skip(data, at, tag, DEPTH, left)
    if at != end:
        raise Malformed("a field is longer than its message")


def _spend(left: Left) -> None:
    """Count a field or an item."""
    left[0] -= 1
    if left[0] < 0:
        raise Malformed(f"the message has more than {ITEMS} fields and items")


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
        at, end = _size(data, at)
        values[name] = data[at:end].decode() if text else data[at:end]
        return end

    return read


def _listed(name: str, text: bool) -> Read:
    def read(values: Values, data: bytes, at: int, _left: Left) -> int:
        at, end = _size(data, at)
        values.setdefault(name, []).append(data[at:end].decode() if text else data[at:end])
        return end

    return read


def _integer(name: str, cut: Callable[[int], int]) -> Read:
    def read(values: Values, data: bytes, at: int, _left: Left) -> int:
        value, at = _varint(data, at)
        values[name] = cut(value)
        return at

    return read


def _appended(name: str, cut: Callable[[int], int]) -> Read:
    def read(values: Values, data: bytes, at: int, _left: Left) -> int:
        value, at = _varint(data, at)
        values.setdefault(name, []).append(cut(value))
        return at

    return read


def _packed(name: str, cut: Callable[[int], int]) -> Read:
    def read(values: Values, data: bytes, at: int, left: Left) -> int:
        at, end = _size(data, at)
        held = values.setdefault(name, [])
        while at < end:
            _spend(left)
            value, at = _varint(data, at)
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
        at, end = _size(data, at)
        _fill(readers, values.setdefault(name, {}), data, at, end, left)
        return end

    return read


def _items(field: Field) -> Read:
    (readers, make), name = _framed(field), field.name

    def read(values: Values, data: bytes, at: int, left: Left) -> int:
        at, end = _size(data, at)
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
        at, end = _size(data, at)
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


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Read a number of at most ten bytes, and the place behind it."""
    value = data[at]
    if value < 0x80:
        return value, at + 1
    value &= 0x7F
    for place in range(1, 10):
        byte = data[at + place]
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value & _MASK, at + place + 1
    raise Malformed("a number is longer than ten bytes")


def _short(data: bytes, at: int, most: int) -> tuple[int, int]:
    """Read a tag or a length, which have five bytes at most."""
    value = 0
    for place in range(5):
        byte = data[at + place]
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            if value > most:
                break
            return value, at + place + 1
    raise Malformed("a tag or a length is out of range")


def _size(data: bytes, at: int) -> tuple[int, int]:
    """Read a length: where what it measures begins and ends."""
    size = data[at]
    at += 1
    if size > 0x7F:
        size, at = _short(data, at - 1, 2**31 - 1)
    if at + size > len(data):
        raise Malformed("the message is cut off")
    return at, at + size


def _skip(data: bytes, at: int, tag: int, depth: int, left: Left) -> int:
    """Return the place behind a field that nobody here knows."""
    wire = tag & 7
    if tag < 8 or wire == END or depth < 0:
        raise Malformed("there is no field with such a tag")
    if wire == VARINT:
        return _varint(data, at)[1]
    if wire == SIZED:
        return _size(data, at)[1]
    if wire == GROUP:
        return _group(data, at, tag + 1, depth - 1, left)
    if wire not in (FIXED64, FIXED32):
        raise Malformed("there is no field with such a tag")
    end = at + (8 if wire == FIXED64 else 4)
    if end > len(data):
        raise Malformed("the message is cut off")
    return end


def _group(data: bytes, at: int, last: int, depth: int, left: Left) -> int:
    """Return the place behind a group, an old form that we never send: it ends with a tag."""
    while True:
        tag, at = _short(data, at, 2**32 - 1)
        if tag == last:
            return at
        _spend(left)
        at = _skip(data, at, tag, depth, left)

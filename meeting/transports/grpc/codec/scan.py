"""Where things lie in bytes: numbers, lengths and fields that nobody knows, all within bounds."""

from meeting.transports.grpc.codec.fields import END, FIXED32, FIXED64, GROUP, SIZED, VARINT

Left = list[int]
"""One number: how many more fields and items the whole message may have."""

DEPTH = 100
"""How deep groups of an unknown field may be nested; our own messages are three deep at most."""
ITEMS = 65_536
"""How many fields and items of lists a message may have, with those of the messages in it.

Each costs far more time than bytes, and nothing else goes on meanwhile.
"""
_MASK = 2**64 - 1


class Malformed(ValueError):
    """Bytes that are no such message."""


def spend(left: Left) -> None:
    """Count a field or an item."""
    left[0] -= 1
    if left[0] < 0:
        raise Malformed(f"the message has more than {ITEMS} fields and items")


def varint(data: bytes, at: int) -> tuple[int, int]:
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


def short(data: bytes, at: int, most: int) -> tuple[int, int]:
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


def span(data: bytes, at: int) -> tuple[int, int]:
    """Read a length: where what it measures begins and ends."""
    size = data[at]
    at += 1
    if size > 0x7F:
        size, at = short(data, at - 1, 2**31 - 1)
    if at + size > len(data):
        raise Malformed("the message is cut off")
    return at, at + size


def skip(data: bytes, at: int, tag: int, depth: int, left: Left) -> int:
    """Return the place behind a field that nobody here knows."""
    wire = tag & 7
    if tag < 8 or wire == END or depth < 0:
        raise Malformed("there is no field with such a tag")
    if wire == VARINT:
        return varint(data, at)[1]
    if wire == SIZED:
        return span(data, at)[1]
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
        tag, at = short(data, at, 2**32 - 1)
        if tag == last:
            return at
        spend(left)
        at = skip(data, at, tag, depth, left)

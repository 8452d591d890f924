"""How deep JSON may be nested, looked at before anybody decodes it."""

import re

MAX_DEPTH = 32
_TEXT = re.compile(rb'"[^"]*"')
_BRACKETS = b"[]{}"
_OTHERS = bytes(byte for byte in range(256) if byte not in _BRACKETS)


def few(data: bytes) -> bool:
    """Tell whether there are too few brackets for depth, whatever stands around them."""
    return data.count(b"[") + data.count(b"{") <= MAX_DEPTH


def shallow(data: bytes) -> bool:
    """Tell whether brackets outside of texts match and are nested no deeper than `MAX_DEPTH`.

    Takes the innermost pairs away, level by level, in time that grows with the length alone.
    """
    if few(data):
        return True
    bare = data.replace(rb"\\", b"").replace(rb"\"", b"")
    shape = _TEXT.sub(b"", bare).translate(None, _OTHERS)
    for _ in range(MAX_DEPTH):
        shape = shape.replace(b"[]", b".").replace(b"{}", b".").translate(None, b".")
    return not shape

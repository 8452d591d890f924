"""Hypothesis strategies for input that is almost right: valid JSON, changed on purpose."""

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

DEEPEST = 32


def _nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


WRONG: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 7, 65_536, 2**32 - 2, 2**32 - 1, 2**32, 2**53 + 1),
    *(2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**400, 0.5, -0.0, 1e308, float("nan")),
    *(float("inf"), float("-inf"), "", " ", "0", "7", "room_1", "room_0", "room_99999999999"),
    *("\x00", "a\x00b", "\ud800", "\udc00\ud800", "\ufeff", "\u202e", "\U0010ffff", "a\nb"),
    *("' OR 1=1 --", "../../etc/passwd", "%00", "=", "====", "AAA", "A" * 300, "é" * 5000),
    *("1999-12-31T23:59:59Z", "2099-12-31T00:00:00+02:00", "2026-13-01T00:00:00Z"),
    *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"),
    *([], {}, [[]], [None], {"": None}, {"a": {"b": []}}, ["AAAA"] * 50, [0] * 500),
    *(_nested(DEEPEST - 2), _nested(DEEPEST), _nested(500)),
)
"""Values of every kind, of which a field takes a few at most."""

VALUES = st.one_of(
    st.sampled_from(WRONG),
    st.sampled_from(WRONG),
    st.text(max_size=12),
    st.integers(),
    st.floats(),
    st.dictionaries(st.text(max_size=4), st.sampled_from(WRONG), max_size=3),
)

SPLINTERS = st.one_of(
    st.binary(max_size=6),
    st.sampled_from(
        [
            *(b"", b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\x00", b"\xff", b"\xc0\x80"),
            *(b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf", rb"\ud800", rb"\u0000"),
            *(rb"\x", rb"\u12", b"NaN", b"-", b"1e999", b"00", b"1.", b"0x1", b"9" * 5000),
            *(b"/**/", b"\r\n", b"'", b"[" * 40, b'{"a":' * 3000, b"[" * 100_000, b"true"),
        ]
    ),
)
"""Bytes that break JSON, or nearly do."""


def text(pairs: list[tuple[str, Any]]) -> bytes:
    """Write a JSON object as the pairs say, also the same key twice."""
    inner = ",".join(f"{json.dumps(key)}:{json.dumps(value)}" for key, value in pairs)
    return ("{" + inner + "}").encode()


@st.composite
def objects(draw: st.DrawFn, valid: Mapping[str, Any]) -> bytes:
    """Draw a valid object with fields that are wrong, absent, doubled, or nobody knows."""
    pairs = list(valid.items())
    names = [*valid, "x"]
    for _ in range(draw(st.integers(1, 2))):
        name = draw(st.sampled_from(names))
        how = draw(st.sampled_from(["change", "change", "change", "drop", "double", "rename"]))
        if how in ("change", "drop", "rename"):
            pairs = [pair for pair in pairs if pair[0] != name]
        if how in ("change", "double"):
            pairs.append((name, draw(VALUES)))
        if how == "rename":
            pairs.append((draw(st.text(max_size=8)), valid.get(name)))
    return text(pairs)


@st.composite
def broken(draw: st.DrawFn, whole: bytes) -> bytes:
    """Draw bytes that were whole: cut off, with something put in, over, or behind."""
    start = draw(st.integers(0, len(whole)))
    end = draw(st.sampled_from([start, start + 1, start + 4, len(whole)]))
    return whole[:start] + draw(SPLINTERS) + whole[end:]


@st.composite
def deep(draw: st.DrawFn, whole: bytes) -> bytes:
    """Draw an object with a field, known or not, that holds lists or objects in each other."""
    depth = draw(st.integers(DEEPEST - 2, 5000))
    opened, closed = draw(st.sampled_from([(b"[", b"]"), (b'{"a":', b"}")]))
    name = draw(st.sampled_from([b"x", b"type", b"params", b"settings"]))
    field = b'"%s":%s0%s' % (name, opened * depth, closed * depth)
    return b"{" + field + (b"}" if whole == b"{}" else b"," + whole[1:])


def spoiled(valid: Mapping[str, Any]) -> st.SearchStrategy[bytes]:
    """Draw what was once a valid object: mostly still JSON, sometimes still UTF-8."""
    whole = text(list(valid.items()))
    return st.one_of(
        objects(valid),
        objects(valid),
        objects(valid),
        broken(whole),
        deep(whole),
        objects(valid).flatmap(broken),
        st.binary(max_size=120),
        VALUES.map(lambda value: json.dumps(value).encode()),
        st.sampled_from([whole.decode().encode("utf-16"), b"\xef\xbb\xbf" + whole, whole * 2]),
    )

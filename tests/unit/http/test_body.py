"""What a body is looked at for before anybody decodes it."""

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from meeting.kernel.errors import Fault, Kind
from meeting.kernel.nesting import MAX_DEPTH
from meeting.transports.http.body import Store, check, declared

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=40,
)


def nested(depth: int) -> bytes:
    """Nest lists and objects in turn."""
    value: Any = 1
    for level in range(depth):
        beside: Any = [] if level else 2
        value = [value, beside] if level % 2 else {"a": value, "b": beside}
    return json.dumps(value).encode()


def depth(value: Any) -> int:
    """Measure nesting the slow and plain way."""
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0


def test_depth_is_bounded_at_thirty_two() -> None:
    """Thirty-two levels pass, thirty-three do not."""
    check(nested(MAX_DEPTH - 1))
    check(nested(MAX_DEPTH))
    with pytest.raises(Fault, match="nested"):
        check(nested(MAX_DEPTH + 1))


def test_brackets_within_text_are_text() -> None:
    """Only structure counts: brackets and quotes inside strings do not."""
    check(json.dumps({"a": "[{" * 100, "b": '\\"[[[' * 50, "[" * 50: ["\\"]}).encode())


def test_wide_is_not_deep() -> None:
    """Many objects side by side are fine."""
    check(json.dumps([{"a": [{}]}] * 500).encode())


@given(JSON)
def test_whatever_is_shallow_passes(value: Any) -> None:
    """No JSON of a client's own encoder is refused, however it is escaped."""
    if depth(value) <= MAX_DEPTH and "\x00" not in json.dumps(value, ensure_ascii=False):
        text = json.dumps(value)
        if "\\u0000" not in text:
            check(text.encode())


@pytest.mark.parametrize("sent", [b'{"a":"\xff"}', b"\xc3(", b"\xed\xa0\x80", b'{"a":"\\u0000"}'])
def test_no_text_no_entry(sent: bytes) -> None:
    """Bytes that are no UTF-8, and NUL, are refused as the client's mistake."""
    with pytest.raises(Fault) as caught:
        check(sent)
    assert caught.value.kind is Kind.VALIDATION


def test_an_escaped_backslash_before_u0000_is_text() -> None:
    """The six letters of an escape, written as text, are no NUL."""
    check(json.dumps({"a": "\\u0000"}).encode())


@pytest.mark.parametrize("sent", [b"[" * 100_000, b"[]" * 40 + b"]" * 20, b"}{" * 40])
def test_brackets_that_lead_nowhere_are_refused(sent: bytes) -> None:
    """Endless or unbalanced brackets never reach a recursive decoder."""
    with pytest.raises(Fault):
        check(sent)


@pytest.mark.parametrize(
    ("length", "kind"),
    [
        ("11", Kind.TOO_LARGE),
        ("9" * 5000, Kind.TOO_LARGE),
        ("-1", Kind.VALIDATION),
        ("x", Kind.VALIDATION),
        ("٣", Kind.VALIDATION),
    ],
)
def test_a_declared_length_is_held_to_its_word(length: str, kind: Kind) -> None:
    """A Content-Length above the bound, or none at all, is refused before a byte is read."""
    assert declared("10", 10) == 10
    with pytest.raises(Fault) as caught:
        declared(length, 10)
    assert caught.value.kind is kind


def test_bodies_share_one_bounded_memory() -> None:
    """A body that finds the memory full is told to come again; what ends gives its room back."""
    store = Store(10)
    with store.room() as first:
        first.take(8)
        with pytest.raises(Fault) as caught, store.room() as second:
            second.take(3)
        assert caught.value.kind is Kind.RATE_LIMITED
    with store.room() as third:
        third.take(10)

"""The letter: what others read of it, and what we read of theirs."""

import json

import msgspec
import pytest

from meeting.kernel.lane import Lane
from meeting.kernel.letter import Letter, Unreadable, read

WHOLE = ("timestamp", "timeout", "visibility_timeout", "priority", "retry_count", "max_retries")


def test_whole_seconds_are_integers() -> None:
    """Numbers that the contract writes as integers are, also after a way through an outbox."""
    letter = Letter(id="a", type="job", payload={}, timestamp=1_700_000_000)
    carried = msgspec.convert(msgspec.to_builtins(letter), Letter)
    for each in (letter, carried, read(carried.write()), carried.failed("no", 1.0)):
        written = json.loads(each.write())
        assert [name for name in WHOLE if type(written[name]) is not int] == []


@pytest.mark.parametrize(
    ("given", "lane"),
    [
        (3, Lane.CRITICAL),
        ("High", Lane.HIGH),
        (" low ", Lane.LOW),
        ("urgent", Lane.NORMAL),
        (7, Lane.NORMAL),
        (True, Lane.NORMAL),
        (None, Lane.NORMAL),
        ([1], Lane.NORMAL),
    ],
)
def test_a_priority_is_a_number_or_a_word(given: object, lane: Lane) -> None:
    """Whatever else stands there is normal."""
    assert read(json.dumps({"type": "job", "payload": {}, "priority": given}).encode()).lane is lane


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"null",
        b'{"type":"job"}',
        b'{"type":"","payload":{}}',
        b'{"type":"job","payload":[]}',
        b'{"type":"job","payload":{},"timeout":0}',
        b'{"type":"job","payload":{},"max_retries":-1}',
        b'{"type":"job","payload":{"x":NaN}}',
        b'{"type":"job","payload":{"x":"\xff"}}',
        b'{"type":"job","payload":' + b"[" * 40 + b"]" * 40 + b"}",
    ],
)
def test_what_is_no_letter(raw: bytes) -> None:
    """What breaks the rules can't be read, and says why."""
    with pytest.raises(Unreadable) as caught:
        read(raw)
    assert str(caught.value)


def test_dead_and_back() -> None:
    """A dead letter says why in its payload; with new attempts it is as it was, but remembers."""
    letter = Letter(id="a", type="job", payload={"n": 1}, retry_count=3).failed("no", 1.0)
    assert letter.spent
    back = letter.revived()
    assert (back.payload, back.retry_count) == ({"n": 1}, 0)
    assert [each.error for each in back.history] == ["no"]

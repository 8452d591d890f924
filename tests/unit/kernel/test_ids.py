"""Rooms name meetings, in all the forms that clients of the contract use."""

import pytest

from meeting.kernel.ids import MAX_ID, RandomIds, id_of, meeting_of, room_of


def test_ids() -> None:
    """An id is its prefix and 32 hex digits, and no two are alike."""
    ids = RandomIds()
    first = ids.new("ai_")
    assert len(first) == 35
    assert int(first.removeprefix("ai_"), 16)
    assert first != ids.new("ai_")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1),
        (str(MAX_ID), MAX_ID),
        (str(MAX_ID + 1), None),
        ("0", None),
        ("07", None),
        ("+1", None),
        ("1_0", None),
        ("\u0667", None),
        ("7\n", None),
        ("", None),
        ("9" * 5000, None),
    ],
)
def test_id_of(text: str, number: int | None) -> None:
    """An id is a number from 1 to 2**32 - 2, written plainly."""
    assert id_of(text) == number


@pytest.mark.parametrize(
    ("room", "meeting"),
    [
        ("room_7", 7),
        ("7", 7),
        ("room_7_main", 7),
        (room_of(MAX_ID), MAX_ID),
        (str(MAX_ID + 1), None),
        ("room_0", None),
        ("room_07", None),
        ("7_main", None),
        ("room_", None),
        ("room_7_", None),
        ("room_7_a b", None),
        ("", None),
        ("room_७", None),
        ("room_7\n", None),
    ],
)
def test_meeting_of(room: str, meeting: int | None) -> None:
    """Only the three forms of a room name a meeting."""
    assert meeting_of(room) == meeting

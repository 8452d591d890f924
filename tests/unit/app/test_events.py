"""What all events of the house have in common, whoever announces them."""

from collections.abc import Iterator
from importlib import import_module

import msgspec
import pytest
from msgspec.inspect import DateTimeType, Type, type_info

from meeting.domains.meeting.events import UserLeft
from meeting.kernel.message import Event, Message
from tests.clock import MovingClock

MODULES = ("ai.events", "meeting.events", "signaling.changes", "signaling.events", "user.events")
KINDS = [
    kind
    for module in MODULES
    for kind in vars(import_module(f"meeting.domains.{module}")).values()
    if isinstance(kind, type) and issubclass(kind, Event) and kind is not Event
]


def parts(whole: object) -> Iterator[Type]:
    """Return a type of msgspec and all that it is made of."""
    if isinstance(whole, Type):
        yield whole
    if isinstance(whole, msgspec.Struct):
        for each in msgspec.structs.astuple(whole):
            yield from parts(each)
    elif isinstance(whole, tuple):
        for each in whole:
            yield from parts(each)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.TYPE)
def test_moments_have_a_zone(kind: type[Event]) -> None:
    """One without can be compared with none of ours; so the event is refused when it is read."""
    moments = [part for part in parts(type_info(kind)) if isinstance(part, DateTimeType)]
    assert all(moment.tz for moment in moments)


@pytest.mark.parametrize(("left_at", "read"), [("10:30:00Z", True), ("10:30:00", False)])
def test_an_event_of_others_without_a_zone_is_none(left_at: str, *, read: bool) -> None:
    """Whoever reads it lays it aside, before anything comes of it."""
    payload = {"meeting_id": 7, "user_id": 1, "left_at": f"2026-11-24T{left_at}"}
    payload |= {"reason": "user_left", "version": 3}
    said = Message(
        type=UserLeft.TYPE,
        payload=payload,
        at=MovingClock().now(),
        source="others",
        message_id="1",
        kind="foreign",
        topic=UserLeft.TOPIC,
    )
    if read:
        assert UserLeft.read(said).user_id == 1
    else:
        with pytest.raises(msgspec.ValidationError, match="left_at"):
            UserLeft.read(said)

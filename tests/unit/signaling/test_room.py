"""Members of a room, how they are found, and in which order they hear of changes and of frames."""

import json
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from meeting.domains.signaling import room as bounds
from meeting.domains.signaling.changes import Departed, RosterChanged, SeatFreed, SeatTaken
from meeting.domains.signaling.letter import Letter, Sender
from meeting.domains.signaling.model import Close, Limits, Place, Roll
from meeting.domains.signaling.room import Room
from meeting.domains.signaling.rooms import Rooms
from meeting.domains.signaling.router import LocalRouter
from meeting.domains.signaling.seats import Seats
from tests.clock import MovingClock

ROOM = "room_7"
WHEN = datetime(2026, 11, 24, tzinfo=UTC)


class Listener:
    """A member that remembers what it was told."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.ended: list[Close] = []

    def deliver(self, frame: bytes, *, urgent: bool = False) -> None:
        """Remember a frame."""
        self.heard.append(frame)

    def end(self, code: Close, reason: str, *, kept: bool = True) -> None:
        """Remember the end."""
        self.ended.append(code)

    def told(self) -> list[Any]:
        """Return what was told of the roster: versions, and who came or went."""
        frames = [json.loads(each) for each in self.heard if each.startswith(b"{")]
        return [
            frame["version"] if frame["type"] == "roster" else (frame["type"], frame.get("user_id"))
            for frame in frames
        ]


def place(user_id: int, peer_id: str, session_id: str = "s", version: int = 1) -> Place:
    """Make a place in the room, which is shown from a version on."""
    return Place(
        room_id=ROOM,
        meeting_id=7,
        peer_id=peer_id,
        user_id=user_id,
        username=f"user{user_id}",
        session_id=session_id,
        joined_at=WHEN,
        admitted=True,
        version=version,
    )


def roll(*places: Place) -> Roll:
    """Make the roster as the youngest of some sees it."""
    seen_at = {one.peer_id: WHEN for one in places}
    return Roll(version=max(one.version for one in places), places=list(places), seen_at=seen_at)


def seated(rooms: Rooms, *places: Place) -> list[Listener]:
    """Seat a listener on each place, each at the roster as it is then."""
    members = [Listener() for _ in places]
    for number, (one, member) in enumerate(zip(places, members, strict=True)):
        with rooms.expecting(one) as (room, arrival):
            room.seat(arrival, one, member, roll(*places[: number + 1]), b"joined")
        rooms.hear(came(one), final=True)
    for member in members:
        member.heard.clear()
    return members


def came(one: Place) -> RosterChanged:
    """Make the change that shows a place."""
    change = {"before": one.version - 1, "version": one.version, "joined": [one]}
    return RosterChanged(room_id=ROOM, meeting_id=7, **change)  # type: ignore[arg-type]


def went(one: Place, version: int, close: Close = Close.LEFT) -> RosterChanged:
    """Make the change that ends a place."""
    gone = Departed(place=one, reason="user_left", close=close)
    return RosterChanged(
        room_id=ROOM, meeting_id=7, before=version - 1, version=version, left=[gone]
    )


def crowd(count: int) -> list[Place]:
    """Make the places of peers that come one after the other."""
    return [place(number, f"p{number}", f"s{number}", number) for number in range(1, count + 1)]


async def test_frames_find_peers_users_and_rooms() -> None:
    """One peer, all peers of a user but one, everybody but one; nobody is counted as nobody."""
    rooms = Rooms()
    router = LocalRouter(rooms, Seats(MovingClock(), Limits()))
    places = place(1, "a"), place(2, "b", version=2), place(2, "c", version=3)
    a, b, c = seated(rooms, *places)
    assert await router.to_peer(ROOM, "b", None, b"peer")
    assert not await router.to_peer(ROOM, "b", 1, b"not his")
    assert not await router.to_peer(ROOM, "x", None, b"nobody")
    assert await router.to_user(ROOM, 2, b"user", but="b") == 1
    assert await router.to_user(ROOM, 3, b"nobody") == 0
    assert await router.to_user("room_8", 2, b"elsewhere") == 0
    await router.to_room(ROOM, b"room", but="a")
    assert (a.heard, b.heard, c.heard) == ([], [b"peer", b"room"], [b"user", b"room"])


def test_an_old_session_does_not_unseat_a_newer() -> None:
    """The end of a place that was taken over leaves who took it alone."""
    rooms = Rooms()
    (new,) = seated(rooms, place(1, "a", "new"))
    rooms.hear(went(place(1, "a", "old"), 2, Close.REPLACED), final=True)
    assert new.ended == []
    rooms.hear(went(place(1, "a", "new"), 3), final=True)
    rooms.hear(went(place(1, "a", "new"), 3), final=True)
    assert new.ended == [Close.LEFT]
    assert len(rooms) == 0


def test_who_takes_a_seat_over_ends_who_had_it() -> None:
    """Also where the log has not told yet that the older place has ended."""
    rooms = Rooms()
    (old,) = seated(rooms, place(1, "a", "old"))
    seated(rooms, place(1, "a", "new", 3))
    assert old.ended == [Close.REPLACED]


def test_a_room_exists_while_somebody_needs_it() -> None:
    """It goes with its last member, but never under who is on the way in."""
    rooms = Rooms()
    with rooms.expecting(place(1, "a")) as (room, _):
        with rooms.expecting(place(2, "b")) as (same, _):
            assert same is room
        assert len(rooms) == 1
    assert len(rooms) == 0
    seated(rooms, place(1, "a"))
    assert len(rooms) == 1
    rooms.remove(place(1, "a"))
    assert len(rooms) == 0


def test_changes_are_told_once_and_in_order() -> None:
    """What comes early waits for the log, what comes again is not told again."""
    rooms = Rooms()
    one, two, three = crowd(3)
    (first,) = seated(rooms, one)
    rooms.hear(came(three))  # our own, before the log has brought another's
    assert first.told() == []
    for change in (came(two), came(three), came(two), came(three)):
        rooms.hear(change, final=True)
    rooms.hear(went(two, 4))
    rooms.hear(went(two, 4), final=True)
    assert first.told() == [("user_joined", 2), 2, ("user_joined", 3), 3, ("user_left", 2), 4]


def test_who_joins_hears_what_is_newer_than_its_roll() -> None:
    """Neither what `joined` showed, nor less than came while it was on its way in."""
    rooms = Rooms()
    one, two, three, four = crowd(4)
    with rooms.expecting(two) as (room, arrival):
        for change in (came(one), came(two), came(three), went(one, 4)):
            rooms.hear(change, final=True)
        late = Listener()
        room.seat(arrival, two, late, roll(one, two), b"joined")
    assert late.heard[0] == b"joined"
    late.heard[0] = b""
    rooms.hear(came(replace(four, version=5)))
    assert late.told() == [("user_joined", 3), 3, ("user_left", 1), 4, ("user_joined", 4), 5]


def test_two_that_join_at_once_hear_of_each_other_once() -> None:
    """Whichever of them is seated first: the log brings to each what its roll did not show."""
    rooms = Rooms()
    one, two, three = crowd(3)  # the second speaks to another process
    with rooms.expecting(one) as (room, arrival):
        with rooms.expecting(three) as (_, other):
            third = Listener()
            room.seat(other, three, third, roll(one, two, three), b"joined")
        rooms.hear(came(three))
        first = Listener()
        room.seat(arrival, one, first, roll(one), b"joined")
    rooms.hear(came(one))
    for change in (came(one), came(two), came(three)):
        rooms.hear(change, final=True)
    third.heard.remove(b"joined")
    first.heard.remove(b"joined")
    assert third.told() == []
    assert first.told() == [("user_joined", 2), 2, ("user_joined", 3), 3]


def test_a_place_that_ended_while_its_peer_was_on_the_way_closes_it() -> None:
    """It gets `joined`, then its end, and the room forgets it."""
    rooms = Rooms()
    (one,) = crowd(1)
    with rooms.expecting(one) as (room, arrival):
        rooms.hear(went(one, 2, Close.KICKED), final=True)
        member = Listener()
        room.seat(arrival, one, member, roll(one), b"joined")
    assert member.ended == [Close.KICKED]
    assert len(rooms) == 0


def test_seats_without_a_socket_are_told_to_who_was_there() -> None:
    """A member that came after the news does not get it."""
    rooms = Rooms()
    one, two = crowd(2)
    first, second = seated(rooms, one, two)
    fields = {"room_id": ROOM, "meeting_id": 7, "version": 1, "user_id": 9}
    rooms.hear(SeatTaken(username="nine", **fields), final=True)  # type: ignore[arg-type]
    rooms.hear(SeatFreed(reason="user_left", **fields), final=True)  # type: ignore[arg-type]
    assert first.told() == [("user_joined", 9), ("user_left", 9)]
    assert second.told() == []


def test_the_end_of_a_meeting_ends_its_members() -> None:
    """They are told, and closed; nobody is told of the others' going."""
    rooms = Rooms()
    members = seated(rooms, *crowd(2))
    end = RosterChanged(room_id=ROOM, meeting_id=7, before=2, version=4, ended=True)
    rooms.hear(end, final=True)
    for member in members:
        assert [json.loads(each)["type"] for each in member.heard] == ["meeting_ended"]
        assert member.ended == [Close.MEETING_ENDED]
    assert len(rooms) == 0


def test_a_frame_waits_until_its_sender_was_told_of() -> None:
    """It comes after user_joined; that of a sender who has left by then does not come at all."""
    rooms = Rooms()
    one, two, three = crowd(3)
    (first,) = seated(rooms, one)
    room = rooms.get(ROOM)
    assert room is not None
    for sender in (two, three):
        letter = Letter(ROOM, peer_id="p1", sender=Sender.of(sender))
        assert room.forward(letter, b"from " + sender.peer_id.encode()) == 1
    assert first.heard == []
    rooms.hear(came(two), final=True)
    assert first.heard[-1] == b"from p2"
    both = RosterChanged(
        room_id=ROOM, meeting_id=7, before=2, version=3, joined=[replace(three, session_id="x")]
    )
    rooms.hear(both, final=True)
    assert b"from p3" not in first.heard
    room.forward(Letter(ROOM, peer_id="p1"), b"from a service")
    assert first.heard[-1] == b"from a service"


def test_a_frame_waits_for_who_is_on_the_way_in() -> None:
    """Others may know a peer before its own process has seated it; it gets `joined` first."""
    rooms = Rooms()
    one, two = crowd(2)
    seated(rooms, one)
    with rooms.expecting(two) as (room, arrival):
        rooms.hear(came(two), final=True)
        assert room.forward(Letter(ROOM, peer_id="p2", sender=Sender.of(one)), b"offer") == 1
        assert room.forward(Letter(ROOM, but="p1"), b"to all") == 1
        assert room.forward(Letter(ROOM, peer_id="px"), b"to nobody") == 0
        late = Listener()
        room.seat(arrival, two, late, roll(one, two), b"joined")
    assert late.heard == [b"joined", b"offer", b"to all"]
    assert room.forward(Letter(ROOM, peer_id="px"), b"to nobody") == 0


def test_a_rush_of_joins_costs_nobody_its_place() -> None:
    """Somebody is always on the way in; each gets what is its own, and no more is kept than that.

    Who is sent more than is kept is closed, and it alone.
    """
    rooms = Rooms()
    places = crowd(30)
    (first,) = seated(rooms, places[0])
    with ExitStack() as stack:
        rush = [stack.enter_context(rooms.expecting(one)) for one in places[1:]]
        for one, (room, arrival) in zip(places[1:-1], rush, strict=False):
            rooms.hear(came(one), final=True)
            for number in range(20):
                letter = Letter(ROOM, peer_id=one.peer_id, sender=Sender.of(places[0]))
                assert room.forward(letter, b"offer %d" % number) == 1
            member = Listener()
            room.seat(arrival, one, member, roll(*places[: one.version]), b"joined")
            assert member.heard == [b"joined", *(b"offer %d" % number for number in range(20))]
            assert member.ended == []
        room, arrival = rush[-1]
        for _ in range(bounds.WAITING + 1):
            room.forward(Letter(ROOM, peer_id="p30", sender=Sender.of(places[0])), b"offer")
        flooded = Listener()
        room.seat(arrival, places[-1], flooded, roll(*places), b"joined")
    assert (flooded.heard, flooded.ended) == ([b"joined"], [Close.OVERLOAD])
    assert first.ended == []


def test_who_has_left_is_not_heard_by_who_knows() -> None:
    """A roll may be ahead of what the room has heard: its member is not told of a ghost."""
    rooms = Rooms()
    one, two, three = crowd(3)
    seated(rooms, one, two)
    late = Listener()
    shown = replace(three, version=4)
    with rooms.expecting(three) as (room, arrival):
        room.seat(arrival, shown, late, roll(one, shown), b"joined")
    room.forward(Letter(ROOM, peer_id="p3", sender=Sender.of(two)), b"from p2")
    room.forward(Letter(ROOM, peer_id="p3", sender=Sender.of(one)), b"from p1")
    assert late.heard == [b"joined"]
    rooms.hear(went(two, 3), final=True)
    rooms.hear(came(shown), final=True)
    assert late.heard == [b"joined", b"from p1"]


def test_what_waits_is_bounded() -> None:
    """Who can't be told of a sender is closed with 1013 rather than kept waiting without end."""
    rooms = Rooms()
    one, two = crowd(2)
    (first,) = seated(rooms, one)
    room = rooms.get(ROOM)
    assert room is not None
    for _ in range(bounds.WAITING):
        room.forward(Letter(ROOM, sender=Sender.of(two)), b"frame")
    assert first.ended == []
    room.forward(Letter(ROOM, sender=Sender.of(two)), b"frame")
    assert (first.ended, first.heard) == ([Close.OVERLOAD], [])


def test_a_gap_in_the_log_closes_who_would_miss_something() -> None:
    """Who has lost track joins again; nobody is told of version 4 before version 3."""
    rooms = Rooms()
    one, _, _, four = crowd(4)
    (first,) = seated(rooms, one)
    rooms.hear(came(four), final=True)
    assert (first.told(), first.ended) == ([], [Close.OVERLOAD])


def offered(room: Room, sender: Place, to: Place) -> int:
    """Send one peer's offer to another; to how many it goes."""
    letter = Letter(ROOM, peer_id=to.peer_id, sender=Sender.of(sender))
    return room.forward(letter, b"offer")


def test_a_change_that_is_passed_over_holds_nobody_back() -> None:
    """Also who knows more than the room joins again; then offers reach everybody as before."""
    rooms = Rooms()
    first, second = place(1, "a", "old", 4), place(2, "b", "old", 6)
    early, late = seated(rooms, first)[0], Listener()
    with rooms.expecting(second) as (room, arrival):
        room.seat(arrival, second, late, roll(first, second), b"joined")
    rooms.hear(came(second))
    rooms.hear(came(second), final=True)  # version 5 could not be read
    assert (early.ended, late.ended) == ([Close.OVERLOAD], [Close.OVERLOAD])
    assert len(rooms) == 0
    again = place(1, "a", "new", 7), place(2, "b", "new", 8)
    members = seated(rooms, *again)
    back = rooms.get(ROOM)
    assert back is not None
    assert offered(back, again[0], again[1]) == offered(back, again[1], again[0]) == 1
    assert [(each.heard, each.ended) for each in members] == [([b"offer"], [])] * 2


def test_who_is_on_the_way_in_bridges_a_gap() -> None:
    """Its roll shows what the log passed over: it stays, and the room goes on from there."""
    rooms = Rooms()
    first, second, third = place(1, "a", version=4), place(2, "b", version=6), place(3, "c")
    (early,) = seated(rooms, first)
    with rooms.expecting(second) as (room, arrival):
        rooms.hear(came(second), final=True)
        assert early.ended == [Close.OVERLOAD]
        late = Listener()
        room.seat(arrival, second, late, roll(first, second), b"joined")
    third = replace(third, version=7)
    rooms.hear(came(third), final=True)
    assert offered(room, third, second) == 1
    assert (late.heard[-1], late.ended) == (b"offer", [])


def test_a_gap_on_somebodys_way_in_holds_nobody_back() -> None:
    """The room that one brings too old a roll to begins anew with the next one's."""
    rooms = Rooms()
    first, second = place(1, "a", version=4), place(2, "b", version=6)
    early, late = Listener(), Listener()
    with rooms.expecting(first) as (room, arrival), rooms.expecting(second) as (_, other):
        rooms.hear(came(first), final=True)
        rooms.hear(came(second), final=True)
        room.seat(arrival, first, early, roll(first), b"joined")
        room.seat(other, second, late, roll(first, second), b"joined")
    assert set(early.ended) == {Close.OVERLOAD}
    assert offered(room, first, second) == 1
    assert (late.heard, late.ended) == ([b"joined", b"offer"], [])


def test_lost_frames_close_rooms_that_have_peers_elsewhere() -> None:
    """A room that is here alone has lost nothing."""
    rooms = Rooms()
    here, there = replace(place(1, "a"), node="here"), replace(place(2, "b"), node="there")
    (mixed,) = seated(rooms, here)
    rooms.hear(came(replace(there, version=2)), final=True)
    with rooms.expecting(replace(here, room_id="room_8")) as (room, arrival):
        alone = Listener()
        room.seat(arrival, replace(here, room_id="room_8"), alone, roll(here), b"joined")
    rooms.cut_off("here")
    assert (mixed.ended, alone.ended) == ([Close.OVERLOAD], [])


def test_lost_frames_close_who_is_on_the_way_in() -> None:
    """What was lost may have been for it: it is closed when it is there, known room or not."""
    for known in (False, True):
        rooms = Rooms()
        one, two = (replace(each, node="here") for each in crowd(2))
        if known:
            seated(rooms, replace(one, node="there"))
        with rooms.expecting(two) as (room, arrival):
            assert rooms.cut_off("here") == 1
            late = Listener()
            room.seat(arrival, two, late, roll(one, two), b"joined")
        assert (late.heard, late.ended) == ([b"joined"], [Close.OVERLOAD])
        assert len(rooms) == 0


def test_rooms_that_are_forgotten_begin_anew() -> None:
    """All members are closed, also who is on the way in; the next is told from an earlier version.

    Two was in the room as it was known; as it is read now, only three is.
    """
    rooms = Rooms()
    one, two, three = crowd(3)
    (first,) = seated(rooms, two)
    with rooms.expecting(one) as (room, arrival):
        rooms.forget()
        late, fresh = Listener(), Listener()
        with rooms.expecting(replace(three, version=1)) as (other, next_arrival):
            other.seat(next_arrival, next_arrival.place, fresh, roll(three), b"joined")
        room.seat(arrival, one, late, roll(one, two), b"joined")
    assert [each.ended for each in (first, late, fresh)] == [[Close.OVERLOAD], [Close.OVERLOAD], []]
    found = rooms.get(ROOM)
    assert found is not None
    assert [place.peer_id for place in found.replica] == [three.peer_id]

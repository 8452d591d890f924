"""How owed frames reach signalling: none is lost, whatever fails on the way."""

import asyncio

from meeting.domains.notification.pusher import AT_ONCE, Pusher
from meeting.domains.signaling.api import Broadcast
from meeting.kernel.call import Call
from meeting.kernel.errors import Fault, Kind
from tests.unit.notification.world import ANN, BOB, Sockets, World, fails

AWAY = Fault(Kind.UNAVAILABLE, "signaling does not answer")


def heard(world: World) -> list[str]:
    """Return the titles that signalling was told."""
    return [content["title"] for _, content in world.sockets.told]


async def test_a_frame_holds_what_the_history_holds(world: World) -> None:
    """Id, type, texts and data; the texts are filled in."""
    await world.logged_in("192.0.2.1", "198.51.100.7")
    assert await world.pusher.step()
    assert not await world.pusher.step()
    assert world.sockets.told == [
        (
            [ANN],
            {
                "id": 1,
                "type": "unusual_login",
                "title": "Login from a new place",
                "content": (
                    "Somebody logged in to your account from 198.51.100.7, a place that was not"
                    " used before. If that was not you, change your password."
                ),
                "data": {"ip_address": "198.51.100.7", "login_time": "2026-11-24T12:00:00Z"},
            },
        )
    ]


async def test_what_is_not_to_be_pushed_is_not(world: World) -> None:
    """A notification for the history alone owes nothing."""
    await world.send("silent")
    await world.send("loud", user_id=BOB, push=True)
    while await world.pusher.step():
        pass
    assert heard(world) == ["loud"]
    assert world.stirs == 1


async def test_a_signalling_that_is_away_is_waited_for(world: World) -> None:
    """What it took is not pushed again; the rest comes in order when it is back."""
    await world.send("a", "b", "c", push=True)
    assert await world.pusher.step()
    await world.send("d", "e", push=True)
    world.sockets.faults = [AWAY]
    assert await fails(world) is AWAY
    await world.send("f", push=True)
    assert await world.pusher.step()
    assert heard(world) == list("abcdef")


async def test_one_that_fails_holds_no_other_up(world: World) -> None:
    """A refusal or a defect costs one push; the user finds it in the history."""
    await world.send(*"abc", push=True)
    world.sockets.faults = [Fault(Kind.VALIDATION, "no"), ZeroDivisionError()]
    while await world.pusher.step():
        pass
    assert heard(world) == ["c"]
    assert len(await world.told()) == 3


async def test_a_crash_before_the_debt_is_paid_repeats_the_frame_alone(world: World) -> None:
    """A pusher that follows one that died finds the same row: the same id, no second entry."""

    class Dying(Sockets):
        async def broadcast_message(self, call: Call, broadcast: Broadcast) -> None:
            await world.sockets.broadcast_message(call, broadcast)
            raise asyncio.CancelledError

    await world.send("a", push=True)
    dying = Pusher(units=world.units, signaling=Dying(), ids=world.ids)
    await asyncio.gather(dying.step(), return_exceptions=True)
    assert await world.pusher.step()
    assert [content["id"] for _, content in world.sockets.told] == [1, 1]
    assert len(await world.told()) == 1


async def test_it_runs_until_cancelled(world: World) -> None:
    """It looks at the start, when it is stirred, after a batch that was full, and after a pause."""
    await world.send(*(str(number) for number in range(AT_ONCE + 1)), push=True)
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    pusher = Pusher(units=world.units, signaling=world.sockets, ids=world.ids, pause=pause)
    world.sockets.faults = [AWAY, AWAY]
    running = asyncio.create_task(pusher.run())
    try:
        async with asyncio.timeout(10):
            while len(heard(world)) <= AT_ONCE:
                await asyncio.sleep(0)
            await world.send("late", push=True)
            pusher.stir()
            # What it is told it takes note of, or it would look again and again.
            while heard(world)[-1] != "late" or pusher._stirred.is_set():
                await asyncio.sleep(0)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert pauses == [0.1, 0.2]

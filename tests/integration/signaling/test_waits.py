"""What one peer waits for, others do not."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import event

from meeting.domains.signaling import frames
from tests.integration.signaling.world import World


async def test_a_join_that_waits_holds_nobody_up(
    house: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the meeting domain thinks, the same room relays, is left and joined, others too."""
    meeting, other = await house.started(), await house.started()
    one, two = await house.seated(meeting.id, 1), await house.seated(meeting.id, 2)
    await one.until("roster")
    asked, go = asyncio.Event(), asyncio.Event()
    ask = house.meeting.validate_user_access

    async def thinks(call: Any, user_id: int, meeting_id: int, *, admit: bool = False) -> Any:
        if user_id == 3 and admit:
            asked.set()
            await go.wait()
        return await ask(call, user_id, meeting_id, admit=admit)

    monkeypatch.setattr(house.meeting, "validate_user_access", thinks)
    slow = await house.open(3)
    await slow.send("join", room_id=meeting.room_id)
    await asyncio.wait_for(asked.wait(), 10)
    await one.send("offer", to_user_id=2, sdp="v")
    assert (await two.until("offer"))["sdp"] == "v"
    await two.send("leave")
    assert await two.closed() == 1000
    assert (await one.until("user_left"))["user_id"] == 2
    await house.seated(other.id, 4)
    await house.seated(meeting.id, 5)
    go.set()
    assert (await slow.next())["type"] == "joined"


async def test_a_relayed_frame_costs_no_query_and_one_encoding(
    house: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten frames to a user with three peers: the store is not asked, each is encoded once."""
    meeting = await house.started()
    one = await house.seated(meeting.id, 1)
    tabs = [await house.seated(meeting.id, 2, f"tab{number}") for number in range(3)]
    for peer in (one, *tabs):
        await peer.send("ping")
        await peer.until("pong")
    asked: list[str] = []
    encoded: list[dict[str, Any]] = []
    encode = frames._encoded

    def counted(value: dict[str, Any]) -> bytes:
        encoded.append(value)
        return encode(value)

    monkeypatch.setattr(frames, "_encoded", counted)
    for pool in (house.database._writer, house.database._readers):
        event.listen(pool.sync_engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    for number in range(10):
        await one.send("ice_candidate", to_user_id=2, candidate=str(number))
    for tab in tabs:
        assert [(await tab.next())["candidate"] for _ in range(10)] == list(map(str, range(10)))
    assert asked == []
    assert len(encoded) == 10

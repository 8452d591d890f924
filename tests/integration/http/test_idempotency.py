"""`Idempotency-Key` over the wire: a POST sent again has its effect once."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from litestar import post
from litestar.handlers import HTTPRouteHandler
from sqlalchemy import select

from meeting.kernel.call import Call
from meeting.kernel.errors import ERRORS, Fault, Kind
from meeting.kernel.replay import Slot
from meeting.stores.relational.idempotency import answers
from meeting.transports.http import idempotency
from meeting.transports.http.envelope import Envelope, Envelopes
from meeting.transports.http.idempotency import LEASE
from tests.clock import MovingClock
from tests.front import Front, Way, front


class Wanted(msgspec.Struct):
    """What the test's route is to do."""

    title: str
    fail: Kind | None = None


class Till:
    """A route with an effect that can be counted, held up and made to fail."""

    def __init__(self) -> None:
        self._envelope = Envelopes(MovingClock())
        self.effects: list[tuple[str, str]] = []
        self.entered = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()

    async def pay(self, call: Call, wanted: Wanted) -> Envelope[int]:
        """Have an effect."""
        self.entered.set()
        await self.open.wait()
        if wanted.fail is not None:
            raise Fault(wanted.fail, "as the test wanted")
        self.effects.append((wanted.title, call.key))
        return self._envelope(call, len(self.effects), 201)

    def routes(self) -> list[HTTPRouteHandler]:
        """Serve it under two paths that the table knows."""

        @post("/meetings", status_code=201)
        async def create(data: Wanted, call: Call) -> Envelope[int]:
            return await self.pay(call, data)

        @post("/signaling/ticket", status_code=201)
        async def ticket(data: Wanted, call: Call) -> Envelope[int]:
            return await self.pay(call, data)

        return [create, ticket]


@pytest.fixture
def till() -> Till:
    """One till a test."""
    return Till()


@pytest.fixture
async def house(way: Way, tmp_path: Path, till: Till) -> AsyncIterator[Front]:
    """One house a test, with the till."""
    async with front(tmp_path, way=way, routes=till.routes()) as opened:
        yield opened


async def send(
    house: Front, headers: dict[str, str], key: str, body: Any, path: str = "/meetings"
) -> tuple[int, bytes, bool]:
    """Send with a key; status, body, and whether it is the first answer again."""
    sent = headers | {"Idempotency-Key": key}
    async with house.client.post(f"/api/v1{path}", json=body, headers=sent) as response:
        replayed = response.headers.get("Idempotency-Replayed")
        assert replayed in (None, "true")
        return response.status, await response.read(), replayed == "true"


async def test_the_first_answer_comes_again(house: Front, till: Till) -> None:
    """Same key, same body: byte for byte the first answer, marked, and one effect."""
    headers = await house.bearer()
    first = await send(house, headers, "k-1", {"title": "a"})
    again = await send(house, headers, "k-1", {"title": "a"})
    assert first[0] == again[0] == 201
    assert first[1] == again[1]
    assert (first[2], again[2]) == (False, True)
    assert till.effects == [("a", "k-1")]


async def test_another_body_is_a_conflict(house: Front, till: Till) -> None:
    """A key belongs to its first body."""
    headers = await house.bearer()
    await send(house, headers, "k", {"title": "a"})
    status, _, replayed = await send(house, headers, "k", {"title": "b"})
    assert (status, replayed) == (409, False)
    assert len(till.effects) == 1


async def test_what_is_kept_of_a_body_is_no_plain_hash(house: Front) -> None:
    """A body may hold a password, and a plain hash would let it be guessed offline."""
    await send(house, await house.bearer(), "k", {"title": "a"})
    async with house.database.read() as connection:
        kept = (await connection.execute(select(answers.c.digest))).scalar_one()
    assert kept == house.tokens.mark(b'{"title": "a"}')
    assert kept != hashlib.sha256(b'{"title": "a"}').hexdigest()


async def test_a_key_is_of_one_user_and_path(house: Front, till: Till) -> None:
    """Another user, another path, another key: another request."""
    alice, bob = await house.bearer("alice"), await house.bearer("bob")
    for headers, key, path in (
        (alice, "k", "/meetings"),
        (bob, "k", "/meetings"),
        (alice, "k", "/signaling/ticket"),
        (alice, "K", "/meetings"),
    ):
        assert (await send(house, headers, key, {"title": "a"}, path))[::2] == (201, False)
    assert len(till.effects) == 4


async def test_of_many_at_once_one_runs(house: Front, till: Till) -> None:
    """While the first runs the others are 409; afterwards they get its answer."""
    headers = await house.bearer()
    till.open.clear()
    first = asyncio.create_task(send(house, headers, "k", {"title": "a"}))
    await till.entered.wait()
    others = await asyncio.gather(*(send(house, headers, "k", {"title": "a"}) for _ in range(8)))
    assert [status for status, _, _ in others] == [409] * 8
    till.open.set()
    status, body, _ = await first
    assert status == 201
    assert await send(house, headers, "k", {"title": "a"}) == (201, body, True)
    assert len(till.effects) == 1


async def test_a_race_has_one_effect(house: Front, till: Till) -> None:
    """Ten at the same moment: one effect, and nobody gets anything but its answer or 409."""
    headers = await house.bearer()
    answers = await asyncio.gather(*(send(house, headers, "k", {"title": "a"}) for _ in range(10)))
    assert {status for status, _, _ in answers} <= {201, 409}
    assert len({body for status, body, _ in answers if status == 201}) == 1
    assert len(till.effects) == 1


@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        (Kind.FORBIDDEN, True),
        (Kind.MEETING_NOT_FOUND, True),
        (Kind.MEETING_FULL, True),
        (Kind.UNAUTHENTICATED, False),
        (Kind.RATE_LIMITED, False),
        (Kind.INTERNAL, False),
        (Kind.UNAVAILABLE, False),
    ],
)
async def test_what_may_pass_is_not_kept(house: Front, till: Till, kind: Kind, kept: bool) -> None:
    """5xx, 401 and 429 may be tried again under the same key; other refusals stand."""
    headers = await house.bearer()
    body = {"title": "a", "fail": kind}
    for number in range(2):
        status, _, replayed = await send(house, headers, "k", body)
        assert status == ERRORS[kind].http
        assert replayed is (kept and number == 1)


async def test_an_answer_is_kept_for_a_day(house: Front, till: Till) -> None:
    """Short of 24 hours the answer comes again; then the key is free."""
    headers = await house.bearer()
    await send(house, headers, "k", {"title": "a"})
    house.clock.move(timedelta(hours=23, minutes=59))
    assert (await send(house, headers, "k", {"title": "a"}))[2]
    house.clock.move(timedelta(minutes=1))
    headers = {"Authorization": f"Bearer {(await house.login())['token']}"}
    assert not (await send(house, headers, "k", {"title": "a"}))[2]


async def test_a_killed_request_blocks_its_key_for_a_moment_only(house: Front, till: Till) -> None:
    """The marker of a process that is gone ends by itself, and a late owner can't write over it."""
    headers = await house.bearer()
    slot = Slot(1, "/api/v1/meetings", "k")
    digest = "0" * 64
    await house.answers.claim(slot, digest, "dead", house.clock.now() + LEASE)
    assert (await send(house, headers, "k", {"title": "a"}))[0] == 409
    house.clock.move(LEASE)
    status, body, _ = await send(house, headers, "k", {"title": "a"})
    assert status == 201
    await house.answers.drop(slot, "dead")
    assert await send(house, headers, "k", {"title": "a"}) == (201, body, True)


async def test_a_long_request_keeps_its_marker(
    house: Front, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a request runs its marker is extended past the first lease."""
    monkeypatch.setattr(idempotency, "RENEWAL_SECONDS", 0.01)
    extended = asyncio.Event()
    extend = house.answers.extend

    async def seen(*told: Any) -> None:
        await extend(*told)
        extended.set()

    monkeypatch.setattr(house.answers, "extend", seen)
    headers = await house.bearer()
    till.open.clear()
    first = asyncio.create_task(send(house, headers, "k", {"title": "a"}))
    await till.entered.wait()
    house.clock.move(LEASE - timedelta(seconds=1))
    extended.clear()
    await extended.wait()
    house.clock.move(LEASE - timedelta(seconds=1))
    assert (await send(house, headers, "k", {"title": "a"}))[0] == 409
    till.open.set()
    assert (await first)[0] == 201


@pytest.mark.parametrize("key", ["a b", "x" * 129, "ä", ""])
async def test_a_key_that_is_none(house: Front, till: Till, key: str) -> None:
    """A key is 1 to 128 visible ASCII characters, else 400 and no effect."""
    headers = await house.bearer()
    status, _, _ = await send(house, headers, key, {"title": "a"})
    assert status == 400
    assert till.effects == []


async def test_a_restart_keeps_the_answers(way: Way, tmp_path: Path) -> None:
    """The first answer comes from the store, also to a process that never gave it."""
    till = Till()
    async with front(tmp_path, way=way, routes=till.routes()) as house:
        headers = await house.bearer()
        _, body, _ = await send(house, headers, "k", {"title": "a"})
    async with front(tmp_path, way=way, routes=till.routes()) as house:
        assert await send(house, headers, "k", {"title": "a"}) == (201, body, True)
    assert len(till.effects) == 1

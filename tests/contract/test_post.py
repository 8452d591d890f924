"""The suite of the post over its adapter, and over twins that it must reject."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import pytest

from meeting.kernel.clock import SystemClock
from meeting.kernel.errors import Fault
from meeting.kernel.secret import Secret
from meeting.transports.inbox import post as adapter
from meeting.transports.inbox.post import REGISTER, RedisPost
from meeting.transports.redis.connection import Connection
from meeting.transports.redis.script import Script
from tests.contract import post as suite
from tests.contract.post import PROMISES, as_sent, gap_is_told, nobody, resumed, to_several
from tests.redis import Redis, redis as server

Promise = Callable[[suite.World], Awaitable[None]]
LONGEST = 200


class Ends:
    """One process over Redis."""

    def __init__(self, kind: type[RedisPost], redis: Redis, node: str) -> None:
        connection = Connection(Secret(redis.url()), 1.0)
        self.post = kind(connection, node, SystemClock(), longest=LONGEST)
        self.came: list[tuple[bytes, bytes]] = []
        self.losses: list[int] = []
        self._works: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Send and read."""
        self._works.append(asyncio.create_task(self.post.write()))
        self.listen()
        async with asyncio.timeout(suite.PATIENCE):
            await self.post.opened.wait()
        assert self.losses == [0], "what came before the inbox was made is told of"
        self.losses.clear()

    def listen(self) -> None:
        """Read on."""
        work = self.post.read(
            lambda head, frame: self.came.append((head, frame)),
            lambda: self.losses.append(len(self.came)),
        )
        self._works.append(asyncio.create_task(work))

    async def deafen(self) -> None:
        """Read nothing for now."""
        work = self._works.pop()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    async def stop(self) -> None:
        """End."""
        for work in self._works:
            work.cancel()
        ends = await asyncio.gather(*self._works, return_exceptions=True)
        await self.post.close()
        assert all(isinstance(end, asyncio.CancelledError) for end in ends), ends


class Served:
    """Three processes over one Redis."""

    def __init__(self, kind: type[RedisPost], redis: Redis) -> None:
        self.redis = redis
        self.a, self.b, self.c = (Ends(kind, redis, node) for node in "abc")

    async def cut(self) -> None:
        """Cut all connections but the one that does."""
        with self.redis.client() as client:
            client.client_kill_filter(_type="normal", skipme=True)

    async def pause(self) -> None:
        """Let `b` read nothing for now."""
        await self.b.deafen()

    async def go_on(self) -> None:
        """Let `b` read on."""
        self.b.listen()

    async def lose(self) -> None:
        """Throw the inbox of `b` away."""
        with self.redis.client() as client:
            client.delete(f"{REGISTER}:b", f"{REGISTER}:b:count")

    async def away(self) -> None:
        """Let the server be away."""
        await asyncio.to_thread(self.redis.kill)

    async def back(self) -> None:
        """Let it be there again."""
        await asyncio.to_thread(self.redis.resume)


@asynccontextmanager
async def served(redis: Redis, kind: type[RedisPost] = RedisPost) -> AsyncIterator[Served]:
    """Let three processes send and read."""
    world = Served(kind, redis)
    for ends in (world.a, world.b, world.c):
        await ends.start()
    try:
        yield world
    finally:
        for ends in (world.a, world.b, world.c):
            await ends.stop()


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
async def test_redis(promise: Promise) -> None:
    """The post over Redis keeps each promise of the port."""
    with server(append="always") as redis:
        async with served(redis) as world:
            await promise(world)


async def test_an_inbox_goes_with_its_process(redis: Redis) -> None:
    """After a stop nobody can send to it; without one it is gone when its time is over."""
    async with served(redis) as world:
        with redis.client() as client:
            assert 0 < client.pttl(f"{REGISTER}:b") <= 30_000
            assert 0 < client.pttl(f"{REGISTER}:b:count") <= 30_000
            await world.b.deafen()
            client.pexpire(f"{REGISTER}:b", 1)
            client.zadd(REGISTER, {"b": 1})
            await asyncio.sleep(0.01)
        assert await world.a.post.send(None, b"h", b"f") == 1
        assert await world.a.post.send(["b"], b"h", b"f") == 0
        world.b.listen()
    with redis.client() as client:
        assert client.keys(f"{REGISTER}*") == []


async def test_what_was_read_is_forgotten(redis: Redis) -> None:
    """An inbox holds what is unread, and little more."""
    async with served(redis) as world:
        for _ in range(10):
            await suite.together(
                [world.a.post.send(["b"], b"h", each) for each in suite.numbers(50)]
            )
        await suite.until(world.b, 500)
        with redis.client() as client:
            assert client.xlen(f"{REGISTER}:b") < LONGEST


async def test_a_strangers_entry_is_passed_over(redis: Redis) -> None:
    """Whoever writes into an inbox costs no frame."""
    async with served(redis) as world:
        with redis.client() as client:
            client.xadd(f"{REGISTER}:b", {"x": "y"})
        assert await world.a.post.send(["b"], b"h", b"f") == 1
        assert await suite.until(world.b, 1) == [b"f"]
        assert world.b.losses == []


async def test_a_redis_that_swallows_holds_nobody_for_long(redis: Redis) -> None:
    """All that wait are told when the first is, and as much may wait again then."""
    async with served(redis) as world:
        post = world.a.post
        with redis.client() as client:
            client.client_pause(4000)
        started = asyncio.get_running_loop().time()
        sends = [post.send(["b"], b"h" * 100, b"f") for _ in range(1000)]
        ends = await asyncio.gather(*sends, return_exceptions=True)
        assert all(isinstance(end, Fault) for end in ends)
        assert asyncio.get_running_loop().time() - started < 2.5
        assert post._size == 0
        heavy = post.send(["b"], b"h" * (adapter.WAITING_BYTES + 1), b"")
        with pytest.raises(Fault):
            await asyncio.wait_for(heavy, 0.5)


class Blind(RedisPost):
    """Does not look at the numbers."""

    def _take(self, fields: Mapping[bytes, bytes], take: adapter.Take, lost: object) -> None:
        super()._take(fields, take, lambda: None)


class Forgetful(RedisPost):
    """Begins at the end after each cut."""

    async def read(self, take: adapter.Take, lost: Callable[[], None]) -> None:
        """Forget where it was whenever a connection is hung up."""
        look = self._look

        async def looking(take: adapter.Take, lost: Callable[[], None]) -> None:
            try:
                await look(take, lost)
            except Exception:
                self._last = b""
                raise

        self._look = looking  # type: ignore[method-assign]
        await super().read(take, lost)


class Hasty(RedisPost):
    """Sends each frame by itself, the short ones first."""

    def _batch(self) -> list[adapter._Parcel]:
        return sorted(super()._batch(), key=lambda parcel: len(parcel.frame))


@pytest.mark.parametrize(
    ("kind", "broken", "by"),
    [
        (Blind, {}, gap_is_told),
        (Hasty, {}, as_sent),
        (RedisPost, {"redis.call('EXISTS', inbox) == 1": "true", "'NOMKSTREAM', ": ""}, nobody),
        (RedisPost, {"if node ~= own then": "if true then"}, to_several),
    ],
    ids=["blind", "hasty", "making", "echoing"],
)
async def test_rejects(
    kind: type[RedisPost],
    broken: Mapping[str, str],
    by: Promise,
    redis: Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The suite turns red on a post that hides gaps, shuffles, makes inboxes or echoes."""
    text = adapter._put.text
    for whole, instead in broken.items():
        assert whole in text
        text = text.replace(whole, instead)
    monkeypatch.setattr(adapter, "_put", Script(text))
    async with served(redis, kind) as world:
        with suite.red:
            await by(world)


async def test_rejects_one_that_forgets(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite turns red on a reader that makes its inbox anew after each cut."""
    monkeypatch.setattr(suite, "PATIENCE", 3.0)
    async with served(redis, Forgetful) as world:
        with suite.red:
            await resumed(world)

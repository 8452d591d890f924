"""What leases make of a Redis that is away, empty, or written to by somebody else."""

from collections.abc import Awaitable

import pytest

from meeting.kernel.errors import Fault, Kind
from tests.contract.leases import TTL, held, take
from tests.contract.worlds import served
from tests.redis import Redis, redis as server


async def away(call: Awaitable[object]) -> str:
    """Return what is said where Redis can't do it."""
    with pytest.raises(Fault) as caught:
        await call
    assert caught.value.kind is Kind.UNAVAILABLE
    assert caught.value.details == {"peer": "redis"}
    return str(caught.value)


async def test_a_redis_that_is_away() -> None:
    """Whoever asks is told so, and finds the holds again that Redis has kept."""
    with server(append="always") as own:
        async with served(own) as world:
            lease = await held(take(world, "a"))
            own.kill()
            assert await away(take(world, "b")) == "Redis does not answer"
            own.resume()
            assert await take(world, "b") is None
            assert await world.leases.release(lease)


async def test_a_redis_that_comes_back_empty(redis: Redis) -> None:
    """The fences go on above those that were given before."""
    async with served(redis) as world:
        old = await held(take(world, "a"))
        redis.empty()
        new = await held(take(world, "a"))
        assert new.fence > old.fence
        assert not await world.leases.release(old)


async def test_a_full_redis_lets_holders_go_on() -> None:
    """Whoever reads the log needs its lease for that, and only what is read can be thrown away."""
    with server() as own:
        async with served(own) as world:
            lease = await held(take(world, "a"))
            with own.client() as plain:
                plain.config_set("maxmemory", 1)
            assert await world.leases.renew(lease, TTL) is not None
            await world.leases.renew_all(["room/1"], TTL)
            again = await held(take(world, "a"))
            assert await world.leases.release(again)
            assert await take(world, "b") is not None


@pytest.mark.parametrize("key", ["names", "ends", "holds", "values", "fence"])
async def test_a_key_of_another_kind(key: str, redis: Redis) -> None:
    """Where somebody else has made a key of ours, nothing is changed, and a sentence says so."""
    async with served(redis) as world:
        with redis.client() as other:
            other.rpush(f"leases:{key}", "not ours")
            for call in (take(world, "a"), world.leases.clear("")):
                assert "look who else writes there" in await away(call)
            assert other.keys() == [f"leases:{key}".encode()]


async def test_a_hold_that_can_t_be_read(redis: Redis) -> None:
    """A hold that somebody else has written over is told of, and is no reason to fall."""
    async with served(redis) as world:
        await held(take(world, "a"))
        with redis.client() as other:
            other.hset("leases:values", "room/1", b"\xff rubbish")
            assert "look who else writes there" in await away(world.leases.get("room/1"))
            other.hset("leases:holds", "room/1", b"rubbish")
        assert await world.leases.get("room/1") is None
        assert (await held(take(world, "b"))).owner == "b"


async def test_thousands_over(redis: Redis) -> None:
    """Among thousands of holds that are over, those below a prefix are found, in their order."""
    async with served(redis) as world:
        names = [f"room/{number:04}" for number in range(1200)]
        for name in names:
            await held(take(world, "a", name))
        for name in ("hall/1", "hall/2"):
            await held(take(world, "a", name))
        await world.move(TTL)
        assert [each.key for each in await world.leases.over("hall/", 9)] == ["hall/1", "hall/2"]
        assert [each.key for each in await world.leases.over("room/", 700)] == names[:700]
        assert len(await world.leases.clear("room/")) == 1200

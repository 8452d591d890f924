"""Leases over the kernel's rules, in memory: as much of the port as readers of a topic need."""

from datetime import timedelta
from typing import Any

from meeting.kernel import lease as rules
from meeting.kernel.lease import Lease
from tests.simulation.twin.feed import Redis


class Leases:
    """One process's way to the leases in a Redis, which may be away, or come back without them."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._loop = redis.store.loop

    async def take(
        self, key: str, owner: str, ttl: timedelta, value: dict[str, Any] | None = None
    ) -> Lease | None:
        """Take a key; None while another owner holds it."""
        holds = await self._reach(f"take {key}")
        now = self._loop.now()
        lease = None
        if rules.free(holds.get(key), owner, now):
            fence = int(self._loop.new(), 16)
            lease = Lease(key=key, owner=owner, fence=fence, expires_at=now + ttl)
            holds[key] = lease
        await self._redis.answer(f"took {key}: {lease is not None}")
        return lease

    async def renew(self, lease: Lease, ttl: timedelta) -> Lease | None:
        """Extend a hold; None when it is lost."""
        holds = await self._reach(f"renew {lease.key}")
        renewed = rules.renew(holds.get(lease.key), lease, ttl=ttl, now=self._loop.now())
        if renewed is not None:
            holds[lease.key] = renewed
        await self._redis.answer(f"renewed {lease.key}: {renewed is not None}")
        return renewed

    async def release(self, lease: Lease) -> bool:
        """Give a hold back; False when it was lost before."""
        holds = await self._reach(f"release {lease.key}")
        current = holds.get(lease.key)
        mine = current is not None and rules.same(current, lease)
        if mine:
            del holds[lease.key]
        await self._redis.answer(f"released {lease.key}: {mine}")
        return mine

    async def _reach(self, what: str) -> dict[str, Lease]:
        await self._redis.reach(what)
        return self._redis.store.leases

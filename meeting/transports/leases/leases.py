"""The `Leases` port on Redis: each step is one script, and the time of holds is the server's.

What a hold shows travels as text, which no script reads: cjson would make {} of [] and round
numbers.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from meeting.kernel import lease as rules
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.lease import Lease
from meeting.transports.leases import scripts
from meeting.transports.redis.connection import Connection
from meeting.transports.redis.script import Script

KEY = "leases"
"""What all keys begin with."""
BATCH = 500
"""Keys in one step of `renew_all`."""
WIDTH = 5
"""Words that a script returns of each hold."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Word = str | bytes | float


class RedisLeases:
    """Satisfies `Leases` for all keys of one Redis."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def take(
        self, key: str, owner: str, ttl: timedelta, value: dict[str, Any] | None = None
    ) -> Lease | None:
        """Take a key; None while another owner holds it."""
        rules.fit(key, owner)
        shown = value or {}
        given = await self._run(scripts.TAKE, key, owner, _micros(ttl), msgspec.json.encode(shown))
        if not given:
            return None
        fence, end = map(int, given)
        return Lease(key=key, owner=owner, fence=fence, expires_at=_moment(end), value=shown)

    async def renew(self, lease: Lease, ttl: timedelta) -> Lease | None:
        """Set how long a hold lives from now on; None when it is lost."""
        found = await self._run(scripts.RENEW, *_this(lease), _micros(ttl))
        return next(_read(found), None)

    async def renew_all(self, keys: Sequence[str], ttl: timedelta) -> None:
        """Extend the holds on keys, whoever has them; those that are over stay over."""
        for start in range(0, len(keys), BATCH):
            await self._run(scripts.EXTEND, _micros(ttl), *keys[start : start + BATCH])

    async def rewrite(self, lease: Lease, value: dict[str, Any]) -> bool:
        """Change what a hold shows; False when it was lost before."""
        return bool(await self._run(scripts.REWRITE, *_this(lease), msgspec.json.encode(value)))

    async def release(self, lease: Lease) -> bool:
        """Give a hold back; False when it was lost before."""
        return bool(await self._run(scripts.RELEASE, *_this(lease)))

    async def clear(self, prefix: str) -> Sequence[Lease]:
        """End all holds on keys that begin with `prefix`, over or not, and return them, by key."""
        return [*_read(await self._run(scripts.CLEAR, *_below(prefix)))]

    async def get(self, key: str) -> Lease | None:
        """Return the hold on a key, also one that is over."""
        found = await self._run(scripts.LIST, f"[{key}", f"[{key}", "")
        return next(_read(found), None)

    async def list(self, prefix: str, *, owner: str = "") -> Sequence[Lease]:
        """Return the holds on keys that begin with `prefix`, all or one owner's, by key."""
        return [*_read(await self._run(scripts.LIST, *_below(prefix), owner))]

    async def over(self, prefix: str, limit: int) -> Sequence[Lease]:
        """Return holds on keys that begin with `prefix` and are over, the longest ago first."""
        return [*_read(await self._run(scripts.OVER, prefix, limit))]

    async def _run(self, script: Script, *words: Word) -> Any:
        return await self._connection.run(script, [KEY], *words)


def _this(lease: Lease) -> tuple[Word, ...]:
    return lease.key, lease.fence, lease.owner


def _below(prefix: str) -> tuple[Word, ...]:
    """Bound the keys that begin with a prefix; no text in UTF-8 has the byte behind the last."""
    start = prefix.encode()
    return b"[" + start, b"(" + start + b"\xff"


def _micros(span: timedelta) -> int:
    return span // timedelta(microseconds=1)


def _moment(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)


def _read(words: Sequence[bytes]) -> Iterator[Lease]:
    """Read holds as a script returns them."""
    try:
        for i in range(0, len(words), WIDTH):
            key, fence, owner, end, value = words[i : i + WIDTH]
            yield Lease(
                key=key.decode(),
                owner=owner.decode(),
                fence=int(fence),
                expires_at=_moment(int(end)),
                value=msgspec.json.decode(value, type=dict[str, Any]),
            )
    except (ValueError, OverflowError, msgspec.MsgspecError) as error:
        told = "a hold in Redis is not ours: look who else writes there"
        raise Fault(Kind.UNAVAILABLE, told, details={"peer": "redis"}) from error

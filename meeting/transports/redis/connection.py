"""The connection to one Redis: bounded, with an end to every wait, and found again by itself."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis as Client
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    ClusterError,
    NoPermissionError,
    NoScriptError,
    RedisError,
    ResponseError,
)

from meeting.kernel.errors import Fault, Kind
from meeting.kernel.secret import Secret
from meeting.transports.redis.pool import Pool, Word
from meeting.transports.redis.script import Script

WAIT_SECONDS = 5.0
POOL = 8
"""Connections for commands; who finds all in use waits for one."""
EARS = 8
"""Connections that may stand in a blocking read."""
PASSING = ("OOM", "READONLY", "MISCONF", "NOREPLICAS", "LOADING", "BUSY", "MASTERDOWN", "TRYAGAIN")
"""Errors that blame no command: the server is full, a replica, can't write, or comes up."""
KNOWN = frozenset({"host", "port", "db", "username", "password", "path", "connection_class"})
TLS = frozenset({"ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs"})


class Connection:
    """Two pools on one Redis: of commands, which fail soon, and of reads that wait for something.

    No command is sent twice: whoever is told `unavailable` does not know whether it was done.
    """

    def __init__(self, url: Secret, wait_seconds: float = WAIT_SECONDS, pool: int = POOL) -> None:
        """Connect when first used; a `ValueError` that shows nothing of it for an unusable url."""
        options = address(url.reveal())
        self._wait_seconds = None if math.isinf(wait_seconds) else wait_seconds
        # No timeout of redis-py's: it would give up reads that the server still answers, and its
        # way of sending with one swallows cancellations. What ends each wait stands in `_within`.
        ears = BlockingConnectionPool(
            max_connections=EARS,
            timeout=self._wait_seconds,
            socket_timeout=None,
            socket_connect_timeout=self._wait_seconds,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
            client_name="meeting",
            **options,
        )
        self._subscribers: Any = Client.from_pool(ears)
        self._commands = Pool(pool, ears.make_connection)
        self._reads = Pool(EARS, ears.make_connection)
        self._seen = False
        """Whether somebody has looked at what kind of server it is."""

    def __repr__(self) -> str:
        return "Connection(***)"

    async def command(self, *words: Word) -> Any:
        """Have one command done; texts come back as bytes."""
        answer = await self._within(0, lambda: self._commands.ask(words))
        read = self._subscribers.response_callbacks.get(words[0])
        return answer if read is None else read(answer)

    async def run(self, script: Script, keys: Sequence[str], *values: Word) -> Any:
        """Run a script as one step; the server is given its text where it does not know it."""
        words = (len(keys), *keys, *values)

        async def ask() -> Any:
            try:
                return await self._commands.ask(("EVALSHA", script.sha, *words))
            except NoScriptError:
                return await self._commands.ask(("EVAL", script.text, *words))

        return await self._within(0, ask)

    async def block(self, seconds: float, *words: Word) -> Any:
        """Have a command done that may wait for `seconds` at the server."""
        return await self._within(seconds, lambda: self._reads.ask(words))

    def subscriber(self) -> Any:
        """Return redis-py's Pub/Sub on a connection of its own; who uses it calls `fault`."""
        return self._subscribers.pubsub()

    async def ping(self) -> None:
        """Ask for a sign of life."""
        await self.command("PING")

    async def close(self) -> None:
        """Close every connection; those to a server that is away are left to the system."""
        with suppress(TimeoutError):
            async with asyncio.timeout(WAIT_SECONDS):
                await self._commands.close()
                await self._reads.close()
                await self._subscribers.aclose()
                await self._subscribers.connection_pool.disconnect()
                await asyncio.sleep(0)  # sockets that were told to end are closed by the loop

    async def _within(self, more: float, ask: Callable[[], Awaitable[Any]]) -> Any:
        limit = None if self._wait_seconds is None else self._wait_seconds + more
        try:
            async with asyncio.timeout(limit):
                if not self._seen:
                    await self._look()
                return await ask()
        except (RedisError, OSError, TimeoutError) as error:
            if not isinstance(error, ResponseError):
                self._seen = False  # what comes back may be another server
            raise fault(error) from error

    async def _look(self) -> None:
        """Refuse what can't hold our keys together."""
        try:
            found: bytes = await self._commands.ask(("INFO", "cluster"))
        except NoPermissionError:
            found = b""  # an account for our keys alone; a cluster would refuse the first script
        if b"cluster_enabled:1" in found:
            raise ClusterError
        self._seen = True


def address(url: str) -> dict[str, Any]:
    """Read where a Redis is and who we are there; a `ValueError` shows none of it."""
    try:
        found: dict[str, Any] = dict(parse_url(url))
    except ValueError:  # whose texts may hold pieces of the address
        raise ValueError(
            "it must be redis://, rediss:// or unix://; write @ and : in a password as %40 and %3A"
        ) from None
    if found.keys() - KNOWN - TLS:
        raise ValueError(f"known options are {', '.join(sorted(TLS))}")
    return found


def fault(error: Exception) -> Fault:
    """Say what went wrong with Redis: a sentence for whoever runs it, without any of its data."""
    if isinstance(error, ClusterError):
        return _away("this is a Redis Cluster, which can't hold a queue together: name one server")
    if isinstance(error, AuthenticationError | AuthorizationError | NoPermissionError):
        return _away("Redis refuses us: look at user, password and rights in redis.url")
    if isinstance(error, ResponseError):
        # redis-py cuts the code off for the errors that it has a class for.
        code = error.status_code or str(error).split(" ", 1)[0]
        if code == "WRONGTYPE":
            return _away("a key of ours in Redis is of another kind: look who else writes there")
        if code not in PASSING:
            return Fault(Kind.INTERNAL, "Redis refuses a command: {said}", said=str(error)[:200])
        return _away("Redis is full, busy or takes nothing in: look at its log")
    return _away("Redis does not answer")


def _away(said: str) -> Fault:
    return Fault(Kind.UNAVAILABLE, said, details={"peer": "redis"})

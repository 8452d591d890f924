"""What the connection to Redis makes of servers that are away, full, closed or a cluster."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from meeting.kernel.errors import Fault, Kind
from meeting.kernel.secret import Secret
from meeting.transports.listening import hold
from meeting.transports.redis.connection import Connection
from meeting.transports.redis.script import Script
from tests.redis import Redis, redis as server

ADD = Script("return redis.call('INCRBY', KEYS[1], ARGV[1])")


@asynccontextmanager
async def connected(found: Redis, wait_seconds: float = 5.0) -> AsyncIterator[Connection]:
    """Connect to a server while a test needs it."""
    connection = Connection(Secret(found.url()), wait_seconds)
    try:
        yield connection
    finally:
        await connection.close()


async def away(call: Callable[[], Awaitable[object]]) -> str:
    """Return what is said where Redis can't do it."""
    with pytest.raises(Fault) as caught:
        await call()
    assert caught.value.kind is Kind.UNAVAILABLE
    assert caught.value.details == {"peer": "redis"}
    return str(caught.value)


async def test_a_script_is_run_also_where_the_server_has_forgotten_it(redis: Redis) -> None:
    """The server gets the text of a script that it does not know, and knows it then."""
    async with connected(redis) as connection:
        assert await connection.run(ADD, ["n"], 2) == 2
        assert await connection.run(ADD, ["n"], 2) == 4
        with redis.client() as plain:
            assert plain.script_exists(ADD.sha) == [True]
            plain.script_flush()
        assert await connection.run(ADD, ["n"], 2) == 6


async def test_a_server_that_comes_back_is_found_again() -> None:
    """Commands and reads that wait are told `unavailable`, and work again after a restart."""
    with server() as running:
        async with connected(running) as connection:
            await connection.ping()
            await connection.block(0.01, "BLPOP", "nothing", 0.01)
            running.kill()
            assert await away(connection.ping) == "Redis does not answer"
            await away(lambda: connection.block(0.01, "BLPOP", "nothing", 0.01))
            running.resume()
            await connection.ping()
            await connection.block(0.01, "BLPOP", "nothing", 0.01)


async def test_a_server_that_stands_still_is_waited_for_as_long_as_it_was_said() -> None:
    """A server that takes a command and says nothing is `unavailable`, also to a blocking read."""
    with server() as running:
        async with connected(running, 0.1) as connection:
            await connection.ping()
            running.freeze()
            try:
                await away(connection.ping)
                await away(lambda: connection.block(0.01, "BLPOP", "nothing", 0.01))
            finally:
                running.thaw()
            await connection.ping()


async def test_a_server_that_takes_nothing_in_is_unavailable() -> None:
    """A full server, and one that became a replica, say so in a sentence."""
    with server() as running:
        async with connected(running) as connection:
            with running.client() as plain:
                plain.config_set("maxmemory", 1)
                assert "full" in await away(lambda: connection.run(ADD, ["n"], 1))
                plain.config_set("maxmemory", 0)
                plain.replicaof("127.0.0.1", 1)
                assert "takes nothing in" in await away(lambda: connection.run(ADD, ["n"], 1))
                plain.replicaof("NO", "ONE")
            assert await connection.run(ADD, ["n"], 1) == 1


async def test_a_key_of_another_kind_is_told_apart_from_a_fault_of_ours(redis: Redis) -> None:
    """Foreign hands on our keys are a state of Redis; a command that is none is our error."""
    async with connected(redis) as connection:
        await connection.command("RPUSH", "n", "1")
        assert "another kind" in await away(lambda: connection.run(ADD, ["n"], 1))
        with pytest.raises(Fault) as caught:
            await connection.command("NONSENSE")
        assert caught.value.kind is Kind.INTERNAL


async def test_a_cluster_is_refused_with_a_sentence() -> None:
    """The keys of a queue lie in different slots, so a cluster is refused at the first command."""
    with (
        hold("127.0.0.1") as held,
        server(cluster_enabled="yes", cluster_port=str(held.getsockname()[1])) as running,
    ):
        async with connected(running) as connection:
            assert "Cluster" in await away(connection.ping)


async def test_the_password_is_seen_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    """Neither what the connection looks like nor what is said of a wrong password shows it."""
    caplog.set_level(logging.DEBUG)
    with server(password="hidden-one") as running:
        async with connected(running) as connection:
            await connection.ping()
            assert "hidden" not in repr(connection)
        running.password = "wrong-one"
        async with connected(running) as connection:
            said = await away(connection.ping)
            assert "refuses us" in said
            assert "wrong-one" not in said + caplog.text
    assert "hidden" not in caplog.text


@pytest.mark.parametrize(
    "url", ["redis://:se:cret@host:port", "http://:secret@host", "redis://:secret@h/0?timeout=1"]
)
def test_an_address_that_is_none_is_not_shown(url: str) -> None:
    """What is wrong with an address is said without any of it."""
    with pytest.raises(ValueError, match=r"it must be|known options") as caught:
        Connection(Secret(url))
    assert "cret" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_who_finds_all_connections_in_use_waits_for_one(redis: Redis) -> None:
    """The number of connections is bounded, and more commands at once than that are all done."""
    connection = Connection(Secret(redis.url()), pool=2)
    try:
        await asyncio.gather(*(connection.run(ADD, ["n"], 1) for _ in range(50)))
        with redis.client() as plain:
            assert plain.get("n") == b"50"
            assert len([each for each in plain.client_list() if each["name"] == "meeting"]) <= 2
    finally:
        await connection.close()


async def test_a_command_that_is_cancelled_ends_there(redis: Redis) -> None:
    """At whatever step it is cancelled, whoever was to end does not go on."""
    async with connected(redis) as connection:
        await connection.ping()
        steps = 0
        while True:
            asked = asyncio.create_task(connection.ping())
            for _ in range(steps):
                await asyncio.sleep(0)
            if not asked.cancel():
                break
            with pytest.raises(asyncio.CancelledError):
                await asked
            steps += 1
        assert steps > 1
        await connection.ping()

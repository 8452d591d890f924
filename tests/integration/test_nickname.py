"""A changed nickname, seen from outside: from the profile through task and event into the list."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from tests.integration.test_foreign import BARE, house
from tests.postgres import Postgres
from tests.process import Client, serving
from tests.redis import Redis

Record = Callable[[str, object], None]


async def renamed(url: str, http: aiohttp.ClientSession, record: Record) -> None:
    """Rename somebody who takes part, and wait until the host sees it; the seconds are a figure."""
    host = await Client(url, http).enter("ann")
    guest = await Client(url, http).enter("bob")
    meeting = await host.meeting()
    await guest.data("POST", f"/meetings/{meeting}/join")
    began = time.monotonic()
    await guest.data("PUT", "/users/profile", {"nickname": "Bob 王"})
    async with asyncio.timeout(20):
        while True:
            page = await host.data("GET", f"/meetings/{meeting}/participants")
            if "Bob 王" in {row["full_name"] for row in page["list"]}:
                break
            await asyncio.sleep(0.02)
    record("seconds until a nickname is shown", round(time.monotonic() - began, 2))


@pytest.mark.story
async def test_embedded(tmp_path: Path, record_property: Record) -> None:
    """In one process on SQLite."""
    async with serving(tmp_path, **BARE) as server, aiohttp.ClientSession() as http:
        await renamed(server.url["http"], http, record_property)


@pytest.mark.story
async def test_servers(
    tmp_path: Path, cluster: Postgres, redis: Redis, record_property: Record
) -> None:
    """Over PostgreSQL and Redis."""
    async with house(tmp_path, cluster, redis, **BARE) as (server, http):
        await renamed(server.url["http"], http, record_property)

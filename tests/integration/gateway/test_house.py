"""The gateway before a whole house: a user's way, the schema of all, and who an owner believes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
import pytest

from meeting.app.assembly.house import build
from meeting.app.config import Ai, Auth, Config, Engine, Http, Models, Signaling
from meeting.app.run import House
from meeting.kernel.clock import SystemClock
from meeting.kernel.ids import RandomIds
from meeting.kernel.secret import Secret
from meeting.kernel.token import Tokens
from meeting.transports.gateway.bounds import Bounds
from meeting.transports.gateway.gateway import Gateway
from meeting.transports.gateway.owners import Owners
from meeting.transports.gateway.watch import Watch
from meeting.transports.http.forwarded import vouched
from meeting.transports.listening import BindError
from meeting.transports.policy import Domain, owners as owned, whole
from tests.gateway import READY, SERVICES, gateway
from tests.integration.gateway.owner import HURRIED, PATIENCE, Asked, owning, silence
from tests.process import Client

SECRET = "a secret of a test, long enough that no algorithm of HMAC complains about it"
TOKENS = Tokens(Secret(SECRET), SystemClock(), RandomIds())


@asynccontextmanager
async def housed(state: Path) -> AsyncIterator[House]:
    """Run a house without an engine in this process, on any free ports."""
    house = await build(
        Config(
            state_dir=str(state),
            http=Http(port=0, address_rate=3, metrics_open=True),
            signaling=Signaling(port=0),
            ai=Ai(port=0),
            engine=Engine(mode="external"),
            models=Models(pull=False),
            auth=Auth(secret=Secret(SECRET)),
        )
    )
    await house.start()
    try:
        yield house
    finally:
        await house.stop()


def owners(house: House) -> dict[Domain, list[str]]:
    """Let the domains with ports of their own have those, and the rest the common one."""
    common = house.addresses["http"]
    return {domain: [house.addresses.get(domain, common)] for domain in Domain}


@asynccontextmanager
async def opened(made: Gateway) -> AsyncIterator[str]:
    """Run a gateway; its address."""
    await made.start()
    try:
        yield f"http://127.0.0.1:{made.port}"
    finally:
        await made.stop()


@asynccontextmanager
async def coming(url: str, address: str) -> AsyncIterator[aiohttp.ClientSession]:
    """Be a client at another address of this machine."""
    connector = aiohttp.TCPConnector(local_addr=(address, 0))
    async with aiohttp.ClientSession(url, connector=connector) as http:
        yield http


async def test_a_meeting_is_held_through_the_gateway(tmp_path: Path) -> None:
    """Register, meet and talk: each request and socket finds the owner of its route."""
    async with (
        housed(tmp_path) as house,
        opened(gateway(TOKENS, owners(house))) as url,
        aiohttp.ClientSession() as http,
    ):
        alice = await Client(url, http).enter("alice")
        meeting = await alice.meeting()
        joined = await alice.data("POST", f"/meetings/{meeting}/join")
        assert joined["websocket_url"] == url.replace("http", "ws", 1) + "/ws"
        socket = await alice.socket(meeting)
        await socket.send_json({"type": "ping", "id": "1"})
        while (frame := await socket.receive_json(timeout=10))["type"] != "pong":
            pass
        assert frame["id"] == "1"
        await socket.close()
        ticket = await alice.data("POST", "/signaling/ticket", {"meeting_id": meeting})
        second = await alice.socket(meeting, ticket=ticket["ticket"])
        await second.close()
        assert (await alice.ask("GET", "/notifications"))[0] == 200
        assert (await alice.ask("GET", f"/ai/analysis/{meeting}"))[0] == 200
        assert (await alice.ask("GET", "/nowhere"))[0] == 404
        assert (await alice.ask("PATCH", "/meetings"))[0] == 405


async def test_the_schema_is_that_of_all_owners(tmp_path: Path) -> None:
    """What the gateway describes is what the policy allows, no more and no less."""
    async with (
        housed(tmp_path) as house,
        opened(gateway(TOKENS, owners(house))) as url,
        aiohttp.ClientSession(url) as http,
        http.get("/schema") as answer,
    ):
        assert answer.status == 200
        described = msgspec.json.decode(await answer.read())
    found = {
        (method.upper(), path) for path, methods in described["paths"].items() for method in methods
    }
    assert found | {("GET", "/schema"), ("GET", "/metrics")} == set(whole())


@pytest.mark.parametrize("wrong", ["silent", "lies", "endless"])
async def test_a_schema_without_an_owner_is_none(wrong: str) -> None:
    """503 names who does not answer, or not with a description; the others are not blamed."""

    async def describes(asked: Asked) -> None:
        await asked.head()
        asked.ok(b'{"openapi":"3.1.0","paths":{}}')

    async def lies(asked: Asked) -> None:
        await asked.head()
        asked.ok(b"[]")

    async def endless(asked: Asked) -> None:
        await asked.head()
        asked.ok(b" " * 2**16)

    script = {"silent": silence, "lies": lies, "endless": endless}[wrong]
    bounds = msgspec.structs.replace(HURRIED, schema_bytes=2**15)
    async with owning(describes) as good, owning(script) as bad:
        places = {domain: [good.url] for domain in Domain} | {Domain.AI: [bad.url]}
        async with (
            opened(gateway(TOKENS, places, bounds=bounds)) as url,
            aiohttp.ClientSession(url) as http,
            http.get("/schema") as answer,
        ):
            assert answer.status == 503
            assert (await answer.json())["error"]["details"] == {"peer": "ai"}


async def test_who_asks_for_a_schema_together_waits_once() -> None:
    """An owner that is away is asked once for all who wait, and each is told of it."""
    async with owning(silence) as bad:
        places = {domain: ["http://127.0.0.1:1"] for domain in Domain} | {
            domain: [bad.url] for domain in set(owned().values())
        }
        async with (
            opened(gateway(TOKENS, places, bounds=HURRIED)) as url,
            aiohttp.ClientSession(url) as http,
        ):

            async def status() -> int:
                async with http.get("/schema") as answer:
                    return answer.status

            assert await asyncio.gather(*(status() for _ in range(8))) == [503] * 8
            assert len(bad.asked) == len(set(owned().values()))


@pytest.mark.parametrize(
    ("line", "lack"),
    [("HTTP/1.1 200 OK", ""), ("HTTP/1.1 500 Oh", "it answers 500 to /health")],
    ids=str,
)
async def test_an_owner_that_is_broken_is_not_there(line: str, lack: str) -> None:
    """Only an owner that says it is well counts as one that answers."""

    async def says(asked: Asked) -> None:
        await asked.head()
        asked.say(line, "Content-Length: 0")

    looked = asyncio.Event()

    async def pause(_seconds: float) -> None:
        looked.set()
        await asyncio.Event().wait()

    async with owning(says) as owner, asyncio.timeout(PATIENCE):
        asked = Owners({Domain.AI: [owner.url]}, HURRIED)
        await asked.start()
        watch = Watch(asked, [Domain.AI], pause)
        running = asyncio.create_task(watch.run())
        await looked.wait()
        assert watch.lack == (f"ai: {lack}" if lack else "")
        running.cancel()
        await asyncio.wait([running])
        await asked.close()


async def test_owners_count_the_client_s_address(tmp_path: Path) -> None:
    """Tries are counted for who makes them: not the gateway, nor whom a client names."""
    wrong = {"username": "nobody", "password": "wrong horse"}

    async def tries(http: aiohttp.ClientSession, headers: dict[str, str]) -> list[int]:
        found = []
        for _ in range(4):
            async with http.post("/api/v1/auth/login", json=wrong, headers=headers) as answer:
                found.append(answer.status)
        return found

    async with housed(tmp_path) as house, opened(gateway(TOKENS, owners(house))) as url:
        direct = house.addresses["http"]
        async with coming(url, "127.0.0.2") as http:
            assert await tries(http, {"X-Forwarded-For": "10.0.0.1"}) == [401, 401, 401, 429]
            assert await tries(http, {"X-Forwarded-For": "10.0.0.2"}) == [429] * 4
        async with coming(url, "127.0.0.3") as http:
            assert await tries(http, {}) == [401, 401, 401, 429]
        async with coming(direct, "127.0.0.4") as http:
            forged = vouched("10.0.0.3", Tokens(Secret("x" * 32), SystemClock(), RandomIds()))
            assert await tries(http, forged) == [401, 401, 401, 429]
            assert await tries(http, {"X-Forwarded-For": "10.0.0.4"}) == [429] * 4


async def test_figures_are_for_this_machine_and_never_an_owner_s(tmp_path: Path) -> None:
    """Loopback gets the gateway's own; behind another proxy, or through here, there are none."""
    async with housed(tmp_path) as house:
        made = gateway(TOKENS, owners(house))
        async with opened(made) as url, aiohttp.ClientSession() as http:
            async with http.get(url + "/ready") as answer:
                assert await answer.json() == msgspec.to_builtins(READY)
            async with http.get(url + "/metrics") as answer:
                text = await answer.text()
            assert 'meeting_gateway_requests_total{owner="gateway",status="2xx"} 1.0' in text
            assert "meeting_queue_tasks" not in text
            async with http.get(url + "/metrics", headers={"X-Forwarded-For": "::1"}) as answer:
                assert answer.status == 404
            async with http.post(url + "/health") as answer:
                assert (answer.status, answer.headers["Allow"]) == (405, "GET")
            # An owner that shows its figures to everybody shows them to nobody through a gateway.
            direct = house.addresses["http"] + "/metrics"
            for headers, status in (({}, 200), (vouched("127.0.0.1", TOKENS), 404)):
                async with http.get(direct, headers=headers) as answer:
                    assert answer.status == status


async def test_pages_of_other_hosts_are_answered_by_the_owners(tmp_path: Path) -> None:
    """A preflight passes; what the gateway says itself can be read by pages that may call."""
    places = {Domain.USER: ["http://127.0.0.1:1"]}
    page = "https://app.example.org"
    asks = {"Origin": page, "Access-Control-Request-Method": "POST"}
    async with (
        housed(tmp_path) as house,
        opened(gateway(TOKENS, owners(house))) as url,
        aiohttp.ClientSession(url) as http,
    ):
        async with http.options("/api/v1/meetings", headers=asks | {"Origin": url}) as answer:
            assert answer.status == 204
            assert answer.headers["Access-Control-Allow-Methods"] == "GET, POST"
        async with http.options("/api/v1/meetings", headers=asks) as answer:
            assert answer.status == 403
    async with (
        opened(gateway(TOKENS, places, origins=[page])) as url,
        aiohttp.ClientSession(url) as http,
    ):
        for origin, allowed in ((page, page), ("https://evil.example.org", None)):
            async with http.get("/api/v1/users/profile", headers={"Origin": origin}) as answer:
                assert answer.status == 503
                assert answer.headers.get("Access-Control-Allow-Origin") == allowed


async def test_a_taken_port_says_what_to_do() -> None:
    """It is one clear error with the setting to change; so early that nothing has started."""
    first = gateway(TOKENS, {})
    first.bind()
    second = Gateway(
        {},
        "127.0.0.1",
        first.port,
        setting="http.port",
        bounds=Bounds(),
        tokens=TOKENS,
        services=SERVICES,
        clock=SystemClock(),
        ids=RandomIds(),
        ready=lambda: READY,
    )
    with pytest.raises(BindError, match=r"http\.port"):
        second.bind()
    await first.stop()

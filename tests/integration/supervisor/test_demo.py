"""The demo in a split house of which each part is killed once while it goes on."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from meeting.app.modules import DOMAINS
from meeting.cli.demo import make, meet, recognise, transcript
from meeting.cli.person import Person
from tests.integration.supervisor.test_split import CHILDREN, PATIENCE, Split, splitting
from tests.process import Client
from tests.recordings import LIBRISPEECH

PASSWORD = "correct horse"
SECONDS = 10.0
"""By when a refusal has to be there; a call to a peer may take 2."""
MEETING = {
    "title": "in vain",
    "start_time": "2026-01-01T00:00:00Z",
    "end_time": "2099-01-01T00:00:00Z",
}
NEEDS = {
    "user": ("POST", "/auth/login", {"username": "eve", "password": PASSWORD}),
    "meeting": ("GET", "/meetings", None),
    "notification": ("GET", "/notifications", None),
    "ai": ("POST", "/ai/asr", {}),
}
"""A request that each part alone answers; ai says what it lacks, after a look at who asks."""
ANSWERS = {"user": 200, "meeting": 200, "notification": 200, "ai": 400}
SDP = "v=0\r\n"


class Onlooker:
    """Sees at the gateway what goes on while a part is away."""

    def __init__(self, split: Split, eve: Client, ports: Mapping[str, str]) -> None:
        self._split = split
        self._eve = eve
        self._ports = ports

    async def refused(self, peer: str, method: str, path: str, body: object = None) -> None:
        """Ask for what must fail in time, with the name of who is away."""
        began = time.monotonic()
        status, answer = await self._eve.ask(method, path, body)
        assert time.monotonic() - began < SECONDS
        assert status == 503, (peer, path, answer)
        assert answer["error"]["details"] == {"peer": peer}, (path, answer)
        assert peer in answer["message"]

    async def goes_on(self, *parts: str) -> None:
        """Ask for what other parts answer."""
        for part in parts:
            status, answer = await self._eve.ask(*NEEDS[part])
            assert status == ANSWERS[part], (part, answer)

    async def lives(self, *parts: str) -> None:
        """Ask parts at their own ports."""
        for part in parts:
            url = f"http://127.0.0.1:{self._ports[f'{part}.port']}/health"
            async with self._eve.http.get(url) as answer:
                assert answer.status == 200, part

    @asynccontextmanager
    async def without(self, part: str) -> AsyncIterator[None]:
        """Kill a part, and wait in the end until it is ready again and the gateway knows."""
        async with self._split.falling(part):
            yield
        async with asyncio.timeout(PATIENCE):
            for each in NEEDS:
                while (await self._eve.ask(*NEEDS[each]))[0] != ANSWERS[each]:
                    await asyncio.sleep(0.1)


@pytest.mark.apart
@pytest.mark.long
async def test_each_part_dies_once(
    folder: Path, given: dict[str, str], models: Path, shared: Path
) -> None:
    """What needs a dead part is refused in time, all else goes on, and the demo ends well."""
    given |= {"models.folder": str(models), "engine.workers": "1"}
    recording = ("said.wav", (shared / "media" / LIBRISPEECH).read_bytes())
    said: list[str] = []
    async with (
        splitting(folder, given) as split,
        aiohttp.ClientSession() as http,
        Person(split.gateway, "ann") as ann,
        Person(split.gateway, "bob") as bob,
    ):
        eve = await Client(split.gateway, http).enter("eve")
        seen = Onlooker(split, eve, given)
        await ann.enter(PASSWORD)
        async with seen.without("gateway"):
            with pytest.raises(aiohttp.ClientConnectionError):
                await eve.ask(*NEEDS["user"])
            await seen.lives(*DOMAINS)
        await bob.enter(PASSWORD)
        meeting = await make(ann, said.append)
        async with seen.without("signaling"):
            with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
                await http.ws_connect(f"{split.gateway}/ws", params={"token": eve.token})
            await seen.goes_on(*NEEDS)
        await meet(ann, bob, meeting, said.append)

        async def talk() -> None:
            await ann.send("offer", room_id=f"room_{meeting}", to_user_id=bob.user_id, sdp=SDP)
            assert (await bob.hear("offer"))["sdp"] == SDP

        async with seen.without("user"):
            # Whose token it is, user alone knows: so no part takes one on trust meanwhile.
            await seen.refused("user", "POST", "/meetings", MEETING)
            for need in NEEDS.values():
                await seen.refused("user", *need)
            await seen.lives(*(part for part in DOMAINS if part != "user"))
            await talk()
        async with seen.without("meeting"):
            await seen.refused("meeting", "POST", "/meetings", MEETING)
            await seen.goes_on("user", "notification", "ai")
            await talk()
        async with seen.without("ai"):
            await seen.refused("ai", *NEEDS["ai"])
            await seen.goes_on("user", "meeting", "notification")
            await talk()
        spoken = await recognise(bob, meeting, recording, "en", said.append)
        async with seen.without("notification"):
            await seen.refused("notification", *NEEDS["notification"])
            await seen.goes_on("user", "meeting", "ai")
            await talk()
        async with seen.without("media"):
            await seen.goes_on(*NEEDS)
            await talk()
        (line,) = await transcript(ann, meeting, spoken["task_id"])
        assert line["username"] == "bob"
        assert line["text"] == spoken["text"] != ""
        await ann.call("POST", f"/meetings/{meeting}/end")
        assert (await bob.hear("meeting_ended"))["meeting_id"] == meeting
        assert {part for part in CHILDREN if len(split.started(part)) == 2} == {*DOMAINS, "gateway"}
        assert split.tracebacks() == []

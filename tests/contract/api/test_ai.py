"""The suite of `AiApi` over the service object, and over twins that it must reject."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from meeting.domains.ai.api import AiApi, AudioAnswer, AudioRequest, Findings
from meeting.domains.ai.service import AiService
from meeting.kernel.call import Call, Caller
from tests.contract.api.ai import (
    PROMISES,
    World,
    admitted,
    for_others,
    looked_up,
    named,
    not_looked_up,
)
from tests.contract.api.before import Before
from tests.contract.api.ways import WAYS, over
from tests.integration.ai.laboratory import SPEECH, Laboratory, laboratory
from tests.integration.ai.peer import Peer, error, peer, success
from tests.integration.meeting.house import Person

Promise = Callable[[World], Awaitable[None]]


class Own:
    """A world whose AI domain is in this process."""

    def __init__(
        self, house: Laboratory, engine: Peer, api: AiApi, host: Person, stranger: Person
    ) -> None:
        self.ai = api
        self.host = host.id
        self.stranger = stranger.id
        self._house = house
        self._engine = engine
        self._host = host

    def by(self, user_id: int) -> Call:
        """Make the call of a user."""
        return Call(caller=Caller(user_id=user_id), request_id="r")

    def service(self, user_id: int = 0) -> Call:
        """Make the call of a service."""
        return Call(caller=Caller(user_id=user_id, service="test"), request_id="r")

    async def started(self, **fields: Any) -> int:
        """Have a meeting go on."""
        return await self._house.meeting(self._host, **fields)

    async def ended(self, meeting_id: int) -> None:
        """End a meeting."""
        assert (await self._host.post(f"/meetings/{meeting_id}/end")).status == 200

    async def waits(self) -> int:
        """Schedule a meeting."""
        return await self._house.meeting(self._host, started=False)

    def fails(self, error_: str) -> None:
        """Have the engine fail."""
        self._engine.answer = lambda header, _: [error(header, error_)]

    async def asked(self) -> dict[str, str]:
        """Return what the engine was asked."""
        return dict((await self._engine.seen.get())["params"])

    async def announced(self) -> list[dict[str, Any]]:
        """Return what was announced."""
        return [entry.message.payload for entry in await self._house.announced()]


@asynccontextmanager
async def own(folder: Path, twin: Callable[[AiService], Any] | None = None) -> AsyncIterator[Own]:
    """Open a world over the service object, or over a twin that stands before it."""
    async with (
        peer(lambda header, _: [success(header, SPEECH)]) as engine,
        laboratory(folder, engine.endpoint) as house,
    ):
        whole = house.ai
        host, stranger = await house.person("alice"), await house.person("bob")
        yield Own(house, engine, whole if twin is None else twin(whole), host, stranger)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
async def test_keeps(way: str, promise: Promise, tmp_path: Path) -> None:
    """The api keeps each promise, by whichever way it is called."""
    async with own(tmp_path) as world, over(way, "ai", world.ai) as api:
        world.ai = api
        await promise(world)


class Renaming(Before[AiService]):
    """Answers by names of its own."""

    async def process_audio_data(self, call: Call, request: AudioRequest) -> AudioAnswer:
        """Trim the names, so that two may become one."""
        tasks = [name.strip().lower() for name in request.tasks]
        request = msgspec.structs.replace(request, tasks=tasks)
        return await self._whole.process_audio_data(call, request)


class Trusting(Before[AiService]):
    """Lets everybody in."""

    async def process_audio_data(self, call: Call, request: AudioRequest) -> AudioAnswer:
        """Ask as a service."""
        caller = Caller(user_id=call.caller.user_id, service="x")
        return await self._whole.process_audio_data(Call(caller=caller, request_id="r"), request)

    async def get_ai_analysis(self, call: Call, task_id: str = "", meeting_id: int = 0) -> Findings:
        """Ask as a service."""
        caller = Caller(service="x")
        return await self._whole.get_ai_analysis(
            Call(caller=caller, request_id="r"), task_id, meeting_id
        )


class Selfish(Before[AiService]):
    """Takes whoever asks for whoever speaks."""

    async def process_audio_data(self, call: Call, request: AudioRequest) -> AudioAnswer:
        """Drop whom the request names."""
        if call.caller.user_id:
            request = msgspec.structs.replace(request, user_id=0)
        else:
            caller = Caller(user_id=1, service="x")
            call = Call(caller=caller, request_id="r")
        return await self._whole.process_audio_data(
            call, msgspec.structs.replace(request, user_id=0)
        )


class Brief(Before[AiService]):
    """Finds the newest alone."""

    async def get_ai_analysis(self, call: Call, task_id: str = "", meeting_id: int = 0) -> Findings:
        """Cut the list."""
        found = await self._whole.get_ai_analysis(call, task_id, meeting_id)
        return msgspec.structs.replace(found, results=found.results[:1])


@pytest.mark.parametrize(
    ("twin", "by"),
    [
        (Renaming, named),
        (Trusting, admitted),
        (Trusting, not_looked_up),
        (Selfish, for_others),
        (Brief, looked_up),
    ],
    ids=["renaming", "trusting", "prying", "selfish", "brief"],
)
async def test_rejects(twin: Callable[[Any], Any], by: Promise, tmp_path: Path) -> None:
    """The suite turns red on one that renames, lets in, mistakes the speaker, or cuts short."""
    async with own(tmp_path, twin) as world:
        with pytest.raises(AssertionError):
            await by(world)

"""Our client: it ends in time whatever its peer does, and is well again when the peer is."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import grpc
import msgspec
import pytest

from meeting.kernel.call import Call
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.secret import Secret
from meeting.transports.grpc import tls, user
from meeting.transports.grpc.messages.grpc import (
    BroadcastMessageRequest,
    GetUserRequest,
    GetUserResponse,
)
from meeting.transports.grpc.method import method
from meeting.transports.grpc.service import Rpc
from meeting.transports.grpc.user import UserClient
from tests.front import Front, front
from tests.integration.grpc.world import SERVICE, call, channel, port

GET = method("/grpc.UserService/GetUser", repeat=True)
BROADCAST = method("/grpc.SignalingService/BroadcastMessage")
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Front]:
    """The user domain."""
    async with front(tmp_path) as opened:
        yield opened


@asynccontextmanager
async def peer(handle: Handler) -> AsyncIterator[str]:
    """Run a peer that is none of ours, and return its address."""
    served: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await handle(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.create_task(serve(reader, writer)))

    server = await asyncio.start_server(met, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await asyncio.gather(*served)


async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Accept, and say nothing."""
    await reader.read(-1)


async def rude(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Accept, and hang up."""


def counted(house: Front, act: Any) -> tuple[list[Rpc], list[Any]]:
    """Serve GetUser by `act`, and count what was asked."""
    came: list[Any] = []

    async def counting(asking: Call, asked: Any) -> Any:
        came.append(asked)
        return await act(asking, asked)

    rpcs = user.served(house.service)
    return [
        msgspec.structs.replace(rpc, act=counting) if rpc.path.endswith("GetUser") else rpc
        for rpc in rpcs
    ], came


async def named(_call: Call, asked: Any) -> GetUserResponse:
    """Answer with the id that was asked for."""
    return GetUserResponse(id=asked.user_id)


async def for_ever(_call: Call, _asked: Any) -> Any:
    """Never answer."""
    await asyncio.Event().wait()


@pytest.mark.parametrize("handle", [None, silent, rude])
async def test_a_peer_that_is_not_there(house: Front, handle: Handler | None) -> None:
    """Nobody, somebody silent and somebody who hangs up are unavailable in time, by name."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with peer(handle or silent) as address:
        asked = address if handle else "127.0.0.1:1"
        async with channel(house, asked, seconds=0.5) as way:
            with pytest.raises(Fault) as refused:
                await UserClient(way).get_user(call(), 1)
    assert (refused.value.kind, refused.value.details) == (Kind.UNAVAILABLE, {"peer": "user"})
    assert "user" in str(refused.value)
    assert loop.time() - began < 0.6


async def test_a_peer_that_does_not_answer(house: Front) -> None:
    """A peer that takes a call and never answers is `deadline`, by the call's own time or ours."""
    rpcs, came = counted(house, for_ever)
    async with port(house, rpcs) as opened, channel(house, opened, seconds=0.4) as way:
        for asking in (call(), call(deadline=house.clock.monotonic() + 0.2)):
            with pytest.raises(Fault) as refused:
                await way.call(GET, asking, GetUserRequest())
            assert refused.value.kind is Kind.DEADLINE
            assert refused.value.details == {"peer": "user"}
        assert len(came) == 2
        with pytest.raises(Fault) as refused:
            await way.call(GET, call(deadline=house.clock.monotonic()), GetUserRequest())
        assert refused.value.kind is Kind.DEADLINE


async def test_another_address_takes_over(house: Front) -> None:
    """With one address down, or up and silent, calls go to the next, and stay there."""
    rpcs, came = counted(house, named)
    async with (
        port(house, rpcs) as opened,
        peer(silent) as address,
        channel(house, "127.0.0.1:1", address, opened) as way,
    ):
        for number in range(1, 4):
            assert (await way.call(GET, call(), GetUserRequest(number))).id == number
        assert [asked.user_id for asked in came] == [1, 2, 3]
        assert way._places[0].failed < way._places[1].failed


async def test_a_peer_comes_back(house: Front) -> None:
    """When a peer stops calls fail by its name, and when it is back they go on by themselves."""
    rpcs, _ = counted(house, named)
    async with port(house, rpcs) as opened:
        place = f"127.0.0.1:{opened.port}"
        async with channel(house, place) as way:
            assert (await way.call(GET, call(), GetUserRequest(1))).id == 1
            await opened.stop()
            with pytest.raises(Fault) as refused:
                await way.call(GET, call(), GetUserRequest(2))
            assert refused.value.kind is Kind.UNAVAILABLE
            again = user.served(house.service)
            async with port(house, again, at=opened.port):
                with pytest.raises(Fault) as refused:
                    await way.call(GET, call(), GetUserRequest(3))
                assert refused.value.kind is Kind.USER_NOT_FOUND


async def test_what_harms_is_not_repeated(house: Front) -> None:
    """A call whose answer is lost is made again only if twice is as good as once."""
    came = []

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Greet, take a call, and hang up."""
        writer.write(b"\0\0\0\4\0\0\0\0\0")
        data = b""
        while b"once" not in data:
            data += await reader.read(2**16)
        came.append(data)

    async with peer(deaf) as address, channel(house, address) as way:
        for called, times in ((BROADCAST, 1), (GET, 3)):
            came.clear()
            once = msgspec.structs.replace(called, encode=lambda _: b"once")
            with pytest.raises(Fault) as refused:
                await way.call(once, call(), BroadcastMessageRequest())
            assert refused.value.kind is Kind.UNAVAILABLE
            assert len(came) == times


async def test_who_stops_is_left(house: Front) -> None:
    """While one address drains, calls that may be repeated go to another."""
    rpcs, came = counted(house, named)
    async with (
        port(house) as first,
        port(house, rpcs) as second,
        channel(house, first, second) as way,
    ):
        with pytest.raises(Fault, match="no such user"):
            await way.call(GET, call(), GetUserRequest(1))
        await first.close()
        assert (await way.call(GET, call(), GetUserRequest(2))).id == 2
        assert len(came) == 1


async def test_many_at_once_share_a_connection(house: Front) -> None:
    """More calls than a connection may carry wait for each other, on one connection."""
    rpcs, came = counted(house, named)
    async with port(house, rpcs, streams=5) as opened, channel(house, opened) as way:
        asked = [way.call(GET, call(), GetUserRequest(number)) for number in range(1, 51)]
        assert [each.id for each in await asyncio.gather(*asked)] == list(range(1, 51))
        assert (len(opened.guests), len(came)) == (1, 50)


async def test_a_caller_who_leaves(house: Front) -> None:
    """A call that is cancelled here is cancelled there, and the connection stays good."""
    cancelled = asyncio.Event()
    begun = asyncio.Event()

    async def slow(_call: Call, asked: Any) -> Any:
        if asked.user_id == 1:
            return await named(_call, asked)
        begun.set()
        try:
            await for_ever(_call, asked)
        finally:
            cancelled.set()

    rpcs, _ = counted(house, slow)
    async with port(house, rpcs) as opened, channel(house, opened) as way:
        asked = asyncio.create_task(way.call(GET, call(), GetUserRequest(2)))
        await begun.wait()
        asked.cancel()
        async with asyncio.timeout(5):
            await cancelled.wait()
        assert (await way.call(GET, call(), GetUserRequest(1))).id == 1
        assert len(opened.guests) == 1


async def test_a_short_call_takes_no_connection(house: Front) -> None:
    """A call that gives up soon ends alone: what others wait for on the connection goes on."""
    go = asyncio.Event()

    async def slow(_call: Call, asked: Any) -> Any:
        await go.wait()
        return await named(_call, asked)

    rpcs, _ = counted(house, slow)
    async with port(house, rpcs) as opened, channel(house, opened) as way:
        long = asyncio.create_task(way.call(GET, call(), GetUserRequest(2)))
        with pytest.raises(Fault) as refused:
            await way.call(GET, call(deadline=house.clock.monotonic() + 0.1), GetUserRequest(1))
        assert refused.value.kind is Kind.DEADLINE
        assert way._places[0].link is not None
        assert way._places[0].link.alive
        go.set()
        assert (await long).id == 2
        assert len(opened.guests) == 1


async def test_a_peer_of_another_house(house: Front) -> None:
    """That a peer does not take our token is nothing that our caller could mend."""
    async with port(house) as opened, channel(house, opened, secret=Secret("other")) as way:
        with pytest.raises(Fault) as refused:
            await UserClient(way).get_user(call(), 1)
    assert (refused.value.kind, refused.value.details) == (Kind.UNAVAILABLE, {"peer": "user"})


async def test_a_foreign_server_is_called(house: Front) -> None:
    """Google's server is as good a peer as ours, for answers, errors and nonsense."""

    async def answer(asked: bytes, context: Any) -> bytes:
        metadata = dict(context.invocation_metadata())
        assert metadata["x-service"] == "test"
        assert metadata["x-user-id"] == "7"
        assert metadata["x-request-id"] == "asked-here"
        assert metadata["x-depth"] == "1"
        if asked == b"\x08\x01":
            return b"\x08\x07"
        if asked == b"\x08\x02":
            return b"\x08"
        await context.abort(grpc.StatusCode.PERMISSION_DENIED, "not for you")
        return b""

    server = grpc.aio.server()
    handler: Any = grpc.unary_unary_rpc_method_handler(answer)
    handlers = grpc.method_handlers_generic_handler("grpc.UserService", {"GetUser": handler})
    server.add_generic_rpc_handlers((handlers,))
    number = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    asking = call(7, depth=1)
    async with channel(house, f"127.0.0.1:{number}") as way:
        assert (await way.call(GET, asking, GetUserRequest(1))).id == 7
        with pytest.raises(Fault) as refused:
            await way.call(GET, asking, GetUserRequest(2))
        assert (refused.value.kind, refused.value.details) == (Kind.INTERNAL, {"peer": "user"})
        with pytest.raises(Fault, match="not for you") as refused:
            await way.call(GET, asking, GetUserRequest(3))
        assert refused.value.kind is Kind.FORBIDDEN
    await server.stop(None)


async def test_a_long_answer_is_refused(house: Front) -> None:
    """An answer over the limit is not taken in."""

    async def long(_call: Call, _asked: Any) -> Any:
        return GetUserResponse(username="a" * 1000)

    rpcs, _ = counted(house, long)
    async with port(house, rpcs) as opened, channel(house, opened, message_bytes=999) as way:
        with pytest.raises(Fault) as refused:
            await way.call(GET, call(), GetUserRequest())
    assert refused.value.kind is Kind.TOO_LARGE


async def test_a_long_request_that_is_refused(house: Front) -> None:
    """A refusal that comes while we still send is heard, also when the window is full."""
    rpcs, _ = counted(house, named)
    async with port(house, rpcs, message_bytes=100) as opened, channel(house, opened) as way:
        with pytest.raises(Fault) as refused:
            await way.call(
                msgspec.structs.replace(GET, encode=lambda _: b"a" * 2**24), call(), None
            )
        assert refused.value.kind is Kind.TOO_LARGE
        assert (await way.call(GET, call(), GetUserRequest(1))).id == 1


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key."""
    folder = tmp_path_factory.mktemp("tls")
    chain, key = folder / "chain.pem", folder / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    command += " -subj /CN=test -addext subjectAltName=IP:127.0.0.1"
    subprocess.run(
        [*command.split(), "-keyout", key, "-out", chain], check=True, capture_output=True
    )
    return chain, key


async def test_by_tls(house: Front, certificate: tuple[Path, Path]) -> None:
    """With certificates both sides speak TLS, and who trusts nobody of them calls nobody."""
    chain, key = certificate
    rpcs, _ = counted(house, named)
    async with port(house, rpcs, tls=tls.server(chain, key)) as opened:
        async with channel(house, opened, tls=tls.client(chain)) as way:
            assert (await way.call(GET, call(), GetUserRequest(3))).id == 3
        trusted = grpc.ssl_channel_credentials(chain.read_bytes())
        async with grpc.aio.secure_channel(f"127.0.0.1:{opened.port}", trusted) as theirs:
            ask: Any = theirs.unary_unary("/grpc.UserService/GetUser")
            assert await ask(b"\x08\x05", metadata=tuple(SERVICE)) == b"\x08\x05"
        for refusing in (tls.client(None), None):
            async with channel(house, opened, tls=refusing, seconds=0.5) as way:
                with pytest.raises(Fault) as refused:
                    await way.call(GET, call(), GetUserRequest(3))
                assert refused.value.kind is Kind.UNAVAILABLE

"""The ways to a domain's api: the service object, gRPC in this process, gRPC from another one.

The domain and the world around it stay where they are; only who calls moves away.
"""

import asyncio
import pickle
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar, cast

from meeting.domains.user.api import Identity, UserApi
from meeting.kernel.call import Call, Role
from meeting.kernel.clock import SystemClock
from meeting.kernel.errors import Fault
from meeting.kernel.ids import RandomIds
from meeting.kernel.secret import Secret
from meeting.kernel.token import Tokens
from meeting.transports.grpc import ai, meeting, notification, signaling, user
from meeting.transports.grpc.channel import Channel
from meeting.transports.grpc.gate import Desk
from meeting.transports.grpc.server import Port
from meeting.transports.grpc.service import Rpc
from meeting.transports.grpc.wire import Headers
from meeting.transports.http.limits import Limits, Window
from meeting.transports.services import Services

Api = TypeVar("Api")
WAYS = ("direct", "grpc", "processes")
SECRET = Secret("what-services-show-each-other-in-the-suites-of-the-apis")
SIGNING = Secret("what tokens of users are signed with in the suites of the apis")
LENGTH = struct.Struct(">I")
SERVED: Mapping[str, Callable[[Any], list[Rpc]]] = {
    "user": user.served,
    "meeting": meeting.served,
    "signaling": signaling.served,
    "ai": lambda api: ai.served(api, cast("Any", None)),  # of streams no api knows
    "notification": notification.served,
}
CLIENTS: Mapping[str, Callable[[Channel], Any]] = {
    "user": user.UserClient,
    "meeting": meeting.MeetingClient,
    "signaling": signaling.SignalingClient,
    "ai": ai.AiClient,
    "notification": notification.NotificationClient,
}


class Knocking(Channel):
    """Calls as a user, too, where a suite does: with a token of theirs, as they would."""

    def _headers(self, place: Any, method: Any, call: Call) -> Headers:
        headers = super()._headers(place, method, call)
        caller = call.caller
        if caller.user_id and not caller.service:
            token, _ = tokens().access(caller.user_id, f"user{caller.user_id}", "")
            headers.append(("authorization", f"Bearer {token}"))
        return headers


class Trusting:
    """A user domain in which everybody is who their token says."""

    async def validate_token(self, call: Call, token: str) -> Identity:
        """Believe a token."""
        claims = tokens().open(token, "access")
        return Identity(
            valid=True, user_id=claims.user_id, username=claims.username, role=Role.USER
        )


def tokens() -> Tokens:
    """Make what seals and opens the tokens of users."""
    return Tokens(SIGNING, SystemClock(), RandomIds())


def client(domain: str, address: str) -> tuple[Channel, Any]:
    """Make a client of a domain, and the way that it calls by."""
    channel = Knocking(domain, [address], SECRET, SystemClock(), seconds=30)
    return channel, CLIENTS[domain](channel)


@asynccontextmanager
async def over(way: str, domain: str, api: Api) -> AsyncIterator[Api]:
    """Come to an api by one of the `WAYS`."""
    if way == "direct":
        yield api
        return
    port = Port(SERVED[domain](api), _desk(), "127.0.0.1", 0, setting="grpc")
    await port.start()
    try:
        address = f"127.0.0.1:{port.port}"
        if way == "grpc":
            channel, near = client(domain, address)
            yield near
            await channel.close()
        else:
            with stranger() as child:
                yield cast("Api", Far(child, domain, address))
    finally:
        await port.stop()


def _desk() -> Desk:
    clock = SystemClock()
    return Desk(
        tokens=tokens(),
        users=cast("UserApi", Trusting()),
        clock=clock,
        ids=RandomIds(),
        limits=Limits(),
        by_user=Window(100_000, clock),
        services=Services(SECRET, near=False),
    )


class Far:
    """An api whose calls another process makes."""

    def __init__(self, child: "subprocess.Popen[bytes]", domain: str, address: str) -> None:
        self._child = child
        self._where = domain, address
        self._turn = asyncio.Lock()

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def called(*args: Any, **named: Any) -> Any:
            async with self._turn:
                asked = pickle.dumps((*self._where, name, args, named))
                done, found = await asyncio.to_thread(self._ask, asked)
            if done:
                return found
            kind, text, details = found
            raise Fault(kind, text, details=details)

        return called

    def _ask(self, asked: bytes) -> tuple[bool, Any]:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(LENGTH.pack(len(asked)) + asked)
        self._child.stdin.flush()
        size = LENGTH.unpack(self._child.stdout.read(LENGTH.size))[0]
        answer: tuple[bool, Any] = pickle.loads(self._child.stdout.read(size))  # noqa: S301 - ours
        return answer


@contextmanager
def stranger() -> Iterator["subprocess.Popen[bytes]"]:
    """Start a process that calls."""
    command = [sys.executable, "-m", "tests.contract.api.stranger"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        try:
            yield child
        finally:
            child.kill()

"""Users at the gateway of a split house, who ask again until they are answered.

What bears an `Idempotency-Key`, or is the same however often it is done, is asked for again as it
was. A login and a notification happen anew each time; so each attempt has a name of its own, and
may have happened once at most if nobody answered.
"""

import asyncio
import itertools
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import grpc

from meeting.transports.grpc.messages.grpc import SendNotificationRequest
from tests.chaos.journal import Book, Journal
from tests.chaos.orders import Orders
from tests.chaos.pace import Pace
from tests.chaos.split.visit import TRIES, Visit, address, visits
from tests.stories.house import SECRET

AT_ONCE = 4
ATTEMPT_SECONDS = 10.0
PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0)
"""Seconds before it is asked again; a process that starts takes several."""
PASSWORD = "correct horse"
GONE = (aiohttp.ClientError, OSError, TimeoutError)
PASSING = (429, 502, 503, 504)
CONFLICT, EXISTS = 409, 10003
AWAY = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
NOTIFY = "/grpc.NotificationService/SendNotification"


class Unexpected(Exception):
    """An answer that no user in order gets: the process ends, and the ledger notes the fall."""


class Guest:
    """Somebody who has been here and would come to others' meetings."""

    def __init__(self, visit: Visit, token: str) -> None:
        self.visit = visit
        self.token = token


class Producer:
    """Goes through the visits, a few at once, no further than it is allowed."""

    def __init__(self, orders: Orders, url: str, http: aiohttp.ClientSession, notify: Any) -> None:
        begun = Book.read(orders.journal).last
        self._pace = Pace(visits(begun, orders.tasks), orders.allowance)
        self._journal = Journal(orders.journal)
        self._url = url
        self._http = http
        self._notify = notify
        self._guest: Guest | None = None

    async def run(self) -> None:
        """Do all that is left."""
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._lane())

    async def _lane(self) -> None:
        while (visit := await self._pace.next()) is not None:
            await self._register(visit)
            user_id, token = await self._login(visit)
            await self._tell(visit, user_id)
            await self._meet(visit, token, self._guest)
            self._guest = Guest(visit, token)

    async def _register(self, visit: Visit) -> None:
        deed = visit.deed("account", "history", "welcome")
        self._journal.asked(deed)
        account = {
            "username": visit.name,
            "email": f"{visit.name}@example.org",
            "password": PASSWORD,
        }
        # There is no caller yet whose key it could be: that the name is taken is the answer then.
        await self._surely("POST", "/auth/register", account, fine=(EXISTS,))
        self._journal.answered(deed)

    async def _login(self, visit: Visit) -> tuple[int, str]:
        for count in range(TRIES):
            deed = visit.attempt(count, "login")
            _, number = deed.things[0]
            connector = aiohttp.TCPConnector(local_addr=(address(number), 0))
            async with aiohttp.ClientSession(connector=connector) as http:
                self._journal.asked(deed)
                asked = {"username": visit.name, "password": PASSWORD}
                answer = await self._once("POST", "/auth/login", asked, http=http)
                if answer is not None:
                    self._journal.answered(deed)
                    return answer["data"]["user"]["id"], answer["data"]["token"]
            await _pause(count)
        raise Unexpected(f"{visit.name} can't log in")

    async def _tell(self, visit: Visit, user_id: int) -> None:
        for count in range(TRIES):
            deed = visit.attempt(count, "notice", "pushed", "mail")
            _, number = deed.things[0]
            message = SendNotificationRequest(
                user_id=user_id,
                type="ledger",
                title=f"notice {number}",
                content="It stands here.",
                push_notification=True,
                email_notification=True,
            )
            self._journal.asked(deed)
            try:
                await self._notify(message, timeout=ATTEMPT_SECONDS, metadata=_named())
            except grpc.aio.AioRpcError as error:
                if error.code() not in AWAY:
                    raise Unexpected(f"{NOTIFY}: {error.code()} {error.details()}") from error
                await _pause(count)
            else:
                self._journal.answered(deed)
                return
        raise Unexpected(f"{visit.name} can't be told")

    async def _meet(self, visit: Visit, token: str, guest: Guest | None) -> None:
        """Make a meeting, be there, and end it."""
        now = datetime.now(UTC)
        body = {
            "title": f"meeting {visit.number}",
            "start_time": now.isoformat(),
            "end_time": (now + timedelta(hours=1)).isoformat(),
        }
        made = visit.deed("meeting", "ready")
        self._journal.asked(made)
        answer = await self._surely("POST", "/meetings", body, token=token, key="make")
        self._journal.answered(made)
        path = f"/meetings/{answer['data']['id']}"
        started = visit.deed("started")
        self._journal.asked(started)
        await self._surely("POST", f"{path}/start", token=token, key="start")
        self._journal.answered(started)
        await self._surely("POST", f"{path}/join", {}, token=token, key="join")
        if guest is not None:
            await self._surely("POST", f"{path}/join", {}, token=guest.token, key="join")
        renamed = visit.deed("renamed")
        self._journal.asked(renamed)
        name = {"nickname": f"name {visit.number}"}
        await self._surely("PUT", "/users/profile", name, token=token)
        self._journal.answered(renamed)
        if visit.ends:
            ended = visit.end(guest.visit.number if guest else 0)
            self._journal.asked(ended)
            await self._surely("POST", f"{path}/end", token=token, key="end")
            self._journal.answered(ended)

    async def _surely(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str = "",
        key: str = "",
        fine: tuple[int, ...] = (),
    ) -> dict[str, Any]:
        """Ask until there is an answer; `fine` are codes that are one, too, of a second attempt."""
        headers = {"Idempotency-Key": key} if key else {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        for count in itertools.count():
            codes = fine if count else ()
            answer = await self._once(method, path, body, headers=headers, fine=codes)
            if answer is not None:
                return answer
            await _pause(count)
        raise AssertionError

    async def _once(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        http: aiohttp.ClientSession | None = None,
        headers: Mapping[str, str] | None = None,
        fine: tuple[int, ...] = (),
    ) -> dict[str, Any] | None:
        """Ask; None where it is unknown whether it has happened, or it is to be asked for later."""
        limit = aiohttp.ClientTimeout(total=ATTEMPT_SECONDS)
        where = f"{self._url}/api/v1{path}"
        try:
            async with (http or self._http).request(
                method, where, json=body, headers=headers, timeout=limit
            ) as response:
                answer: dict[str, Any] = await response.json()
        except GONE:
            return None
        if response.status < 300 or answer["code"] in fine:
            return answer
        if response.status in PASSING or answer["code"] == CONFLICT:
            return None
        raise Unexpected(f"{method} {path}: {response.status} {answer}")


async def _pause(count: int) -> None:
    await asyncio.sleep(PAUSES[min(count, len(PAUSES) - 1)])


def _named() -> list[tuple[str, str]]:
    """Return what a service shows."""
    return [("authorization", f"Bearer {SECRET}"), ("x-service", "ledger")]


async def main() -> None:
    """Do everything, and end; the gateway's address and a gRPC port come behind the orders."""
    orders = Orders.given()
    url, port = sys.argv[2:]
    async with (
        aiohttp.ClientSession() as http,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        notify: Any = channel.unary_unary(NOTIFY, request_serializer=bytes)
        await Producer(orders, url, http, notify).run()


if __name__ == "__main__":
    asyncio.run(main())

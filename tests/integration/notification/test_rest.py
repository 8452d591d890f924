"""Notifications over REST: one's own, in pages, in one's language."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from meeting.domains.notification.history import History
from meeting.domains.notification.model import Draft
from meeting.domains.notification.reactions import watch
from meeting.domains.user.events import TOPIC, UserLoggedIn
from meeting.kernel.call import Call, Caller
from meeting.kernel.consumer import Consumer
from meeting.stores.relational.database import Database
from meeting.stores.relational.notification import SqlNotificationUnit
from meeting.stores.relational.unit import SqlUnit, SqlUnits
from meeting.transports.http import notification
from tests.integration.meeting.house import House, Person, house as opened


class UserUnit(SqlUnit):
    """A unit of the publisher."""

    SOURCE = "user"


class NotificationHouse(House):
    """The house with notifications, which a test writes by hand or by logins."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        units = SqlUnits(database, SqlNotificationUnit, self.clock, self.ids)
        self.history = History(units, lambda: None)
        self.users = Consumer(
            "notification",
            TOPIC,
            feed=self.feed,
            units=units,
            handlers={UserLoggedIn: watch},
        )
        self.routes = [*self.routes, *notification.routes(self.history, self.envelope)]

    async def tell(self, person: Person, *titles: str, type_: str = "note") -> None:
        """Write into a history, as a service."""
        call = Call(caller=Caller(service="test"), request_id="r")
        for title in titles:
            draft = Draft(type=type_, title=title, content="{}", data={"number": [1]})
            await self.history.send(call, person.id, draft, push=False)

    async def logged_in(self, person: Person, *addresses: str) -> None:
        """Announce logins, and let the domain handle them."""
        async with SqlUnits(self.database, UserUnit, self.clock, self.ids).write() as unit:
            for address in addresses:
                unit.append(
                    UserLoggedIn(
                        user_id=person.id,
                        username=person.name,
                        login_time=self.clock.now(),
                        ip_address=address,
                    )
                )
        while await self.users.step():
            pass


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[NotificationHouse]:
    """Open a house on any free port."""
    async with opened(tmp_path, NotificationHouse) as opening:
        yield opening


def titles(data: dict[str, Any]) -> list[str]:
    """Return the titles of a page."""
    return [each["title"] for each in data["list"]]


async def test_one_s_own_come_in_pages(house: NotificationHouse) -> None:
    """The newest first, all or of one type; what others were told is not among them."""
    ann, bob = await house.person("ann"), await house.person("bob")
    await house.tell(ann, "a", "b", "c")
    await house.tell(ann, "d", type_="other")
    first = (await ann.get("/notifications?page_size=3")).data
    assert (titles(first), first["total"], first["total_pages"]) == (["d", "c", "b"], 4, 2)
    assert titles((await ann.get("/notifications?page_size=3&page=2")).data) == ["a"]
    assert titles((await ann.get("/notifications?type=other")).data) == ["d"]
    assert titles((await ann.get("/notifications?type=nothing")).data) == []
    assert (await bob.get("/notifications")).data["total"] == 0
    assert first["list"][0] == {
        "id": 4,
        "type": "other",
        "title": "d",
        "content": "{}",
        "data": {"number": [1]},
        "read": False,
        "created_at": "2026-11-24T12:00:00Z",
    }


async def test_reading_one_is_seen_in_the_list(house: NotificationHouse) -> None:
    """The answer is the notification, read; a second time changes nothing."""
    ann = await house.person("ann")
    await house.tell(ann, "a", "b")
    for _ in range(2):
        answer = (await ann.post("/notifications/1/read")).data
        assert (answer["id"], answer["title"], answer["read"]) == (1, "a", True)
    listed = (await ann.get("/notifications")).data["list"]
    assert [(each["id"], each["read"]) for each in listed] == [(2, False), (1, True)]


async def test_another_s_are_not_there(house: NotificationHouse) -> None:
    """The id of somebody else's notification is answered like one that never was."""
    ann, bob = await house.person("ann"), await house.person("bob")
    await house.tell(ann, "a")
    answers = [await bob.post(f"/notifications/{number}/read") for number in (1, 99)]
    assert [each.error for each in answers] == [(404, 404)] * 2
    assert answers[0].body["message"] == answers[1].body["message"]
    assert not (await ann.get("/notifications")).data["list"][0]["read"]


@pytest.mark.parametrize(
    ("method", "path", "field"),
    [
        ("GET", "/notifications?type=Upper", "type"),
        ("GET", f"/notifications?type={'x' * 33}", "type"),
        ("GET", "/notifications?type=a%0A", "type"),
        ("GET", "/notifications?page=0", "page"),
        ("POST", "/notifications/0/read", "notification_id"),
        ("POST", f"/notifications/{2**32}/read", "notification_id"),
        ("POST", "/notifications/x/read", "notification_id"),
    ],
)
async def test_what_can_t_be_is_refused(
    house: NotificationHouse, method: str, path: str, field: str
) -> None:
    """A malformed type, page or id is the caller's fault, by name."""
    ann = await house.person("ann")
    answer = await ann.ask(method, path)
    assert answer.error == (400, 400)
    assert set(answer.body["error"]["details"]) == {field}


async def test_nobody_reads_without_a_token(house: NotificationHouse) -> None:
    """Both routes ask for a credential first."""
    assert (await house.get("/notifications"))[0] == 401
    assert (await house.post("/notifications/1/read"))[0] == 401


async def test_each_reader_gets_their_language(house: NotificationHouse) -> None:
    """A notification of ours is said in the language asked for; somebody's own words stay."""
    ann = await house.person("ann")
    await house.logged_in(ann, "127.0.0.1", "198.51.100.7")
    await house.tell(ann, "Welcome")
    chinese = {"Accept-Language": "zh-CN,zh;q=0.9"}
    own, ours = (await ann.ask("GET", "/notifications", headers=chinese)).data["list"]
    assert own["title"] == "Welcome"
    assert ours["title"] == "新地点登录"
    assert "198.51.100.7" in ours["content"]
    read = await ann.ask("POST", f"/notifications/{ours['id']}/read", headers=chinese)
    assert read.data["content"] == ours["content"]
    english = (await ann.get("/notifications?type=unusual_login")).data["list"]
    assert titles({"list": english}) == ["Login from a new place"]

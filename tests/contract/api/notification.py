"""What `NotificationApi` promises, wherever the histories are."""

import json
from typing import Any, Protocol

from meeting.domains.notification.api import MOST, BulkNotice, Notice, NotificationApi
from meeting.kernel.call import Call
from meeting.kernel.errors import Kind
from tests.contract.api.faults import refused

ANN, BOB, NOBODY = 1, 2, 500


class World(Protocol):
    """Histories without entries, of users 1 to 99."""

    @property
    def notifications(self) -> NotificationApi:
        """Return the adapter under test."""

    def by(self, user_id: int) -> Call:
        """Make the call of a user."""

    def service(self, user_id: int = 0) -> Call:
        """Make the call of a service, on behalf of a user or of nobody."""

    async def pushed(self) -> list[tuple[int, dict[str, Any]]]:
        """Return whose sockets got which content since it was last asked."""

    async def mailed(self) -> list[tuple[int, str, str]]:
        """Return to whom mails were sent since it was last asked, with subject and text."""


def notice(user_id: int = ANN, **fields: Any) -> Notice:
    """Make a notice."""
    about: dict[str, Any] = {"type": "note", "title": "A title", "content": "What it is about."}
    return Notice(user_id=user_id, **(about | fields))


async def history(world: World, user_id: int = ANN) -> list[str]:
    """Return the titles of a history."""
    found = await world.notifications.get_notification_history(world.service(), user_id, 100)
    return [each.title for each in found.notifications]


async def kept(world: World) -> None:
    """Always in the history, as it was sent, and nowhere else where nothing else is asked for."""
    data = {"a": [1, None, "é"]}
    sent = notice(data=json.dumps(data))
    await world.notifications.send_notification(world.service(), sent)
    await world.notifications.send_notification(world.service(), notice(title="{b}"))
    found = await world.notifications.get_notification_history(world.by(ANN), ANN)
    assert found.total_count == 2
    newest, first = found.notifications
    assert (first.type, first.title, first.content) == ("note", "A title", "What it is about.")
    assert json.loads(first.data) == data
    assert (newest.title, json.loads(newest.data)) == ("{b}", {})
    assert newest.id > first.id
    assert not first.read
    assert first.created_at.utcoffset() is not None
    assert not await world.pushed()
    assert not await world.mailed()


async def pushed(world: World) -> None:
    """One frame to the user's sockets, under the id of the history."""
    await world.notifications.send_notification(
        world.service(), notice(push_notification=True, data='{"a":1}')
    )
    ((user_id, content),) = await world.pushed()
    found = await world.notifications.get_notification_history(world.by(ANN), ANN)
    assert user_id == ANN
    assert content == {
        "id": found.notifications[0].id,
        "type": "note",
        "title": "A title",
        "content": "What it is about.",
        "data": {"a": 1},
    }
    assert not await world.pushed()


async def mailed(world: World) -> None:
    """One mail to the user's address."""
    await world.notifications.send_notification(world.service(), notice(email_notification=True))
    assert await world.mailed() == [(ANN, "A title", "What it is about.\n")]
    assert not await world.mailed()
    assert await history(world) == ["A title"]


async def refusals(world: World) -> None:
    """By its field, before an unknown user is; nothing is written, sent or pushed."""
    send = world.notifications.send_notification
    deep = "[" * 40 + "]" * 40
    for field, values in {
        "type": ("", "Note", "a" * 33),
        "title": ("x" * 201, "a\x00"),
        "content": ("x" * 2001,),
        "data": ("{", "NaN", "1e999", "\ud800", deep, '"' + "x" * 8192 + '"'),
    }.items():
        for value in values:
            asked = notice(NOBODY, push_notification=True, **{field: value})
            await refused(send(world.service(), asked), Kind.VALIDATION, field)
    for user_id in (0, NOBODY):
        await refused(send(world.service(), notice(user_id)), Kind.USER_NOT_FOUND)
    await refused(send(world.by(ANN), notice()), Kind.FORBIDDEN)
    assert not await history(world)
    assert not await world.pushed()


async def to_several(world: World) -> None:
    """Each of them once, by every way asked for; who is unknown stops nothing."""
    ids = [ANN, NOBODY, BOB, ANN]
    wanted = BulkNotice(
        user_ids=ids,
        type="note",
        title="For all",
        content="c",
        push_notification=True,
        email_notification=True,
    )
    await world.notifications.send_bulk_notifications(world.service(), wanted)
    for user_id in (ANN, BOB):
        assert await history(world, user_id) == ["For all"]
    assert sorted(user_id for user_id, _ in await world.pushed()) == [ANN, BOB]
    assert sorted(user_id for user_id, *_ in await world.mailed()) == [ANN, BOB]


async def to_many(world: World) -> None:
    """As many as the contract says, and not one more; what nobody can be told is refused."""

    def bulk(ids: list[int], title: str = "t") -> BulkNotice:
        return BulkNotice(user_ids=ids, type="note", title=title, content="")

    send = world.notifications.send_bulk_notifications
    await send(world.service(), bulk(list(range(1, MOST + 1))))
    assert await history(world, 99) == ["t"]
    most = list(range(1, MOST + 2))
    await refused(send(world.service(), bulk(most)), Kind.VALIDATION, "user_ids")
    await refused(send(world.service(), bulk([ANN], "x" * 201)), Kind.VALIDATION, "title")
    await refused(send(world.by(ANN), bulk([ANN])), Kind.FORBIDDEN)
    await send(world.service(), bulk([]))


async def paged(world: World) -> None:
    """The newest first, from any place, of one type or of all; 20 where no limit is said."""
    for number in range(25):
        type_ = "odd" if number % 2 else "even"
        await world.notifications.send_notification(
            world.service(), notice(type=type_, title=str(number))
        )
    ask = world.notifications.get_notification_history
    usual = await ask(world.by(ANN), ANN)
    assert (len(usual.notifications), usual.total_count) == (20, 25)
    part = await ask(world.by(ANN), 0, 3, 7)
    assert [each.title for each in part.notifications] == ["17", "16", "15"]
    odd = await ask(world.service(), ANN, 2, 1, "odd")
    assert [each.title for each in odd.notifications] == ["21", "19"]
    assert odd.total_count == 12
    assert (await ask(world.service(), BOB)).total_count == 0


async def not_shown(world: World) -> None:
    """Another's history to a user, nobody's to a service, a part that there can't be to anybody."""
    ask = world.notifications.get_notification_history
    await refused(ask(world.by(ANN), BOB), Kind.FORBIDDEN)
    await refused(ask(world.service(), NOBODY), Kind.USER_NOT_FOUND)
    for field, value in {"limit": 101, "offset": -1, "type_filter": "A"}.items():
        wrong: dict[str, Any] = {field: value}
        await refused(ask(world.by(ANN), ANN, **wrong), Kind.VALIDATION, field)
    await refused(ask(world.by(ANN), ANN, -1), Kind.VALIDATION, "limit")


PROMISES = (
    kept,
    pushed,
    mailed,
    refusals,
    to_several,
    to_many,
    paged,
    not_shown,
)

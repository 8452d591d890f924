"""The history of each user: pages, types, bounds, and what is read."""

from typing import Any

import msgspec
import pytest

from meeting.domains.notification import model
from meeting.domains.notification.model import Draft
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.page import Page
from tests.unit.notification.world import ANN, AS_SERVICE, BOB, DRAFT, World, as_user


async def titles(world: World, page: Page, user_id: int = ANN) -> tuple[list[str], int]:
    """Return the titles of a page and how many there are in all."""
    found = await world.history.list(as_user(user_id), type_="", page=page)
    return [each.title for each in found.rows], found.total


async def test_the_newest_comes_first(world: World) -> None:
    """Pages go from the newest to the oldest, of the caller's own."""
    await world.send("a", "b", "c")
    await world.send("other", user_id=BOB)
    assert await titles(world, Page(1, 2)) == (["c", "b"], 3)
    assert await titles(world, Page(2, 2)) == (["a"], 3)
    assert await titles(world, Page(3, 2)) == ([], 3)


async def test_one_type_is_listed_alone(world: World) -> None:
    """A type lists what is of it and counts no more."""
    await world.registered()
    await world.send("a", "b")
    assert await world.told() == ["note", "note", "welcome"]
    assert await world.told(type_="welcome") == ["welcome"]
    assert await world.told(type_="nothing") == []


async def test_a_history_has_an_end(world: World) -> None:
    """What is too long ago is forgotten, of this user alone, and no id comes again."""
    world = World(world.database, kept=3)
    await world.send("other", user_id=BOB)
    await world.send(*"abcde")
    assert await titles(world, Page()) == (["e", "d", "c"], 3)
    assert (await titles(world, Page(), BOB))[1] == 1
    found = await world.history.list(as_user(ANN), type_="", page=Page())
    assert [each.id for each in found.rows] == [6, 5, 4]


async def test_reading_is_noted(world: World) -> None:
    """One that was read stays so; another's, or one that never was, is not found."""
    await world.send("a", "b")
    for _ in range(2):
        assert (await world.history.read(as_user(ANN), 1)).read
    found = await world.history.list(as_user(ANN), type_="", page=Page())
    assert [each.read for each in found.rows] == [False, True]
    for user_id, number in ((BOB, 1), (ANN, 99)):
        with pytest.raises(Fault) as caught:
            await world.history.read(as_user(user_id), number)
        assert caught.value.kind is Kind.NOT_FOUND
    assert (await world.history.list(as_user(BOB), type_="", page=Page())).total == 0


async def test_only_services_tell(world: World) -> None:
    """A user can't write into anybody's history, not even their own."""
    with pytest.raises(Fault) as caught:
        await world.history.send(as_user(ANN), ANN, DRAFT, push=True)
    assert caught.value.kind is Kind.FORBIDDEN


async def test_whatever_is_within_the_bounds_comes_back(world: World) -> None:
    """The longest texts, braces, other scripts and nested data are kept as they are."""
    draft = Draft(
        type="x" * 32,
        title="{x}" + "题" * 197,
        content="{0}\n\t" + "内" * 1995,
        data={"a": [1, None, "\x00", {"é": 1.5}], "b": "x" * (model.DATA_BYTES - 60)},
    )
    await world.history.send(AS_SERVICE, ANN, draft, push=False)
    (row,) = (await world.history.list(as_user(ANN), type_="", page=Page())).rows
    assert (row.type, row.title, row.content) == (draft.type, draft.title, draft.content)
    assert (row.data, row.filling, row.read) == (draft.data, None, False)
    assert row.created_at == world.clock.now()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("type", ""),
        ("type", "Upper"),
        ("type", "x" * 33),
        ("type", "x\n"),
        ("title", "x" * 201),
        ("title", "\x00"),
        ("content", "x" * 2001),
        ("content", "\ud800"),
        ("data", "x" * model.DATA_BYTES),
        ("data", msgspec.json.decode("[" * 33 + "]" * 33)),
    ],
)
def test_what_is_beyond_the_bounds_is_refused(field: str, value: Any) -> None:
    """Each field has its bound, and the refusal names it."""
    fields: dict[str, Any] = {"type": "x", "title": "", "content": "", "data": {}}
    with pytest.raises(Fault) as caught:
        Draft(**(fields | {field: value}))
    assert caught.value.kind is Kind.VALIDATION
    assert set(caught.value.details) == {field}

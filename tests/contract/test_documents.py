"""The documents suite over every adapter, and over twins that it must reject."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from meeting.kernel.page import Found, Page
from meeting.kernel.ports import Document, Documents
from meeting.stores.relational.documents import SqlDocuments
from tests.contract.worlds import SqlWorld
from tests.stores import at

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def document(key: str, **changes: Any) -> Document:
    """Make a document of meeting 1, user 1, at noon."""
    fields: dict[str, Any] = {
        "key": key,
        "meeting_id": 1,
        "user_id": 1,
        "kind": "speech_recognition",
        "at": NOON,
        "body": {"text": "héllo 你好", "n": [1, 2.5, None, True]},
    }
    return Document(**(fields | changes))


async def keys(documents: Documents, **wanted: Any) -> list[str]:
    """Return the keys of the first page."""
    found = await documents.find("a", meeting_id=1, page=Page(), **wanted)
    return [each.key for each in found.rows]


async def comes_back(documents: Documents) -> None:
    """A document comes back as it was put, and only from its own collection."""
    await documents.put("a", document("k"))
    assert await documents.get("a", "k") == document("k")
    assert await documents.get("b", "k") is None


async def same_key(documents: Documents) -> None:
    """Put again, the same key replaces: there is one document, the newer."""
    await documents.put("a", document("k"))
    await documents.put("a", document("k", body={"text": "new"}))
    found = await documents.find("a", meeting_id=1, page=Page())
    assert [each.body for each in found.rows] == [{"text": "new"}]
    assert found.total == 1


async def by_time(documents: Documents) -> None:
    """Find answers by time and then by key, either way round."""
    await documents.put("a", document("late", at=NOON + timedelta(seconds=1)))
    await documents.put("a", document("y"))
    await documents.put("a", document("x"))
    assert await keys(documents) == ["x", "y", "late"]
    assert await keys(documents, newest_first=True) == ["late", "y", "x"]


async def by_what(documents: Documents) -> None:
    """Find keeps to meeting, user and kind."""
    await documents.put("a", document("1"))
    await documents.put("a", document("2", user_id=2))
    await documents.put("a", document("3", kind="emotion_detection"))
    await documents.put("a", document("4", meeting_id=2))
    assert await keys(documents) == ["1", "2", "3"]
    assert await keys(documents, user_id=2) == ["2"]
    assert await keys(documents, kind="emotion_detection") == ["3"]


async def in_pages(documents: Documents) -> None:
    """Pages together hold everything once, and each tells the total."""
    for number in range(23):
        await documents.put("a", document(f"{number:02}"))
    rows: list[str] = []
    for number in (1, 2, 3, 4):
        found = await documents.find("a", meeting_id=1, page=Page(number, 10))
        assert found.total == 23
        rows += [each.key for each in found.rows]
    assert rows == [f"{number:02}" for number in range(23)]


async def deleted(documents: Documents) -> None:
    """A deleted document is gone, and deleting tells whether there was one."""
    await documents.put("a", document("k"))
    assert await documents.delete("a", "k")
    assert not await documents.delete("a", "k")
    assert await documents.get("a", "k") is None


PROMISES = (comes_back, same_key, by_time, by_what, in_pages, deleted)


@pytest.fixture
async def documents(url: str) -> AsyncIterator[Documents]:
    """Documents on SQLite."""
    async with SqlWorld.open(url) as world:
        yield SqlDocuments(world.database)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
async def test_keeps(promise: Callable[[Documents], Awaitable[None]], documents: Documents) -> None:
    """SQL documents keep each promise of the port."""
    await promise(documents)


class Doubling(SqlDocuments):
    """Keeps the old document beside the new one."""

    async def put(self, collection: str, document: Document) -> None:
        """Find a free key instead of replacing."""
        while await self.get(collection, document.key):
            document = _renamed(document)
        await super().put(collection, document)


class Unsorted(SqlDocuments):
    """Answers in the order of the keys alone."""

    async def find(self, collection: str, **wanted: Any) -> Found[Document]:
        """Sort by key."""
        found = await super().find(collection, **wanted)
        return Found(sorted(found.rows, key=lambda each: each.key), found.total)


def _renamed(document: Document) -> Document:
    return Document(
        key=document.key + "+",
        meeting_id=document.meeting_id,
        user_id=document.user_id,
        kind=document.kind,
        at=document.at,
        body=document.body,
    )


@pytest.mark.parametrize(
    ("twin", "by"), [(Doubling, same_key), (Unsorted, by_time)], ids=["doubling", "unsorted"]
)
async def test_rejects(
    twin: type[SqlDocuments], by: Callable[[Documents], Awaitable[None]], tmp_path: Path
) -> None:
    """The suite turns red on documents that double, or that come out of order."""
    async with SqlWorld.open(at(tmp_path)) as world:
        with pytest.raises(AssertionError):
            await by(twin(world.database))

"""Documents on SQL: one table for all collections, the body as JSON."""

from sqlalchemy import JSON, Column, Index, String, Table, delete, func, select

from meeting.kernel.page import Found, Page
from meeting.kernel.ports import Document
from meeting.stores.relational.database import Database, metadata
from meeting.stores.relational.types import BigKey, Moment
from meeting.stores.relational.upsert import upsert

documents = Table(
    "documents",
    metadata,
    Column("collection", String(64), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("meeting_id", BigKey, nullable=False),
    Column("user_id", BigKey, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("at", Moment, nullable=False),
    Column("body", JSON, nullable=False),
    Index("ix_documents_of_meeting", "collection", "meeting_id", "at"),
)


class SqlDocuments:
    """The `Documents` port on SQL; each call is a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, collection: str, document: Document) -> None:
        """Keep a document; the same key replaces it."""
        row = {
            "collection": collection,
            "key": document.key,
            "meeting_id": document.meeting_id,
            "user_id": document.user_id,
            "kind": document.kind,
            "at": document.at,
            "body": document.body,
        }
        async with self._database.write() as connection:
            await connection.execute(
                upsert(connection, documents, row, keys=["collection", "key"], replace=True)
            )

    async def get(self, collection: str, key: str) -> Document | None:
        """Return the document with that key."""
        wanted = select(documents).where(
            documents.c.collection == collection, documents.c.key == key
        )
        async with self._database.read() as connection:
            row = (await connection.execute(wanted)).mappings().first()
        return None if row is None else _document(dict(row))

    async def find(
        self,
        collection: str,
        *,
        meeting_id: int,
        user_id: int | None = None,
        kind: str | None = None,
        newest_first: bool = False,
        page: Page,
    ) -> Found[Document]:
        """Return one page by time, then by key."""
        wanted = [documents.c.collection == collection, documents.c.meeting_id == meeting_id]
        if user_id is not None:
            wanted.append(documents.c.user_id == user_id)
        if kind is not None:
            wanted.append(documents.c.kind == kind)
        by = (documents.c.at, documents.c.key)
        order = [column.desc() if newest_first else column.asc() for column in by]
        async with self._database.read() as connection:
            total = await connection.scalar(select(func.count()).where(*wanted))
            rows = await connection.execute(
                select(documents)
                .where(*wanted)
                .order_by(*order)
                .offset(page.offset)
                .limit(page.size)
            )
            return Found([_document(dict(row)) for row in rows.mappings()], total or 0)

    async def delete(self, collection: str, key: str) -> bool:
        """Remove a document; False where there was none."""
        async with self._database.write() as connection:
            done = await connection.execute(
                delete(documents).where(
                    documents.c.collection == collection, documents.c.key == key
                )
            )
        return done.rowcount == 1


def _document(row: dict[str, object]) -> Document:
    del row["collection"]
    return Document(**row)  # type: ignore[arg-type]  # the columns are the fields

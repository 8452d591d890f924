"""INSERT … ON CONFLICT: one spelling in SQL, but one per dialect in SQLAlchemy."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Insert, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


def upsert(
    connection: AsyncConnection,
    table: Table,
    values: Mapping[str, Any],
    *,
    keys: Sequence[str],
    replace: bool,
) -> Insert:
    """Insert a row; where its keys stand already, replace the other columns or change nothing.

    Without keys: whichever unique ones of the table.
    """
    statement: sqlite.Insert | postgresql.Insert
    if connection.dialect.name == "sqlite":
        statement = sqlite.insert(table).values(**values)
    else:
        statement = postgresql.insert(table).values(**values)
    if not replace:
        return statement.on_conflict_do_nothing(index_elements=keys or None)
    others = {name: statement.excluded[name] for name in values if name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=others)

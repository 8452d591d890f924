"""Tells at which migration a database's tables are; running one is `migrate`'s, with Alembic.

Each start asks, and most find nothing to do: so this does without Alembic, whose import takes as
long as all the rest of a start's work on the tables.
"""

from pathlib import Path

from sqlalchemy import Connection, column, inspect, select, table

from meeting.stores.relational.database import Database

MIGRATIONS = Path(__file__).parent / "migrations"
KNOWN = sorted(file.stem.split("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))
"""All migrations, in their order: a file's name begins with its own."""
TABLE = table("alembic_version", column("version_num"))


class Unfit(Exception):
    """The tables are not those that this program expects; the text says what a person can do."""


async def behind(database: Database) -> bool:
    """Tell whether migrations are missing; `Unfit` where there are some that nobody here knows."""
    async with database.read() as connection:
        found = await connection.run_sync(revision)
    if found is not None and found not in KNOWN:
        raise Unfit("the database's tables are newer than this program; update the program")
    return found != KNOWN[-1]


def revision(connection: Connection) -> str | None:
    """Return the migration that the tables are at; None where nobody has ever made any."""
    if not inspect(connection).has_table(TABLE.name):
        return None
    found: str | None = connection.execute(select(TABLE.c.version_num)).scalar()
    return found

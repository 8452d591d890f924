"""Brings a database's tables up to what this code expects, or writes the SQL that would."""

import io

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, func, select

from meeting.stores.relational.database import Database
from meeting.stores.relational.revision import MIGRATIONS, behind, revision

TURN = 0x6D696772
"""The advisory lock of PostgreSQL that whoever migrates holds."""


def _config(output: io.StringIO | None = None) -> Config:
    config = Config(output_buffer=output or io.StringIO())
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


async def upgrade(database: Database, to: str = "head") -> bool:
    """Run the migrations that are missing, up to one of them, in one transaction.

    False where there was nothing to do, or somebody else did it at the same time.
    """
    if not await behind(database):
        return False
    config = _config()

    def run(connection: Connection) -> bool:
        before = revision(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, to)
        return revision(connection) != before

    async with database.write() as connection:
        if not database.sqlite:  # whose writers take turns anyway
            for limit in ("statement_timeout", "lock_timeout"):  # large tables take their time
                await connection.execute(select(func.set_config(limit, "0", True)))
            await connection.execute(select(func.pg_advisory_xact_lock(TURN)))
        return await connection.run_sync(run)


def script(dialect: str) -> str:
    """Write the SQL of all migrations for a dialect, without a database."""
    written = io.StringIO()
    config = _config(written)
    config.attributes["dialect"] = dialect
    command.upgrade(config, "head", sql=True)
    return written.getvalue()

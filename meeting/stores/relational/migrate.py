"""Brings a database's tables up to what this code expects, or writes the SQL that would."""

import io
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, select

from meeting.stores.relational.database import Database

TURN = 0x6D696772
"""The advisory lock of PostgreSQL that whoever migrates holds."""
MIGRATIONS = Path(__file__).parent / "migrations"


def _config(output: io.StringIO | None = None) -> Config:
    config = Config(output_buffer=output or io.StringIO())
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


async def upgrade(database: Database, to: str = "head") -> None:
    """Run the migrations that are missing, up to one of them, in one transaction."""
    config = _config()

    def run(connection: Connection) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, to)

    async with database.write() as connection:
        if not database.sqlite:  # whose writers take turns anyway
            await connection.execute(select(func.pg_advisory_xact_lock(TURN)))
        await connection.run_sync(run)


async def behind(database: Database) -> bool:
    """Tell whether migrations are missing."""
    head = ScriptDirectory.from_config(_config()).get_current_head()

    def current(connection: Connection) -> str | None:
        return MigrationContext.configure(connection).get_current_revision()

    async with database.read() as connection:
        return await connection.run_sync(current) != head


def script(dialect: str) -> str:
    """Write the SQL of all migrations for a dialect, without a database."""
    written = io.StringIO()
    config = _config(written)
    config.attributes["dialect"] = dialect
    command.upgrade(config, "head", sql=True)
    return written.getvalue()

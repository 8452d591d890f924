"""What a database says of an error."""

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from meeting.stores.relational.database import Database


async def test_errors_hold_no_values(tmp_path: Path) -> None:
    """An error of the database names the statement, and nothing of what a person gave."""
    database = Database.embedded(tmp_path)
    try:
        with pytest.raises(IntegrityError) as caught:
            async with database.write() as connection:
                await connection.execute(text("CREATE TABLE one (word TEXT PRIMARY KEY)"))
                for _ in range(2):
                    await connection.execute(
                        text("INSERT INTO one VALUES (:word)"), {"word": "hunter2"}
                    )
    finally:
        await database.close()
    assert "INSERT INTO one" in str(caught.value)
    assert "hunter2" not in str(caught.value)

"""What the log says of a failure whose cause no caller is told."""

from pathlib import Path

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from meeting.kernel.errors import Fault, Kind
from meeting.stores.relational.database import Database
from meeting.transports.http.errors import fault_of


async def full(folder: Path, word: str) -> Fault:
    """Write a long word onto a disk that has no room for it; how that failed."""
    database = Database.embedded(folder)
    try:
        with pytest.raises(Fault) as caught:
            async with database.write() as connection:
                await connection.execute(text("CREATE TABLE one (word TEXT)"))
                await connection.execute(text("PRAGMA max_page_count = 3"))
                await connection.execute(
                    text("INSERT INTO one VALUES (:word)"), {"word": word * 9000}
                )
    finally:
        await database.close()
    return caught.value


async def test_a_full_disk_is_seen(tmp_path: Path) -> None:
    """The caller hears that the database does not answer, the log why, and nothing of the row."""
    fault = await full(tmp_path, "hunter2")
    with capture_logs() as logs:
        assert fault_of(fault) is fault
    (line,) = logs
    assert line["kind"] == "unavailable"
    assert "disk is full" in line["cause"]
    assert "hunter2" not in str(line)
    assert "INSERT" not in str(line)


@pytest.mark.parametrize(
    ("kind", "cause"),
    [(Kind.CONFLICT, ValueError("it is so")), (Kind.UNAVAILABLE, None)],
    ids=["theirs", "told"],
)
def test_what_is_told_already_is_not_logged(kind: Kind, cause: Exception | None) -> None:
    """A caller's own mistake, and a failure that its answer explains, need no line."""
    fault = Fault(kind, "so it is")
    fault.__cause__ = cause
    with capture_logs() as logs:
        fault_of(fault)
    assert logs == []

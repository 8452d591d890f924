"""Where a test's rows are: a file in its own folder, or a database that goes by that folder."""

import hashlib
import os
from pathlib import Path

from tests.postgres import Postgres

SERVER = "MEETING_TEST_POSTGRES"
"""Names the folder of a running server; unset: SQLite."""


def at(folder: Path) -> str:
    """Name the database of a folder; on a server it is made at the first call."""
    if not (running := os.environ.get(SERVER)):
        return f"sqlite+aiosqlite:///{folder}/meeting.db"
    name = "t" + hashlib.sha256(str(folder).encode()).hexdigest()[:24]
    return Postgres(Path(running)).database(name)

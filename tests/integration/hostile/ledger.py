"""What a server's stores hold, read past all of its code."""

import sqlite3
import time
from pathlib import Path

BOOKKEEPING = (
    "idempotency_answers",
    "leases",
    "meeting_online",
    "outbox_cursors",
    "queue_turns",
    "signaling_rooms",
    "user_presence",
)
"""Kept answers, places of living sockets, who is there, and how far each consumer and worker is:
they move by themselves."""


PRESENCE = '"type":"user.status_change"'
"""Tasks that sockets cause by coming and going; any other that nobody asked for is a change."""
SEQUENCES = (*BOOKKEEPING, "queue_tasks")
"""Tables whose last number moves with what is quiet in them."""
QUIET = {
    "signaling.roster_changed",
    "user.status_changed",
    "webrtc.connection_closed",
    "webrtc.connection_established",
}
"""Events that sockets cause by coming and going, also some time after the test that did it."""
MOVING = {"arrived_at"}
"""Columns that say since when somebody's socket is there."""

SETTLE_SECONDS = 60
UNDONE = (
    "SELECT count(*) FROM queue_tasks WHERE place != 'dead'",
    (
        "SELECT count(*) FROM outbox JOIN outbox_cursors USING (topic)"
        " WHERE outbox.position > outbox_cursors.position"
    ),
)
"""What is still to be done in the background: tasks, and events ahead of a consumer."""


Rows = frozenset[str]
"""Rows as text; each has a key of its own, so that none counts twice."""


class Ledger:
    """Remembers the contents of one SQLite file, and tells which tables are no longer the same."""

    def __init__(self, state: Path) -> None:
        (file,) = state.glob("*.db")
        self._store = sqlite3.connect(f"file:{file}?mode=ro", uri=True, isolation_level=None)
        self._version = -1
        self._known: dict[str, Rows] = {}
        self.take()

    def close(self) -> None:
        """Let go of the file."""
        self._store.close()

    def take(self) -> None:
        """Remember the contents as they are now."""
        self._settle()
        self._version, self._known = self._now(), self._read()

    def _settle(self) -> None:
        """Wait until workers and consumers have done what the test before them asked for."""
        end = time.monotonic() + SETTLE_SECONDS
        while any(self._store.execute(query).fetchone()[0] for query in UNDONE):
            assert time.monotonic() < end, "workers or consumers do not come to an end"
            time.sleep(0.02)

    def changed(self) -> dict[str, tuple[Rows, Rows]]:
        """Name the tables that differ from what is remembered: rows that went, rows that came."""
        if (version := self._now()) == self._version:
            return {}  # nobody has committed anything
        found = self._read()
        self._version = version
        return {
            table: (self._known[table] - found[table], found[table] - self._known[table])
            for table in found
            if found[table] != self._known[table]
        }

    def _now(self) -> int:
        """Return a number that changes with every commit of another connection."""
        version: int = self._store.execute("PRAGMA data_version").fetchone()[0]
        return version

    def _read(self) -> dict[str, Rows]:
        """Return all rows, by table, as of one moment."""
        self._store.execute("BEGIN")
        try:
            return {table: self._table(table) for table in self._tables()}
        finally:
            self._store.execute("COMMIT")

    def _tables(self) -> list[str]:
        found = self._store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return [name for (name,) in found if name not in BOOKKEEPING]

    def _table(self, table: str) -> Rows:
        # The names come from the file's own list of tables.
        found = self._store.execute(f'SELECT * FROM "{table}"')  # noqa: S608
        kept = [at for at, (name, *_) in enumerate(found.description) if name not in MOVING]
        rows = [[row[at] for at in kept] for row in found]
        if table == "outbox":
            rows = [row for row in rows if not QUIET.intersection(row)]
        if table == "queue_tasks":
            rows = [row for row in rows if PRESENCE not in repr(row)]
        if table == "sqlite_sequence":  # the last number that each table gave out
            rows = [row for row in rows if row[0] not in SEQUENCES]
        return frozenset(map(repr, rows))

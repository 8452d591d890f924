"""How a database finds what a take asks for, in a queue that is long: by its indexes alone."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, event, text

from meeting.kernel.ids import RandomIds
from meeting.kernel.letter import Letter
from meeting.stores.relational import migrate
from meeting.stores.relational.database import Database
from meeting.stores.relational.queue import SqlQueue
from tests.clock import MovingClock

QUEUE = "ai_tasks"
ROWS = 100_000
"""Of one queue; of five rows four wait, one is dead, and the rest is what a take deals with."""
COLUMNS = "queue, task_id, lane, place, body, written_at, until, owner, fence, progress, fresh"
FILL = f"""
INSERT INTO queue_tasks ({COLUMNS})
SELECT '{QUEUE}', 'old' || n, n % 4, CASE WHEN n % 5 = 0 THEN 'dead' ELSE 'waiting' END, body,
       written_at, until, '', 0, 0, 1
FROM {{numbers}}, (SELECT body, written_at, until FROM queue_tasks LIMIT 1) AS pattern
"""  # noqa: S608 - ours
NUMBERS = {
    "sqlite": "(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < :rows)"
    " SELECT n FROM c) AS numbers",
    "postgresql": "generate_series(1, :rows) AS numbers(n)",
}
UNWANTED = re.compile(r"Seq Scan on queue_tasks|SCAN queue_tasks|\bSort\b|TEMP B-TREE", re.ASCII)


async def fill(database: Database, queue: SqlQueue) -> None:
    """Write a long queue, and let the database learn what it holds."""
    await queue.put(QUEUE, [Letter(type="work", payload={})])
    numbers = NUMBERS["sqlite" if database.sqlite else "postgresql"]
    async with database.write() as connection:
        await connection.execute(text(FILL.format(numbers=numbers)), {"rows": ROWS})
        await connection.execute(text("ANALYZE queue_tasks"))


async def asked(database: Database, queue: SqlQueue) -> list[tuple[str, Any]]:
    """Take, and return the statements that looked for tasks."""
    found: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        found.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    assert len(await queue.take(QUEUE, "owner", 10)) == 10
    event.remove(Engine, "before_cursor_execute", note)
    return [(words, values) for words, values in found if "queue_tasks" in words]


async def plan(database: Database, statement: str, parameters: Any) -> str:
    """Return how the database means to go about it."""
    explain = "EXPLAIN QUERY PLAN " if database.sqlite else "EXPLAIN "
    async with database.write() as connection:
        rows: Sequence[Any] = (
            await connection.exec_driver_sql(explain + statement, parameters)
        ).all()
    return "\n".join(str(row[-1]) for row in rows)


async def test_take(url: str) -> None:
    """Whatever a take looks for in a long queue it finds by an index, already in order."""
    database = Database(url)
    await migrate.upgrade(database)
    clock = MovingClock()
    queue = SqlQueue(database, clock, RandomIds())
    await fill(database, queue)
    soon = (clock.now() + timedelta(seconds=9)).timestamp()
    await queue.put(QUEUE, [Letter(type="work", payload={}, not_before=soon)])
    await queue.take(QUEUE, "owner", 1)
    clock.move(timedelta(seconds=100))  # now one is due and one was held too long
    statements = await asked(database, queue)
    plans = {words: await plan(database, words, values) for words, values in statements}
    await database.close()
    assert len(plans) >= 6
    wrong = {words: found for words, found in plans.items() if UNWANTED.search(found)}
    assert wrong == {}

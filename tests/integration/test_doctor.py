"""What `meeting doctor` finds, on real servers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.postgres import Postgres
from tests.redis import Redis, redis as running


def doctor(folder: Path, **settings: str) -> tuple[int, str]:
    """Type the command; exit code and table."""
    command = [sys.executable, "-m", "meeting", "doctor", "--state-dir", str(folder)]
    for name, value in settings.items():
        command += ["--set", f"{name.replace('__', '.')}={value}"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MEETING_")}
    done = subprocess.run(command, env=clean, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


def line(table: str, part: str) -> str:
    """Return the line of one part."""
    return next(each for each in table.splitlines() if each.startswith(part))


def test_nothing_there_yet(tmp_path: Path) -> None:
    """Before the first start nothing is bad: the server makes what is missing."""
    code, table = doctor(tmp_path / "new")
    assert code == 0
    assert "is not there yet" in line(table, "state folder")
    assert "SQLite, not there yet" in line(table, "database")


def test_tables_that_a_person_has_to_make(tmp_path: Path, cluster: Postgres) -> None:
    """On a PostgreSQL without our tables it says what to type, and shows nothing of the address."""
    dsn = cluster.database().replace("postgres@", "postgres:hush-hush@")
    code, table = doctor(tmp_path, postgres__dsn=dsn)
    assert code == 1
    assert "meeting migrate" in line(table, "database")
    assert "hush-hush" not in table


def test_a_database_that_is_away(tmp_path: Path) -> None:
    """A server that does not answer is bad, and the others are looked at all the same."""
    code, table = doctor(tmp_path, postgres__dsn="postgresql://u:p@127.0.0.1:1/x")
    assert code == 1
    assert " bad " in line(table, "database")
    assert " good " in line(table, "redis")


@pytest.mark.parametrize(
    ("append", "state", "said"),
    [
        ("no", "bad", "append-only is off"),
        ("everysec", "note", "appendfsync everysec"),
        ("always", "good", "answers"),
    ],
)
def test_what_a_redis_keeps(
    tmp_path: Path, cluster: Postgres, append: str, state: str, said: str
) -> None:
    """A Redis without append-only is bad, one that may lose a second is told of."""
    with running(append=append, password="hush-hush") as server:
        dsn = cluster.database()
        _, table = doctor(tmp_path, postgres__dsn=dsn, redis__url=server.url())
    last = [each for each in table.splitlines() if each.startswith("redis")][-1]
    assert f" {state} " in last
    assert said in last
    assert "hush-hush" not in table


def test_a_redis_that_throws_away(tmp_path: Path, cluster: Postgres) -> None:
    """A Redis that evicts keys when it is full is bad."""
    with running(append="always", maxmemory_policy="allkeys-lru") as server:
        dsn = cluster.database()
        code, table = doctor(tmp_path, postgres__dsn=dsn, redis__url=server.url())
    assert code == 1
    assert "throws tasks away" in table


def test_a_redis_that_is_away(tmp_path: Path, cluster: Postgres, redis: Redis) -> None:
    """A Redis that does not answer is bad."""
    url = redis.url().replace(f":{redis.port}", ":1")
    code, table = doctor(tmp_path, postgres__dsn=cluster.database(), redis__url=url)
    assert code == 1
    assert "Redis does not answer" in line(table, "redis")

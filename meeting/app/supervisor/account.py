"""Who a program runs as that refuses to run as root."""

import asyncio
import os
import pwd
from pathlib import Path

import msgspec

ACCOUNTS = ("meeting", "nobody")
"""The first that this system has."""


class Unable(Exception):
    """What was asked for can't be done on this machine; the text says what to do about it."""


class Account(msgspec.Struct, frozen=True):
    """A user of this system with as few rights as can be."""

    name: str
    user: int
    group: int

    @property
    def become(self) -> list[str]:
        """Return the beginning of a command that is to run as this user."""
        return [
            *("setpriv", "--reuid", str(self.user), "--regid", str(self.group)),
            *("--clear-groups", "--no-new-privs", "--"),
        ]

    def own(self, path: Path) -> None:
        """Give a file or folder to this user."""
        os.chown(path, self.user, self.group)

    def admit(self, folder: Path) -> None:
        """Let this user pass through a folder of ours, and see nothing else in it."""
        os.chown(folder, -1, self.group)
        folder.chmod(0o710)

    async def can(self, right: str, path: Path) -> bool:
        """Tell whether this user may read (`-r`), write (`-w`) or enter (`-x`) a path."""
        asked = await asyncio.create_subprocess_exec(*self.become, "test", right, str(path))
        return await asked.wait() == 0


def servant() -> Account | None:
    """Return who servers run as where we are root; None where we are not, and they are us."""
    if os.geteuid() != 0:
        return None
    for name in ACCOUNTS:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, found.pw_uid, found.pw_gid)
    raise Unable("PostgreSQL does not run as root, and this system has no user `meeting`: make one")

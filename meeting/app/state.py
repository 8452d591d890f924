"""The state folder: where it is by default, who holds it, and the secrets that are made into it."""

import fcntl
import os
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from meeting.kernel.folders import standard
from meeting.kernel.secret import Secret

LOCK = "lock"


def default_folder() -> Path:
    """Return this user's folder for state, where the desktop standard puts it."""
    return standard("XDG_STATE_HOME", ".local/state")


class Held(Exception):
    """A state folder can't be used: it is another process's, none of ours, or out of reach."""


class State:
    """A state folder that this process alone uses until it ends, or as a guest of who does.

    With `parts` named, processes with other parts may use it beside this one: they are one house.
    """

    def __init__(self, path: Path, *, guest: bool = False, parts: Sequence[str] = ()) -> None:
        self.path = path
        self.guest = guest
        self._parts = sorted(parts)
        self._locks: list[int] = []
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not guest:
                self._take(LOCK, fcntl.LOCK_SH if parts else fcntl.LOCK_EX, "this folder")
            for part in self._parts:
                self._take(f"{part}.{LOCK}", fcntl.LOCK_EX, part)
        except OSError as error:
            self.release()
            msg = (
                f"{path} can't be the state folder ({error.strerror}); name one that this user may"
                " write to, with --state-dir or MEETING_STATE_DIR"
            )
            raise Held(msg) from error

    def _take(self, name: str, kind: int, what: str) -> None:
        lock = os.open(self.path / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._locks.append(lock)
        try:
            fcntl.flock(lock, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            msg = (
                f"another meeting process has {what} on {self.path}; stop it, or give this one a"
                " folder of its own with --state-dir or MEETING_STATE_DIR"
            )
            raise Held(msg) from None

    def secret(self, name: str) -> Secret:
        """Return the secret of that name, made on first use and readable by this user alone."""
        return Secret(self._kept(f"{name}.key", lambda: secrets.token_urlsafe(48)))

    @property
    def name(self) -> str:
        """Return what tells the processes apart that share a database; over restarts the same."""
        kept = self._kept("name", lambda: secrets.token_hex(4))
        return "+".join([kept, *self._parts])

    def _kept(self, name: str, make: Callable[[], str]) -> str:
        path = self.path / name
        if not path.exists():
            # Written aside, so that a crash can't leave half a secret behind, and put in place only
            # where none is: of processes that start together one makes it for all. By chance, not
            # by process number: in containers that share the folder all have the same.
            draft = path.with_name(f"{path.stem}.{secrets.token_hex(8)}.new")
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(make())
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):
                path.hardlink_to(draft)
            draft.unlink()
        kept = path.read_text().strip()
        if not kept:
            raise Held(
                f"{path} is empty; put back what it held, or, where that is lost, remove it to have"
                " a new one made"
            )
        return kept

    def release(self) -> None:
        """Let others use the folder."""
        while self._locks:
            os.close(self._locks.pop())

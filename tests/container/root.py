"""A folder as a root, which commands enter by chroot in namespaces of their own."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

LENT = ("/etc/resolv.conf", "/etc/hosts")
"""What of this machine an engine would lend, too."""
SMALLEST = ("debootstrap", "--variant=minbase")
COPY = ("cp", "-a", "--reflink=auto")
ENTER = """
set -eu
root=$1; shift
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
for each in $LENT; do
    mkdir -p "$root${each%/*}"
    if [ -d "$each" ]; then mkdir -p "$root$each"; else touch "$root$each"; fi
    mount --bind "$each" "$root$each"
    mount -o remount,bind,ro "$root$each"
done
unset LENT
exec "$@"
"""


class Root:
    """A tree that commands run in; nothing of this machine is seen there but what is lent."""

    def __init__(self, path: Path, lent: Sequence[str]) -> None:
        self.path = path
        self._lent = lent

    @classmethod
    def debian(cls, path: Path, suite: str, lent: Sequence[str]) -> "Root":
        """Make the smallest tree of a release of Debian, once."""
        if not path.exists():
            draft = path.with_suffix(".new")
            shutil.rmtree(draft, ignore_errors=True)
            subprocess.run(
                [*SMALLEST, suite, str(draft)],
                check=True,
                stdout=subprocess.DEVNULL,
            )
            draft.rename(path)
        return cls(path, [each for each in (*LENT, *lent) if Path(each).exists()])

    def copy(self, path: Path) -> "Root":
        """Make another tree that begins as this one is."""
        subprocess.run([*COPY, str(self.path), str(path)], check=True)
        return Root(path, self._lent)

    def line(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: str = "/",
        user: str = "",
    ) -> list[str]:
        """Return what runs a command in there, as the first process of namespaces of its own."""
        become = [f"--userspec={user}:"] if user else []
        # Nothing of our own environment comes in.
        values = [f"{name}={value}" for name, value in environment.items()]
        inside = ["env", "-i", f"--chdir={folder}", *values]
        return [
            *("unshare", "--mount", "--pid", "--fork", "--kill-child"),
            *("env", f"LENT={' '.join(self._lent)}", "sh", "-c", ENTER, "enter", str(self.path)),
            *("chroot", *become, str(self.path), *inside, *command),
        ]

    def run(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: str = "/",
        user: str = "",
    ) -> None:
        """Run a command to its end; `CalledProcessError` where it fails."""
        line = self.line(command, environment, folder, user)
        subprocess.run(line, check=True, stdin=subprocess.DEVNULL)

    def inside(self, path: str) -> Path:
        """Return where a path of the tree lies on this machine."""
        return self.path / os.path.normpath(path).lstrip("/")

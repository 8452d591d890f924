"""The script `run` and the files that it reads."""

import ast
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Call the script with these arguments and nothing on its standard input."""
    return subprocess.run(
        [ROOT / "run", *arguments],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def sessions() -> list[str]:
    """Names of the functions that noxfile.py marks as sessions."""
    tree = ast.parse((ROOT / "noxfile.py").read_text())
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return [
        each.name
        for each in functions
        if any(ast.unparse(mark).startswith("nox.session") for mark in each.decorator_list)
    ]


def test_help_names_every_session_with_a_sentence() -> None:
    """A newcomer sees what there is before anything is installed."""
    shown = run("--help")
    assert shown.returncode == 0
    for name in sessions():
        assert re.search(rf"^  {name} +\w.+\.$", shown.stdout, re.MULTILINE), name


def test_an_unknown_session_is_refused() -> None:
    """A slip of the finger ends with 2 and the list."""
    refused = run("test")
    assert refused.returncode == 2
    assert "no session 'test'" in refused.stderr
    assert "demo" in refused.stderr


@pytest.mark.parametrize("absent", ["ffmpeg", "cmake"])
def test_a_person_without_rights_is_told_what_to_type(tmp_path: Path, absent: str) -> None:
    """A package that the system lacks ends with 69 and one line that installs exactly it."""
    needed = ["sh", "cat", "cut", "date", "dirname", "awk", "grep", "g++", "cmake", "ninja"]
    needed += ["pkg-config", "opencc_dict", "ffmpeg", "apt-get", "python3"]
    for name in needed:
        found = shutil.which(name)
        assert found is not None, name
        if name != absent:
            (tmp_path / name).symlink_to(found)
    (tmp_path / "id").write_text("#!/bin/sh\necho 1000\n")
    (tmp_path / "id").chmod(0o755)
    told = run("lint", PATH=str(tmp_path))
    assert told.returncode == 69, told.stderr
    install = "sudo apt-get update && sudo apt-get install --no-install-recommends"
    assert told.stdout.splitlines()[-1] == f"{install} {absent}"


def test_what_builds_is_locked() -> None:
    """The Dockerfile builds with the packages that pip would build with, pinned."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert sorted(project["build-system"]["requires"]) == sorted(
        project["dependency-groups"]["build"]
    )


def test_the_image_runs_what_was_tested() -> None:
    """Versions of the image and of its build are those that the tests ran on."""
    tested, image, build = (
        dict(re.findall(r"^([a-z0-9-]+)(?:\[.*\])?==(\S+)", lock.read_text(), re.MULTILINE))
        for lock in (ROOT / "requirements" / f"{n}.lock" for n in ("project", "image", "build"))
    )
    assert image.items() <= tested.items()
    assert build.items() <= tested.items()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_locks_pin_by_hash_and_name_no_host(lock: Path) -> None:
    """Each line is a version or a hash; no index, no path, no address."""
    lines = lock.read_text().replace("\\\n", " ").splitlines()
    assert lines
    for line in lines:
        assert re.match(r"[a-z0-9-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", line), line
        assert "://" not in line

"""An environment of its own for each peer, from pinned packages; made once, kept under build/."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PEERS = Path(__file__).parent / "peers"
PLACE = ROOT / "build" / "bench" / "env"


class Missing(Exception):
    """A peer can't be had on this machine; the text says why and what to do."""


OURS = ("ours", "aiohttp")
"""Peers that run in our own environment."""


def command(script: str, pinned: str = "") -> list[str]:
    """Return how a peer is run, and make its environment where it is not there yet.

    A script that shares another's environment names it: `pinned`.
    """
    program = str(PEERS / f"{script}.py")
    if script in OURS:
        return [sys.executable, "-P", program]
    if (PEERS / script).is_dir():
        return _node(script)
    name = pinned or script
    return [_python(PEERS / f"{name}.txt", PLACE / name), "-P", program]


def _python(pinned: Path, place: Path) -> str:
    program = str(place / "bin" / "python")
    if _stale(place, pinned):
        uv = os.environ.get("UV") or shutil.which("uv") or ""
        if not uv:
            raise Missing("there is no uv: start the bench by ./run bench")
        _run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(place)])
        install = [uv, "pip", "install", "--quiet", "--require-hashes", "--python", program]
        _run([*install, "-r", str(pinned)])
        _fresh(place, pinned)
    return program


def _node(name: str) -> list[str]:
    source, place = PEERS / name, PLACE / name
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise Missing("there is no node; apt-get install nodejs npm brings it")
    lock = source / "package-lock.json"
    if _stale(place, lock):
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(source, place)
        _run([npm, "ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"], place)
        _fresh(place, lock)
    shutil.copy(source / f"{name}.mjs", place)
    return [node, str(place / f"{name}.mjs")]


def _run(words: list[str], folder: Path = ROOT) -> None:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Missing(f"{Path(words[0]).name} failed: {done.stderr.strip()[-300:]}")


def _digest(pinned: Path) -> str:
    return hashlib.sha256(pinned.read_bytes()).hexdigest()


def _stale(place: Path, pinned: Path) -> bool:
    stamp = place / "stamp"
    return not stamp.exists() or stamp.read_text() != _digest(pinned)


def _fresh(place: Path, pinned: Path) -> None:
    (place / "stamp").write_text(_digest(pinned))

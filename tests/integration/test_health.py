"""`meeting health`, by which a container engine learns whether a server lives."""

import asyncio
import subprocess
import sys
from pathlib import Path

from tests.process import serving


def asked(state: Path, port: str, *more: str) -> tuple[int, str]:
    """Ask by the settings of a server; the exit code and what was said."""
    line = [sys.executable, "-m", "meeting", "health", "--state-dir", str(state)]
    line += ["--set", f"http.port={port}", *more]
    done = subprocess.run(line, capture_output=True, text=True, timeout=30, check=False)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


async def test_a_server_lives_and_then_does_not(tmp_path: Path) -> None:
    """Alive as soon as it answers; ready when it has all it needs; gone: a sentence and 1."""
    settings = {"engine__mode": "external", "models__pull": "false"}
    async with serving(tmp_path, **settings) as server:
        port = server.url["http"].rpartition(":")[2]
        code, said = await asyncio.to_thread(asked, tmp_path, port)
        assert (code, said.strip()) == (0, f"{server.url['http']}/health: yes")
        code, said = await asyncio.to_thread(asked, tmp_path, port, "--ready")
        assert code == 1
        assert "Service Unavailable" in said
    code, said = await asyncio.to_thread(asked, tmp_path, port)
    assert code == 1
    assert "refused" in said

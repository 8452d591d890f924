"""What a command costs before it does anything: people type it often, and the server is large."""

import subprocess
import sys

import pytest

SCRIPT = """
import sys
from meeting.cli import main
sys.argv = ["meeting", "--help"]
try:
    main()
except SystemExit as end:
    print(end.code, "uvicorn" in sys.modules)
"""
SERVERS = {"aiohttp", "litestar", "uvicorn", "zmq"}


def test_help_imports_no_server() -> None:
    """Neither the text nor the way out needs the server."""
    said = subprocess.check_output([sys.executable, "-c", SCRIPT], text=True)
    assert said.splitlines()[-1] == "0 False"


@pytest.mark.parametrize(
    ("commands", "absent"),
    [
        ("serve, worker", {"alembic", "asyncpg", "redis"}),
        ("migrate", SERVERS | {"alembic", "redis"}),
        ("queue", SERVERS | {"alembic", "redis"}),
        ("doctor", SERVERS | {"alembic"}),
        ("models, engine", SERVERS | {"sqlalchemy", "redis"}),
    ],
)
def test_a_command_imports_what_it_needs(commands: str, absent: set[str]) -> None:
    """A server on its file loads nothing that speaks to others, and what looks on no server."""
    script = f"import sys; from meeting.cli import {commands}; print(*sys.modules)"
    said = subprocess.check_output([sys.executable, "-c", script], text=True)
    assert absent & set(said.split()) == set()

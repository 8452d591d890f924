"""The commands of `meeting models`, in this process and killed in another."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from meeting.cli.models import models as command
from meeting.models import (
    pull,
)
from tests.integration.modelserver import DATA, Server, listing, states, written

ROOT = Path(__file__).parents[2]


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that breaks off, and does not stall, unless a test clears `stall`."""
    server = Server()
    server.stall.set()
    yield server
    server.close()


def test_commands_pull_list_and_verify(server: Server, tmp_path: Path) -> None:
    """The three commands, readable where stdout is no terminal, with an exit code for scripts."""
    server.files["/one.onnx"] = DATA
    toml = tmp_path / "m.toml"
    toml.write_text(written(server.url("/one.onnx")))
    places = ["--set", f"models.folder={tmp_path / 'cache'}", "--set", f"models.manifest={toml}"]
    run = CliRunner()
    listed = run.invoke(command, ["list", *places])
    assert listed.exit_code == 0
    row = listed.stdout.splitlines()[1].split()
    assert row == ["one", "voice_activity", "missing", "1.0", "MB", "MIT", server.url("/one.onnx")]
    assert run.invoke(command, ["verify", *places]).exit_code == 1
    pulled = run.invoke(command, ["pull", *places])
    assert pulled.exit_code == 0
    assert "one: fetching model.onnx 100% of 1.0 MB" in pulled.stderr
    assert "\x1b" not in pulled.stderr
    checked = run.invoke(command, ["verify", *places])
    assert (checked.exit_code, "ready" in checked.stdout) == (0, True)
    (tmp_path / "cache" / "one" / "model.onnx").unlink()
    checked = run.invoke(command, ["verify", *places])
    assert checked.exit_code == 1
    assert "one: model.onnx is missing; `meeting models pull` mends it" in checked.stdout


def test_commands_tell_what_is_wrong(tmp_path: Path) -> None:
    """An error is a sentence on stderr and a code, never a traceback."""
    place = ["--set", f"models.folder={tmp_path}"]
    for arguments, words in (
        (["pull", "nobody", *place], "no model 'nobody'; there are"),
        (["pull", "--set", f"models.mirror={tmp_path / 'none'}", *place], "is no folder"),
        (["list", "--set", f"models.manifest={tmp_path / 'none.toml'}", *place], "No such file"),
    ):
        found = CliRunner().invoke(command, arguments)
        assert (found.exit_code, words in found.stderr) == (1, True), found.stderr


def test_killed_pull_goes_on_where_it_was(server: Server, tmp_path: Path) -> None:
    """After SIGKILL in the middle of a transfer the next pull asks for the rest alone."""
    server.files["/one.onnx"] = DATA
    server.cut = 300_000
    server.stall.clear()
    listed, cache = listing(server.url("/one.onnx")), tmp_path / "cache"
    toml = tmp_path / "m.toml"
    toml.write_text(written(server.url("/one.onnx")))
    code = "from meeting.cli.models import models; models()"
    arguments = ["pull", "--set", f"models.folder={cache}", "--set", f"models.manifest={toml}"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], env=environment, stderr=subprocess.PIPE, text=True
    )
    with child:
        assert child.stderr is not None
        assert any("25%" in line for line in child.stderr)
        child.kill()
    assert child.returncode == -signal.SIGKILL
    server.stall.set()
    server.cut = None
    pull(listed, cache)
    asked = server.asked[-1][1]
    assert asked is not None
    assert int(asked.removeprefix("bytes=").removesuffix("-")) > 200_000
    assert states(listed, cache) == ["ready"]

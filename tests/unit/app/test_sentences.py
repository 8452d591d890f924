"""What whoever typed a command has to change is said in a sentence, whichever command it was."""

import subprocess
import sys
from pathlib import Path

import pytest

NO_RUNTIME = "from meeting.engine import library; library.find_spec = lambda name: None; "
NO_PROGRAM = (
    "import meeting.app.assembly.house, meeting.engine; meeting.engine.__path__[:] = ['/none']; "
)
NO_PORT = (
    "from meeting.transports import listening; import socket; "
    "taken = socket.create_server(('127.0.0.1', 0)); "
    "hold = listening.hold; "
    "listening.hold = lambda host, port: hold(host, taken.getsockname()[1]); "
)
ENGINE_IN_A_CHILD = ["--set", "engine.mode=process"]
NO_MODELS = ["--set", "models.pull=false"]


def ends(prepared: str, *arguments: str) -> str:
    """Run a command in a process that was prepared; the last line of its error output."""
    code = f"{prepared}import sys; sys.argv[:] = ['meeting', *sys.argv[1:]]\n"
    code += "from meeting.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("prepared", "arguments", "said"),
    [
        (NO_RUNTIME, ["engine"], "pip install onnxruntime"),
        (NO_RUNTIME, ["serve"], "pip install onnxruntime"),
        (NO_PROGRAM, ["engine"], "/none/bin/meeting-engine is not there"),
        (NO_PROGRAM, ["serve", *ENGINE_IN_A_CHILD], "/none/bin/meeting-engine is not there"),
        (NO_PORT, ["serve", *NO_MODELS], "the setting http.port"),
    ],
    ids=["engine-runtime", "serve-runtime", "engine-program", "serve-program", "port"],
)
def test_a_sentence(tmp_path: Path, prepared: str, arguments: list[str], said: str) -> None:
    """Exit code 1 and one line; never a traceback."""
    line = ends(prepared, *arguments, "--state-dir", str(tmp_path))
    assert line.startswith("Error: ")
    assert said in line

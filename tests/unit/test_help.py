"""What `meeting --help` costs: people read it often, and the server is large."""

import subprocess
import sys

SCRIPT = """
import sys
from meeting.cli import main
sys.argv = ["meeting", "--help"]
try:
    main()
except SystemExit as end:
    print(end.code, "uvicorn" in sys.modules)
"""


def test_help_imports_no_server() -> None:
    """Neither the text nor the way out needs the server."""
    said = subprocess.check_output([sys.executable, "-c", SCRIPT], text=True)
    assert said.splitlines()[-1] == "0 False"

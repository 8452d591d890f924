"""Nothing in the house can invent a result: inference has one door, and it is ZeroMQ."""

import ast
import subprocess
import sys
from pathlib import Path

import meeting

ROOT = Path(meeting.__file__).parent
FORBIDDEN = {"torch", "transformers", "whisper", "cv2", "onnxruntime"}

IMPORT_ALL = """
import importlib, pkgutil, sys, meeting
for found in pkgutil.walk_packages(meeting.__path__, "meeting."):
    if not found.name.endswith(("__main__", "migrations.env")):
        importlib.import_module(found.name)
print(*sorted(name for name in sys.modules if "." not in name))
"""


def imports(path: Path) -> set[str]:
    """Return the top names that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def test_all_imported() -> None:
    """All of `meeting` is imported, and no inference library comes with it."""
    found = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL], capture_output=True, text=True, check=True
    )
    names = set(found.stdout.split())
    assert "meeting" in names
    assert not names & FORBIDDEN


def test_sources() -> None:
    """No file imports one either; numpy and onnx serve the conversion of models alone."""
    for path in ROOT.rglob("*.py"):
        found = imports(path)
        assert not found & FORBIDDEN, path
        if "conversion" not in path.parts:
            assert not found & {"numpy", "onnx"}, path

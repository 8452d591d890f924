"""What README and CONTRIBUTING name is there: files, commands, settings, failpoints."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from meeting.app.load import keys
from meeting.cli import COMMANDS
from meeting.cli.serve import serve
from meeting.models import manifest
from meeting.models.schema import Package

ROOT = Path(__file__).parents[3]
LISTINGS = ("manifest", "samples")
DOCUMENTS = ("README.md", "CONTRIBUTING.md")
FOLDERS = ("meeting/", "native/", "tests/", "config/", "requirements/", ".ci/")
PARTS = ("app/", "codecs/", "domains/", "stores/", "transports/")
"""Folders of the package, which the documents call by their own names."""


def quoted(name: str) -> Iterator[str]:
    """Yield what a document puts in backticks, outside of blocks."""
    text = re.sub(r"```.*?```", "", (ROOT / name).read_text(), flags=re.DOTALL)
    yield from re.findall(r"`([^`\n]+)`", text)


def present(path: str) -> bool:
    """Tell whether a path is there; `*` and `<domain>` stand for any name."""
    pattern = re.sub(r"<\w+>", "*", path).rstrip("/")
    return any(True for _ in ROOT.glob(pattern))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_paths(document: str) -> None:
    """Each path that a document speaks of leads somewhere."""
    named = [each for each in quoted(document) if re.fullmatch(r"[\w./*<>-]+", each)]
    paths = [each for each in named if each.startswith(FOLDERS)]
    paths += [f"meeting/{each}" for each in named if each.startswith(PARTS)]
    assert paths
    assert [path for path in paths if not present(path)] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands(document: str) -> None:
    """Each `meeting` command and each `./run` session that a document types is there."""
    text = (ROOT / document).read_text()
    code = (ROOT / "noxfile.py").read_text()
    sessions = re.findall(r"^@nox\.session\ndef (\w+)", code, re.MULTILINE)
    assert sessions
    assert set(re.findall(r"\./run (\w+)", text)) <= set(sessions)
    typed = re.findall(r"(?:bin/|-m )meeting (\w+)", text)
    assert set(typed) <= set(COMMANDS)


def test_settings() -> None:
    """Each setting in the README's table is one, and its environment name fits."""
    known = dict(keys())
    rows = re.findall(r"^\| (`[a-z].*?) \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    named = [each for row in rows for each in re.findall(r"`([^`]+)`", row)]
    settings = [each for each in named if "." in each or each == "state_dir"]
    assert len(settings) > 5
    assert [each for each in settings if each not in known] == []


def test_flags() -> None:
    """Each flag and each setting that a message tells people to use is there."""
    code = "".join(path.read_text() for path in (ROOT / "meeting").rglob("*.py"))
    flags = set(re.findall(r"\b(?:with|for|by|under) (--[a-z-]+)", code))
    assert {"--set", "--state-dir"} <= flags
    assert flags <= {flag for option in serve.params for flag in option.opts}
    named = re.findall(r"--set ([a-z_.]+)=|settings? ([a-z]+\.[a-z_]+)", code)
    found = {one or other for one, other in named}
    assert len(found) > 3
    assert found <= dict(keys()).keys()


def test_fetched() -> None:
    """The README's number is the sum of what the two manifests pin."""
    listings = [manifest(ROOT / "meeting" / "models" / f"{name}.toml") for name in LISTINGS]
    parts = [part for listing in listings for model in listing.models for part in model.parts]
    first = [part.sources[0] for part in parts]
    pinned = {one.sha256: one.size for one in first if isinstance(one, Package)}
    (said,) = re.findall(r"fetches about (\d+) MB", (ROOT / "README.md").read_text())
    assert int(said) == round(sum(pinned.values()) / 1e6)


def test_sample_line() -> None:
    """The line that `serve --help` gives for a settings file is one."""
    (line,) = re.findall(r"a TOML file +(\S+ = \S+)", serve.help or "")
    assert tomllib.loads(line) == {"http": {"port": 9000}}


def test_failpoints() -> None:
    """CONTRIBUTING lists exactly the failpoints that the code has."""
    code = "".join(path.read_text() for path in (ROOT / "meeting").rglob("*.py"))
    text = (ROOT / "CONTRIBUTING.md").read_text()
    chapter = text.partition("## Killing it on purpose")[2].partition("\n## ")[0]
    listed = set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", chapter))
    assert listed == set(re.findall(r"\bfailpoint\(\"([^\"]+)\"\)", code))

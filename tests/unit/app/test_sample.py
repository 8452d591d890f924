"""What the documents say is so: the sample names every setting, and no link leads nowhere."""

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from meeting.app.config import Config

ROOT = Path(__file__).parents[3]
_SETTING = re.compile(r"^# ([a-z_]+) = ", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)#:]+)\)")
_NAMED = re.compile(r"`((?:meeting|native|tests|config|app|stores|transports)/[\w./]*[\w/])`")


def test_sample() -> None:
    """config/single.toml holds every setting with its default, and nothing else."""
    text = (ROOT / "config" / "single.toml").read_text()
    said = tomllib.loads(_SETTING.sub(r"\1 = ", text))
    expected = msgspec.to_builtins(Config())
    assert said == msgspec.json.decode(msgspec.json.encode(expected))


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_links(name: str) -> None:
    """Every file that a document links to is there."""
    links = _LINK.findall((ROOT / name).read_text())
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_named_files(name: str) -> None:
    """Every file and folder that a document names is there, as named or below `meeting/`."""
    named = _NAMED.findall((ROOT / name).read_text())
    assert named
    places = [(ROOT / path, ROOT / "meeting" / path) for path in named]
    assert [str(pair[0]) for pair in places if not any(one.exists() for one in pair)] == []


def test_named_settings() -> None:
    """Every setting that the README names is one."""
    table = (ROOT / "README.md").read_text().partition("## Settings")[2]
    known = {
        f"{section}.{key}"
        for section, values in msgspec.to_builtins(Config()).items()
        if isinstance(values, dict)
        for key in values
    }
    named = set(re.findall(r"`((?:http|signaling|ai|engine|models|auth|log)\.[a-z_]+)`", table))
    assert named
    assert named <= known

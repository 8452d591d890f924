"""What the documents say is so: the sample names every setting, and no link leads nowhere."""

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from meeting.app.config import Config
from meeting.kernel.secret import Secret

ROOT = Path(__file__).parents[3]
_SETTING = re.compile(r"^# ([a-z_]+) = ", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)#:]+)\)")


def test_sample() -> None:
    """config/single.toml holds every setting with its default, and nothing else."""
    text = (ROOT / "config" / "single.toml").read_text()
    said = tomllib.loads(_SETTING.sub(r"\1 = ", text))
    expected = msgspec.json.encode(Config(), enc_hook=Secret.reveal)
    assert said == msgspec.json.decode(expected)


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_links(name: str) -> None:
    """Every file that a document links to is there."""
    links = _LINK.findall((ROOT / name).read_text())
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []

"""What the documents say is so: samples name what can be set, and no link leads nowhere."""

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from meeting.app.config import Config
from meeting.app.load import load
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


@pytest.mark.parametrize("name", ["single", "split", "container"])
@pytest.mark.parametrize("uncommented", [False, True])
def test_samples_are_taken(tmp_path: Path, name: str, *, uncommented: bool) -> None:
    """Each sample is taken as it stands, and with every line of it uncommented."""
    text = (ROOT / "config" / f"{name}.toml").read_text()
    sample = tmp_path / "sample.toml"
    sample.write_text(_SETTING.sub(r"\1 = ", text) if uncommented else text)
    load(sample, {})


@pytest.mark.parametrize("name", ["split", "container"])
def test_samples_explain_what_they_change(name: str) -> None:
    """A sample for a layout has the layout's own settings; what is as always is left to single."""
    text = (ROOT / "config" / f"{name}.toml").read_text()
    usual = msgspec.json.decode(msgspec.json.encode(Config(), enc_hook=Secret.reveal))
    for section, values in tomllib.loads(text).items():
        found = values if isinstance(values, dict) else {section: values}
        before = usual[section] if isinstance(values, dict) else usual
        assert {key for key, value in found.items() if before[key] == value} == set()


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_links(name: str) -> None:
    """Every file that a document links to is there."""
    links = _LINK.findall((ROOT / name).read_text())
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []

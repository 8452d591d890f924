"""The manifest of models: the one that comes along, and what is refused."""

from pathlib import Path

import pytest

from meeting.models import ManifestError, manifest

SHA, OTHER = "a" * 64, "b" * 64
GOOD = f"""
format = 1
[[models]]
id = "one"
task = "voice_activity"
licence = "MIT"
origin = "made up"
size = 5
sha256 = "{SHA}"
installed = 5
[[models.parts]]
role = "model"
file = "model.onnx"
size = 5
sha256 = "{SHA}"
[[models.parts.sources]]
kind = "package"
name = "some-package"
version = "1.0"
wheel = "some_package-1.0-py3-none-any.whl"
size = 99
sha256 = "{OTHER}"
member = "some/model.onnx"
[[models.parts.sources]]
kind = "url"
url = "https://models.example/one.onnx"
"""


def test_packaged_manifest_pins_both_models() -> None:
    """What this version needs is there, pinned, and fetched by packages alone."""
    found = {model.id: model for model in manifest().models}
    assert set(found) == {"whisper_base", "silero_vad"}
    assert found["whisper_base"].files == {
        "encoder": "encoder.onnx",
        "decoder": "decoder.onnx",
        "tokenizer": "tokenizer.json",
        "config": "config.json",
    }
    assert found["whisper_base"].task == "speech_recognition"
    assert found["silero_vad"].files == {"model": "model.onnx"}


def test_both_kinds_of_source_are_read(tmp_path: Path) -> None:
    """A part may name several sources of different kinds, in the order to try them."""
    path = tmp_path / "m.toml"
    path.write_text(GOOD)
    sources = manifest(path).models[0].parts[0].sources
    assert [source.label for source in sources] == [
        "some-package==1.0",
        "https://models.example/one.onnx",
    ]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("format = 1", "format = 2", "format"),
        (f'sha256 = "{OTHER}"', 'sha256 = "beef"', "sha256"),
        (f'sha256 = "{SHA}"\ninstalled', f'sha256 = "{OTHER}"\ninstalled', "sha256 must be that"),
        ("size = 5\nsha256", "size = 6\nsha256", "add up"),
        ("size = 99", "size = 0", "size"),
        ("size = 99", "size = 99\nspeed = 1", "unknown field `speed`"),
        ('id = "one"', 'id = "../one"', "id"),
        ('id = "one"', r'id = "one\n"', "id"),
        ('file = "model.onnx"', 'file = "../model.onnx"', "file"),
        ('file = "model.onnx"', 'file = "model.json"', "folder's own file"),
        ('role = "model"', 'role = "tokenizer"', "a conversion needs parts"),
        ('"some/model.onnx"', '"../model.onnx"', "plain path"),
        ('"some/model.onnx"', '"/etc/model.onnx"', "plain path"),
        ('"some/model.onnx"', r'"some\\model.onnx"', "plain path"),
        ('name = "some-package"', 'name = "--index-url=x"', "name"),
        ('version = "1.0"', 'version = "1.0 --pre"', "version"),
        ("-any.whl", "-any.tar.gz", "file name of a wheel"),
        ("https://models.example", "ftp://models.example", "https://"),
        ("https://models.example", "file:///etc", "https://"),
        ("https://models.example", "https://me:word@models.example", "user name"),
        ('kind = "url"', 'kind = "torrent"', "torrent"),
        ('licence = "MIT"', r'licence = "MIT\u001b[2J"', "licence"),
        ('origin = "made up"', 'origin = "x"\nconversion = "magic"', "one of"),
        ('origin = "made up"', 'origin = "x"\nconversion = "whisper"', "a conversion needs parts"),
        ("format = 1", "format = ", "not valid"),
    ],
)
def test_a_broken_rule_is_told(tmp_path: Path, old: str, new: str, words: str) -> None:
    """A manifest that breaks a rule is refused whole, with the place and what is wrong."""
    path = tmp_path / "m.toml"
    assert old in GOOD
    path.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(ManifestError, match=words) as caught:
        manifest(path)
    assert str(path) in str(caught.value)


def test_a_second_model_of_one_id_is_refused(tmp_path: Path) -> None:
    """An id names one model."""
    path = tmp_path / "m.toml"
    path.write_text(GOOD + GOOD.replace("format = 1", ""))
    with pytest.raises(ManifestError, match="occur twice: one"):
        manifest(path)


def test_a_second_file_of_one_name_is_refused(tmp_path: Path) -> None:
    """Neither a role nor a file may be given twice; one would overwrite the other."""
    path = tmp_path / "m.toml"
    part = GOOD[GOOD.index("[[models.parts]]") :]
    path.write_text(GOOD + part.replace('role = "model"', 'role = "spare"'))
    with pytest.raises(ManifestError, match="occurs twice"):
        manifest(path)


def test_an_absent_manifest_is_told(tmp_path: Path) -> None:
    """A path that leads nowhere is an error with that path."""
    with pytest.raises(ManifestError, match=r"nowhere\.toml: No such file"):
        manifest(tmp_path / "nowhere.toml")


def test_an_unknown_id_lists_the_known_ones() -> None:
    """Who mistypes an id is told which there are."""
    with pytest.raises(ManifestError, match="no model 'whisper'; there are: silero_vad, whisper_b"):
        manifest().pick(("whisper",))

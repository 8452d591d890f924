"""Models pulled over HTTP: Range, cuts, wrong files, stops, a full disk."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from meeting.models import (
    ModelError,
    Progress,
    SourceError,
    StoppedError,
    pull,
)
from meeting.models.cache import Cache
from meeting.models.progress import Work, ignore
from tests.integration.modelserver import DATA, Server, listing, plain, rest, sha, states


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that breaks off, and does not stall, unless a test clears `stall`."""
    server = Server()
    server.stall.set()
    yield server
    server.close()


def test_url_source_becomes_a_verified_folder(server: Server, tmp_path: Path) -> None:
    """A file at a URL is fetched, checked, and put where the engine looks for it."""
    server.files["/one.onnx"] = DATA
    listed = listing(server.url("/one.onnx"))
    assert states(listed, tmp_path) == ["missing"]
    told: list[Progress] = []
    assert [one.state for one in pull(listed, tmp_path, report=told.append)] == ["ready"]
    assert (tmp_path / "one" / "model.onnx").read_bytes() == DATA
    record = msgspec.json.decode((tmp_path / "one" / "model.json").read_bytes())
    file = {"path": "model.onnx", "size": len(DATA), "sha256": sha(DATA)}
    assert record["format"] == 1
    assert record["files"] == {"model": file}
    assert (record["id"], record["task"], record["sha256"]) == ("one", "voice_activity", sha(DATA))
    assert states(listed, tmp_path) == ["ready"]
    fetched = [one.done for one in told if one.step == "fetch"]
    assert fetched == sorted(fetched)
    assert fetched[-1] == len(DATA)
    assert rest(tmp_path) == []
    pull(listed, tmp_path)
    assert len(server.asked) == 1, "what is ready is not fetched again"


def test_broken_off_transfer_goes_on_by_range(server: Server, tmp_path: Path) -> None:
    """What came before the connection broke is not asked for again."""
    server.files["/one.onnx"] = DATA
    server.cut = len(DATA) // 2 + 1
    pull(listing(server.url("/one.onnx")), tmp_path)
    assert server.asked == [("/one.onnx", None), ("/one.onnx", f"bytes={server.cut}-")]
    assert (tmp_path / "one" / "model.onnx").read_bytes() == DATA


def test_server_without_range_is_read_from_the_start(server: Server, tmp_path: Path) -> None:
    """A partial file is thrown away where the server can't go on from it."""
    server.files["/one.onnx"] = DATA
    server.ranges, server.cut = False, 1000
    listed = listing(server.url("/one.onnx"))
    with pytest.raises(SourceError, match=f"broke off after 1000 of {len(DATA)} bytes"):
        pull(listed, tmp_path)
    assert rest(tmp_path) == [f"{sha(DATA)}.part"]
    server.cut = None
    pull(listed, tmp_path)
    assert server.asked[-1] == ("/one.onnx", "bytes=1000-")
    assert states(listed, tmp_path) == ["ready"]


def test_truncated_file_is_told_and_kept(server: Server, tmp_path: Path) -> None:
    """A server that only ever has the beginning leads to an error that says what to do."""
    server.files["/one.onnx"] = DATA[:5000]
    listed = listing(server.url("/one.onnx"))
    with pytest.raises(SourceError, match=r"--set models\.mirror="):
        pull(listed, tmp_path)
    server.files["/one.onnx"] = DATA
    pull(listed, tmp_path)
    assert server.asked[-1] == ("/one.onnx", "bytes=5000-")


@pytest.mark.parametrize("served", [DATA[:-1] + b"x", DATA + b"x"])
def test_wrong_file_is_removed_and_told(server: Server, tmp_path: Path, served: bytes) -> None:
    """A file of another hash or length never becomes a model and does not stay."""
    server.files["/one.onnx"] = served
    listed = listing(server.url("/one.onnx"))
    with pytest.raises(SourceError, match=r"not the file that the manifest pins.*removed"):
        pull(listed, tmp_path)
    assert rest(tmp_path) == []
    assert states(listed, tmp_path) == ["missing"]


def test_partial_file_of_another_version_is_started_again(server: Server, tmp_path: Path) -> None:
    """When the whole is wrong because its old beginning is, the beginning is fetched anew."""
    server.files["/one.onnx"] = DATA
    parts = tmp_path / ".workshop" / "parts"
    parts.mkdir(parents=True)
    (parts / f"{sha(DATA)}.part").write_bytes(b"old" * 100)
    pull(listing(server.url("/one.onnx")), tmp_path)
    assert server.asked == [("/one.onnx", "bytes=300-"), ("/one.onnx", None)]


def test_answer_from_another_place_is_not_appended(server: Server, tmp_path: Path) -> None:
    """A server that goes on from elsewhere than asked is told; the partial file stays as it was."""
    server.files["/one.onnx"] = DATA
    server.skew = 1
    parts = tmp_path / ".workshop" / "parts"
    parts.mkdir(parents=True)
    partial = parts / f"{sha(DATA)}.part"
    partial.write_bytes(DATA[:300])
    with pytest.raises(SourceError, match="another range than was asked for"):
        pull(listing(server.url("/one.onnx")), tmp_path)
    assert partial.read_bytes() == DATA[:300]


def test_partial_file_beyond_the_servers_is_started_again(server: Server, tmp_path: Path) -> None:
    """Where the server has less than was kept, what was kept can't be right."""
    server.files["/one.onnx"] = DATA[:5000]
    parts = tmp_path / ".workshop" / "parts"
    parts.mkdir(parents=True)
    (parts / f"{sha(DATA)}.part").write_bytes(b"x" * 6000)
    with pytest.raises(SourceError):
        pull(listing(server.url("/one.onnx")), tmp_path)
    assert server.asked[:2] == [("/one.onnx", "bytes=6000-"), ("/one.onnx", None)]
    server.files["/one.onnx"] = DATA
    pull(listing(server.url("/one.onnx")), tmp_path)


def test_what_a_killed_pull_left_is_swept(server: Server, tmp_path: Path) -> None:
    """Half-built folders and half-copied files go; a transfer that broke off stays for Range."""
    server.files["/one.onnx"] = DATA
    left = [tmp_path / ".workshop" / "tmpbuild", tmp_path / ".workshop" / "parts" / "pip-x"]
    for folder in left:
        folder.mkdir(parents=True)
        (folder / "file").write_text("half")
    other = tmp_path / ".workshop" / "parts" / f"{'0' * 64}.part"
    other.write_text("half")
    copy = tmp_path / ".workshop" / "parts" / f"{'0' * 64}.new"
    copy.write_text("half")
    pull(listing(server.url("/one.onnx")), tmp_path)
    assert rest(tmp_path) == [other.name]
    assert not left[0].exists()


def test_second_source_is_tried_and_all_are_told(server: Server, tmp_path: Path) -> None:
    """A part comes from the first source that has it; when none has, each is named."""
    sources: list[dict[str, object]] = [
        {"kind": "url", "url": server.url(path)} for path in ("/gone.onnx", "/here.onnx")
    ]
    listed = plain(sources)
    with pytest.raises(SourceError, match=r"gone\.onnx: the server answers 404.*here\.onnx: the"):
        pull(listed, tmp_path)
    server.files["/here.onnx"] = DATA
    pull(listed, tmp_path)
    assert states(listed, tmp_path) == ["ready"]


def test_stop_ends_a_transfer(server: Server, tmp_path: Path) -> None:
    """A pull in a thread ends soon when it is told to, and keeps what came."""
    server.files["/one.onnx"] = DATA
    stop = threading.Event()

    def report(told: Progress) -> None:
        if told.step == "fetch" and told.done > 100_000:
            stop.set()

    listed = listing(server.url("/one.onnx"))
    with pytest.raises(StoppedError, match="goes on from here"):
        pull(listed, tmp_path, report=report, stop=stop)
    pull(listed, tmp_path)
    assert server.asked[-1][1] is not None


def test_second_pull_waits_for_the_first(server: Server, tmp_path: Path) -> None:
    """While one pull holds the cache another waits, says so, and then finds the model ready."""
    server.files["/one.onnx"] = DATA
    listed = listing(server.url("/one.onnx"))
    waiting, told = threading.Event(), list[str]()

    def report(notice: Progress) -> None:
        told.append(notice.step)
        if notice.step == "wait":
            waiting.set()

    second = threading.Thread(target=pull, args=(listed, tmp_path, None, report))
    with Cache(tmp_path).locked(Work("one", ignore, threading.Event())):
        second.start()
        assert waiting.wait(30)
    second.join(30)
    assert told[0] == "wait"
    assert told[-1] == "ready"


def test_full_disk_is_told_before_anything_is_fetched(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can't fit is refused with the numbers."""
    server.files["/one.onnx"] = DATA
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 9, 10**7))
    with pytest.raises(ModelError, match=r"has 10 MB free, 69 MB are needed; make room"):
        pull(listing(server.url("/one.onnx")), tmp_path)
    assert server.asked == []


def test_cache_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """A cache below a file is an error that names the setting."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match=r"give another folder with --set models\.folder="):
        pull(listing("http://127.0.0.1:9/one.onnx"), tmp_path / "file" / "cache")

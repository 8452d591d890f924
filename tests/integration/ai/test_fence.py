"""Encoded audio by a fenced ffmpeg: real files, and files that want to reach out of the fence."""

import array
import asyncio
import math
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest

from meeting.codecs.audio import AudioDecoder
from meeting.codecs.fence import Fence, Limits
from meeting.kernel.clock import SystemClock
from meeting.kernel.errors import Fault, Kind

CLOCK = SystemClock()
DECODER = AudioDecoder(CLOCK)
TONE = "sine=frequency=440:sample_rate=44100:duration={seconds}"
MAKE = {
    "flac": ["-c:a", "flac", "-f", "flac"],
    "mp3": ["-c:a", "libmp3lame", "-f", "mp3"],
    "ogg": ["-c:a", "libvorbis", "-f", "ogg"],
    "opus": ["-c:a", "libopus", "-f", "opus"],
    "webm": ["-c:a", "libopus", "-f", "webm"],
    "m4a": ["-c:a", "aac", "-f", "ipod"],
    "aac": ["-c:a", "aac", "-f", "adts"],
}


def made(folder: Path, form: str, source: str = TONE.format(seconds=2), *more: str) -> bytes:
    """Make a real file of a format."""
    path = folder / f"tone.{form}"
    command = ["ffmpeg", "-nostdin", "-y", "-loglevel", "error", "-f", "lavfi", "-i", source]
    subprocess.run([*command, *more, *MAKE[form], str(path)], check=True)
    return path.read_bytes()


async def decoded(data: bytes, form: str, seconds: int = 300) -> list[int]:
    """Decode and return the samples."""
    raw = await DECODER.decode(data, form, seconds=seconds, deadline=math.inf)
    return array.array("h", raw).tolist()


async def refused(data: bytes, form: str) -> Kind:
    """Decode and return why it was refused."""
    with pytest.raises(Fault) as caught:
        await decoded(data, form)
    return caught.value.kind


def crossings(samples: list[int]) -> int:
    """Count the sign changes: two a period."""
    return sum(a < 0 <= b or b < 0 <= a for a, b in pairwise(samples))


@pytest.mark.parametrize("form", MAKE)
async def test_the_contract_s_formats_become_samples(tmp_path: Path, form: str) -> None:
    """Two seconds of a tone are two seconds of the same tone at 16 kHz, from stereo too."""
    samples = await decoded(made(tmp_path, form, TONE.format(seconds=2), "-ac", "2"), form)
    assert len(samples) / 16_000 == pytest.approx(2, abs=0.06)
    assert crossings(samples[8_000:24_000]) == pytest.approx(880, abs=4)


async def test_a_webm_with_a_picture_is_heard(tmp_path: Path) -> None:
    """What a browser records of a meeting has video in it; the sound is taken alone."""
    picture = ["-f", "lavfi", "-i", "testsrc=duration=2:size=64x64:rate=5", "-c:v", "libvpx"]
    data = made(tmp_path, "webm", TONE.format(seconds=2), *picture)
    assert len(await decoded(data, "webm")) / 16_000 == pytest.approx(2, abs=0.06)


async def test_what_16_khz_can_t_carry_is_filtered_out(tmp_path: Path) -> None:
    """A tone of 10 kHz leaves less than -60 dB; it would be heard at 6 kHz otherwise."""
    source = "sine=frequency=10000:sample_rate=48000:duration=2,volume=8"
    samples = await decoded(made(tmp_path, "flac", source), "flac")
    loudest = max(abs(sample) for sample in samples[1_600:-1_600])
    assert loudest <= 32_767 / 1_000


async def test_more_than_allowed_is_seen_and_no_more_is_read(tmp_path: Path) -> None:
    """Of a long file one second more than the bound is decoded, so that the bound can be told."""
    data = made(tmp_path, "opus", "anullsrc=r=48000", "-t", "60")
    assert len(await decoded(data, "opus", seconds=20)) == 21 * 16_000


@pytest.mark.parametrize("form", MAKE)
@pytest.mark.parametrize(
    "junk", [b"\0", b"\xff" * 5_000, b"RIFF\0\0\0\0WAVEfmt ", os.urandom(20_000)], ids=range(4)
)
async def test_junk_is_refused(form: str, junk: bytes) -> None:
    """Whatever it claims to be."""
    assert await refused(junk, form) is Kind.UNSUPPORTED_FORMAT


@pytest.mark.parametrize("form", MAKE)
async def test_a_broken_file_gives_what_is_in_it_or_is_refused(tmp_path: Path, form: str) -> None:
    """Cut anywhere, it yields no more than it holds, or the contract's error."""
    data = made(tmp_path, form)
    for part in (10, len(data) // 2, len(data) - 3):
        try:
            samples = await decoded(data[:part], form)
        except Fault as fault:
            assert fault.kind is Kind.UNSUPPORTED_FORMAT
        else:
            assert 0 < len(samples) <= 2.06 * 16_000


@pytest.mark.parametrize("form", ["mp3", "ogg", "m4a", "webm"])
async def test_one_format_is_not_taken_for_another(tmp_path: Path, form: str) -> None:
    """A flac is no mp3: what is declared decides, nothing is guessed."""
    assert await refused(made(tmp_path, "flac"), form) is Kind.UNSUPPORTED_FORMAT


@pytest.fixture
async def trap() -> AsyncIterator[tuple[int, asyncio.Event]]:
    """A web server that nobody may ever reach."""
    reached = asyncio.Event()

    async def note(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.set()
        writer.close()

    server = await asyncio.start_server(note, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1], reached
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("form", MAKE)
async def test_playlists_reach_nothing(
    tmp_path: Path, trap: tuple[int, asyncio.Event], form: str
) -> None:
    """Neither a file of this machine nor an address is read because an upload names it."""
    port, reached = trap
    secret = tmp_path / "secret.flac"
    secret.write_bytes(made(tmp_path, "flac"))
    playlists = [
        f"ffconcat version 1.0\nfile '{secret}'\n",
        f"#EXTM3U\n#EXTINF:2,\nfile://{secret}\n#EXT-X-ENDLIST\n",
        f"#EXTM3U\n#EXTINF:2,\nhttp://127.0.0.1:{port}/x.ts\n#EXT-X-ENDLIST\n",
        f"concat:{secret}|{secret}",
        f"http://127.0.0.1:{port}/x.flac",
    ]
    for playlist in playlists:
        assert await refused(playlist.encode(), form) is Kind.UNSUPPORTED_FORMAT
    assert not reached.is_set()


def referring(data: bytes, path: Path) -> bytes:
    """Change an m4a so that its sound lies in another file, as QuickTime's aliases say it."""
    own = data.index(b"url \0\0\0\x01") - 4
    name = str(path).encode()
    name += b"\0" * (len(name) % 2)
    alias = b"alis\0\0\0\0" + bytes(150) + b"\0\2" + len(name).to_bytes(2, "big") + name
    alias += b"\xff\xff\0\0"
    entry = (4 + len(alias)).to_bytes(4, "big") + alias
    grown = len(entry) - 12
    changed = bytearray(data[:own] + entry + data[own + 12 :])
    for box in (b"dref", b"dinf", b"minf", b"mdia", b"trak", b"moov"):
        at = changed.rindex(box, 0, own) - 4
        size = int.from_bytes(changed[at : at + 4], "big") + grown
        changed[at : at + 4] = size.to_bytes(4, "big")
    begin = changed.index(b"mdat") + 4
    end = len(changed) if changed.index(b"moov") < begin else changed.index(b"moov") - 4
    changed[begin:end] = bytes(end - begin)  # no sound of its own
    return bytes(changed)


def trusting(folder: Path, data: bytes) -> int:
    """Return how many bytes of sound an ffmpeg without a fence finds in an m4a."""
    path = folder / "hostile.m4a"
    path.write_bytes(data)
    follow = ["-enable_drefs", "1", "-use_absolute_path", "1", "-i", str(path)]
    command = ["ffmpeg", "-nostdin", "-loglevel", "error", *follow, "-f", "s16le", "-"]
    return len(subprocess.run(command, check=False, capture_output=True).stdout)


async def test_an_m4a_that_refers_to_another_file_gets_nothing_of_it(tmp_path: Path) -> None:
    """Its alias is not followed, although the file that it names is there and readable."""
    data = made(tmp_path, "m4a")
    secret = tmp_path / "secret.m4a"
    secret.write_bytes(data)
    hostile = referring(data, secret)
    assert await refused(hostile, "m4a") is Kind.UNSUPPORTED_FORMAT

    assert trusting(tmp_path, hostile) > 100_000, "no trap: nobody would have followed it"


async def test_the_fence_stands_around_the_child() -> None:
    """No environment, no file to write, little memory, few files, its own session."""
    report = (
        "env | grep -v -e ^PWD= -e ^SHLVL= -e ^_= ; ulimit -v; ulimit -n; ulimit -f; ulimit -c;"
        " nice; grep NoNewPrivs /proc/self/status; cut -d' ' -f6 /proc/$$/stat; echo $$"
    )
    outcome = await Fence("bash").run(["-c", report], b"", Limits(output=4_000, seconds=10))
    assert outcome.status == 0
    lines = outcome.output.decode().split("\n")
    niceness = str(min(os.nice(0) + 10, 19))
    assert lines[:6] == [str(2**20), "32", "0", "0", niceness, "NoNewPrivs:\t1"]
    assert lines[6] == lines[7] != str(os.getsid(0))


async def test_a_child_can_t_write_files(tmp_path: Path) -> None:
    """Writing anything ends it."""
    place = tmp_path / "out"
    outcome = await Fence("bash").run(["-c", f"echo x > {place}"], b"", Limits(output=10))
    assert outcome.status != 0
    assert not place.exists() or place.read_bytes() == b""


async def test_a_child_that_never_ends_is_ended_with_all_its_children() -> None:
    """Its whole group is gone when its time is over."""
    nap = f"sleep 1000.{os.getpid()}"
    outcome = await Fence("bash").run(["-c", f"{nap} & wait"], b"", Limits(output=100, seconds=0.5))
    assert outcome.late
    assert not _running(nap)


async def test_a_child_that_writes_for_ever_is_cut() -> None:
    """Its output is bounded, and so is our memory."""
    outcome = await Fence("yes").run([], b"", Limits(output=100_000))
    assert outcome.cut
    assert len(outcome.output) == 100_000


async def test_a_child_that_reads_nothing_holds_nothing_up() -> None:
    """Input that nobody takes is thrown away."""
    outcome = await Fence("true").run([], bytes(10_000_000), Limits(output=10, seconds=20))
    assert (outcome.status, outcome.output) == (0, b"")


async def test_cancelling_ends_the_child() -> None:
    """A caller who goes away leaves no process behind."""
    nap = f"997.{os.getpid()}"
    task = asyncio.create_task(Fence("sleep").run([nap], b"", Limits(output=10)))
    while not _running(f"sleep {nap}"):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not _running(f"sleep {nap}")


async def test_without_ffmpeg_the_rest_works() -> None:
    """It is said what is missing and what to do."""
    with pytest.raises(Fault) as caught:
        await AudioDecoder(CLOCK, "no-such-program").decode(
            b"x", "flac", seconds=1, deadline=math.inf
        )
    assert caught.value.kind is Kind.AI_UNAVAILABLE
    assert "no-such-program" in caught.value.details["reason"]


async def test_no_time_is_no_decoding(tmp_path: Path) -> None:
    """A deadline that has passed, or passes, is a deadline, not a bad file."""
    data = made(tmp_path, "opus", "anullsrc=r=48000", "-t", "290")
    for seconds in (0.0, 0.001):
        with pytest.raises(Fault) as caught:
            await DECODER.decode(data, "opus", seconds=300, deadline=CLOCK.monotonic() + seconds)
        assert caught.value.kind is Kind.DEADLINE


def _running(command: str) -> bool:
    """Tell whether a process with this command line is there."""
    wanted = command.encode().replace(b" ", b"\0")
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if wanted in entry.read_bytes():
                return True
        except OSError:
            continue
    return False


def test_the_tools_are_there() -> None:
    """The fence is built of programs that the list of system packages names."""
    assert all(shutil.which(name) for name in ("setpriv", "prlimit", "nice", "ffmpeg"))

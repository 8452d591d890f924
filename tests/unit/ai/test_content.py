"""What may be sent to be analysed."""

import base64
import binascii
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings, strategies as st

from meeting.domains.ai import content
from meeting.domains.ai.api import analysis_named
from meeting.domains.ai.clip import EARLIEST, check_start
from meeting.domains.ai.model import language_named
from meeting.kernel.errors import Fault, Kind

# As RFC 3339 writes them: whole minutes, up to a day away from UTC.
zones = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))


def lenient(text: str) -> bytes | None:
    """What Python's own strict decoder says, which lets too much padding pass."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


@given(st.binary(min_size=1, max_size=2000))
@settings(deadline=None)
async def test_base64_gives_the_bytes_back(data: bytes) -> None:
    """Whatever was encoded comes out again."""
    assert await content.decode("audio_data", base64.b64encode(data).decode(), 2000) == data


@given(st.text(st.sampled_from("Aa0+/=\n -_é"), min_size=1, max_size=12))
@settings(max_examples=2000, deadline=None)
async def test_base64_is_strict(text: str) -> None:
    """What is not the one way of writing bytes is refused as validation, and nothing else."""
    expected = lenient(text)
    if expected is not None and len(text) == len(base64.b64encode(expected)):
        assert await content.decode("audio_data", text, 100) == expected
        return
    with pytest.raises(Fault) as caught:
        await content.decode("audio_data", text, 100)
    assert caught.value.kind is Kind.VALIDATION
    assert "audio_data" in caught.value.details


async def test_long_base64_is_decoded_in_slices() -> None:
    """The seams of the slices show neither in good nor in bad input."""
    text = base64.b64encode(bytes(range(256)) * 40_000).decode()
    assert len(await content.decode("audio_data", text, 30_000_000)) == 256 * 40_000
    seam = content._SLICE
    for bad in (text[: seam - 4] + "AA==" + text[seam:], text[: seam - 1] + "=" + text[seam:]):
        with pytest.raises(Fault) as caught:
            await content.decode("audio_data", bad, 30_000_000)
        assert caught.value.kind is Kind.VALIDATION


@pytest.mark.parametrize(("size", "fits"), [(9, True), (10, True), (11, False), (12, False)])
async def test_size_is_that_of_the_bytes(size: int, fits: bool) -> None:
    """The bound counts bytes after base64, to the byte."""
    text = base64.b64encode(bytes(size)).decode()
    if fits:
        assert len(await content.decode("audio_data", text, 10)) == size
    else:
        with pytest.raises(Fault) as caught:
            await content.decode("audio_data", text, 10)
        assert caught.value.kind is Kind.TOO_LARGE


async def test_empty_is_refused() -> None:
    """No audio is no audio."""
    with pytest.raises(Fault) as caught:
        await content.decode("audio_data", "", 10)
    assert caught.value.kind is Kind.VALIDATION


@pytest.mark.parametrize(
    ("name", "rate", "channels", "kind"),
    [
        ("mp4", 16_000, 1, Kind.UNSUPPORTED_FORMAT),
        ("", 16_000, 1, Kind.UNSUPPORTED_FORMAT),
        ("concat", 16_000, 1, Kind.UNSUPPORTED_FORMAT),
        ("pcm", 7_999, 1, Kind.VALIDATION),
        ("pcm", 192_001, 1, Kind.VALIDATION),
        ("pcm", 0, 1, Kind.VALIDATION),
        ("pcm", -16_000, 1, Kind.VALIDATION),
        ("pcm", 2**70, 1, Kind.VALIDATION),
        ("pcm", 16_000, 0, Kind.VALIDATION),
        ("pcm", 16_000, 9, Kind.VALIDATION),
        ("wav", 0, 1, Kind.VALIDATION),
    ],
)
def test_what_is_said_about_audio_is_checked(
    name: str, rate: int, channels: int, kind: Kind
) -> None:
    """Wrong formats, rates and channel counts have their own errors."""
    with pytest.raises(Fault) as caught:
        content.sound_format(name, rate, channels)
    assert caught.value.kind is kind
    assert caught.value.details


@pytest.mark.parametrize(
    "name", ["pcm", " WAV ", "flac", "mp3", "ogg", "opus", "webm", "m4a", "aac"]
)
@pytest.mark.parametrize("rate", [8_000, 192_000])
def test_the_formats_of_the_contract_are_known(name: str, rate: int) -> None:
    """Each by its name, in any case, at both ends of the rates."""
    assert content.sound_format(name, rate, 8) == name.strip().lower()


@pytest.mark.parametrize(
    ("size", "rate", "channels", "fits"),
    [
        (2 * 8_000 * 300, 8_000, 1, True),
        (2 * 8_000 * 300 + 2, 8_000, 1, False),
        (4 * 8_000 * 300, 8_000, 2, True),
        (4 * 8_000 * 300 + 4, 8_000, 2, False),
        (3, 8_000, 1, False),
        (6, 8_000, 2, False),
    ],
)
def test_samples_are_whole_and_no_longer_than_five_minutes(
    size: int, rate: int, channels: int, fits: bool
) -> None:
    """300 s are taken, one frame more is not, nor half a frame."""
    if fits:
        content.check_sound(bytes(size), "pcm", rate, channels)
    else:
        with pytest.raises(Fault) as caught:
            content.check_sound(bytes(size), "pcm", rate, channels)
        assert caught.value.kind is Kind.VALIDATION


@pytest.mark.parametrize(
    "data",
    [
        b"RIFF",
        b"RIFF\0\0\0\0AVI ",
        b"RIFX\0\0\0\x24WAVEfmt ",
        b"RF64\xff\xff\xff\xffWAVEds64",
        b"#EXTM3U\n",
        b"\0" * 44,
    ],
)
def test_what_is_no_wav_is_refused_at_once(data: bytes) -> None:
    """The engine is not asked for what does not even begin as the WAV that it reads."""
    with pytest.raises(Fault) as caught:
        content.check_sound(data, "wav", 16_000, 1)
    assert caught.value.kind is Kind.UNSUPPORTED_FORMAT


@pytest.mark.parametrize(
    ("data", "form", "fits"),
    [
        (b"\xff\xd8\xff\xe0", "jpeg", True),
        (b"\x89PNG\r\n\x1a\n", "PNG", True),
        (b"RIFF\0\0\0\0WEBP", "webp", True),
        (b"RIFF\0\0\0\0WAVE", "webp", False),
        (b"GIF89a", "jpeg", False),
        (b"\xff\xd8\xff\xe0", "gif", False),
    ],
)
def test_a_picture_is_what_it_says(data: bytes, form: str, fits: bool) -> None:
    """The format is checked by name and by the first bytes."""
    if fits:
        content.check_picture(data, form)
    else:
        with pytest.raises(Fault) as caught:
            content.check_picture(data, form)
        assert caught.value.kind is Kind.UNSUPPORTED_FORMAT


@pytest.mark.parametrize("tag", ["", "en", "zh", "zh-CN", "zh-Hans-CN", "yue", "de-1996"])
def test_languages_are_tags(tag: str) -> None:
    """BCP-47 and ISO codes pass as they are."""
    assert language_named(tag) == tag


@pytest.mark.parametrize(
    "tag", ["e", "english", "en_US", "en-", "../x", "en\n", "é", "en-" + "a" * 9]
)
def test_what_is_no_language_tag_is_refused(tag: str) -> None:
    """Everything else is a validation error."""
    with pytest.raises(Fault) as caught:
        language_named(tag)
    assert caught.value.details.keys() == {"language"}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("asr", "speech_recognition"),
        (" ASR ", "speech_recognition"),
        ("emotion", "emotion_detection"),
        ("deepfake_detection", "deepfake_detection"),
        ("meeting_report", "meeting_report"),
    ],
)
def test_types_have_aliases(name: str, kind: str) -> None:
    """Trimmed and in any case."""
    assert analysis_named(name) == kind


def test_an_unknown_type_is_refused() -> None:
    """With what it may be."""
    with pytest.raises(Fault) as caught:
        analysis_named("mood")
    assert "asr" in caught.value.details["type"]


@given(st.datetimes(timezones=zones))
@settings(max_examples=500, deadline=None)
def test_any_start_is_taken_or_refused(moment: datetime) -> None:
    """No moment breaks the rule on starts, at either end of the calendar."""
    received = datetime(2026, 11, 24, 12, tzinfo=UTC)
    if EARLIEST.timestamp() <= moment.timestamp() <= received.timestamp() + 86_400:
        check_start(moment, received)
        return
    with pytest.raises(Fault) as caught:
        check_start(moment, received)
    assert caught.value.kind is Kind.VALIDATION

"""What a client sends to be analysed: bytes in base64, a format, and the limits on both."""

import asyncio
import binascii
from typing import Literal

import msgspec

from meeting.kernel.errors import Fault, Kind, invalid

AUDIO_BYTES = 30_000_000
AUDIO_SECONDS = 300
PICTURE_BYTES = 10_000_000

ENCODED = ("flac", "mp3", "ogg", "opus", "webm", "m4a", "aac")
"""Audio formats that a decoder turns into samples before the engine sees them."""
AUDIO = ("pcm", "wav", *ENCODED)
PICTURE_PIXELS = 25_000_000
RAW = "rgb24"
"""Pixels without a header, three bytes each; whoever sends them says width and height."""
PICTURE = {"jpeg": b"\xff\xd8\xff", "png": b"\x89PNG\r\n\x1a\n", "webp": b"RIFF"}

LOWEST_RATE = 8_000
HIGHEST_RATE = 192_000
MOST_CHANNELS = 8

_SLICE = 4 << 20
"""Characters decoded at a time, so that other requests get their turn between; a multiple of 4."""


class Sound(msgspec.Struct, frozen=True, kw_only=True):
    """Audio as the engine takes it; `wav` says its rate and channels in its own header."""

    data: bytes
    format: Literal["pcm", "wav"]
    sample_rate: int = 16_000
    channels: int = 1


def sound_format(name: str, sample_rate: int, channels: int) -> str:
    """Check what is said about the audio; rate and channels are those of `pcm`."""
    wanted = name.strip().lower()
    if wanted not in AUDIO:
        raise unsupported("audio format", AUDIO)
    if not LOWEST_RATE <= sample_rate <= HIGHEST_RATE:
        raise invalid("sample_rate", f"must be {LOWEST_RATE} to {HIGHEST_RATE}")
    if not 1 <= channels <= MOST_CHANNELS:
        raise invalid("channels", f"must be 1 to {MOST_CHANNELS}")
    return wanted


def check_sound(data: bytes, form: str, sample_rate: int, channels: int) -> None:
    """Check what can be told about the audio without decoding it."""
    # Its relatives RIFX and RF64 are read by nobody here.
    if form == "wav" and not (data[:4] == b"RIFF" and data[8:12] == b"WAVE"):
        raise Fault(
            Kind.UNSUPPORTED_FORMAT,
            "this is no WAV file, which begins with RIFF and WAVE; name the format that it is in",
        )
    if form == "pcm":
        frame = 2 * channels
        if len(data) % frame:
            raise invalid("audio_data", f"must be whole frames of {frame} bytes")
        check_length(len(data) // frame, sample_rate)


def check_length(frames: int, sample_rate: int) -> None:
    """Refuse audio that is longer than the engine takes."""
    if frames > AUDIO_SECONDS * sample_rate:
        raise invalid("audio_data", f"must be at most {AUDIO_SECONDS} s long; cut it in parts")


def check_picture(data: bytes, name: str) -> None:
    """Check the format of a picture by its name and its first bytes."""
    form = name.strip().lower()
    if form not in PICTURE:
        raise unsupported("picture format", tuple(PICTURE))
    if not data.startswith(PICTURE[form]) or (form == "webp" and data[8:12] != b"WEBP"):
        raise Fault(
            Kind.UNSUPPORTED_FORMAT,
            "this is no {form} picture; name the format that it is in",
            form=form,
        )


def check_frame(data: bytes, name: str, width: int, height: int) -> None:
    """Check a picture that came as bytes, in `rgb24`, too."""
    if not data:
        raise invalid("frame_data", "must not be empty")
    check_bytes("frame_data", data, PICTURE_BYTES)
    form = name.strip().lower()
    if form not in (*PICTURE, RAW):
        raise unsupported("picture format", (*PICTURE, RAW))
    if form != RAW:
        check_picture(data, form)
        return
    for field, side in (("width", width), ("height", height)):
        if not 1 <= side <= PICTURE_PIXELS:
            raise invalid(field, f"of {RAW} must be 1 or more")
    if width * height > PICTURE_PIXELS:
        raise Fault(
            Kind.TOO_LARGE,
            "a picture may have {most} pixels",
            details={"limit": PICTURE_PIXELS},
            most=PICTURE_PIXELS,
        )
    if len(data) != 3 * width * height:
        raise invalid("frame_data", f"of {RAW} must be width × height × 3 bytes")


def check_bytes(field: str, data: bytes, most: int) -> None:
    """Refuse more bytes than are taken at a time."""
    if len(data) > most:
        raise Fault(
            Kind.TOO_LARGE,
            "{field}: must be at most {most} bytes",
            details={"limit": most},
            field=field,
            most=most,
        )


async def decode(field: str, text: str, most: int) -> bytes:
    """Decode strict base64 (RFC 4648, padded, no line breaks) of at most `most` bytes."""
    if not text:
        raise invalid(field, "must not be empty")
    if len(text) // 4 * 3 - text.count("=", -2) > most:
        raise Fault(
            Kind.TOO_LARGE,
            "{field}: must be at most {most} bytes after base64",
            details={"limit": most},
            field=field,
            most=most,
        )
    parts: list[bytes] = []
    try:
        for start in range(0, len(text), _SLICE):
            if start:
                await asyncio.sleep(0)
            piece = text[start : start + _SLICE]
            part = binascii.a2b_base64(piece, strict_mode=True)
            # Padding belongs to the very end: three characters never stand for less than this.
            ends = start + _SLICE >= len(text)
            padding = len(piece) - len(piece.rstrip("=")) if ends else 0
            if len(piece) % 4 or padding > 2 or len(part) != len(piece) // 4 * 3 - padding:
                raise _not_base64(field)
            parts.append(part)
    except ValueError as error:
        raise _not_base64(field) from error
    return b"".join(parts)


def _not_base64(field: str) -> Fault:
    return invalid(field, "must be base64 with padding and without line breaks")


def unsupported(what: str, allowed: tuple[str, ...]) -> Fault:
    """Refuse a format that nobody here reads."""
    return Fault(
        Kind.UNSUPPORTED_FORMAT,
        "unknown {what}; send one of {allowed}",
        details={"format": "must be one of " + ", ".join(allowed)},
        what=what,
        allowed=", ".join(allowed),
    )

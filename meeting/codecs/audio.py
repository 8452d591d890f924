"""Encoded audio to samples, by ffmpeg behind the fence.

ffmpeg reads whatever a file tells it to: playlists, other files, the network. So the demuxer is
fixed by the declared format (none of them is a playlist), the decoders are those that belong into
it, and the only protocol is the one that its input comes by.
"""

import math
import os

import msgspec
import structlog

from meeting.codecs.fence import Fence, Limits
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind

log = structlog.get_logger(__name__)

RATE = 16_000
LONGEST_DECODE = 30.0


class Container(msgspec.Struct, frozen=True):
    """How ffmpeg is to read a format, and what it may find in it."""

    demuxer: str
    codecs: str
    seeks: bool = False
    """Its index may stand at the end, so a pipe will not do."""


CONTAINERS = {
    "flac": Container("flac", "flac"),
    "mp3": Container("mp3", "mp3,mp3float"),
    "ogg": Container("ogg", "vorbis,opus,libopus,flac"),
    "opus": Container("ogg", "opus,libopus"),
    "webm": Container("matroska", "opus,libopus,vorbis"),
    "m4a": Container("mov", "aac,alac", seeks=True),
    "aac": Container("aac", "aac"),
}


class AudioDecoder:
    """Satisfies the AI domain's `Decoder`."""

    def __init__(
        self, clock: Clock, program: str = "ffmpeg", longest: float = LONGEST_DECODE
    ) -> None:
        self._clock = clock
        self._longest = longest
        self._fence = Fence(program)

    async def decode(self, data: bytes, form: str, *, seconds: int, deadline: float) -> bytes:
        """Return s16le samples at 16 kHz, mono, cut one second behind `seconds`."""
        if self._fence.missing:
            reason = f"{self._fence.missing} is not installed; send pcm or wav, or install it"
            raise Fault(Kind.AI_UNAVAILABLE, reason, details={"reason": reason})
        left = deadline - self._clock.monotonic()
        if left <= 0:
            raise Fault(Kind.DEADLINE, "no time is left to decode the audio")
        limits = Limits(output=(seconds + 1) * RATE * 2, seconds=min(left, self._longest))
        container = CONTAINERS[form]
        arguments = _arguments(container, seconds + 1)
        if container.seeks:
            descriptor = _file(data)
            try:
                outcome = await self._fence.run(arguments, descriptor, limits)
            finally:
                os.close(descriptor)
        else:
            outcome = await self._fence.run(arguments, data, limits)
        if outcome.late and not math.isclose(limits.seconds, self._longest):
            raise Fault(Kind.DEADLINE, "decoding the audio took too long")
        samples = outcome.output[: len(outcome.output) // 2 * 2]
        if outcome.late or not samples or (outcome.status != 0 and not outcome.cut):
            log.info("audio refused", form=form, bytes=len(data), status=outcome.status)
            raise Fault(
                Kind.UNSUPPORTED_FORMAT,
                "this can't be decoded as {form}; name the format that it is in",
                form=form,
            )
        return samples


def _file(data: bytes) -> int:
    """Open a file in memory: it can seek, nobody else finds it, and no crash leaves it behind."""
    descriptor = os.memfd_create("audio", os.MFD_CLOEXEC)
    with open(descriptor, "wb", closefd=False) as file:
        file.write(data)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _arguments(container: Container, seconds: int) -> list[str]:
    source = "file:/dev/stdin" if container.seeks else "pipe:0"
    return [
        *("-nostdin", "-hide_banner", "-loglevel", "error", "-threads", "1"),
        *("-protocol_whitelist", "file" if container.seeks else "pipe"),
        *("-format_whitelist", container.demuxer, "-codec_whitelist", container.codecs),
        *("-f", container.demuxer, "-i", source),
        *("-map", "0:a:0", "-t", str(seconds), "-map_metadata", "-1"),
        *("-ac", "1", "-ar", str(RATE), "-c:a", "pcm_s16le", "-f", "s16le", "pipe:1"),
    ]

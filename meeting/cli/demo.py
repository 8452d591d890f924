"""`meeting demo`: one real meeting, from the first account to the words in its transcript."""

import asyncio
import base64
import secrets
import sys
import tempfile
import time
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import msgspec
import uvloop
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from meeting.app.config import Config, Log
from meeting.app.logging import configure
from meeting.cli.models import faults, reporting
from meeting.cli.person import Person, Refused
from meeting.cli.settings import settings
from meeting.cli.stand import Stand, apart, here, private
from meeting.models import manifest, pull, sample

FORMATS = {
    ".wav": "wav",
    ".flac": "flac",
    ".mp3": "mp3",
    ".ogg": "ogg",
    ".oga": "ogg",
    ".opus": "opus",
    ".webm": "webm",
    ".m4a": "m4a",
    ".mp4": "m4a",
    ".aac": "aac",
}
SDP = "v=0\r\no=- {id} 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"


@click.command()
@click.option(
    "--audio",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Another recording: " + ", ".join(FORMATS) + "; up to 5 minutes.",
)
@click.option("--language", help="Its language, such as en or zh; without it, it is detected.")
@click.option("--split", is_flag=True, help="With each part in a process of its own.")
@settings
def demo(config: Config, audio: Path | None, language: str | None, *, split: bool) -> None:
    """Watch one real meeting happen.

    Everything runs in this process, or with --split in many, on a state folder that is made for
    it and thrown away afterwards, whatever the settings say; the models are fetched once and kept.
    Two users register, one makes and starts a meeting, both join and exchange an offer and an
    answer, a recording is recognised by Whisper on the engine, the meeting stores the transcript
    from the event, and it is read back over REST.
    """
    console = Console(highlight=False)
    if audio is not None and audio.suffix.lower() not in FORMATS:
        raise click.BadParameter(
            f"{audio.name} must end in one of {', '.join(FORMATS)}", param_hint="--audio"
        )
    config = msgspec.structs.replace(config, log=Log(level="error"))
    configure(config.log)
    with faults(), reporting() as report:
        pull(manifest(config.models.listing), config.models.cache, config.models.source, report)
        path = audio or sample(config.models.cache, config.models.source, report)
    recording = (path.name, path.read_bytes())
    with (
        tempfile.TemporaryDirectory(prefix="meeting-demo-") as state,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        try:
            stand = (apart if split else here)(private(config, state))
            runner.run(_show(stand, console, recording, language))
        except Refused as error:
            console.print(f"[red]The server refused:[/] {escape(str(error))}")
            sys.exit(1)


async def _show(
    stand: AbstractAsyncContextManager[Stand],
    console: Console,
    recording: tuple[str, bytes],
    language: str | None,
) -> None:
    begun = time.monotonic()

    def say(text: str) -> None:
        console.print(f"[dim]{time.monotonic() - begun:6.2f} s[/]  {text}")

    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(stand)
        say(f"The house stands on [bold]{house.url}[/]: {', '.join(house.parts)}.")
        ann = await stack.enter_async_context(Person(house.url, "ann"))
        bob = await stack.enter_async_context(Person(house.url, "bob"))
        password = secrets.token_urlsafe(16)
        await ann.enter(password)
        await bob.enter(password)
        say(f"ann and bob have registered and logged in (users {ann.user_id}, {bob.user_id}).")
        meeting_id = await make(ann, say)
        await meet(ann, bob, meeting_id, say)
        spoken = await recognise(bob, meeting_id, recording, language, say)
        lines = await transcript(ann, meeting_id, spoken["task_id"])
        say("ann reads the transcript back over REST, from the meeting's own store:")
        _print(console, lines, spoken)
        await ann.call("POST", f"/meetings/{meeting_id}/end")
        closed = await bob.hear("meeting_ended")
        say(f"ann has ended meeting {closed['meeting_id']}; bob's socket was told.")


async def make(ann: Person, say: Any) -> int:
    """Make a meeting and start it; its id."""
    now = datetime.now(UTC)
    body = {
        "title": "A first meeting",
        "start_time": now.isoformat(),
        "end_time": (now + timedelta(hours=1)).isoformat(),
    }
    meeting_id: int = (await ann.call("POST", "/meetings", body))["id"]
    started = await ann.call("POST", f"/meetings/{meeting_id}/start")
    say(f"ann has made meeting {meeting_id} and started it: {started['status_name']}.")
    return meeting_id


async def meet(ann: Person, bob: Person, meeting_id: int, say: Any) -> None:
    """Have both join, and exchange an offer and an answer."""
    await ann.join(meeting_id)
    roster = await bob.join(meeting_id)
    say(f"Both have joined over WebSocket; the room has {roster['participant_count']} users.")
    room = roster["room_id"]
    await ann.send("offer", room_id=room, to_user_id=bob.user_id, sdp=SDP.format(id=1))
    offer = await bob.hear("offer")
    await bob.send("answer", room_id=room, to_user_id=offer["from_user_id"], sdp=SDP.format(id=2))
    answer = await ann.hear("answer")
    say(
        f"bob got the offer of user {offer['from_user_id']},"
        f" ann the answer of user {answer['from_user_id']}."
    )


async def recognise(
    bob: Person, meeting_id: int, recording: tuple[str, bytes], language: str | None, say: Any
) -> dict[str, Any]:
    """Have what bob says recognised; the answer of the AI domain."""
    name, audio = recording
    body = {
        "audio_data": base64.b64encode(audio).decode(),
        "meeting_id": meeting_id,
        "format": FORMATS[Path(name).suffix.lower()],
    }
    if language:
        body["language"] = language
    say(f"bob says what is in [bold]{escape(name)}[/]; Whisper listens …")
    spoken: dict[str, Any] = await bob.call("POST", "/ai/speech-recognition", body)
    seconds, length = spoken["latency_ms"] / 1000, spoken["duration_ms"] / 1000
    say(
        f"{length:.1f} s of {spoken['language']} heard in {seconds:.1f} s"
        f" (real-time factor {seconds / max(length, 0.001):.2f})."
    )
    return spoken


async def transcript(ann: Person, meeting_id: int, task_id: str) -> list[dict[str, Any]]:
    """Read until the event has brought the line into the meeting's store; a few tries suffice."""
    for _ in range(50):
        page = await ann.call("GET", f"/meetings/{meeting_id}/transcript")
        lines = [line for line in page["list"] if line["task_id"] == task_id]
        if lines:
            return lines
        await asyncio.sleep(0.1)
    return []


def _print(console: Console, lines: list[dict[str, Any]], spoken: dict[str, Any]) -> None:
    if not lines:
        console.print("[yellow]No words: nothing was heard in this recording.[/]")
        return
    table = Table(show_lines=True)
    for name in ("who", "language", "confidence", "words"):
        table.add_column(name)
    for line in lines:
        table.add_row(
            escape(line["username"]),
            line["language"],
            f"{line['confidence']:.2f}",
            escape(line["text"]),
        )
    console.print(table)
    console.print(f"[dim]model {spoken['model']}, sha256 {spoken['model_sha256'][:16]}…[/]")

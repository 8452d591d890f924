"""Looks at everything that a server with these settings needs, and says what to do about it."""

import asyncio
import os
import resource
import shutil
from collections.abc import Awaitable, Callable, Iterator
from enum import StrEnum

import msgspec

from meeting.app.assembly.stores import connect
from meeting.app.config import MIB, Config
from meeting.engine.library import Missing, onnxruntime, program
from meeting.kernel.errors import Fault
from meeting.models import ModelError, manifest, status
from meeting.stores.relational import revision
from meeting.stores.relational.database import FILE, Database
from meeting.stores.relational.parked import SqlAside
from meeting.transports.redis.connection import Connection

ROOM = 1024 * MIB
FILES = 4096
PATIENCE = 10.0


class State(StrEnum):
    """How one part is."""

    GOOD = "good"
    NOTE = "note"
    """Works, but whoever runs it should know."""
    BAD = "bad"


class Finding(msgspec.Struct, frozen=True):
    """What was found of one part, and what to do about it."""

    part: str
    state: State
    said: str
    advice: str = ""


async def examine(config: Config) -> list[Finding]:
    """Look at each part in turn; nothing is changed, and one that is away holds nobody up."""
    found = [*_folder(config), *_machine()]
    looks: list[tuple[str, Callable[[Config], Awaitable[list[Finding]]]]] = [
        ("database", _database),
        ("redis", _redis),
    ]
    for part, look in looks:
        try:
            async with asyncio.timeout(PATIENCE):
                found += await look(config)
        except TimeoutError:
            found.append(Finding(part, State.BAD, "no answer in 10 s", "is the address right?"))
        except Fault as fault:
            found.append(Finding(part, State.BAD, str(fault), "start it, or look at its settings"))
    return [*found, *_engine(config), *_models(config)]


def _folder(config: Config) -> Iterator[Finding]:
    path = config.state
    if not path.is_dir():
        yield Finding("state folder", State.NOTE, f"{path} is not there yet", "the server makes it")
        return
    if not os.access(path, os.W_OK | os.X_OK):
        yield Finding("state folder", State.BAD, f"{path} can't be written to", "chown it")
        return
    free = shutil.disk_usage(path).free
    state = State.GOOD if free > ROOM else State.BAD
    said = f"{path}, {free / 1e9:.1f} GB free"
    yield Finding("state folder", state, said, "" if state is State.GOOD else "make room")


def _machine() -> Iterator[Finding]:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < FILES:
        yield Finding("open files", State.NOTE, f"{most} at most", "a socket is one: ulimit -Hn")
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        advice = "apt-get install ffmpeg"
        yield Finding("ffmpeg", State.NOTE, "not there: only wav and pcm can be read", advice)
    else:
        yield Finding("ffmpeg", State.GOOD, ffmpeg)


async def _database(config: Config) -> list[Finding]:
    embedded = not config.postgres.dsn.reveal()
    name = "SQLite" if embedded else "PostgreSQL"
    if embedded and not (config.state / FILE).is_file():
        return [Finding("database", State.NOTE, "SQLite, not there yet", "the server makes it")]
    database = connect(config)
    try:
        late = await revision.behind(database)
        aside = [] if late else await _aside(database)
    except revision.Unfit as error:
        return [Finding("database", State.BAD, f"{name}: {error}", "update this program")]
    finally:
        await database.close()
    if late and not embedded:
        said = f"{name}, its tables are not up to date"
        return [Finding("database", State.BAD, said, "meeting migrate")]
    return [Finding("database", State.GOOD, f"{name}, answers"), *aside]


async def _aside(database: Database) -> list[Finding]:
    """Tell of events that were laid aside: somebody has to look at them."""
    return [
        Finding(
            "parked events",
            State.NOTE,
            f"{pile.events} of {pile.topic} that {pile.consumer} could not handle",
            f"meeting events parked --consumer {pile.consumer}",
        )
        for pile in await SqlAside(database).count()
    ]


async def _redis(config: Config) -> list[Finding]:
    if not config.redis.url.reveal():
        return [Finding("redis", State.GOOD, "none: tasks and events stay in the database")]
    connection = Connection(config.redis.url)
    try:
        version = (await connection.command("INFO", "server"))["redis_version"]
        kept = await connection.command("INFO", "persistence")
        settings = {
            name: await _setting(connection, name) for name in ("appendfsync", "maxmemory-policy")
        }
    finally:
        await connection.close()
    found = [Finding("redis", State.GOOD, f"{version}, answers")]
    if not kept["aof_enabled"]:
        said = "append-only is off: when Redis dies, tasks and events since its last snapshot go"
        advice = "appendonly yes; the outbox sends the last hours again"
        found.append(Finding("redis", State.BAD, said, advice))
    elif settings["appendfsync"] != "always":
        said = f"appendfsync {settings['appendfsync']}: a power cut can cost the last second"
        found.append(Finding("redis", State.NOTE, said, "appendfsync always, if that is too much"))
    if settings["maxmemory-policy"] not in ("noeviction", "?"):
        said = f"maxmemory-policy {settings['maxmemory-policy']}: a full Redis throws tasks away"
        found.append(Finding("redis", State.BAD, said, "maxmemory-policy noeviction"))
    return found


async def _setting(connection: Connection, name: str) -> str:
    try:
        found = await connection.command("CONFIG", "GET", name)
    except Fault:  # rented servers often hide it
        return "?"
    return found[1].decode() if len(found) > 1 else "?"


def _engine(config: Config) -> Iterator[Finding]:
    if config.engine.mode == "external":
        said = f"elsewhere, at {config.engine.endpoint}"
        yield Finding("engine", State.NOTE, said, "/ready tells whether it answers")
        return
    try:
        said = onnxruntime().name if config.engine.mode == "threads" else str(program())
    except Missing as error:
        yield Finding("engine", State.BAD, str(error))
    else:
        yield Finding("engine", State.GOOD, said)


def _models(config: Config) -> Iterator[Finding]:
    try:
        found = status(manifest(config.models.listing), config.models.cache)
    except ModelError as error:
        yield Finding("models", State.BAD, str(error))
        return
    for one in found:
        if one.state == "ready":
            yield Finding("models", State.GOOD, one.model.id)
        else:
            yield Finding(
                "models", State.NOTE, f"{one.model.id} is {one.state}", "meeting models pull"
            )

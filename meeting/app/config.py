"""Settings: what can be set, and what each may be; `app.valid` says what not together."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from meeting.app.state import default_folder
from meeting.domains.notification.model import KEPT
from meeting.domains.signaling.model import LONGEST_FRAME
from meeting.kernel.secret import Secret
from meeting.models.cache import default as default_cache

Port = Annotated[int, Meta(ge=0, le=65535)]
Count = Annotated[int, Meta(ge=1, le=100_000)]
DAY = 86_400
"""Seconds: what a span may be set to at most, and how long a person may stand at a breakpoint."""
Seconds = Annotated[float, Meta(gt=0, le=DAY)]
MIB = 2**20
Bytes = Annotated[int, Meta(ge=1024, le=2**30)]
Address = Annotated[str, Meta(min_length=1, max_length=253)]


class Http(msgspec.Struct, frozen=True, kw_only=True):
    """The port that serves everything, and what browsers may do."""

    host: Address = "127.0.0.1"
    port: Port = 8080
    origins: tuple[str, ...] = ()
    public_url: str = ""
    """Where clients reach this server from outside, such as `https://meet.example.org`."""
    user_rate: Count = 600
    account_rate: Count = 10
    address_rate: Count = 60
    json_bytes: Bytes = MIB
    """The longest body, but for those of the AI routes."""
    bodies_bytes: Bytes = 320 * MIB
    """What all bodies that are being read or answered may hold together."""
    body_seconds: Seconds = 60.0
    json_seconds: Seconds = 30.0
    drain_seconds: Seconds = 20.0
    metrics_open: bool = False
    """Whether /metrics answers others than this machine."""


class Signaling(msgspec.Struct, frozen=True, kw_only=True):
    """The signalling port, and how long a lost socket keeps its place."""

    port: Port = 8083
    grace_seconds: Annotated[float, Meta(ge=3, le=86_400)] = 15.0
    """Well above a pause of a busy machine, which must cost no living socket its place."""
    ping_seconds: Seconds = 10.0
    silence_seconds: Seconds = 25.0
    max_sockets: Count = 5000
    frame_bytes: Annotated[int, Meta(ge=1024, le=LONGEST_FRAME)] = 64 * 1024
    frames_per_second: Count = 50
    queue_frames: Count = 2048
    queue_bytes: Annotated[int, Meta(ge=2 * LONGEST_FRAME, le=2**30)] = 4 * MIB
    """With queue_frames: what may wait for a slow reader before its socket is closed."""
    call_seconds: Seconds = 2.0
    """How long a question to another domain may take."""
    ice_urls: tuple[str, ...] = ()


class Ai(msgspec.Struct, frozen=True, kw_only=True):
    """The port of the AI routes, and how much of it may run at once."""

    port: Port = 8085
    body_bytes: Bytes = 40 * MIB
    speech_seconds: Seconds = 120.0
    picture_seconds: Seconds = 10.0
    in_flight: Count = 4
    waiting: Count = 32


class Engine(msgspec.Struct, frozen=True, kw_only=True):
    """Where inference happens: on threads here, in a child, or at an engine elsewhere."""

    mode: Literal["threads", "process", "external"] = "threads"
    endpoint: Address = "tcp://127.0.0.1:5555"
    workers: Annotated[int, Meta(ge=0, le=256)] = 0
    """Worker threads; 0: one a core."""
    queue: Count = 64


class Models(msgspec.Struct, frozen=True, kw_only=True):
    """The weights: where they are kept, and whether `serve` gets what is missing."""

    folder: str = ""
    """Empty: the user's cache folder."""
    mirror: str = ""
    """A folder with source files, looked into first."""
    manifest: str = ""
    """Another list of models than the one that comes along."""
    pull: bool = True

    @property
    def cache(self) -> Path:
        """Return the folder that holds the models."""
        return Path(self.folder).expanduser() if self.folder else default_cache()

    @property
    def source(self) -> Path | None:
        """Return the mirror, if there is one."""
        return Path(self.mirror).expanduser() if self.mirror else None

    @property
    def listing(self) -> Path | None:
        """Return the manifest's file, if it is not our own."""
        return Path(self.manifest).expanduser() if self.manifest else None


class Auth(msgspec.Struct, frozen=True, kw_only=True):
    """Credentials."""

    secret: Secret = Secret("")
    """Signs the tokens, 32 characters or more; empty: made once and kept in the state folder."""


class Postgres(msgspec.Struct, frozen=True, kw_only=True):
    """A PostgreSQL in place of the SQLite file of the state folder."""

    dsn: Secret = Secret("")
    """Such as `postgresql://user:password@host/name`; empty: SQLite."""
    pool: Annotated[int, Meta(ge=1, le=100)] = 4
    """Connections that write, and as many that read."""


class Redis(msgspec.Struct, frozen=True, kw_only=True):
    """A Redis that tasks and events travel through; needs a PostgreSQL beside it."""

    url: Secret = Secret("")
    """Such as `redis://:password@host:6379/0`; empty: both stay in the database."""
    kept_hours: Annotated[float, Meta(ge=1, le=720)] = 24.0
    """How long what was announced is kept for readers that are away, and for a Redis that fails;
    tasks are kept until they end, too."""


class Tasks(msgspec.Struct, frozen=True, kw_only=True):
    """What is done in the background."""

    concurrency: Annotated[int, Meta(ge=0, le=1000)] = 8
    """Tasks of one queue at a time; 0: this process does none, `meeting worker` does."""


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """The server that mails are handed to."""

    server: str = ""
    """Such as `smtp.example.org:587`; empty: mails are files in the state folder's `mails/`."""
    user: Annotated[str, Meta(max_length=255)] = ""
    password: Secret = Secret("")
    tls: Literal["none", "starttls", "tls"] = "starttls"
    sender: Address = "meeting@localhost"
    """The address that mails are from."""
    language: Literal["en", "zh"] = "en"


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """What users are told."""

    kept: Count = KEPT
    """How long the history of one user is; older ones are forgotten."""


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """What is logged, and how it looks."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json"] = "auto"


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """All settings of one process."""

    state_dir: str = ""
    """Where everything is kept; empty: `~/.local/state/meeting`."""
    debug: bool = False
    http: Http = Http()
    signaling: Signaling = Signaling()
    ai: Ai = Ai()
    engine: Engine = Engine()
    models: Models = Models()
    auth: Auth = Auth()
    postgres: Postgres = Postgres()
    redis: Redis = Redis()
    tasks: Tasks = Tasks()
    mail: Mail = Mail()
    notification: Notification = Notification()
    log: Log = Log()

    def __repr__(self) -> str:
        return f"Config(state_dir={self.state_dir!r}, …)"

    @property
    def state(self) -> Path:
        """Return the state folder."""
        return Path(self.state_dir).expanduser() if self.state_dir else default_folder()

    @property
    def secret(self) -> Secret | None:
        """Return the configured signing secret, if there is one."""
        return self.auth.secret if self.auth.secret.reveal() else None


class Wrong(ValueError):
    """A setting that can't be used: its key, what was found, what is allowed."""

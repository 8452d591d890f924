"""Settings: what can be set, what each may be, and what may not be set together."""

import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from meeting.app.state import default_folder
from meeting.kernel.secret import Secret
from meeting.models.cache import default as default_cache
from meeting.stores.relational.database import address

Port = Annotated[int, Meta(ge=0, le=65535)]
Count = Annotated[int, Meta(ge=1, le=100_000)]
DAY = 86_400
"""Seconds: what a span may be set to at most, and how long a person may stand at a breakpoint."""
Seconds = Annotated[float, Meta(gt=0, le=DAY)]
MIB = 2**20
Bytes = Annotated[int, Meta(ge=1024, le=2**30)]
LONGEST_FRAME = 256 * 1024
"""What a frame may be set to at most; a queue has to hold at least that and who sent it."""
SECRET_LENGTH = 32
LOOPBACK = ("127.0.0.1", "::1", "localhost")
ENDPOINT = re.compile(r"tcp://[^/\s]+:\d{1,5}|ipc://\S+")
REACH = re.compile(r"https?://[^/?#@\s]+/?")
MAIL_SERVER = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):\d{1,5}")
SENDER = re.compile(r"[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,188}")
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
    """How long what was announced is kept for readers that are away, and for a Redis that fails."""


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


def validate(config: Config) -> Config:
    """Check what one value alone does not show."""
    if 0 < len(config.auth.secret.reveal()) < SECRET_LENGTH:
        raise Wrong(
            f"auth.secret: found {len(config.auth.secret.reveal())} characters;"
            f" allowed: {SECRET_LENGTH} or more (leave it empty and one is made)"
        )
    _database(config.postgres.dsn.reveal())
    _mail(config.mail)
    if not ENDPOINT.fullmatch(config.engine.endpoint):
        raise Wrong(
            f"engine.endpoint: found {config.engine.endpoint!r};"
            " allowed: tcp://address:port (port 0 takes a free one) or ipc://path"
        )
    if config.signaling.silence_seconds <= config.signaling.ping_seconds:
        raise Wrong(
            f"signaling.silence_seconds: found {config.signaling.silence_seconds:g}; allowed: more"
            f" than signaling.ping_seconds, {config.signaling.ping_seconds:g}"
            " (a socket is asked for a sign of life once before it counts as silent)"
        )
    if config.http.public_url and not REACH.fullmatch(config.http.public_url):
        raise Wrong(
            f"http.public_url: found {config.http.public_url!r};"
            " allowed: https://host:port, without a path"
        )
    for origin in config.http.origins:
        if not origin.startswith(("http://", "https://")) or urlsplit(origin).path:
            raise Wrong(
                f"http.origins: found {origin!r}; allowed: https://host:port, without a path"
            )
    longest = max(config.http.json_bytes, config.ai.body_bytes)
    if config.http.bodies_bytes < longest:
        raise Wrong(
            f"http.bodies_bytes: found {config.http.bodies_bytes}; allowed: {longest} or more"
            " (it holds all bodies, and so the longest: see http.json_bytes, ai.body_bytes)"
        )
    if config.debug:
        _alone(config)
    return config


def _alone(config: Config) -> None:
    """Hold a process that waits at breakpoints to itself: no children, nobody from outside."""
    host, endpoint = config.http.host, urlsplit(config.engine.endpoint)
    if host not in LOOPBACK:
        raise Wrong(
            f"http.host: found {host!r}; allowed under --debug: {', '.join(LOOPBACK)}"
            " (a process that waits at breakpoints must not be reachable from outside)"
        )
    if config.engine.mode == "process":
        raise Wrong(
            "engine.mode: found 'process'; allowed under --debug: threads | external"
            " (it is one process without children)"
        )
    listens = config.engine.mode == "threads" and endpoint.scheme == "tcp"
    if listens and endpoint.hostname not in LOOPBACK:
        raise Wrong(
            f"engine.endpoint: found {config.engine.endpoint!r}; allowed under --debug:"
            f" tcp:// with {', '.join(LOOPBACK)}, or ipc://path"
            " (a process that waits at breakpoints must not be reachable from outside)"
        )


def _mail(mail: Mail) -> None:
    """Check where mails go and from whom, and that no password goes there in the clear."""
    if not SENDER.fullmatch(mail.sender):
        raise Wrong(f"mail.sender: found {mail.sender!r}; allowed: an address, name@example.org")
    if not mail.server:
        return
    try:
        host, port = urlsplit(f"//{mail.server}").hostname, urlsplit(f"//{mail.server}").port
    except ValueError:
        host = port = None
    if not (MAIL_SERVER.fullmatch(mail.server) and host and port):
        raise Wrong(
            f"mail.server: found {mail.server!r}; allowed: host:port, such as smtp.example.org:587"
        )
    if mail.password.reveal() and mail.tls == "none" and host not in LOOPBACK:
        raise Wrong(
            "mail.tls: found 'none'; allowed with mail.password: starttls | tls"
            " (or a server on this machine: a password must not travel in the clear)"
        )


def _database(dsn: str) -> None:
    """Check an address without showing any of it, since it may hold a password."""
    if not dsn:
        return
    try:
        if not dsn.startswith(("postgresql://", "postgres://")):
            raise ValueError("found something else")
        address(dsn)
    except ValueError as error:
        raise Wrong(
            f"postgres.dsn (not shown): {error}; allowed: postgresql://user:password@host:port/name,"
            " or nothing for SQLite"
        ) from None

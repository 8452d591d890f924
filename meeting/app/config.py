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
Part = Literal["user", "meeting", "signaling", "media", "ai", "notification", "gateway"]
"""What a process can be made of."""


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


class User(msgspec.Struct, frozen=True, kw_only=True):
    """The user domain in a process of its own."""

    port: Port = 8081
    """Its routes alone; where everything is in one process, nobody listens there."""


class Meeting(msgspec.Struct, frozen=True, kw_only=True):
    """The meeting domain in a process of its own."""

    port: Port = 8082


class Media(msgspec.Struct, frozen=True, kw_only=True):
    """The media domain in a process of its own."""

    port: Port = 8084


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


class Grpc(msgspec.Struct, frozen=True, kw_only=True):
    """The ports on which domains and other programs call each other."""

    host: Address = "127.0.0.1"
    user: Port = 50051
    """NotificationService, too, as long as that domain is in the same process."""
    meeting: Port = 50052
    media: Port = 50053
    signaling: Port = 50054
    ai: Port = 50055
    notification: Port = 50056
    """Taken only by a process that has this domain and not user, which forwards to it."""
    secret: Secret = Secret("")
    """What services show, 32 characters or more; empty: made once and kept in the state folder,
    and good for callers on this machine alone."""
    call_seconds: Seconds = 2.0
    """How long a call from domain to domain may take."""
    message_bytes: Bytes = 32 * MIB
    """The longest message that is taken in."""
    connections: Count = 1000
    streams: Count = 100
    """Calls at a time on one connection."""
    certificate: str = ""
    """A PEM file with the chain of the ports; with `key`: TLS. Empty: none."""
    key: str = ""
    authority: str = ""
    """A PEM file with whom to trust where peers are called; with it they are called by TLS."""


class Peers(msgspec.Struct, frozen=True, kw_only=True):
    """Where the domains that are not in this process take calls, as `host:port`."""

    user: tuple[str, ...] = ()
    """Empty, as with the others: on this machine, at the port that [grpc] names."""
    meeting: tuple[str, ...] = ()
    signaling: tuple[str, ...] = ()
    ai: tuple[str, ...] = ()
    notification: tuple[str, ...] = ()


class Gateway(msgspec.Struct, frozen=True, kw_only=True):
    """Where the gateway finds the routes of each domain, as `http://host:port`."""

    user: tuple[str, ...] = ()
    """Empty, as with the others: on this machine, at the port that the domain's section names."""
    meeting: tuple[str, ...] = ()
    signaling: tuple[str, ...] = ()
    """Sockets are spread over all of them."""
    media: tuple[str, ...] = ()
    ai: tuple[str, ...] = ()
    notification: tuple[str, ...] = ()
    connections: Count = 6000
    """Clients at a time."""


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

    port: Port = 8086
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
    only: tuple[Part, ...] = ()
    """Which parts of the house are in this process; empty: all but the gateway."""
    http: Http = Http()
    user: User = User()
    meeting: Meeting = Meeting()
    signaling: Signaling = Signaling()
    media: Media = Media()
    ai: Ai = Ai()
    engine: Engine = Engine()
    models: Models = Models()
    auth: Auth = Auth()
    grpc: Grpc = Grpc()
    peers: Peers = Peers()
    gateway: Gateway = Gateway()
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

"""Settings: what can be set, and where a value comes from.

Defaults, then a TOML file, then the environment (`MEETING_HTTP_PORT` for `http.port`), then flags
(`--set http.port=9000`); the later wins. A wrong value names the key, where it was found, what
was found and what is allowed.
"""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from meeting.app.state import default_folder
from meeting.kernel.secret import Secret
from meeting.models.cache import default as default_cache

Port = Annotated[int, Meta(ge=0, le=65535)]
Count = Annotated[int, Meta(ge=1, le=100_000)]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]
SECRET_LENGTH = 32
ENDPOINT = re.compile(r"tcp://[^/\s]+:\d{1,5}|ipc://\S+")
PLACE = re.compile(r"https?://[^/?#@\s]+/?")
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
    drain_seconds: Seconds = 20.0


class Signaling(msgspec.Struct, frozen=True, kw_only=True):
    """The signalling port, and how long a lost socket keeps its place."""

    port: Port = 8083
    grace_seconds: Annotated[float, Meta(ge=3, le=86_400)] = 15.0
    """Well above a pause of a busy machine, which must cost no living socket its place."""
    ping_seconds: Seconds = 10.0
    silence_seconds: Seconds = 25.0
    max_sockets: Count = 5000
    ice_urls: tuple[str, ...] = ()


class Ai(msgspec.Struct, frozen=True, kw_only=True):
    """The port of the AI routes, and how much of it may run at once."""

    port: Port = 8085
    speech_seconds: Seconds = 120.0
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

    secret: str = ""
    """Signs the tokens, 32 characters or more; empty: made once and kept in the state folder."""


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
        return Secret(self.auth.secret) if self.auth.secret else None


class Wrong(ValueError):
    """A setting that can't be used: its key, what was found, what is allowed."""


def load(
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    flags: Sequence[str] = (),
) -> Config:
    """Read the settings from all four places; `Wrong` names the first that can't be used."""
    values: dict[str, Any] = {}
    known = dict(_keys(Config))
    for key, value, origin in _given(
        path, os.environ if environ is None else environ, flags, known
    ):
        if key not in known:
            close = ", ".join(sorted(known))
            raise Wrong(f"{key} ({origin}) is no setting; known are: {close}")
        section, _, name = key.rpartition(".")
        target = values.setdefault(section, {}) if section else values
        target[name] = _value(key, known[key], value, origin)
    return validate(msgspec.convert(values, type=Config))


def validate(config: Config) -> Config:
    """Check what one value alone does not show."""
    if config.auth.secret and len(config.auth.secret) < SECRET_LENGTH:
        raise Wrong(
            f"auth.secret: found {len(config.auth.secret)} characters;"
            f" allowed: {SECRET_LENGTH} or more (leave it empty and one is made)"
        )
    loopback = ("127.0.0.1", "::1", "localhost")
    if config.debug and config.http.host not in loopback:
        raise Wrong(
            f"http.host: found {config.http.host!r}; allowed under --debug: {', '.join(loopback)}"
            " (a process that waits at breakpoints must not be reachable from outside)"
        )
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
    if config.http.public_url and not PLACE.fullmatch(config.http.public_url):
        raise Wrong(
            f"http.public_url: found {config.http.public_url!r};"
            " allowed: https://host:port, without a path"
        )
    for origin in config.http.origins:
        if not origin.startswith(("http://", "https://")) or urlsplit(origin).path:
            raise Wrong(
                f"http.origins: found {origin!r}; allowed: https://host:port, without a path"
            )
    return config


def _keys(struct: type[msgspec.Struct], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, kind in get_type_hints(struct, include_extras=True).items():
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            yield from _keys(kind, f"{name}.")
        else:
            yield prefix + name, kind


def _given(
    path: Path | None,
    environ: Mapping[str, str],
    flags: Sequence[str],
    known: Mapping[str, Any],
) -> Iterator[tuple[str, Any, str]]:
    if path is not None:
        for key, value in _file(path):
            yield key, value, str(path)
    names = {"MEETING_" + key.replace(".", "_").upper(): key for key in known}
    for name, key in names.items():
        if name in environ:
            yield key, environ[name], name
    for flag in flags:
        key, equals, value = flag.partition("=")
        if not equals:
            raise Wrong(f"--set {flag}: write it as key=value, such as --set http.port=9000")
        yield key.strip(), value, f"--set {flag}" if key != "auth.secret" else "--set"


def _file(path: Path) -> Iterator[tuple[str, Any]]:
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Wrong(f"the settings file {path} can't be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Wrong(f"the settings file {path} is no TOML: {error}") from error
    for name, value in tree.items():
        if isinstance(value, dict):
            for key, inner in value.items():
                yield f"{name}.{key}", inner
        else:
            yield name, value


def _value(key: str, kind: Any, found: Any, origin: str) -> Any:
    text = isinstance(found, str)
    try:
        if get_origin(kind) is tuple:
            found = [part.strip() for part in found.split(",") if part.strip()] if text else found
        return msgspec.convert(found, type=kind, strict=not text)
    except msgspec.ValidationError as error:
        shown = "***" if key == "auth.secret" else repr(found)
        raise Wrong(f"{key} ({origin}): found {shown}; allowed: {allowed(kind)}") from error


def allowed(kind: Any) -> str:
    """Say in words what a setting may be."""
    origin = get_origin(kind)
    if origin is Literal:
        return " | ".join(str(choice) for choice in get_args(kind))
    if origin is tuple:
        return "texts, separated by commas"
    if origin is Annotated:
        base, meta = get_args(kind)
        low = meta.ge if meta.ge is not None else meta.gt
        high = meta.le if meta.le is not None else meta.lt
        word = {int: "a whole number", float: "a number", str: "a text"}[base]
        if base is str:
            return f"{word} of {meta.min_length} to {meta.max_length} characters"
        return f"{word} {'above' if meta.gt is not None else 'from'} {low} to {high}"
    return {bool: "true | false", str: "a text", int: "a whole number"}[kind]

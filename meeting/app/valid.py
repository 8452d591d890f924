"""What may not be set together, and what one value's form alone does not show.

How a server is reached is read by who speaks to it, imported only where one is set: every command
reads the settings, and most need neither library.
"""

import re
from urllib.parse import urlsplit

import msgspec

from meeting.app.config import Config, Mail, Wrong

SECRET_LENGTH = 32
VISIBLE = re.compile(r"[!-~]*")
LOOPBACK = ("127.0.0.1", "::1", "localhost")
ENDPOINT = re.compile(r"tcp://[^/\s]+:\d{1,5}|ipc://\S+")
PEER = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):\d{1,5}")
OWNERS = ("user", "meeting", "signaling", "media", "ai", "notification")
REACH = re.compile(r"https?://[^/?#@\s]+/?")
SENDER = re.compile(r"[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,188}")


def validate(config: Config) -> Config:
    """Check what one value alone does not show."""
    if 0 < len(config.auth.secret.reveal()) < SECRET_LENGTH:
        raise Wrong(
            f"auth.secret: found {len(config.auth.secret.reveal())} characters;"
            f" allowed: {SECRET_LENGTH} or more (leave it empty and one is made)"
        )
    _database(config.postgres.dsn.reveal())
    _redis(config)
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
    _grpc(config)
    _parts(config)
    if config.debug:
        _alone(config)
    return config


def _grpc(config: Config) -> None:
    """Check how domains call each other."""
    if 0 < len(config.grpc.secret.reveal()) < SECRET_LENGTH:
        raise Wrong(
            f"grpc.secret: found {len(config.grpc.secret.reveal())} characters;"
            f" allowed: {SECRET_LENGTH} or more (leave it empty and one is made, for this machine)"
        )
    if not VISIBLE.fullmatch(config.grpc.secret.reveal()):
        raise Wrong(
            "grpc.secret: found a space or a character that is not ASCII;"
            " allowed: visible ASCII characters (it travels in a header)"
        )
    if bool(config.grpc.certificate) != bool(config.grpc.key):
        raise Wrong("grpc.certificate, grpc.key: found one of them; allowed: both, or none")
    for name, addresses in msgspec.structs.asdict(config.peers).items():
        for address in addresses:
            if not PEER.fullmatch(address):
                raise Wrong(
                    f"peers.{name}: found {address!r}; allowed: host:port, such as 10.0.0.7:50051"
                )
    for name in OWNERS:
        for address in getattr(config.gateway, name):
            if not REACH.fullmatch(address):
                raise Wrong(
                    f"gateway.{name}: found {address!r}; allowed: http://host:port, without a path"
                )


def _parts(config: Config) -> None:
    """Hold a process with some parts of the house to what the others must share with it."""
    if not config.only:
        return
    named = ", ".join(config.only)
    if "gateway" in config.only and len(config.only) > 1:
        raise Wrong(f"only: found {named}; allowed: gateway alone, or domains without it")
    shared = config.postgres.dsn.reveal() and config.redis.url.reveal()
    if "gateway" not in config.only and not shared:
        raise Wrong(
            f"only: found {named}; allowed with postgres.dsn and redis.url alone, in which the"
            " parts of a house meet (meeting serve --split can start both on this machine)"
        )
    ours = [address for each in msgspec.structs.astuple(config.peers) for address in each]
    hosts = [config.grpc.host, *(urlsplit(f"//{each}").hostname for each in ours)]
    hosts += [
        urlsplit(address).hostname for name in OWNERS for address in getattr(config.gateway, name)
    ]
    far = sorted({host for host in hosts if host and host not in LOOPBACK})
    if far and not (config.secret and config.grpc.secret.reveal()):
        raise Wrong(
            f"auth.secret, grpc.secret: found none for a house that reaches to {', '.join(far)};"
            " allowed: both, the same in every process (what is made into a state folder is good on"
            " one machine)"
        )


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
    if not (PEER.fullmatch(mail.server) and host and port):
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
    from meeting.stores.relational.database import address

    try:
        if not dsn.startswith(("postgresql://", "postgres://")):
            raise ValueError("found something else")
        address(dsn)
    except ValueError as error:
        raise Wrong(
            f"postgres.dsn (not shown): {error}; allowed: postgresql://user:password@host:port/name,"
            " or nothing for SQLite"
        ) from None


def _redis(config: Config) -> None:
    """Check an address without showing any of it, and that what it needs is beside it."""
    if not (url := config.redis.url.reveal()):
        return
    from meeting.transports.redis.connection import address

    try:
        address(url)
    except ValueError as error:
        raise Wrong(
            f"redis.url (not shown): {error}; allowed: redis://:password@host:port/0,"
            " rediss:// or unix://path, or nothing for the database alone"
        ) from None
    if not config.postgres.dsn.reveal():
        raise Wrong(
            "redis.url: it is set and postgres.dsn is not; tasks and events travel through Redis"
            " only from a PostgreSQL: set postgres.dsn, too, or leave both empty"
        )

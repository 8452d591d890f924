"""Settings come from four places in order, and a wrong one says what is wrong with it."""

from pathlib import Path

import pytest

from meeting.app.config import Config, Wrong
from meeting.app.load import load
from meeting.app.valid import LOOPBACK
from meeting.domains.signaling.model import LONGEST_FRAME
from meeting.transports.websocket.handshake import LONGEST_MESSAGE


def test_defaults() -> None:
    """Without any setting the house listens on loopback and keeps no secret in its settings."""
    config = load(environ={})
    assert config.http.host == "127.0.0.1"
    assert config.secret is None


def test_later_place_wins(tmp_path: Path) -> None:
    """A flag beats the environment, which beats the file, which beats the default."""
    file = tmp_path / "meeting.toml"
    file.write_text("[http]\nport = 1\nhost = '::1'\n[signaling]\nport = 1\n[ai]\nport = 1\n")
    environ = {"MEETING_HTTP_PORT": "2", "MEETING_AI_PORT": "2"}
    config = load(file, environ, ["http.port=3"])
    assert (config.http.port, config.ai.port, config.signaling.port) == (3, 2, 1)
    assert config.http.host == "::1"


def test_state_dir_by_environment(tmp_path: Path) -> None:
    """`MEETING_STATE_DIR` names the state folder."""
    assert load(environ={"MEETING_STATE_DIR": str(tmp_path)}).state == tmp_path


def test_lists_and_switches() -> None:
    """Texts for lists are separated by commas; switches take true and false."""
    config = load(
        environ={"MEETING_HTTP_ORIGINS": "https://a.example, http://b.example:81"},
        flags=["models.pull=false"],
    )
    assert config.http.origins == ("https://a.example", "http://b.example:81")
    assert config.models.pull is False


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("http.port=abc", ["http.port", "'abc'", "0 to 65535"]),
        ("http.port=65536", ["http.port", "'65536'", "0 to 65535"]),
        ("log.level=loud", ["log.level", "'loud'", "debug | info | warning | error"]),
        ("models.pull=perhaps", ["models.pull", "'perhaps'", "true | false"]),
        ("http.origins=example.org", ["http.origins", "'example.org'", "https://host"]),
        ("http.public_url=meet.example.org", ["http.public_url", "'meet.example.org'", "https://"]),
        ("http.public_url=https://a.example/x", ["http.public_url", "without a path"]),
        ("http.public_url=wss://a.example", ["http.public_url", "https://host:port"]),
        ("http.drain_seconds=0", ["http.drain_seconds", "'0'", "above 0"]),
        ("signaling.grace_seconds=1", ["signaling.grace_seconds", "'1'", "3 to 86400"]),
        ("signaling.ping_seconds=25", ["signaling.silence_seconds", "25", "more than"]),
        ("engine.endpoint=5555", ["engine.endpoint", "'5555'", "tcp://address:port"]),
        ("http.bodies_bytes=2000", ["http.bodies_bytes", "2000", "ai.body_bytes", "41943040"]),
        ("signaling.frame_bytes=262145", ["signaling.frame_bytes", "'262145'", "1024 to 262144"]),
        ("signaling.queue_bytes=524287", ["signaling.queue_bytes", "'524287'", "524288 to"]),
        ("http.prot=1", ["http.prot", "no setting", "http.port"]),
        ("nonsense", ["nonsense", "key=value"]),
    ],
)
def test_wrong_value(flag: str, words: list[str]) -> None:
    """The key, what was found and what is allowed stand in the message."""
    with pytest.raises(Wrong) as caught:
        load(environ={}, flags=[flag])
    for word in words:
        assert word in str(caught.value)


def test_wrong_place_is_named(tmp_path: Path) -> None:
    """The message says whether file or environment holds the wrong value."""
    file = tmp_path / "meeting.toml"
    file.write_text("[http]\nport = 'x'\n")
    with pytest.raises(Wrong, match=r"meeting\.toml"):
        load(file, {})
    with pytest.raises(Wrong, match="MEETING_HTTP_PORT"):
        load(environ={"MEETING_HTTP_PORT": "x"})


@pytest.mark.parametrize("text", ["[http", "\x00", "a = 1\na = 2"])
def test_broken_file(tmp_path: Path, text: str) -> None:
    """A file that is no TOML, or is absent, is named."""
    file = tmp_path / "meeting.toml"
    file.write_text(text)
    with pytest.raises(Wrong, match=r"meeting\.toml"):
        load(file, {})
    with pytest.raises(Wrong, match="can't be read"):
        load(tmp_path / "absent.toml", {})


def test_secret_is_not_shown() -> None:
    """No message and no representation repeats a secret."""
    with pytest.raises(Wrong) as caught:
        load(environ={"MEETING_AUTH_SECRET": "hunter2"})
    assert "hunter2" not in str(caught.value)
    secret = "s" * 40
    config = load(environ={"MEETING_AUTH_SECRET": secret})
    assert secret not in repr(config)
    assert secret not in repr(config.auth)
    assert secret not in repr(config.secret)
    assert config.secret is not None
    assert config.secret.reveal() == secret


def test_secret_in_a_flag_is_not_shown() -> None:
    """However the flag is written, a message that names it leaves its value out."""
    for flag in ("auth.secret=hunter2", "auth.secrt=hunter2", " auth.secret =hunter2"):
        with pytest.raises(Wrong, match=r"auth\.secr") as caught:
            load(environ={}, flags=[flag])
        assert "hunter2" not in str(caught.value)


def test_secret_in_a_file_is_a_text(tmp_path: Path) -> None:
    """Anything else is refused, and not shown either."""
    file = tmp_path / "meeting.toml"
    file.write_text("[auth]\nsecret = 4711\n")
    with pytest.raises(Wrong, match=r"found \*\*\*; allowed: a text"):
        load(file, {})


@pytest.mark.parametrize(
    ("key", "found", "allowed"),
    [
        ("http.host", "0.0.0.0", "127.0.0.1"),  # noqa: S104 - refused
        ("engine.mode", "process", "threads"),
        ("engine.endpoint", "tcp://0.0.0.0:5555", "127.0.0.1"),
        ("engine.endpoint", "tcp://*:5555", "ipc://"),
        ("engine.endpoint", "tcp://[::]:5555", "ipc://"),
    ],
)
def test_debug_stays_by_itself(key: str, found: str, allowed: str) -> None:
    """A process that waits at breakpoints has no children, and nobody outside reaches it."""
    with pytest.raises(Wrong) as caught:
        load(environ={}, flags=["debug=true", f"{key}={found}"])
    said = str(caught.value)
    assert said.startswith(f"{key}: found {found!r}; allowed under --debug: ")
    assert allowed in said
    load(environ={}, flags=[f"{key}={found}"])


@pytest.mark.parametrize(
    "flags",
    [
        [],
        ["engine.endpoint=ipc:///run/engine"],
        ["engine.endpoint=tcp://[::1]:0"],
        # It only connects there, which opens nothing.
        ["engine.mode=external", "engine.endpoint=tcp://192.0.2.1:5555"],
        *([f"http.host={host}"] for host in LOOPBACK),
    ],
)
def test_debug_as_allowed(flags: list[str]) -> None:
    """What stays on this machine is let through."""
    assert load(environ={}, flags=["debug=true", *flags]).debug


def test_a_frame_fits_what_the_servers_take() -> None:
    """The largest frame that can be set is let through by both; one refuses at its very bound."""
    most = LONGEST_FRAME
    assert load(environ={}, flags=[f"signaling.frame_bytes={most}"]).signaling.frame_bytes == most
    assert most < LONGEST_MESSAGE


def test_a_dsn_is_told_apart_and_never_shown() -> None:
    """Another database's address is refused without its password; ours prints as nothing."""
    with pytest.raises(Wrong) as caught:
        load(environ={}, flags=["postgres.dsn=mysql://ann:geheim@host/name"])
    assert "postgresql://user:password@host" in str(caught.value)
    assert "geheim" not in str(caught.value)
    for wrong in ("ann:ge@heim:w0rd@host/name", "ann:geheim@host/name?sslrootcert=x"):
        with pytest.raises(Wrong, match=r"postgres\.dsn") as caught:
            load(environ={}, flags=[f"postgres.dsn=postgresql://{wrong}"])
        assert not any(word in str(caught.value) for word in ("heim", "w0rd"))
    config = load(environ={"MEETING_POSTGRES_DSN": "postgresql://ann:geheim@host/name"})
    assert "geheim" not in repr(config.postgres)


def test_frozen() -> None:
    """Settings can't be changed once they are read."""
    with pytest.raises(AttributeError):
        load(environ={}).debug = True  # type: ignore[misc]
    assert Config().http == Config().http


SERVERS = ["postgres.dsn=postgresql://a@127.0.0.1/b", "redis.url=redis://127.0.0.1"]
SECRETS = [f"auth.secret={'s' * 32}", f"grpc.secret={'g' * 32}"]


def test_parts() -> None:
    """A part of a house needs the servers in which it meets the others; the gateway needs none."""
    assert load(environ={}, flags=["only=user,meeting", *SERVERS]).only == ("user", "meeting")
    assert load(environ={"MEETING_ONLY": "gateway"}).only == ("gateway",)
    for flags in (["only=user"], ["only=user", SERVERS[0]]):
        with pytest.raises(Wrong, match=r"only: found user; allowed with postgres\.dsn and redis"):
            load(environ={}, flags=flags)
    with pytest.raises(Wrong, match="gateway alone"):
        load(environ={}, flags=["only=gateway,user", *SERVERS])
    with pytest.raises(Wrong, match=r"allowed: user \| meeting"):
        load(environ={}, flags=["only=users"])


@pytest.mark.parametrize(
    "flag", ["grpc.host=0.0.0.0", "peers.meeting=10.0.0.7:50052", "gateway.ai=http://ai:8085"]
)
def test_parts_on_several_machines(flag: str) -> None:
    """What reaches to other machines needs secrets that were set, and the same everywhere."""
    flags = ["only=user", *SERVERS, flag]
    assert load(environ={}, flags=[*flags, *SECRETS]).only == ("user",)
    for known in SECRETS:
        with pytest.raises(Wrong, match=r"auth\.secret, grpc\.secret"):
            load(environ={}, flags=[*flags, known])


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("grpc.secret=short", "32 or more"),
        (f"grpc.secret={'two words ' * 4}", "visible ASCII"),
        ("grpc.key=a.pem", "both, or none"),
        ("peers.user=10.0.0.7", "host:port"),
        ("gateway.user=10.0.0.7:8081", "http://host:port"),
    ],
)
def test_wrong_ways_to_each_other(flag: str, words: str) -> None:
    """How parts reach each other is checked before anything starts."""
    with pytest.raises(Wrong, match=words):
        load(environ={}, flags=[flag])

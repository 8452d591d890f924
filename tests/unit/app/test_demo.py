"""The demo disturbs nothing that is here already."""

from meeting.app.config import Config, Mail, Postgres, Redis
from meeting.app.load import load
from meeting.app.modules import DOMAINS
from meeting.cli.stand import private, spread

FOLDER = "/tmp/thrown-away"  # noqa: S108 - a name
GIVEN = {
    "MEETING_STATE_DIR": "/srv/meeting",
    "MEETING_ENGINE_MODE": "external",
    "MEETING_POSTGRES_DSN": "postgresql://meeting:x@db.example.org/meeting",
    "MEETING_REDIS_URL": "redis://cache.example.org",
    "MEETING_MAIL_SERVER": "smtp.example.org:587",
    "MEETING_ONLY": "user",
    "MEETING_GATEWAY_USER": "http://127.0.0.1:9",
}


def ports(config: Config) -> list[int]:
    """All ports that a house may take."""
    http = [config.http.port, *(getattr(config, name).port for name in DOMAINS)]
    return [*http, *(getattr(config.grpc, name) for name in DOMAINS)]


def test_a_state_folder_of_its_own() -> None:
    """The folder that is thrown away is used whatever the settings say, and so are free ports."""
    made = private(load(environ=GIVEN, flags=["http.host=0.0.0.0"]), FOLDER)
    assert str(made.state) == FOLDER
    assert {made.http.port, made.signaling.port, made.ai.port} == {0}
    assert made.http.host == "127.0.0.1"
    assert (made.engine.mode, made.engine.endpoint) == ("threads", "tcp://127.0.0.1:0")


def test_no_server_is_written_to() -> None:
    """Accounts, tasks and mails of the demo reach no database, no Redis and nobody's mailbox."""
    made = private(load(environ=GIVEN), FOLDER)
    assert made.postgres.dsn.reveal() == made.redis.url.reveal() == ""
    assert (type(made.postgres), type(made.redis)) == (Postgres, Redis)
    assert made.mail.server == Mail().server
    assert made.only == made.gateway.user == ()


def test_a_split_has_ports_that_nobody_has() -> None:
    """Each part gets its own, all of them different, so that it fits beside any other house."""
    with spread(private(Config(), FOLDER)) as made:
        found = ports(made)
    assert len(set(found)) == len(found) == 13
    assert 0 not in found
    assert not set(found) & set(ports(Config()))

"""Settings that travel to another process in its environment."""

import msgspec
import pytest

from meeting.app.config import Config, Gateway, Http, Log, Postgres, Wrong
from meeting.app.environment import environment
from meeting.app.load import load
from meeting.kernel.secret import Secret

replace = msgspec.structs.replace
DSN = "postgresql://meeting:s3cret@/postgres?host=/run/x"


def seen(config: Config) -> object:
    """All values, secrets as well."""
    return msgspec.json.decode(msgspec.json.encode(config, enc_hook=Secret.reveal))


def test_they_arrive_as_they_were() -> None:
    """Numbers, flags, lists and secrets; what our own environment says of settings is gone."""
    config = replace(
        Config(),
        http=Http(port=9000, origins=("https://a.example", "https://b.example"), metrics_open=True),
        gateway=Gateway(user=("http://127.0.0.1:1",)),
        postgres=Postgres(dsn=Secret(DSN)),
        log=Log(format="json"),
    )
    own = {
        "PATH": "/bin",
        "MEETING_FAILPOINT": "x:kill",
        "MEETING_AI_PORT": "7",
        "MEETING_CONFIG": "x",
    }
    made = environment(config, own)
    assert seen(load(None, made)) == seen(config)
    assert {"PATH": "/bin", "MEETING_FAILPOINT": "x:kill"}.items() <= made.items()
    assert not {"MEETING_AI_PORT", "MEETING_CONFIG"} & made.keys()


@pytest.mark.parametrize("text", ["stun:a,b", " stun:a"])
def test_what_would_change_on_the_way_is_refused(text: str) -> None:
    """A text that the environment can't carry is named by its setting."""
    config = replace(Config(), signaling=replace(Config().signaling, ice_urls=(text,)))
    with pytest.raises(Wrong, match=r"signaling\.ice_urls"):
        environment(config)

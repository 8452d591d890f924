"""The demo disturbs nothing that is here already."""

from meeting.app.load import load
from meeting.cli.demo import _private


def test_a_state_folder_of_its_own() -> None:
    """The folder that is thrown away is used whatever the settings say, and so are free ports."""
    given = {"MEETING_STATE_DIR": "/srv/meeting", "MEETING_ENGINE_MODE": "external"}
    private = _private(load(environ=given, flags=["http.host=0.0.0.0"]), "/tmp/thrown-away")  # noqa: S108 - a name
    assert str(private.state) == "/tmp/thrown-away"  # noqa: S108
    assert {private.http.port, private.signaling.port, private.ai.port} == {0}
    assert private.http.host == "127.0.0.1"
    assert (private.engine.mode, private.engine.endpoint) == ("threads", "tcp://127.0.0.1:0")

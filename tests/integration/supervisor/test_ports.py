"""The ports of a split, which nobody else is given while a part of it is down."""

import socket
from pathlib import Path

import msgspec
import pytest

from meeting.app.config import Config
from meeting.app.supervisor.ports import kept
from meeting.cli.stand import private, spread
from meeting.transports.listening import BindError, Listening, hold


def test_they_are_kept_for_those_who_serve(tmp_path: Path) -> None:
    """No caller gets one, a server does, again and again, and in the end anybody."""
    with spread(private(Config(), str(tmp_path))) as config:
        ports = [config.http.port, config.ai.port, config.grpc.media]
    with kept(config):
        for port in ports:
            with socket.socket() as caller, pytest.raises(OSError, match="in use"):
                caller.bind(("127.0.0.1", port))
            for _ in range(2):
                with Listening("127.0.0.1", port, "any").bind() as server:
                    socket.create_connection(server.getsockname()).close()
    for port in ports:
        with socket.socket() as caller:
            caller.bind(("127.0.0.1", port))


def test_what_somebody_has_is_left_to_the_part(tmp_path: Path) -> None:
    """A port where another server listens hinders none of the others; the part says what to do."""
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        spread(private(Config(), str(tmp_path))) as config,
    ):
        taken = other.getsockname()[1]
        ai = msgspec.structs.replace(config.ai, port=taken)
        with pytest.raises(OSError, match="in use"):
            hold("127.0.0.1", taken)
        with (
            kept(msgspec.structs.replace(config, ai=ai)),
            pytest.raises(BindError, match=r"choose another by the setting ai\.port"),
        ):
            Listening("127.0.0.1", taken, "ai.port").bind()

"""The ports of a split, which nobody else is given while a part of it is down."""

import socket
from pathlib import Path

import msgspec
import pytest

from meeting.app.config import Config
from meeting.app.supervisor.ports import kept
from meeting.cli.stand import private, spread
from meeting.transports.listening import BindError, Listening


def test_they_are_kept_for_those_who_serve(tmp_path: Path) -> None:
    """No caller gets one, and a server does, again and again; in the end they are given back."""
    with spread(private(Config(), str(tmp_path))) as config:
        stack = kept(config)  # before they are let go here, lest somebody takes one
    with stack:
        for port in (config.http.port, config.ai.port, config.grpc.media):
            with socket.socket() as caller, pytest.raises(OSError, match="in use"):
                caller.bind(("127.0.0.1", port))
            for _ in range(2):
                with Listening("127.0.0.1", port, "any").bind() as server:
                    socket.create_connection(server.getsockname()).close()


def test_what_somebody_has_is_refused(tmp_path: Path) -> None:
    """A port where another server listens is named with its setting, and nothing stays taken."""
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        spread(private(Config(), str(tmp_path))) as config,
    ):
        taken = other.getsockname()[1]
        ai = msgspec.structs.replace(config.ai, port=taken)
        with pytest.raises(BindError, match=rf":{taken} .* another by the setting ai\.port"):
            kept(msgspec.structs.replace(config, ai=ai))

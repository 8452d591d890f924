"""The ports of a house, kept for it while a part of it is down.

Those of gRPC are among the ones that Linux gives to whoever calls out, and a part that has fallen
could not listen again while another program calls from there. Where another house listens, a part
would seem to be ready before it is.
"""

import errno
from collections.abc import Iterator
from contextlib import ExitStack

from meeting.app.config import Config
from meeting.app.modules import DOMAINS
from meeting.transports.listening import hold, refused


def kept(config: Config) -> ExitStack:
    """Take the ports of all parts, until it is closed; `BindError` where somebody has one.

    What else is wrong with an address its part finds out.
    """
    with ExitStack() as stack:
        for host, port, setting in _places(config):
            try:
                stack.enter_context(hold(host, port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    raise refused(error, host, port, setting) from error
        return stack.pop_all()


def _places(config: Config) -> Iterator[tuple[str, int, str]]:
    """Name the ports, each with its setting."""
    yield config.http.host, config.http.port, "http.port"
    for name in DOMAINS:
        yield config.http.host, getattr(config, name).port, f"{name}.port"
        yield config.grpc.host, getattr(config.grpc, name), f"grpc.{name}"

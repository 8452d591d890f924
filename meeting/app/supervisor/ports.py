"""The ports of a house, kept for it while a part of it is down.

Those of gRPC are among the ones that Linux gives to whoever calls out, and a part that has fallen
could not listen again where another program calls from meanwhile.
"""

from contextlib import ExitStack, suppress

from meeting.app.config import Config
from meeting.app.modules import DOMAINS
from meeting.transports.listening import hold


def kept(config: Config) -> ExitStack:
    """Take the ports of all parts, until it is closed.

    One that can't be had is left to its part, which says what to do.
    """
    places = [(config.http.host, config.http.port)]
    for name in DOMAINS:
        places.append((config.http.host, getattr(config, name).port))
        places.append((config.grpc.host, getattr(config.grpc, name)))
    stack = ExitStack()
    for host, port in places:
        with suppress(OSError):
            stack.enter_context(hold(host, port))
    return stack

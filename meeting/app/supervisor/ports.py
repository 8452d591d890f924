"""The ports of a house, kept for it while a part of it is down.

Those of gRPC are among the ones that Linux gives to whoever calls out, and a part that has fallen
could not listen again where another program calls from meanwhile.
"""

import socket
from contextlib import ExitStack, suppress

from meeting.app.config import Config
from meeting.app.modules import DOMAINS


def hold(host: str, port: int = 0) -> socket.socket:
    """Take a port, or one that nobody has, without listening; `OSError` where it can't be had.

    Who binds as servers do may listen there all the same; the system gives it to nobody else.
    """
    held = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((host, port))
    except OSError:
        held.close()
        raise
    return held


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

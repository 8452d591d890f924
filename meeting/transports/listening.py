"""A port of any kind: taken, served, and given back."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

BACKLOG = 512


class BindError(Exception):
    """An address can't be listened on; the text says which setting to change."""


class Listening:
    """What all ports have in common; `setting` is the key that a person would change."""

    def __init__(self, host: str, port: int, setting: str) -> None:
        self.host = host
        self.port = port
        self._setting = setting
        self._socket: socket.socket | None = None
        self._server: asyncio.Server | None = None

    def bind(self) -> socket.socket:
        """Take the port; `BindError` where it can't be had. With port 0 the system chooses.

        Who connects from now on waits to be served.
        """
        if self._socket is None:
            self._socket = self._opened()
            self.port = self._socket.getsockname()[1]
        return self._socket

    async def _listen(self, protocol: Callable[[], asyncio.BaseProtocol], **given: Any) -> None:
        """Accept connections, each served by a protocol of its own."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            protocol, sock=self.bind(), backlog=BACKLOG, **given
        )

    def _shut(self) -> None:
        """Accept nothing new; who is connected stays. What was never served is given back."""
        if self._server is not None:
            self._server.close()
        elif self._socket is not None:
            self._socket.close()

    def _opened(self) -> socket.socket:
        try:
            opened = hold(self.host, self.port)
            try:
                opened.listen(BACKLOG)
            except OSError:
                opened.close()
                raise
        except OSError as error:
            raise refused(error, self.host, self.port, self._setting) from error
        opened.setblocking(False)
        return opened


def refused(error: OSError, host: str, port: int, setting: str) -> BindError:
    """Say that a port can't be had, and what to do."""
    return BindError(
        f"can't listen on {host}:{port} ({error.strerror}); stop what holds the port, or choose "
        f"another by the setting {setting}"
    )


def hold(host: str, port: int = 0) -> socket.socket:
    """Take a port, or one that nobody has, without listening; `OSError` where it can't be had.

    Who binds as servers do may listen there all the same; the system gives it to nobody else.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Without the protocol's number asyncio leaves Nagle on: each answer waits 40 ms for an ACK.
    held = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((host, port))
    except OSError:
        held.close()
        raise
    return held

"""HTTP over a bare socket, so that a request may be anything, and lie about itself."""

import http.client
import json
import re
import socket
from typing import Any, NamedTuple, Self

PATIENCE = 30.0
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


class Answer(NamedTuple):
    """The status of an answer, and its body if that was JSON."""

    status: int
    body: dict[str, Any]

    @property
    def code(self) -> int:
        """Return the contract's code; 0 where the answer has none."""
        found: int = self.body.get("code", 0)
        return found


class Line:
    """One connection, opened again whenever the server has closed it."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def ask(self, request: bytes) -> Answer:
        """Send a request that says truly how long it is, and read the answer."""
        if self._socket is None:
            self._socket = socket.create_connection(self._address, PATIENCE)
        self._socket.sendall(request)
        answer, ends = _answer(self._socket)
        if ends:
            self.close()
        return answer

    def lie(self, request: bytes, *, whole: bool) -> list[int]:
        """Send anything on a connection of its own; every status that comes back.

        Of what is `whole` to the server one answer is waited for, before our side says its end.
        """
        statuses: list[int] = []
        with socket.create_connection(self._address, PATIENCE) as opened:
            try:
                opened.sendall(request)
                if whole:
                    statuses.append(_answer(opened)[0].status)
                opened.shutdown(socket.SHUT_WR)
                rest = b""
                while more := opened.recv(65_536):
                    rest += more
            except ConnectionError:
                return statuses  # refused without a word
            return statuses + [int(found) for found in _STATUS.findall(rest)]


def _answer(opened: socket.socket) -> tuple[Answer, bool]:
    """Read one answer; whether it is the connection's last."""
    answer = http.client.HTTPResponse(opened, method="POST")
    try:
        answer.begin()
        body = answer.read()
    except http.client.BadStatusLine as error:  # the connection ended instead
        raise ConnectionResetError from error
    if answer.headers.get_content_type() == "application/json":
        return Answer(answer.status, json.loads(body)), answer.will_close
    return Answer(answer.status, {}), answer.will_close
